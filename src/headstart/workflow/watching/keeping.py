"""What a finished fit keeps for `headstart watch`: rows that the model had not learned from, in random order."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.data import Dataset
from headstart.engine.predict import pooled_features
from headstart.models.arrays import ArrayModel
from headstart.models.encoder import TableEncoder
from headstart.models.network import NetworkModel
from headstart.models.saved import SavedModel
from headstart.models.watched import column_encoder, columns_of, few
from headstart.report.feature_map import mapped_rows
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.watching.reference import MOST, MOST_TRAINED, Reference

Array = np.ndarray
TEST = "rows of the test split, which the run had not seen"
MORE = "rows of the test split, and inputs of others, which moved no feature"
TARGET = "rows of the run's target"


def of_network(bench: Workbench, network: Any, rows: Array, answers: Array, *, frozen: bool) -> Reference | None:
    """Return the reference of a network that was fitted to a labelled target.

    Where the features were not trained (a table's columns, stages that stood still) rows that taught only the head are
    as good as others for comparing inputs, and few held-out rows are filled up with them.

    Parameters
    ----------
    rows : of the test split. answers : of the network to them, [n, k]. frozen : whether no stage has moved.
    """
    dataset, seed = bench.dataset, bench.options.seed
    if not len(rows) or answers.ndim > 2:  # answers of another form than a row of numbers are not watched
        return None
    encoder = column_encoder(NetworkModel(network, bench.logic))
    rng = np.random.default_rng(seed)
    still = encoder is not None or (frozen and not network.taps)
    most = MOST if still else MOST_TRAINED
    # The report's map reads features of these rows of a trained network from the cache afterwards.
    order = rng.permutation(rows if still else mapped_rows(network, rows, seed))[:most]
    places = {int(row): place for place, row in enumerate(rows)}
    rest = rng.permutation(np.setdiff1d(rows, order))[: MOST - len(order)]
    judged = np.concatenate([order, rest]).astype(np.int64)
    used = np.concatenate([dataset.splits["train"], dataset.splits["validation"]])
    more = rng.permutation(used)[: most - len(order)] if still else used[:0]
    wanted = np.concatenate([order, more]).astype(np.int64)
    if encoder is not None:
        features = _columns(encoder, dataset, wanted)
    elif not network.taps:
        features = few(bench.features(network, wanted))
    else:
        features = few(pooled_features(network, dataset, wanted))
    where = [places[int(row)] for row in judged]
    return Reference(features, answers[where], dataset.labels(judged), len(order), MORE if len(more) else TEST)


def of_arrays(
    model: ArrayModel, target: Dataset, features: Array, answers: Array, labels: Array, judged: Array
) -> Reference:
    """Return the reference of an array model: rows of its target, those with labels that only judged first.

    Parameters
    ----------
    features, answers, labels : of all rows of the target. judged : rows whose labels the model has not seen.
    """
    order = _judged_first(len(target), judged)
    encoder = column_encoder(model)
    kept = few(features[order]) if encoder is None else _columns(encoder, target, order)
    return Reference(kept, answers[order], labels[order[: _count(order, judged)]], len(order), TARGET)


def of_adapted(model: SavedModel, target: Dataset, answers: Array, labels: Array, judged: Array) -> Reference:
    """Return the reference of a network that was adapted to an unlabelled target; parameters as above."""
    order = _judged_first(len(target), judged)
    network: Any = model.network  # type: ignore[attr-defined]
    encoder = column_encoder(model)
    wanted = order if encoder is not None else order[:MOST_TRAINED]
    if encoder is not None:
        features = _columns(encoder, target, wanted)
    else:
        features = few(pooled_features(network, target, wanted))
    return Reference(features, answers[order], labels[order[: _count(order, judged)]], len(wanted), TARGET)


def _judged_first(n: int, judged: Array) -> Array:
    rng = np.random.default_rng(0)
    rest = np.setdiff1d(np.arange(n), judged)
    return np.concatenate([rng.permutation(judged), rng.permutation(rest)])[:MOST].astype(np.int64)


def _count(order: Array, judged: Array) -> int:
    return min(len(order), len(judged))


def _columns(encoder: TableEncoder, dataset: Dataset, rows: Array) -> Array:
    """Return some rows of a table as they are kept, in the order of ``rows``."""
    sought = np.sort(rows)
    found = columns_of(encoder, dataset.without(np.setdiff1d(np.arange(len(dataset)), sought)))
    return found[np.searchsorted(sought, rows)]
