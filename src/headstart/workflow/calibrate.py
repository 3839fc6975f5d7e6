"""The kept network's confidence, set right by one number on rows that it had not learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from headstart.foreign import unusable
from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import held_out_steepness, sharpened
from headstart.networks.heads import steepen
from headstart.networks.network import Network
from headstart.storage import load_tensors
from headstart.workflow.workbench import Workbench

LEAST = 20
"""Held-out rows below which a confidence is left as it is."""


def steepness_of(bench: Workbench, folder: Path, arm: str, seed: int) -> tuple[float, int]:
    """Return by what the outputs are multiplied (one over the temperature), and how many held-out rows said so.

    The rows are those of the validation split, or out of fold; never the test split.
    """
    path = folder / "state" / arm / f"seed-{seed}" / "held-out.safetensors"
    space = bench.logic.task.label_space
    if not space.has_probabilities or not path.is_file():
        return 1.0, 0
    tensors, _ = load_tensors(path)
    with unusable(path):
        rows, predictions = tensors["rows"].numpy(), tensors["predictions"].numpy()
        labels = bench.dataset.labels(rows)
        if predictions.shape != (len(rows), bench.logic.task.n_outputs):
            raise ValueError("one row of probabilities per sample was expected")
    if len(rows) < LEAST:
        return 1.0, 0
    return held_out_steepness(predictions, labels, space.link), len(rows)


def calibrated(network: Network, steepness: float) -> Network:
    """Multiply the head's outputs: the classes that are said stay, only the confidence changes."""
    return network if steepness == 1.0 else steepen(network, steepness)


def calibration_record(bench: Workbench, values: np.ndarray, labels: np.ndarray, steepness: float, n: int) -> Any:
    """Return temperature, and the calibration error on the test split before and after; None where none was set."""
    link = bench.logic.task.label_space.link
    if not n:
        return None
    before = sharpened(values, 1 / steepness, link)
    errors = [calibration_error(*confidences(found, labels, link)) for found in (before, values)]
    return {"temperature": 1 / steepness, "n": n, "before": errors[0], "after": errors[1]}
