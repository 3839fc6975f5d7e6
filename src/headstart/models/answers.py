"""What stands around a model's answers: warnings about what it is asked, and a sentence where it has no answer."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from headstart.errors import UserError


def said(dataset: Any) -> Any:
    """Return a data set after its warnings were given, as Python gives warnings."""
    for text in dataset.warnings:
        warnings.warn(text, UserWarning, stacklevel=4)
    return dataset


def answered(values: np.ndarray, dataset: Any) -> np.ndarray:
    """Return a model's answers; one that is not finite is an error that names its sample."""
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if len(bad):
        first = dataset.names(bad[:1])[0]
        raise UserError(
            f"The model has no finite answer for {len(bad)} of {len(values)} samples (first {first}); look at "
            "their values, which lie far from all that was learned from."
        )
    return values
