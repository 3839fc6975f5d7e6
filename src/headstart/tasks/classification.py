"""One class of several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics
from torch import Tensor
from torch.nn import functional as F

from headstart.errors import check_names
from headstart.functional.calibration import calibration_error
from headstart.kinds import OneClass
from headstart.tasks.base import TaskLogic, average


class Classification(TaskLogic):
    """Cross-entropy on logits [n, k] against class numbers [n] (int64)."""

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        return average(F.cross_entropy(outputs, y, reduction="none"), weight)

    def imitation(self, outputs: Tensor, others: Tensor, temperature: float) -> Tensor:
        """``T^2`` times the mean KL divergence from the others' to the tempered probabilities."""
        log_student, log_teacher = ((x / temperature).log_softmax(dim=1) for x in (outputs, others))
        return temperature**2 * F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs.float().softmax(dim=1)

    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (predictions.argmax(axis=1) == y).astype(np.float64)

    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
        return self.leading({name: self.measure(name, predictions, y) for name in self.task.label_space.metrics})

    def measure(self, metric: str, predictions: np.ndarray, y: np.ndarray) -> float:
        return float(MEASURES[metric](predictions, y))


def _accuracy(predictions: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(predictions.argmax(axis=1) == y))


def _balanced_accuracy(predictions: np.ndarray, y: np.ndarray) -> float:
    """The mean recall of the classes that are there."""
    chosen = predictions.argmax(axis=1)
    return float(np.mean([np.mean(chosen[y == c] == c) for c in np.unique(y)]))


def _macro_f1(predictions: np.ndarray, y: np.ndarray) -> float:
    """``mean_c 2 TP_c / (2 TP_c + FP_c + FN_c)`` over all classes, 0 for one that is neither there nor said."""
    chosen, k = predictions.argmax(axis=1), predictions.shape[1]
    right = np.bincount(y[chosen == y], minlength=k)
    both = np.bincount(y, minlength=k) + np.bincount(chosen, minlength=k)
    return float(np.mean(2 * right / np.maximum(both, 1)))


def _log_loss(predictions: np.ndarray, y: np.ndarray) -> float:
    clipped = np.clip(predictions, 1e-7, 1.0)
    return float(-np.log(clipped[np.arange(len(y)), y] / clipped.sum(axis=1)).mean())


def _ece(predictions: np.ndarray, y: np.ndarray) -> float:
    return calibration_error(predictions.max(axis=1), predictions.argmax(axis=1) == y)


def _one_against_rest(measure: Callable[..., Any], predictions: np.ndarray, y: np.ndarray, otherwise: float) -> float:
    """Return the mean over classes of a ranking measure; of two classes only the second's, as is usual.

    Classes that all samples or none of them belong to cannot be ranked and are left out; ``otherwise``: all of them.
    """
    counts = np.bincount(y, minlength=predictions.shape[1])
    classes = np.flatnonzero((counts > 0) & (counts < len(y)))
    if predictions.shape[1] == 2:
        classes = classes[classes == 1]
    if not len(classes):
        return otherwise
    if len(classes) == 1:
        return float(measure(y == classes[0], predictions[:, classes[0]]))
    return float(measure((y[:, None] == classes).astype(np.int8), predictions[:, classes], average="macro"))


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "roc_auc": lambda predictions, y: _one_against_rest(metrics.roc_auc_score, predictions, y, 0.5),
    "average_precision": lambda predictions, y: _one_against_rest(metrics.average_precision_score, predictions, y, 0.0),
    "log_loss": _log_loss,
    "ece": _ece,
}
check_names(MEASURES, OneClass.metrics, "headstart.tasks.classification.MEASURES")
