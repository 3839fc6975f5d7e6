"""Fitted array models as JSON and safetensors: a table of exact classes, and nothing that runs."""

from __future__ import annotations

from headstart.choice.stored.reading import load_estimator
from headstart.choice.stored.table import refuse_unkept
from headstart.choice.stored.writing import save_estimator

__all__ = ["load_estimator", "refuse_unkept", "save_estimator"]
