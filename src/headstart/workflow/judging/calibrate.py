"""The kept model's confidence, set right by one number on rows that it had not learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.foreign import unusable
from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import held_out_steepness, sharpened
from headstart.kinds.base import Link
from headstart.networks.heads import steepen
from headstart.networks.network import Network
from headstart.storage import load_tensors
from headstart.workflow.arms.workbench import Workbench

LEAST = 20
"""Held-out rows below which a confidence is left as it is."""


class Temperature(NamedTuple):
    """By what outputs, or the logarithms of probabilities, are multiplied, and what that rests on.

    Attributes
    ----------
    steepness : one over the temperature. n : held-out rows; 0 where none was set.
    on : "target" or "source" rows, and why, in one sentence: said where they may be either.
    """

    steepness: float = 1.0
    n: int = 0
    on: str = ""
    why: str = ""


def temperature_of(bench: Workbench, folder: Path, arm: str, seed: int) -> Temperature:
    """Return the temperature that a trained arm's held-out answers ask for.

    The rows are those of the validation split, or out of fold; never the test split.
    """
    path = folder / "state" / arm / f"seed-{seed}" / "held-out.safetensors"
    space = bench.logic.task.label_space
    if not space.has_probabilities or not path.is_file():
        return Temperature()
    tensors, _ = load_tensors(path)
    with unusable(path):
        rows, predictions = tensors["rows"].numpy(), tensors["predictions"].numpy()
        labels = bench.dataset.labels(rows)
        if predictions.shape != (len(rows), bench.logic.task.n_outputs):
            raise ValueError("one row of probabilities per sample was expected")
    if len(rows) < LEAST:
        return Temperature()
    return Temperature(held_out_steepness(predictions, labels, space.link), len(rows))


def calibrated(network: Network, steepness: float) -> Network:
    """Multiply the head's outputs: the classes that are said stay, only the confidence changes."""
    return network if steepness == 1.0 else steepen(network, steepness)


def calibration_record(found: Temperature, values: np.ndarray, labels: np.ndarray, link: Link) -> dict[str, Any] | None:
    """Return temperature, what it rests on, and the calibration error on the judging rows before and after.

    Parameters
    ----------
    values : probabilities of the rows that judge, as they are handed back.
    """
    if link == "identity":
        return None
    said: dict[str, Any] = {"n": found.n, "on": found.on, "why": found.why} if found.why else {}
    if not found.n:
        return said or None
    said |= {"temperature": 1 / found.steepness, "n": found.n}
    if len(labels):
        before = sharpened(values, 1 / found.steepness, link)
        errors = [calibration_error(*confidences(one, labels, link)) for one in (before, values)]
        said |= {"before": errors[0], "after": errors[1]}
    return said
