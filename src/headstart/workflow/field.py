"""The field: the arms that race for one transfer, and what the stages of the road ask of them."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from headstart.data import Dataset
from headstart.networks import Network
from headstart.problem import Setting
from headstart.tasks import TaskLogic
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.opening.fingerprint import weights_of
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.trained_rows import Parts

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Details:
    """What a field says of itself in ``run.json``, beside what every run says.

    Attributes
    ----------
    source : where the knowledge comes from. setting, shift : of the transfer. selection : what arms are compared by.
    data : beside what every data set says. arms : arm to its record. baselines : what needs no features.
    device, precision : that computed. versions : packages beside the usual ones. kept_seed : whose model is kept;
        None for the first. more : parts of ``run.json`` that only this field has.
    """

    source: dict[str, Any]
    setting: Setting
    selection: str
    arms: dict[str, Any]
    shift: dict[str, Any] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    baselines: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    device: str = "cpu"
    precision: str = "no"
    versions: tuple[str, ...] = ()
    kept_seed: int | None = None
    more: dict[str, Any] = field(default_factory=dict)


class Field(ABC, Generic[P, R]):
    """The arms of one transfer: planned as a ``P``, with results ``R``.

    Attributes
    ----------
    transfer : what there is to work with. logic : the target's task.
    """

    transfer: Transfer
    logic: TaskLogic

    @property
    def target(self) -> Dataset:
        return self.transfer.target

    @property
    def is_main(self) -> bool:
        """Whether this process writes the run's files."""
        return True

    def wait(self) -> None:
        """Let every process of a distributed run come to this line."""

    @abstractmethod
    def network(self) -> Network | None:
        """Return the network that the run starts from, whose weights its result depends on."""

    def weights(self) -> str | None:
        """Return a hash of the weights that the result depends on."""
        return weights_of(self.network())

    def ready(self, folder: Path) -> Field[Any, Any]:
        """Return the field that walks the road in ``folder``: this one, or the one that a race before it leads to."""
        return self

    def check(self) -> None:
        """Refuse here what can be refused before a folder is made."""

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Hold what the work needs as long as it goes on."""
        with self.transfer.progress:
            yield

    @abstractmethod
    def plan(self, folder: Path) -> P:
        """Return what will be done, written to ``plan.json``; a resumed run does the same."""

    @abstractmethod
    def fit(self, plan: P, folder: Path) -> R:
        """Fit every arm; what is finished in ``folder`` is not fitted again."""

    @abstractmethod
    def select(self, plan: P, results: R) -> Guard:
        """Return which arm is handed back; no label of a row that judges is read."""

    def refit(self, plan: P, results: R, kept: Guard, folder: Path) -> R:
        """Fit what is handed back once more, on rows that served the choice."""
        return results

    @abstractmethod
    def predict(self, results: R, kept: Guard, folder: Path) -> Predictions:
        """Return every arm's predictions of the rows that judge."""

    @abstractmethod
    def judge(self, plan: P, results: R, predictions: Predictions, kept: Guard) -> Verdict | None:
        """Return the gain of what is handed back; None where nothing is compared."""

    @abstractmethod
    def describe(self, plan: P, results: R, predictions: Predictions, verdict: Verdict | None, kept: Guard) -> Details:
        """Return what ``run.json`` says of this field."""

    @abstractmethod
    def save(self, results: R, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path) -> None:
        """Write ``model/``, learning curves and the evidence for the report."""

    @abstractmethod
    def learned(self) -> tuple[Parts, Parts]:
        """Return the samples that were learned from or chosen on, and those that were seen without their labels."""
