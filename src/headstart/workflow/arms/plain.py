"""What a person does in five lines, as arms of the race: source as it is, pooled rows, plain models of the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, check
from headstart.errors import UserError
from headstart.networks import Network
from headstart.workflow.arms.heads import inner_folds
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.opening.fingerprint import read_arguments
from headstart.workflow.opening.target import open_target
from headstart.workflow.options import FitOptions
from headstart.workflow.trained_rows import FILE, known_rows, row_hashes

Array = np.ndarray
Settings = dict[str, Any]
OVERLAP = "were among the source's own"
MOST_SOURCE_ROWS = 20_000
MOST_SHARED = 0.01
"""Share of the target's rows that the source may have learned from: rows of few values are equal by chance."""
MOST_GROUPS = 20
"""Classes or targets up to which trees are tried: each needs trees of its own."""


def plain_arms(bench: Workbench) -> tuple[str, ...]:
    """Return the names of those that have a meaning here."""
    table = bench.dataset.columns is not None
    found = {
        "source": answers_of(bench) is not None and not _overlap(bench),
        "pooled": pooled_rows(bench) is not None,
        "linear": table,
        "trees": table and bench.logic.task.n_outputs <= MOST_GROUPS,
    }
    return tuple(name for name, has in found.items() if has)


def fit_plain(
    bench: Workbench, arm: str, rows: Array, seed: int, settings: Settings | None = None
) -> tuple[Network, Settings]:
    """Return the fitted network of a plain arm, and what was chosen on inner folds of ``rows``."""
    if arm == "source":
        network = answers_of(bench)
        assert network is not None
        return network.to(bench.device), {}
    network = _columns(bench) if bench.dataset.columns is not None else bench.network(pretrained=True, seed=seed)
    network.freeze(len(network.stages))
    if arm == "trees":
        return network, _fit_trees(bench, network, rows, settings)
    return network, _fit_linear(bench, network, rows, settings, pooled=arm == "pooled")


def _columns(bench: Workbench) -> Network:
    from headstart.networks.columns import build_columns, columns_spec

    statistics = bench.statistics
    return build_columns(columns_spec(statistics), statistics).to(bench.device)


def _features(bench: Workbench, network: Network, rows: Array, dataset: Dataset | None = None) -> Array:
    """Return features [n, d]: raw columns as they are, a network's from its cache."""
    data = bench.dataset if dataset is None else dataset
    if network.spec.get("family") == "columns":
        parts = [network.preprocess(data.raw(rows[start : start + 2048])) for start in range(0, len(rows), 2048)]
        return np.concatenate([network.features(_moved(part, bench)).detach().cpu().numpy() for part in parts])
    return bench.features(network, rows, dataset=data)


def _moved(state: Any, bench: Workbench) -> Any:
    return {name: tensor.to(bench.device) for name, tensor in state.items()}


def _fit_trees(bench: Workbench, network: Network, rows: Array, settings: Settings | None) -> Settings:
    from headstart.networks.trees import TreesHead
    from headstart.shallow.heads.boosting import boost

    space = bench.logic.task.label_space
    features, labels = _features(bench, network, rows), space.as_labels(bench.dataset.labels(rows))
    rounds = None if settings is None else settings["rounds"]
    found = boost(features, labels, space.solved_as, len(space.names), inner_folds(bench, rows), rounds=rounds)
    if bench.logic.units is not None:
        mean, scale = bench.logic.units
        found.arrays["spread"] /= scale
        found.arrays["bias"] = (found.arrays["bias"] - mean) / scale
    network.head = TreesHead(found.arrays, found.depth, features.shape[1]).to(bench.device)
    return {"rounds": found.rounds}


def _fit_linear(
    bench: Workbench, network: Network, rows: Array, settings: Settings | None, *, pooled: bool
) -> Settings:
    """Logistic regression or ridge, its scale and strength chosen on folds whose held-out rows are the target's."""
    from torch import nn

    from headstart.shallow.parameters.probe import Probe

    task, features, labels = bench.logic.task, _features(bench, network, rows), bench.dataset.labels(rows)
    folds = inner_folds(bench, rows)
    if pooled:
        more, theirs = _source_rows(bench, network)
        added = len(rows) + np.arange(len(more))
        folds = [(np.concatenate([train, added]), held) for train, held in folds]
        features, labels = np.concatenate([features, more]), np.concatenate([labels, theirs])
    kind, balanced = task.label_space.solved_as, bench.options.balanced
    probe = Probe(kind=kind, n_outputs=task.n_outputs, standardise=None, balanced=balanced)
    if settings is not None:
        probe.set_params(standardise=settings["standardise"], strengths=(settings["strength"],))
    probe.fit(features, labels, folds=folds)
    network.head = probe.to_head(nn.Linear(features.shape[1], task.n_outputs).to(bench.device), bench.logic)
    return {"standardise": probe.standardised_, "strength": probe.strength_}


