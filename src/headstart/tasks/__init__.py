"""Tasks: head, loss, predictions, scores and metrics."""

from headstart.tasks.base import TaskLogic, create_task, logic_of
from headstart.tasks.classification import Classification
from headstart.tasks.multilabel import MultiLabel
from headstart.tasks.regression import Regression

__all__ = ["Classification", "MultiLabel", "Regression", "TaskLogic", "create_task", "logic_of"]
