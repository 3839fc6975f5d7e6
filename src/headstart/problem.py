"""The nouns of transfer learning: task, domain, setting. No torch here.

A domain is a feature space and a distribution over it, D = {X, P(X)}; a task is a label space and a
predictor, T = {Y, P(Y|X)} (Pan and Yang, 2010, section 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Modality = Literal["image", "text", "table"]
TaskKind = Literal["classification", "multilabel", "regression"]
Scenario = Literal["inductive", "transductive", "unsupervised"]
Space = Literal["homogeneous", "heterogeneous"]
Carries = Literal["instances", "features", "parameters", "relations"]

MODALITIES: tuple[str, ...] = ("image", "text", "table")
TASKS: tuple[str, ...] = ("classification", "multilabel", "regression")


@dataclass(frozen=True)
class Task:
    """What is predicted.

    Parameters
    ----------
    kind : classification (one class of several), multilabel (any subset of the classes) or regression.
    classes : class names in the order of the outputs; empty for regression.
    targets : names of the regressed columns, in the order of the outputs; empty otherwise.
    """

    kind: TaskKind
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def n_outputs(self) -> int:
        return len(self.targets) if self.kind == "regression" else len(self.classes)

    @property
    def metric(self) -> str:
        """Name of the primary metric, a mean of one score per sample, so that pairs can be compared."""
        return {"classification": "accuracy", "multilabel": "samples_f1", "regression": "mae"}[self.kind]

    @property
    def higher_is_better(self) -> bool:
        return self.kind != "regression"

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "classes": list(self.classes), "targets": list(self.targets)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Task:
        return cls(value["kind"], tuple(value["classes"]), tuple(value["targets"]))


@dataclass(frozen=True)
class Domain:
    """A feature space and where its samples come from.

    Parameters
    ----------
    modality : image, text or table.
    space : what one input is: the column names of a table; empty for images and texts, which are
        brought into one space by the source's own preprocessing.
    origin : the path or name of the data.
    """

    modality: Modality
    space: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True)
class Setting:
    """The three classifications of a transfer problem, each with its reason in words."""

    scenario: Scenario
    space: Space
    carries: Carries
    reasons: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def class_order(names: Iterable[str]) -> list[str]:
    """Return names of classes in their order: as numbers where all are numbers, else as text.

    Examples
    --------
    >>> class_order(["10", "2", "0", "1"]), class_order(["b10", "b2"])
    (['0', '1', '2', '10'], ['b10', 'b2'])
    """
    known = list(names)
    if all(re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", name) for name in known):
        return sorted(known, key=lambda name: (float(name), name))
    return sorted(known)
