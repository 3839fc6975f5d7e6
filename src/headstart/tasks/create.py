"""From the noun to its torch side."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.problem import Task
from headstart.tasks.base import TaskLogic
from headstart.tasks.classification import Classification
from headstart.tasks.multilabel import MultiLabel
from headstart.tasks.regression import Regression


def create_task(task: Task, labels: np.ndarray | None = None, saved: dict[str, Any] | None = None) -> TaskLogic:
    """Return the task's torch side.

    Parameters
    ----------
    task : the noun.
    labels : training labels, from which a regression takes its mean and scale.
    saved : what `TaskLogic.to_json` gave, when a run is loaded.
    """
    if task.kind == "classification":
        return Classification(task)
    if task.kind == "multilabel":
        return MultiLabel(task)
    return Regression.from_labels(task, labels) if saved is None else Regression.from_json(saved)
