"""Heads learned without gradients, on features computed once: probe, k-NN and the probe of several stages."""

from __future__ import annotations

LINKS = {"classification": "softmax", "multilabel": "sigmoid", "regression": "identity"}
