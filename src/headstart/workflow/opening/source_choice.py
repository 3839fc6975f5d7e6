"""Which source, when none was named: those at hand are tried by a quick probe of the target's training rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.data import Dataset, folds
from headstart.engine import cached_states
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks import Source, TablePreprocess, list_sources, open_source
from headstart.schema import Maybe, Record, Text, read_checked
from headstart.shallow.parameters.probe import Probe
from headstart.workflow.opening.task_methods import require_solvable

Array = np.ndarray
TRIED = 8
"""Sources that are tried at most: bundled ones and the user's runs first."""
ROWS = 300
"""Training rows that every source encodes."""
FOLDS = 3
WITHOUT_WEIGHTS = frozenset(
    {
        "headstart/dcgan",
        "headstart/dcgan-colour",
        "headstart/conv4",
        "headstart/conv4-group",
        "headstart/pixels",
        "headstart/tabular",
    }
)
"""Bundled sources that bring no weights, hence nothing to carry over."""

FITTED = Record({}, {"data": Maybe(Record({}, {"fingerprint": Maybe(Text())}))})
"""What of a run's ``run.json`` says on which data it was fitted."""


class Tried(NamedTuple):
    """One source's probe: its score, higher is better, or why it has none."""

    source: Source
    score: float | None
    note: str = ""


def choose_source(dataset: Dataset, progress: Progress, *, seed: int = 0) -> tuple[Source, str]:
    """Return the source at hand whose features serve the target best, and the reason in a sentence.

    Every source of the data's modality that needs no download encodes the same training rows once (they stay in the
    cache); a linear probe is scored on folds of them. Validation and test rows are not read.

    Raises
    ------
    UserError
        If nothing of that modality is at hand.
    """
    require_solvable(dataset, "the choice of a source")
    rows = _some_rows(dataset, seed)
    tried = []
    for source in at_hand(dataset):
        progress.note(f"no --source was named: try {source.spec}")
        tried.append(_probe(dataset, rows, source, seed))
    scored = [one for one in tried if one.score is not None]
    if not scored:
        raise UserError(_nothing(dataset, tried))
    best = max(scored, key=lambda one: one.score if one.score is not None else -np.inf)
    return best.source, _reason(best, tried, len(rows), dataset)


def at_hand(dataset: Dataset, most: int = TRIED) -> list[Source]:
    """Return at most ``most`` sources that take the data's kind of input and need no download.

    A run on these very data is left out: it has seen the rows that the verdict is about.
    """
    found = []
    for row in list_sources():
        if not row["at_hand"] or row["modality"] != dataset.modality or row["spec"] in WITHOUT_WEIGHTS:
            continue
        if row["kind"] == "run" and fitted_on(row["spec"]) == dataset.fingerprint:
            continue
        found.append(open_source(row["spec"]))
    return found[:most]


def fitted_on(run: str) -> str | None:
    """Return the fingerprint of a run's data."""
    from pathlib import Path

    path = Path(run) / "run.json"
    value = read_checked(path, FITTED) if path.is_file() else {}
    return (value.get("data") or {}).get("fingerprint")


def _some_rows(dataset: Dataset, seed: int) -> Array:
    rows = dataset.splits["train"]
    return np.sort(np.random.default_rng(seed).permutation(rows)[:ROWS])


def _probe(dataset: Dataset, rows: Array, source: Source, seed: int) -> Tried:
    """Cross-validate a linear probe on a source's features; what cannot serve says why."""
    task = dataset.task
    assert task is not None
    try:
        features = _features(dataset, rows, source)
    except UserError as error:
        return Tried(source, None, str(error))
    if features is None:
        return Tried(source, None, "its features take more room than the cache may use")
    labels = task.label_space.as_labels(dataset.labels(rows))
    place = {int(row): number for number, row in enumerate(rows)}
    scores = []
    for train, held in folds(dataset.with_splits(dataset.splits | {"train": rows}), FOLDS, seed):
        mine, others = (np.array([place[int(row)] for row in part]) for part in (train, held))
        probe = Probe(kind=task.label_space.solved_as, n_outputs=task.n_outputs, seed=seed)
        probe.fit(features[mine], labels[mine])
        scores.append(probe.score(features[others], labels[others]))
    return Tried(source, float(np.mean(scores)))


def _features(dataset: Dataset, rows: Array, source: Source) -> Array | None:
    statistics = None
    if dataset.columns is not None:
        if not set(source.domain.space) & {*dataset.columns.numeric, *dataset.columns.categorical}:
            raise UserError("it shares no column with the target")
        statistics = TablePreprocess.fit(dataset.raw(rows), dataset.columns)
    network = source.build(pretrained=True, columns=dataset.columns, statistics=statistics)
    states = cached_states(network, len(network.stages), dataset, rows, batch_size=16, alone=True)
    return None if states is None else states.fetch(np.arange(len(rows)), 0).float().numpy().astype(np.float64)


def _reason(best: Tried, tried: list[Tried], n: int, dataset: Dataset) -> str:
    if len(tried) == 1:
        return f"No source was named, and {best.source.spec} is the only one at hand for {dataset.modality} data."
    ranked = sorted((one for one in tried if one.score is not None), key=lambda one: -float(one.score or 0.0))
    others = ", ".join(f"{one.source.spec} {_shown(one.score, dataset)}" for one in ranked[1:4])
    left = f"; left out: {', '.join(one.source.spec for one in tried if one.score is None)}"
    return (
        f"No source was named; of {len(tried)} at hand {best.source.spec} has the best probe in {FOLDS}-fold "
        f"cross-validation on {n} training samples ({_shown(best.score, dataset)}"
        + (f"; {others}" if others else "")
        + (left if len(ranked) < len(tried) else "")
        + "), which is a quick look and no proof."
    )


def _shown(score: float | None, dataset: Dataset) -> str:
    assert dataset.task is not None
    return dataset.task.label_space.shown(float(score or 0.0))


def _nothing(dataset: Dataset, tried: list[Tried]) -> str:
    why = "".join(f" ({one.source.spec}: {one.note})" for one in tried[:3])
    own = (
        "learn one from a related table with `headstart pretrain`, or give labelled data of another domain with "
        "--source-data"
        if dataset.modality == "table"
        else "name one with --source, such as those of `headstart sources`"
    )
    return f"No source was named, and none is at hand for {dataset.modality} data{why}; {own}."