def answers_of(bench: Workbench) -> Network | None:
    """Return the source with its own head, brought into the target's order of classes or units; None if it has none.

    It must be a run of the same kind of task that knows all the target's classes (or predicts the same targets), and
    find its columns in the target.
    """
    from headstart.networks.heads import answering
    from headstart.networks.source_run import open_answers

    task = bench.logic.task
    run = run_folder(bench)
    found = None if run is None else open_answers(str(run))
    if found is None:
        return None
    network, logic = found
    columns = set(getattr(network.preprocess, "columns", ()))
    mine = set() if bench.dataset.columns is None else set(bench.dataset.columns.names)
    if logic.task.kind != task.kind or not columns <= mine:
        return None
    return answering(network, logic, bench.logic)


def run_folder(bench: Workbench) -> Path | None:
    """Return the folder of the run that is the source, wherever the work is resumed from."""
    model = bench.source.reference_file
    if bench.source.kind != "run" or model is None:
        return None
    return model.parent.parent if model.parent.name == "model" else model.parent


def pooled_rows(bench: Workbench) -> Dataset | None:
    """Return the source run's own data, if they can be opened again unchanged and fit the target; opened once."""
    if bench.pooled == ():
        bench.pooled = (_open_pooled(bench),)
    return bench.pooled[0]


def _overlap(bench: Workbench) -> bool:
    """Return whether the source learned from rows of the target: it would be judged on what it learned by heart."""
    run, every = run_folder(bench), np.arange(len(bench.dataset))
    if run is None or not (run / FILE).is_file():
        return False
    shared = int(np.isin(row_hashes(bench.dataset, every), known_rows(run)["learned"]).sum())
    if shared and not any(OVERLAP in note for note in bench.notes):
        bench.notes += (
            f"{shared} rows of the target {OVERLAP}: the scores of what starts from it may be too good by as much.",
        )
    return shared > MOST_SHARED * len(every)


def _open_pooled(bench: Workbench) -> Dataset | None:
    run = run_folder(bench)
    path = None if run is None else run / "state" / "arguments.json"
    if path is None or not path.is_file():
        return None
    try:
        saved = read_arguments(path)
        options = FitOptions.from_json(saved["options"])
        if saved["verb"] == "adapt" or not isinstance(saved.get("data"), str):
            return None
        found, _ = check(open_target(saved["data"], options), allow_damaged=options.allow_damaged)
        known = saved["fingerprint"]
        same = found.fingerprint == (known["data"] if isinstance(known, dict) else known)
    except (UserError, KeyError, TypeError, AttributeError):
        return None
    return found if same and _fits(bench, found) else None


def _fits(bench: Workbench, found: Dataset) -> bool:
    task, mine = found.task, bench.logic.task
    if task is None or task.kind != mine.kind or found.modality != bench.dataset.modality:
        return False
    ours, theirs = bench.dataset.columns, found.columns
    if ours is not None and (theirs is None or set(ours.names) != set(theirs.names)):
        return False
    if ours is not None and theirs is not None and set(ours.numeric) != set(theirs.numeric):
        return False
    return task.targets == mine.targets and set(task.classes) <= set(mine.classes)


def _source_rows(bench: Workbench, network: Network) -> tuple[Array, Array]:
    """Return features and labels of the source's rows that are no row of the target: those would tell the answers."""
    found = pooled_rows(bench)
    assert found is not None
    rows = np.random.default_rng(bench.options.seed).permutation(len(found))[:MOST_SOURCE_ROWS]
    known = set(bench.dataset.hashes(np.arange(len(bench.dataset))))
    own = _features(bench, network, np.arange(len(bench.dataset)))
    seen = {row.tobytes() for row in own}
    features = _features(bench, network, np.sort(rows), found)
    names = found.hashes(np.sort(rows))
    keep = [i for i, row in enumerate(features) if names[i] not in known and row.tobytes() not in seen]
    assert found.task is not None
    labels = found.labels(np.sort(rows)[keep])
    return features[keep], bench.logic.task.label_space.renumbered(labels, found.task.label_space.names)
