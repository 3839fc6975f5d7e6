"""From the noun to its torch side."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from headstart.kinds import KINDS
from headstart.problem import Task
from headstart.tasks.base import TaskLogic


def create_task(task: Task, labels: np.ndarray | None = None, saved: dict[str, Any] | None = None) -> TaskLogic:
    """Return the task's torch side.

    Parameters
    ----------
    task : the noun.
    labels : training labels, from which a regression takes its mean and scale.
    saved : what `TaskLogic.to_json` gave, when a run is loaded.
    """
    logic = logic_of(task.kind)
    return logic.from_labels(task, labels) if saved is None else logic.from_json(saved)


def logic_of(kind: str) -> type[TaskLogic]:
    """Return the class of a kind's torch side."""
    module, _, name = KINDS[kind].logic.partition(":")
    return getattr(import_module(module), name)
