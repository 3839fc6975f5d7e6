"""No task: what the loop is given where nothing is labelled."""

from __future__ import annotations

from typing import Any, NoReturn

from headstart.problem import Task
from headstart.tasks.base import TaskLogic


class NoTask(TaskLogic):
    """Stands where a task would, for methods that learn from inputs alone; nothing can be asked of it."""

    def __init__(self) -> None:
        super().__init__(Task("none"))

    def loss(self, *_: Any) -> NoReturn:  # type: ignore[override]
        raise ValueError("This method asks for a task's loss, but it learns without labels.")

    def predict(self, *_: Any) -> NoReturn:  # type: ignore[override]
        raise ValueError("Without a task there are no predictions.")

    scores = metrics = predict  # type: ignore[assignment]
