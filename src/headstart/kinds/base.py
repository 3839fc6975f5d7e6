"""What every kind of task says of its label space: of labels as arrays, of answers, and in words. No torch here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

Array = np.ndarray
Link = Literal["softmax", "sigmoid", "identity"]


class LabelSpace(ABC):
    """The label space Y of a task of one kind, with its names: the classes, or the regressed columns.

    Labels are what `headstart.data.Dataset.labels` returns, predictions what `headstart.tasks.TaskLogic.predict` does.

    Attributes
    ----------
    logic : the torch side, ``module:class``.
    names_in : which field of a `Task` holds the names.
    reads : how label columns are read: one class, several classes, or values per sample (`headstart.data.labels`);
        ``objects`` are in no column (`headstart.data.scenes`).
    link : what turns raw outputs into predictions; all but the identity give probabilities.
    solved_as : the loss by which methods without gradients fit it, as `headstart.shallow` names it; empty where none
        does, so that there is no probe.
    methods : those of the catalogue that fit it, with the penalties that they carry; None for all.
    dtype : of the labels.
    metrics : the kind's own first, a mean of one score per sample. shares, errors : those from 0 to 1; those of which
        less is better.
    one_class : whether each sample has exactly one class, as class weights and labels counted per class need.
    has_shares, has_hits : whether a sample's score lies between 0 and 1; whether it is 0 or 1.
    crossed_below : samples below which, without a given test part, each is judged once by a model that never saw it
        (`headstart.data.crossing`); 0 where a fifth of them is set apart instead.
    writes : what predictions may be written as beside a table, in words; empty for nothing else.
    view : how the report shows what is right and wrong (`headstart.report.quality`).
    meaning : what predictions are. purpose : what a model does, with ``{names}`` and ``{unit}``.
    """

    logic: ClassVar[str]
    names_in: ClassVar[Literal["classes", "targets"]]
    reads: ClassVar[Literal["class", "classes", "values", "objects"]]
    link: ClassVar[Link]
    solved_as: ClassVar[str]
    methods: ClassVar[frozenset[str] | None] = None
    dtype: ClassVar[type]
    metrics: ClassVar[tuple[str, ...]]
    shares: ClassVar[frozenset[str]] = frozenset()
    errors: ClassVar[frozenset[str]] = frozenset()
    one_class: ClassVar[bool] = False
    has_shares: ClassVar[bool] = True
    has_hits: ClassVar[bool] = False
    crossed_below: ClassVar[int] = 0
    writes: ClassVar[str] = ""
    view: ClassVar[str]
    meaning: ClassVar[str]
    purpose: ClassVar[str]

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    @property
    def of_classes(self) -> bool:
        """Whether the names are classes, rather than columns of values."""
        return self.names_in == "classes"

    @property
    def has_probabilities(self) -> bool:
        """Whether predictions are probabilities, so that there is a confidence that a temperature can set right."""
        return self.link != "identity"

    # labels

    def as_labels(self, labels: Array) -> Array:
        """Return labels [n] or [n, k] as methods without gradients take them: float64 [n, k]."""
        labels = np.asarray(labels).astype(np.float64)
        return labels[:, None] if labels.ndim == 1 else labels

    def indicators(self, labels: Array) -> Array:
        """Return what predictions [n, k] would be if they were certain and right."""
        return labels

    @abstractmethod
    def counts(self, labels: Array) -> dict[str, int]:
        """Return the number of samples of each class, or of ``rows`` where there are none."""

    @abstractmethod
    def per_class(self, labels: Array) -> int:
        """Return how many samples a class has, as the median over classes; all samples where there are none."""

    @abstractmethod
    def strata(self, labels: Array) -> Array:
        """Return the stratum [n] of each sample (int64), which splits and folds keep in proportion."""

    def refused(self, labels: Array) -> str:
        """Return why nothing can be learned from all labels of some data, to follow their name; empty where it can."""
        return ""

    @property
    def not_across(self) -> str:
        """What a problem is that is not learned across domains: there a sample has one class or one value."""
        return "" if self.names else "multi-target"

    @abstractmethod
    def outputs(self, labels: Array, most: int) -> list[tuple[str, Array, bool]]:
        """Return ``most`` outputs at the utmost: what each is in words, class numbers or values [n], whether values."""

    def content(self, labels: Array) -> bytes:
        """Return bytes that are the same for the same labels, on every machine."""
        return labels.astype("<f8").tobytes()

    def class_of(self, labels: Array) -> Array:
        """Return the class number [n] within which labels are counted; 0 for all where there is one for none."""
        return np.zeros(len(labels), dtype=np.int64)

    @abstractmethod
    def renumbered(self, labels: Array, names: tuple[str, ...]) -> Array:
        """Return labels of a label space with other ``names``, all of which are known here, in this one's order."""

    @abstractmethod
    def constant(self, labels: Array) -> tuple[str, Array]:
        """Return the prediction [k] that needs no features, and its name."""

    # answers

    @abstractmethod
    def answers(self, predictions: Array) -> list[Any]:
        """Return what is said of each sample: class names, lists of class names, or values."""

    def label_answers(self, labels: Array) -> list[Any]:
        """Return labels as an answer would say them."""
        return self.answers(labels)

    @abstractmethod
    def read_answers(self, column: list[Any]) -> Array:
        """Return labels from what a run's table of predictions holds.

        Raises
        ------
        ValueError
            If something in it is no label of this space.
        """

    def kept_values(self, predictions: Array) -> list[list[float]]:
        """Return what a run's table of predictions keeps of each, `n_kept` numbers."""
        return predictions.astype(float).tolist()

    @property
    def n_kept(self) -> int:
        return len(self.names)

    def details(self, prediction: Array) -> dict[str, float]:
        """Return what a sample's record holds beside the answer: a probability per class, or several values."""
        return {f"p({name})": round(float(p), 6) for name, p in zip(self.names, prediction, strict=True)}

    def confidence(self, predictions: Array) -> list[float | None]:
        """Return the confidence of each sample's whole answer; None where there is no such thing."""
        return [None] * len(predictions)

    @abstractmethod
    def mistakes(self, predictions: Array, labels: Array) -> tuple[Array, Array]:
        """Return which samples [n] are answered wrongly, and how badly [n]."""

    @abstractmethod
    def told(self, prediction: Array, label: Any) -> dict[str, Any]:
        """Return label, prediction and confidence of one sample in the task's words."""

    def explained(self, prediction: Array) -> int:
        """Return the number of the output that an explanation of one prediction is about."""
        return int(prediction.argmax())

    @abstractmethod
    def predicted(self, estimator: Any, rows: Array) -> Array:
        """Return predictions [n, k] of a scikit-learn estimator that was fitted to `as_labels`."""

    # words

    def shown(self, score: float) -> str:
        """Write a mean score per sample for people."""
        return f"{100 * score:.1f}%" if self.has_shares else f"{self.metrics[0]} {-score:.4g}"

    def words(self) -> str:
        """Return what is predicted, in a few words."""
        few = ", ".join(self.names[:3]) + (", ..." if len(self.names) > 3 else "")
        return f"{len(self.names)} classes: {few}"


def parts_of(cell: Any) -> list[Any]:
    """Return a cell's parts: what bars separate, or a list's."""
    if isinstance(cell, str):
        return [part for part in cell.split("|") if part]
    return list(cell) if isinstance(cell, list | tuple) else [cell]


def too_few(classes: tuple[str, ...]) -> str:
    """Return what is wrong with a single class or none, to follow the name of the data."""
    if len(classes) >= 2:
        return ""
    only = f"one class only ('{classes[0]}')" if classes else "no class at all"
    return f"has {only}; classification needs samples of at least two classes"
