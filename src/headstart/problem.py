"""The nouns of transfer learning: task, domain, setting. No torch here.

A domain is a feature space and a distribution over it, D = {X, P(X)}; a task is a label space and a
predictor, T = {Y, P(Y|X)} (Pan and Yang, 2010, section 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from headstart.kinds import LabelSpace

Modality = Literal["image", "text", "table"]
Scenario = Literal["inductive", "transductive", "unsupervised"]
Space = Literal["homogeneous", "heterogeneous"]
Carries = Literal["instances", "features", "parameters", "relations"]

MODALITIES: tuple[str, ...] = ("image", "text", "table")
READINGS: tuple[str, ...] = (*MODALITIES, "clip")
"""What samples may be read as: a clip is frames, each of them an image."""


@dataclass(frozen=True)
class Task:
    """What is predicted.

    Parameters
    ----------
    kind : one of `headstart.kinds.KINDS`: classification (one class of several), multilabel (any subset of the
        classes) or regression.
    classes : class names in the order of the outputs; empty for regression.
    targets : names of the regressed columns, in the order of the outputs; empty otherwise.
    primary : the metric that choices and verdict go by, one of the kind's; empty for the kind's own.
    separator : what stands between the classes of a multi-label cell; empty where none does or it is not known.
    """

    kind: str
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    primary: str = field(default="", compare=False)
    separator: str = field(default="", compare=False)

    @property
    def label_space(self) -> LabelSpace:
        """What the kind says of labels and answers; whoever wants to know what differs between kinds asks it."""
        from headstart.kinds import KINDS

        space = KINDS[self.kind]
        return space(getattr(self, space.names_in))

    @property
    def n_outputs(self) -> int:
        return len(self.label_space.names)

    @property
    def metric(self) -> str:
        """Name of the primary metric; the kind's own is a mean of one score per sample, so that pairs compare."""
        return self.primary or self.label_space.metrics[0]

    @property
    def is_own_metric(self) -> bool:
        """Whether the primary metric is the kind's own."""
        return self.metric == self.label_space.metrics[0]

    def to_json(self) -> dict[str, Any]:
        own = {"kind": self.kind, "classes": list(self.classes), "targets": list(self.targets)}
        more = {"primary": self.primary, "separator": self.separator}
        return own | {name: value for name, value in more.items() if value}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Task:
        more = (value.get("primary", ""), value.get("separator", ""))
        return cls(value["kind"], tuple(value["classes"]), tuple(value["targets"]), *more)


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
