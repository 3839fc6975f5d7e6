"""Several stages' features: averaged, reduced, and stacked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from headstart.functional.folds import Array, Fold
from headstart.functional.linear import principal
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.linear import Head, Problem, solve

Maps = Mapping[str, Array]
DEEPEST, PENALTY = 30.0, 1e-3


def average(array: Array) -> Array:
    """Average maps [n, c, h, w] over space or [n, l, d] over tokens; [n, d] stays."""
    array = np.asarray(array, dtype=np.float64)
    return array.mean(axis=(2, 3)) if array.ndim == 4 else array.mean(axis=1) if array.ndim == 3 else array


def reduce(maps: Maps, components: int) -> dict[str, Array]:
    """Return each stage's leading principal axes [d_s, r_s] of standardised features.

    The axes carry the standardisation, and a factor by which every stage has one total variance, the mean of d_s: so
    that no stage counts for more by being wide, and strengths mean what they mean for standardised features.
    """
    total = float(np.mean([features.shape[1] for features in maps.values()]))
    return {name: _axes(features, components, total) for name, features in maps.items()}


def _axes(features: Array, components: int, total: float) -> Array:
    basis = principal(features)
    order = np.argsort(basis.singular)[::-1][:components]
    variance = max(float((basis.singular[order] ** 2).sum()) / len(features), 1e-300)
    return basis.axes[:, order] / basis.scale[:, None] * np.sqrt(total / variance)


def onto(maps: Maps, axes: Maps) -> dict[str, Array]:
    """Return each stage's averaged maps on its axes, [n, r_s]."""
    return {name: average(maps[name]) @ axes[name] for name in axes}


def beside(parts: Maps) -> Array:
    """Return the stages side by side, [n, sum of widths]."""
    return np.concatenate(list(parts.values()), axis=1)


def unreduce(head: Head, axes: Maps) -> Head:
    """Bring a head on all stages' axes back to their averaged maps."""
    blocks = np.split(head.coef, np.cumsum([part.shape[1] for part in axes.values()])[:-1], axis=1)
    coefs = [block @ part.T for block, part in zip(blocks, axes.values(), strict=True)]
    return Head(np.concatenate(coefs, axis=1), head.intercept)


def stack(outputs: Array, labels: Array, kind: str) -> Array:
    """Return convex weights [s] that minimise the loss of ``sum_s a_s outputs[s]`` for outputs [s, n, k]."""
    count = len(outputs)

    def loss(weights: Array) -> float:
        return float(per_sample(np.tensordot(weights, outputs, axes=1), labels, kind)[1].mean())

    rule = {"type": "eq", "fun": lambda weights: weights.sum() - 1}
    found = minimize(loss, np.full(count, 1 / count), bounds=[(0, 1)] * count, constraints=[rule], method="SLSQP").x
    weights = np.clip(found, 0, None)
    return weights / weights.sum()


def out_of_fold(features: Array, labels: Array, problem: Problem, folds: list[Fold]) -> Array:
    """Return outputs [n, k] of the one strength in ``problem``, each row by a head that has not seen it."""
    outputs = np.zeros((len(features), problem.n_outputs))
    for train, held in folds:
        outputs[held] = solve(features[train], labels[train], problem)[0].outputs(features[held])
    return outputs


def stacking_weights(
    parts: Maps, labels: Array, problem: Problem, strengths: Mapping[str, float], folds: list[Fold]
) -> dict[str, float]:
    """Return each stage's convex weight, from out-of-fold outputs of its head of the given strength."""
    outputs = [
        out_of_fold(part, labels, problem._replace(strengths=np.array([strengths[name]])), folds)
        for name, part in parts.items()
    ]
    rows = np.concatenate([held for _, held in folds])
    weights = stack(np.stack(outputs)[:, rows], labels[rows], problem.kind)
    return dict(zip(parts, weights.tolist(), strict=True))


def pool(outputs: Array, labels: Array) -> Array:
    """Return weights [s] >= 0 of the least log loss of ``sum_s a_s outputs[s]`` for logits [s, n, k], labels [n].

    Weights are held by a weak penalty, for rows that all heads tell apart would ask for ever larger ones; a class is
    never less likely than e^-30 of the likeliest.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(300) % 3
    >>> told, noise = rng.normal(size=(300, 3)) + 2 * np.eye(3)[labels], rng.normal(size=(300, 3))
    >>> weights = pool(np.stack([told, 10 * noise]), labels)
    >>> bool(weights[0] > 50 * weights[1])
    True
    """
    outputs = np.maximum(outputs, outputs.max(axis=2, keepdims=True) - DEEPEST)
    outputs = outputs - outputs.mean(axis=2, keepdims=True)
    scale = np.maximum(outputs.std(axis=(1, 2)), 1e-12)
    logits, rows = outputs / scale[:, None, None], np.arange(len(labels))

    def loss(weights: Array) -> tuple[float, Array]:
        table = log_softmax(np.tensordot(weights, logits, axes=1), axis=1)
        wrong = np.exp(table)
        wrong[rows, labels] -= 1
        slope = np.einsum("snk,nk->s", logits, wrong) / len(rows) + 2 * PENALTY * weights
        return float(-table[rows, labels].mean() + PENALTY * weights @ weights), slope

    start = np.full(len(logits), 1 / len(logits))
    return minimize(loss, start, jac=True, bounds=[(0, None)] * len(logits), method="L-BFGS-B").x / scale
