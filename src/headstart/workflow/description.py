"""The answers of `headstart.workflow.describe`, as text and for ``run.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.choice.label_sets import LabelSets
from headstart.data import Checks, Dataset
from headstart.networks import Source
from headstart.problem import Domain, Setting
from headstart.shallow.diagnose import Diagnosis
from headstart.workflow.shift import Shift

READ_SO = ("types", "conventions", "text", "left out")
"""What was inferred about columns that a user should see before anything is trained."""


@dataclass(frozen=True)
class Description:
    """The answers of `describe`; ``classes`` are the source's, where known, ``noted`` says how samples enter."""

    dataset: Dataset
    checks: Checks
    setting: Setting
    shift: Shift | None
    source: Source | None
    diagnosis: Diagnosis | None = None
    label_sets: LabelSets | None = None
    classes: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "modality": self.dataset.modality,
            "task": None if self.dataset.task is None else self.dataset.task.to_json(),
            "setting": self.setting.to_json(),
            "shift": None if self.shift is None else self.shift.to_json(),
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_json(),
            "label_sets": None if self.label_sets is None else self.label_sets.to_json(self.classes),
            "source": None if self.source is None else {"spec": self.source.spec, "title": self.source.title},
            "data": data_record(self.dataset, self.checks),
        }

    def lines(self) -> list[str]:
        reasons = self.setting.reasons
        shift = self.shift.words if self.shift else _no_shift(self.source)
        return [
            *(f"{what}: {why}" for what, why in self.dataset.inferred.items()),
            *self.checks.lines(),
            *self.noted,
            f"Scenario: {self.setting.scenario}. {reasons['scenario']}",
            f"Feature space: {self.setting.space}. {reasons['space']}",
            f"Carried over: {self.setting.carries}. {reasons['carries']}",
            *([f"Shift: {shift}"] if self.diagnosis is None else self.diagnosis.lines()),
            *([] if self.label_sets is None else [self.label_sets.words(self.classes)]),
        ]


def _no_shift(source: Source | None) -> str:
    if source is None:
        return "not measured without a source; name one with --source."
    return "not measured: the source does not bring a sample of its own inputs."


def data_record(dataset: Dataset, checks: Checks) -> dict[str, Any]:
    """Return the ``data`` part of run.json."""
    return checks.to_json() | {
        "name": dataset.name,
        "origin": dataset.origin,
        "fingerprint": dataset.fingerprint,
        "splits": {name: len(rows) for name, rows in dataset.splits.items()},
        "inferred": dict(dataset.inferred),
        "input_column": dataset.input_column,
        "label_columns": list(dataset.label_columns),
    }


def meaning_lines(dataset: Dataset, checks: Checks) -> list[str]:
    """Say how columns were read where that is not plain, and what the data may not mean as they were read."""
    said = [f"{what}: {dataset.inferred[what]}" for what in READ_SO if what in dataset.inferred]
    return [*said, *(f"warning: {text}" for text in checks.warnings)]


def target_domain(dataset: Dataset) -> Domain:
    columns = dataset.columns
    space = () if columns is None else (*columns.numeric, *columns.categorical)
    return Domain(dataset.modality, space, dataset.origin)  # type: ignore[arg-type]
