"""What every task gives: a head, a loss, predictions, one score per sample, and metrics by their field names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from headstart.errors import UserError
from headstart.kinds import KINDS
from headstart.problem import Task

if TYPE_CHECKING:
    from headstart.schema import Rule


class TaskLogic(ABC):
    """The torch side of a `Task`: one class per kind, which `headstart.kinds` names."""

    def __init__(self, task: Task) -> None:
        self.task = task

    @classmethod
    def from_labels(cls, task: Task, labels: np.ndarray | None) -> Self:
        """Take from training labels what the task needs to know of them."""
        return cls(task)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return cls(Task.from_json(saved))

    @classmethod
    def saved_rules(cls, n_outputs: int) -> dict[str, Rule]:
        """Return what `to_json` holds beside the noun, as rules for a file that is read."""
        return {}

    @property
    def units(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean and scale [k] of the targets, where outputs are standardised values; else None."""
        return None

    def head(self, n_features: int) -> nn.Module:
        """Return a new linear head from ``n_features`` to the task's outputs, weights and bias zero."""
        head = nn.Linear(n_features, self.task.n_outputs)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return head

    def head_of(self, network: Any) -> nn.Module:
        """Return a new head for a `headstart.networks.Network`; a task that reads maps or tokens replaces this.

        Its attribute ``reads`` says what it reads; by default pooled features.
        """
        return network.own_head(self.task.n_outputs) or self.head(network.n_features)

    def carried(self, head: nn.Module, former: Any) -> bool:
        """Copy into a new head what a source's own head and task know of the same; return whether that was done."""
        return False

    def wanted(self, labels: np.ndarray) -> np.ndarray:
        """Return the outputs [n, k], by the link, that would be certain and right: one-hot rows, or standardised."""
        targets = self.task.label_space.indicators(labels)
        return targets if self.units is None else (targets - self.units[0]) / self.units[1]

    def configured(self, options: dict[str, Any]) -> Self:
        """Return the task with what is asked of it beyond the noun: ``size``, ``head``; refuse what has no meaning."""
        for name, value in options.items():
            if value is not None:
                raise UserError(
                    f"--{name} {value} is for masks and boxes, and the task is {self.task.kind}; leave it out."
                )
        return self

    def adapt(self, network: Any) -> Any:
        """Return a network that takes samples as the task needs them; by default as it does."""
        return network

    @property
    def tile(self) -> int:
        """Return the side of the tiles that are learned from, where pictures enter too large; 0: whole pictures."""
        return 0

    def noted(self, labels: np.ndarray) -> tuple[str, ...]:
        """Return sentences on how samples with these labels enter, for a plan."""
        return ()

    def target(self, label: Any, preprocess: Any, seed: int | None) -> Any:
        """Return what a label is in the view of a seed (None: the plain view); None where no view moves it."""
        return None

    @abstractmethod
    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean loss of a batch; ``weight`` [n] weighs the samples (mean of weight * loss)."""

    def imitation(self, outputs: Tensor, others: Tensor, temperature: float) -> Tensor:
        """Return how far outputs [n, k] are from a teacher's, 0 where they are the same: here the mean squared
        difference, for which a temperature has no meaning."""
        return (outputs - others).square().mean()

    def run(self, network: Any, state: Any) -> Tensor:
        """Return a network's outputs where it predicts; a task may run it by parts, or more than once."""
        return network(state)

    def flipped(self) -> Self:
        """Return the task with answers that are the mean over a sample and its mirror image."""
        raise UserError(f"--flips is for masks, and the task is {self.task.kind}; leave it out.")

    def condensed(self, outputs: Tensor) -> Tensor:
        """Return what `predict` needs of a batch's outputs: all of them, or less where these are large."""
        return outputs

    def exported(self, outputs: Tensor) -> Tensor:
        """Return of raw outputs what an exported model answers; by default what `predict` gives."""
        return self.predict(self.condensed(outputs))

    def apart(self, first: np.ndarray, second: np.ndarray) -> float:
        """Return the largest difference of two `exported` answers of the same samples, in the targets' own scale."""
        scale = np.ones(1) if self.units is None else self.units[1]
        return float(np.max(np.abs(first - second) / scale, initial=0.0))

    @property
    def meaning(self) -> str:
        """What `exported` gives, in words."""
        return self.task.label_space.meaning

    @property
    def answer_shape(self) -> tuple[int, ...]:
        """Shape of what `exported` gives of one sample."""
        return (self.task.n_outputs,)

    @property
    def one_by_one(self) -> bool:
        """Whether an exported model takes one sample at a time."""
        return False

    def evaluated(self, condensed: Tensor, y: Any) -> dict[str, float]:
        """Return ``loss`` and ``score`` of condensed outputs of held-out samples."""
        listed = isinstance(y, list)
        truth: Any = y if listed else torch.from_numpy(y)
        return {"loss": float(self.loss(condensed, truth)), "score": self.score(self.predict(condensed).numpy(), y)}

    @abstractmethod
    def predict(self, outputs: Tensor) -> Tensor:
        """Turn raw outputs [n, k] into probabilities [n, k], or values in the target's units [n, k]."""

    @abstractmethod
    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return one score per sample [n], higher is better; their mean is the primary metric (its negative
        for errors)."""

    def score(self, predictions: np.ndarray, y: np.ndarray) -> float:
        """Return the primary metric, counted so that higher is better."""
        if self.task.is_own_metric:
            return float(self.scores(predictions, y).mean())
        value = self.measure(self.task.metric, predictions, y)
        return -value if self.task.metric in self.task.label_space.errors else value

    def measure(self, metric: str, predictions: np.ndarray, y: np.ndarray) -> float:
        """Return one of the task's metrics."""
        return self.metrics(predictions, y)[metric]

    @abstractmethod
    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Return every metric of the task, the primary one first."""

    def over_rows(self, predictions: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], float]:
        """Return ``(rows) -> primary metric`` of these samples, asked for many draws of rows."""
        return lambda rows: self.score(predictions[rows], y[rows])

    def constant(self, labels: np.ndarray, n: int) -> tuple[str, np.ndarray]:
        """Return the name and n predictions of what needs no features, of training labels."""
        name, constant = self.task.label_space.constant(labels)
        return name, np.tile(constant, (n, 1))

    def ranked(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return positions of wrong predictions, the worst first."""
        wrong, weight = self.task.label_space.mistakes(predictions, labels)
        order = np.argsort(-weight, kind="stable")
        return order[wrong[order]]

    def told(self, prediction: np.ndarray, label: Any) -> dict[str, Any]:
        """Return label, prediction and confidence of one sample in the task's words."""
        return self.task.label_space.told(prediction, label)

    def answers(self, predictions: np.ndarray, labels: np.ndarray | None = None) -> list[Any]:
        """Return what is said of each sample; labels, where they are known, tell the size of what it is said of."""
        return self.task.label_space.answers(predictions)

    def records(self, dataset: Any, predictions: np.ndarray) -> list[dict[str, Any]]:
        """Return of each sample of an open `Dataset` its prediction, and a probability, or value, by name."""
        space = self.task.label_space
        return [
            {"prediction": answer, **space.details(row)}
            for answer, row in zip(space.answers(predictions), predictions, strict=True)
        ]

    def shown(self, raw: Any, prediction: np.ndarray, label: Any) -> Any:
        """Return a sample as the report shows it beside its label and answer; by default as it is."""
        return raw

    @property
    def shown_side(self) -> int:
        """Pixels of the longer side of what `shown` gives, in the report."""
        return 160

    def by_class(self, predictions: np.ndarray, labels: np.ndarray) -> dict[str, Any] | None:
        """Return the report's table of classes with its words, where the task has one of its own."""
        return None

    def written(self, dataset: Any, predictions: np.ndarray, out: Any) -> bool:
        """Write predictions in a form of the task's own, where ``out`` asks for it; return whether that was done."""
        return False

    def leading(self, found: dict[str, float]) -> dict[str, float]:
        """Return metrics with the primary one first."""
        return {self.task.metric: found[self.task.metric], **found}

    def to_json(self) -> dict[str, Any]:
        return self.task.to_json()


def average(losses: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over samples of ``losses`` [n], weighted when ``weight`` [n] is given."""
    return losses.mean() if weight is None else (losses * weight).mean()


def draw(head: nn.Module) -> nn.Module:
    """Draw a new head's parameters from torch's generator, as its layers draw their own; training starts there."""
    reset = getattr(head, "reset_parameters", None)
    if reset is not None:  # what draws itself draws its parts, too
        reset()
        return head
    for part in head.children():
        draw(part)
    return head


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
