"""What a run learned from, as hashes of the samples' contents: an evaluation can tell when it sees them again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from headstart.data import Dataset
from headstart.errors import UserError
from headstart.storage import load_tensors, save_tensors

FILE = Path("evidence") / "rows.safetensors"
Parts = list[tuple[Dataset, np.ndarray]]


def row_hashes(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Return the first 8 bytes of each sample's digest as int64 [n]; labels and names do not count."""
    return np.ascontiguousarray(dataset.digests()[rows, :8]).view("<i8").ravel()


def used_rows(dataset: Dataset) -> Parts:
    """Return the rows that a fit learns from or chooses on."""
    return [(dataset, np.concatenate([dataset.splits["train"], dataset.splits["validation"]]))]


def save_rows(folder: Path, learned: Parts, seen: Parts | None = None) -> None:
    """Write the hashes of samples that were learned from or chosen on, and of those seen without their labels."""
    import torch

    def whole(parts: Parts) -> torch.Tensor:
        found = [row_hashes(dataset, rows) for dataset, rows in parts]
        return torch.from_numpy(np.unique(np.concatenate([np.zeros(0, np.int64), *found])))

    save_tensors(folder / FILE, {"learned": whole(learned), "seen": whole(seen or [])})


def known_rows(folder: Path) -> dict[str, np.ndarray]:
    """Return the hashes that `save_rows` wrote, ``learned`` and ``seen``.

    Raises
    ------
    UserError
        If the file holds anything else.
    """
    tensors, _ = load_tensors(folder / FILE)
    found = {name: tensor.numpy() for name, tensor in tensors.items()}
    if set(found) != {"learned", "seen"} or any(one.dtype != np.int64 or one.ndim != 1 for one in found.values()):
        raise UserError(f"{folder / FILE} holds no hashes of rows; the file is damaged or was edited.")
    return found


def overlap(folder: Path, dataset: Dataset, rows: np.ndarray) -> list[str]:
    """Say how many of some samples the run knows already; nothing where it kept no hashes."""
    if not (folder / FILE).is_file():
        return []
    mine = row_hashes(dataset, rows)
    known = {name: int(np.isin(mine, hashes).sum()) for name, hashes in known_rows(folder).items()}
    told = []
    if known.get("learned"):
        told.append(
            f"{known['learned']} of the {len(rows)} samples ({known['learned'] / len(rows):.1%}) are equal to samples "
            "that this run learned from or chose on, so that the figures are too good by as much; evaluate on others."
        )
    if known.get("seen"):
        told.append(
            f"{known['seen']} of the {len(rows)} samples ({known['seen'] / len(rows):.1%}) were seen by the run "
            "without their labels, as its target."
        )
    return told
