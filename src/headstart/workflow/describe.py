"""What problem is this? Size, balance, damage, duplicates, scenario and shift, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.data import Checks, Dataset, check, open_data, open_files, open_inputs
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.networks import Network, Source, open_source
from headstart.problem import Domain, Setting
from headstart.shallow.diagnose import Diagnosis
from headstart.workflow.options import FitOptions
from headstart.workflow.setting import classify
from headstart.workflow.shift import Shift, measure_shift

READ_SO = ("types", "conventions", "text", "left out")
"""What was inferred about columns that a user should see before anything is trained."""
UNLABELLED = "none"
"""What ``--label`` says of data without labels."""


@dataclass(frozen=True)
class Description:
    """The answers of `describe`."""

    dataset: Dataset
    checks: Checks
    setting: Setting
    shift: Shift | None
    source: Source | None
    diagnosis: Diagnosis | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "modality": self.dataset.modality,
            "task": None if self.dataset.task is None else self.dataset.task.to_json(),
            "setting": self.setting.to_json(),
            "shift": None if self.shift is None else self.shift.to_json(),
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_json(),
            "source": None if self.source is None else {"spec": self.source.spec, "title": self.source.title},
            "data": data_record(self.dataset, self.checks),
        }

    def lines(self) -> list[str]:
        reasons = self.setting.reasons
        shift = self.shift.words if self.shift else _no_shift(self.source)
        return [
            *(f"{what}: {why}" for what, why in self.dataset.inferred.items()),
            *self.checks.lines(),
            f"Scenario: {self.setting.scenario}. {reasons['scenario']}",
            f"Feature space: {self.setting.space}. {reasons['space']}",
            f"Carried over: {self.setting.carries}. {reasons['carries']}",
            *([f"Shift: {shift}"] if self.diagnosis is None else self.diagnosis.lines()),
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


@isolate
def describe(
    data: Any,
    *,
    source: str | None = None,
    source_data: Any = None,
    target_labels: str = "evaluate",
    network: str | None = None,
    label: str | None = None,
    group: str | None = None,
    text: str | None = None,
    image: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    allow_damaged: bool = False,
) -> Description:
    """Describe a target and, with a source, the transfer problem; options as in `fit`, and ``label="none"``.

    With ``source_data``, labelled data of another domain, the kind of shift is diagnosed.
    """
    if source_data:
        from headstart.workflow.across.describe import describe_across

        options = FitOptions(
            source=source,
            network=network,
            target_labels=target_labels,
            label=label,
            group=group,
            text=text,
            image=image,
            task=task,
            modality=modality,
            seed=seed,
            allow_damaged=allow_damaged,
        )
        return describe_across(data, source_data if isinstance(source_data, list) else [source_data], options)
    found = open_source(source, network=network) if source else None
    if isinstance(data, Dataset):
        dataset = data
    elif label == UNLABELLED:
        dataset = _open_unlabelled(data, modality or (found.modality if found else None))
    else:
        dataset = open_data(
            data, label=label, group=group, text=text, image=image, task=task, modality=modality, seed=seed
        )
    dataset, checks = check(dataset, allow_damaged=allow_damaged)
    setting = classify(
        target_domain(dataset),
        dataset.task,
        found.domain if found else None,
        found.task if found else None,
    )
    shift = source_shift(dataset, found, seed=seed) if found else None
    return Description(dataset, checks, setting, shift, found)


def _open_unlabelled(data: Any, modality: str | None) -> Dataset:
    if modality is None:
        raise UserError("--label none cannot tell what the inputs are; give --modality image, text or table.")
    return open_files([data], modality=modality) if isinstance(data, str) else open_inputs(data, modality=modality)


def target_domain(dataset: Dataset) -> Domain:
    columns = dataset.columns
    space = () if columns is None else (*columns.numeric, *columns.categorical)
    return Domain(dataset.modality, space, dataset.origin)  # type: ignore[arg-type]


def source_shift(dataset: Dataset, source: Source, *, seed: int = 0, network: Network | None = None) -> Shift | None:
    """Measure the shift on features of the source's network; None when its own inputs are not at hand."""
    import numpy as np

    from headstart.engine import cached_states

    reference = source.reference()
    if reference is None or source.modality != dataset.modality:
        return None
    if network is None:
        if dataset.columns is not None:
            return None
        network = source.build(pretrained=True)
    rows = np.random.default_rng(seed).permutation(dataset.splits["train" if dataset.task else "test"])[:256]
    if len(rows) < 10 or reference.shape[1] != network.n_features:
        return None
    states = cached_states(network, len(network.stages), dataset, np.sort(rows), alone=True)
    if states is None:  # the disk has no room for them
        return None
    features = np.asarray(states.fetch(np.arange(len(rows)), 0))
    return measure_shift(np.asarray(reference), features, seed=seed)
