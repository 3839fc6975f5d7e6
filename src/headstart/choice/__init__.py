"""Choosing across domains without target labels: race, evidence, guard."""

from __future__ import annotations

from headstart.choice.auto import AutoAdaptClassifier, AutoAdaptRegressor, Choice, choose
from headstart.choice.candidates import BASELINES, Candidate, standard_field
from headstart.choice.gain import Gain
from headstart.choice.racing import Result, prepare, race

__all__ = [
    "BASELINES",
    "AutoAdaptClassifier",
    "AutoAdaptRegressor",
    "Candidate",
    "Choice",
    "Gain",
    "Result",
    "choose",
    "prepare",
    "race",
    "standard_field",
]
