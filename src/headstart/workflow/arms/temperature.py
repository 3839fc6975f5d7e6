"""The temperature of a trained arm, from its answers for rows that it had not learned from, and a head that has it."""

from __future__ import annotations

from pathlib import Path

from headstart.foreign import unusable
from headstart.functional.temperature import LEAST, Temperature, held_out_steepness
from headstart.networks.heads import steepen
from headstart.networks.network import Network
from headstart.storage import load_tensors
from headstart.workflow.arms.workbench import Workbench


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
