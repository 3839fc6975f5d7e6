"""What a model's inputs and answers look like to someone who watches for drift: rows of numbers, in few columns."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import numpy as np

from headstart.models.arrays import ArrayModel, outputs
from headstart.models.encoder import TableEncoder
from headstart.models.network import NetworkModel
from headstart.models.saved import SavedModel
from headstart.networks import TablePreprocess

Array = np.ndarray
COLUMNS = 128
"""Features that are kept at most."""
FARTHEST = 10.0
"""Deviations of the training rows at which a table's numbers are cut off."""
BATCH = 32


def column_encoder(model: SavedModel) -> TableEncoder | None:
    """Return what turns a table's rows into numbers, all gaps told; None for pictures and texts."""
    found: Any = model.encoder if isinstance(model, ArrayModel) else getattr(model, "network", None)
    preprocess = getattr(found, "preprocess", None)
    if not isinstance(preprocess, TablePreprocess):
        return None
    return TableEncoder(preprocess, tuple(preprocess.numeric))


def features_and_answers(model: SavedModel, dataset: Any, device: str | None = None) -> tuple[Array, Array]:
    """Return features [n, d] as they are kept, and answers [n, k], of all samples, from one pass if possible.

    Features are a table's columns, or else what the head reads: the pooled features of the network or the backbone.
    """
    columns = column_encoder(model)
    if columns is not None:
        return columns_of(columns, dataset), model.answer(dataset, device)
    if isinstance(model, NetworkModel):
        features, answers = _one_pass(model, dataset, device)
        return few(features), answers
    assert isinstance(model, ArrayModel)
    rows = model.encoder.features(dataset)
    return few(rows), outputs(model.estimator, rows, model.logic.task)


def _one_pass(model: NetworkModel, dataset: Any, device: str | None) -> tuple[Array, Array]:
    from headstart.engine import choose_device
    from headstart.engine.device import Place, move
    from headstart.engine.predict import evaluating, run_safely

    place = Place(choose_device(device), "no")
    network = model.network.to(place.device)
    found: list[dict[str, Any]] = []
    with evaluating(network):
        for start in range(0, len(dataset), BATCH):
            rows = np.arange(start, min(start + BATCH, len(dataset)))
            state = move(network.preprocess(dataset.raw(rows)), place.device)
            found.append(run_safely(partial(_read, network), state, place))
    parts = [{name: value.float().cpu() for name, value in one.items()} for one in found]
    answers = [model.logic.predict(one["outputs"]).numpy() for one in parts]
    return np.concatenate([one["features"].numpy() for one in parts]), np.concatenate(answers)


def _read(network: Any, state: Any) -> dict[str, Any]:
    features, read = network.read(state)
    return {"features": features, "outputs": network.head(read)}


def few(features: Array) -> Array:
    """Return features [n, d] as at most `COLUMNS` columns of 16-bit floats: more are projected on random directions.

    The directions are signs drawn by a hash, the same on every machine and for every run, so that no row had a say in
    them: rows that were kept and rows that come later are treated alike.

    References
    ----------
    Achlioptas, "Database-friendly Random Projections: Johnson-Lindenstrauss with Binary Coins", JCSS 2003.
    """
    rows = np.nan_to_num(np.asarray(features, dtype=np.float64), nan=0.0, posinf=6e4, neginf=-6e4)
    d = rows.shape[1]
    if d > COLUMNS:
        bits = np.frombuffer(hashlib.shake_128(b"headstart watch").digest(d * COLUMNS // 8), np.uint8)
        signs = np.unpackbits(bits).reshape(d, COLUMNS).astype(np.float64) * 2 - 1
        rows = rows @ signs / np.sqrt(COLUMNS)
    return rows.clip(-6e4, 6e4).astype(np.float16)


def columns_of(encoder: TableEncoder, dataset: Any) -> Array:
    """Return a table's rows [n, d] as they are kept: one value far out is cut off and does not hide the others."""
    return few(encoder.features(dataset).clip(-FARTHEST, FARTHEST))
