"""What a run keeps to compare later data with: features and answers of rows that its model had not learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.errors import UserError
from headstart.kinds.base import LabelSpace
from headstart.schema import Record, Text, Whole, require
from headstart.storage import load_tensors, save_tensors

Array = np.ndarray
FILE = Path("evidence") / "watch.safetensors"
SCHEMA = 1
MOST = 500
"""Rows that are kept at most."""
MOST_TRAINED = 256
"""Rows of which features are computed for it alone, where the network itself was trained."""
ABOUT = Record({"schema": Whole(1, SCHEMA), "shared": Whole(), "rows": Text(most=1000)})


class Reference(NamedTuple):
    """Rows to compare with.

    Attributes
    ----------
    features : [f, d] as `headstart.models.watched` keeps them. answers : [a, k] of the model. labels : of the first
        answers, [l] or [l, k]. shared : how many rows, from the first on, are the same in features and in answers.
    rows : what rows they are, in a few words.
    """

    features: Array
    answers: Array
    labels: Array
    shared: int
    rows: str

    @property
    def judged(self) -> int:
        """Return how many rows have features, answer and label."""
        return min(self.shared, len(self.labels))


def write_reference(folder: Path, reference: Reference | None) -> None:
    """Write ``evidence/watch.safetensors``; nothing where there is nothing to compare with."""
    import torch

    if reference is None or not len(reference.features):
        return
    tensors = {
        "features": torch.from_numpy(np.ascontiguousarray(reference.features, dtype=np.float16)),
        "answers": torch.from_numpy(np.ascontiguousarray(reference.answers, dtype=np.float32)),
        "labels": torch.from_numpy(np.ascontiguousarray(reference.labels, dtype=np.float64)),
    }
    save_tensors(folder / FILE, tensors, {"schema": SCHEMA, "shared": reference.shared, "rows": reference.rows})


def load_reference(folder: Path, space: LabelSpace) -> Reference:
    """Read back what `write_reference` wrote, checked against the task's label space.

    Raises
    ------
    UserError
        If there is none, as in runs of earlier versions, or it holds anything else.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError(
            f"{folder} has no {FILE.as_posix()}, the features and answers of held-out rows to compare new data with: "
            "it is of an earlier version, or the file was removed; fit the run again to watch it."
        )
    tensors, about = load_tensors(path)
    require(about, ABOUT, path)
    found = {name: tensor.numpy() for name, tensor in tensors.items()}
    wrong = _misfit(found, about, space)
    if wrong:
        raise UserError(f"{path}: {wrong}; the file is damaged or was edited: fit the run again.")
    labels = found["labels"].astype(space.dtype)
    return Reference(found["features"], found["answers"], labels, about["shared"], about["rows"])


def _misfit(found: dict[str, Array], about: dict[str, Any], space: LabelSpace) -> str:
    """Say what is wrong with the tensors; empty where nothing is."""
    if set(found) != {"features", "answers", "labels"}:
        return "it holds other tensors than features, answers and labels"
    features, answers, labels = found["features"], found["answers"], found["labels"]
    width = len(space.names)
    if features.ndim != 2 or answers.ndim != 2 or any(one.dtype.kind != "f" for one in found.values()):
        return "features and answers are no rows of numbers"
    if not len(features) or not features.shape[1] or max(len(features), len(answers)) > 100_000:
        return "it has no rows, or too many"
    if not all(np.isfinite(one).all() for one in found.values()):
        return "a number in it is not finite"
    if len(answers) and answers.shape[1] != width:
        return f"answers have {answers.shape[1]} columns, and the model's task has {width}"
    if len(labels) > len(answers) or about["shared"] > min(len(features), len(answers)):
        return "it tells of more rows than it holds"
    if labels.ndim != (1 if space.one_class else 2) or (labels.ndim == 2 and labels.shape[1] != width):
        return "its labels are not of the model's task"
    if space.one_class and len(labels) and not ((labels >= 0) & (labels < width) & (labels % 1 == 0)).all():
        return "a label in it is no class of the model"
    return ""
