"""Which kind of model a folder holds."""

from __future__ import annotations

from pathlib import Path

from headstart.models.network import NetworkModel
from headstart.models.saved import ARRAYS, BLIND, SEVERAL, VERIFICATION, SavedModel
from headstart.networks.projection import PAIRS


def holds_arrays(directory: Path) -> bool:
    """Return whether a model is an array model and no network."""
    return (directory / ARRAYS).exists()


def open_model(directory: Path, column: str | None = None) -> SavedModel:
    """Open a saved model; ``column`` held the texts or image paths of the data that it learned from.

    Raises
    ------
    UserError
        If its files are missing, damaged or of another version.
    """
    if holds_arrays(directory):
        from headstart.models.arrays import load_arrays

        return load_arrays(directory)
    if (directory / SEVERAL).exists():
        from headstart.models.several import load_several

        return load_several(directory, column)
    if (directory / VERIFICATION).exists():
        from headstart.models.verification import load_verification

        return load_verification(directory, column)
    if (directory / PAIRS).exists():
        from headstart.models.pairs import load_pairs

        return load_pairs(directory)
    if (directory / BLIND).exists():
        from headstart.models.blind import load_blind

        return load_blind(directory, column)
    return NetworkModel.load(directory, column)
