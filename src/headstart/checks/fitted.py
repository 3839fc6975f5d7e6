"""Laws of models that are fitted on features without gradients through the network."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from sklearn.base import clone

from headstart.checks.writing import check_writing

Factory = Callable[[str, int], Any]
LABELS = {
    "classification": lambda x: np.arange(len(x)) % 3,
    "multilabel": lambda x: np.concatenate([x[:, :3] > 0, np.zeros((len(x), 1))], axis=1),
    "regression": lambda x: x[:, :2] + 1,
}


def check_fitted(factory: Factory, *, maps: bool = False, kinds: Collection[str] = tuple(LABELS)) -> None:
    """Run every law; ``factory(kind, n_outputs)`` makes the model, and ``maps`` says that it takes stages' maps.

    ``kinds`` are the tasks that it solves.

    The texts' laws; clone and parameters; hyper-parameters unchanged by fitting; the same seed, the same bits; finite
    with an absent class; validation rows, and none; better than chance.
    """
    check_writing(type(factory("classification", 4)))
    for kind, make in ((kind, LABELS[kind]) for kind in kinds):
        x = np.random.default_rng(0).standard_normal((30, 6))
        x[:, :3] += 2 * np.eye(3)[np.arange(30) % 3]
        _check_kind(factory, kind, {"one": x[:, :4], "two": x} if maps else x, make(x))


def _check_kind(factory: Factory, kind: str, x: Any, y: np.ndarray) -> None:
    model = factory(kind, 2 if kind == "regression" else 4)
    before = str(model.get_params())
    twin: Any = clone(model)
    assert str(twin.get_params()) == before, f"{model!r} does not clone."
    outputs = model.fit(x, y).decision_function(x)
    assert str(model.get_params()) == before, f"{model!r} was changed by fitting."
    assert np.isfinite(outputs).all(), f"{model!r}: outputs are not finite with an absent class."
    assert outputs.shape == (len(y), 2 if kind == "regression" else 4), f"{model!r}: outputs of shape {outputs.shape}."
    again = twin.fit(x, y).decision_function(x)
    assert np.array_equal(outputs, again), f"{model!r}: two fits with one seed differ."
    held = twin.fit(x, y, (x, y))
    assert held.score(x, y) > _chance(kind, y), f"{model!r} learns nothing of its own rows."


def _chance(kind: str, y: np.ndarray) -> float:
    if kind == "regression":
        return -float(np.abs(y - y.mean(axis=0)).mean())
    return 1 / 3 if kind == "classification" else 0.0
