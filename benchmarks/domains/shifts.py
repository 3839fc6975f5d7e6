"""Pairs whose shift is made, from scikit-learn's bundled data and from equations: what the choice's evidence learns on.

No benchmark that figures are reported on is among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
)

from benchmarks.domains.pairs import Pair

Array = np.ndarray
Shift = Callable[[Array, np.random.Generator], Array]


def _halves(x: Array, y: Array, rng: np.random.Generator, most: int = 500) -> tuple[Array, Array, Array, Array]:
    order = rng.permutation(len(x))
    half = min(len(x) // 2, most)
    first, second = order[:half], order[half : 2 * half]
    return x[first], y[first], x[second], y[second]


def _rotated(degrees: float) -> Shift:
    return lambda x, rng: np.stack([rotate(row.reshape(8, 8), degrees, reshape=False).ravel() for row in x])


def _blurred(width: float) -> Shift:
    return lambda x, rng: np.stack([gaussian_filter(row.reshape(8, 8), width).ravel() for row in x])


def _noisy(amount: float) -> Shift:
    return lambda x, rng: x + amount * x.std() * rng.normal(size=x.shape)


def _mixed(amount: float) -> Shift:
    """A linear map near the identity, and an offset."""

    def shift(x: Array, rng: np.random.Generator) -> Array:
        d = x.shape[1]
        return x @ (np.eye(d) + amount * rng.normal(size=(d, d)) / np.sqrt(d)) + amount * x.std(axis=0) * rng.normal(
            size=d
        )

    return shift


def _scaled(amount: float) -> Shift:
    return lambda x, rng: x * np.exp(amount * rng.normal(size=x.shape[1]))


def _contrast(x: Array, rng: np.random.Generator) -> Array:
    return np.sqrt(np.maximum(x, 0) * 16)


def _shifted(name: str, x: Array, y: Array, shift: Shift, seed: int, kind: str = "classification") -> Pair:
    rng = np.random.default_rng(seed)
    source, labels, target, hidden = _halves(x, y, rng)
    target = shift(target, rng)
    benchmark = "shifts" if kind == "classification" else "shifts_values"
    return Pair(benchmark, name, source, labels, target, target, hidden, kind)


def _selected(name: str, x: Array, y: Array, seed: int, by: str, kind: str = "classification") -> Pair:
    """Rows go to the source or the target by a feature (covariate shift) or by their label (label shift)."""
    rng = np.random.default_rng(seed)
    if by == "covariate":
        axis = x @ np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][0]
        tilt = 1.5 * (axis - axis.mean()) / axis.std()
    else:
        tilt = np.array([-2.0, 2.0, 0.0])[np.unique(y, return_inverse=True)[1] % 3]
    to_target = rng.random(len(x)) < 1 / (1 + np.exp(-tilt))
    missing = np.setdiff1d(np.unique(y), y[~to_target]) if kind == "classification" else []
    if len(missing):
        to_target[np.isin(y, missing)] = False
    rows = [rng.permutation((to_target == side).nonzero()[0])[:500] for side in (False, True)]
    benchmark = "shifts" if kind == "classification" else "shifts_values"
    target = x[rows[1]]
    return Pair(benchmark, name, x[rows[0]], y[rows[0]], target, target, y[rows[1]], kind)


def _same(x: Array, rng: np.random.Generator) -> Array:
    return x


def shifts() -> Iterator[Pair]:
    """Classification under rotation, blur, noise, contrast, linear maps, scales, selection, and no shift at all."""
    x, y = load_digits(return_X_y=True)
    images: dict[str, Shift] = {
        "rotated 20": _rotated(20),
        "rotated 40": _rotated(40),
        "blurred": _blurred(1.0),
        "noisy": _noisy(0.5),
        "contrast": _contrast,
        "mixed": _mixed(0.4),
        "same": _same,
    }
    for number, (name, shift) in enumerate(images.items()):
        yield _shifted(f"digits {name}", x, y, shift, number)
    tables = {"cancer": load_breast_cancer(return_X_y=True), "wines": load_wine(return_X_y=True)}
    for seed in range(4):
        made = make_classification(1000, 20, n_informative=8, n_classes=2 + seed % 3, random_state=seed, class_sep=1.2)
        tables[f"made {seed}"] = made
    for number, (name, (x, y)) in enumerate(tables.items()):
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        yield _shifted(f"{name} mixed", x, y, _mixed(0.5), 10 + number)
        yield _shifted(f"{name} scaled", x, y, _scaled(0.6), 20 + number)
        yield _shifted(f"{name} noisy", x, y, _noisy(0.7), 30 + number)
        yield _selected(f"{name} covariate", x, y, 40 + number, "covariate")
        yield _selected(f"{name} labels", x, y, 50 + number, "labels")


def shifts_values() -> Iterator[Pair]:
    """Regression under linear maps, scales, noise, selection, and no shift at all."""
    tables = {"diabetes": load_diabetes(return_X_y=True)}
    for seed in range(3):
        tables[f"friedman {seed}"] = make_friedman1(800, 10, noise=1.0, random_state=seed)
    for number, (name, (x, y)) in enumerate(tables.items()):
        x, y = (x - x.mean(axis=0)) / x.std(axis=0), y.astype(np.float64)
        for kind, shift in {"mixed": _mixed(0.4), "scaled": _scaled(0.5), "noisy": _noisy(0.5), "same": _same}.items():
            yield _shifted(f"{name} {kind}", x, y, shift, 10 + number, "regression")
        yield _selected(f"{name} covariate", x, y, 40 + number, "covariate", "regression")
