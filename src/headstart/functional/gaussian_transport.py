"""Optimal transport between Gaussians, in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Affine(NamedTuple):
    """The map ``x -> target_mean + (x - source_mean) A``, where A is ``I + axes (core - I) axes'``.

    ``axes`` [d, r] has orthonormal columns (None for the features themselves) and ``core`` [r, r] is symmetric; outside
    of their span nothing is stretched. ``bures`` is the squared distance of the two (regularised) covariances.
    """

    source_mean: Array
    target_mean: Array
    axes: Array | None
    core: Array
    bures: float

    def __call__(self, rows: Array) -> Array:
        centred = rows - self.source_mean
        if self.axes is None:
            return centred @ self.core + self.target_mean
        inside = centred @ self.axes
        return centred + (inside @ self.core - inside) @ self.axes.T + self.target_mean


def roots(covariance: Array) -> tuple[Array, Array]:
    """Return the square root of a positive definite matrix and the root's inverse."""
    squares, vectors = np.linalg.eigh(covariance)
    singular = np.sqrt(np.maximum(squares, max(squares[-1], 1e-300) * 1e-14))
    return (vectors * singular) @ vectors.T, (vectors / singular) @ vectors.T


def gaussian_map(source: Array, target: Array) -> Array:
    """Return ``A = S^(-1/2) (S^(1/2) T S^(1/2))^(1/2) S^(-1/2)``, which carries N(0, S) to N(0, T) at least cost.

    References
    ----------
    Knott and Smith, "On the optimal mapping of distributions", Journal of Optimization Theory and Applications 1984.
    """
    root, inverse = roots(source)
    middle = roots(root @ target @ root)[0]
    return inverse @ middle @ inverse


def linear_transport(source: Array, target: Array, *, reg: float = 0.1, rank: int = 2000) -> Affine:
    """Return the optimal map between Gaussians fitted to two samples, ``S + reg s I`` and ``T + reg s I``.

    s is the mean variance of a feature, over both domains. Both covariances are ``reg s I`` outside the span of the
    centred rows, where A is therefore the identity: only the span's r <= min(d, n + m - 2, rank) axes are solved for,
    those of most variance if there are more.

    Parameters
    ----------
    source, target : [n, d] and [m, d].

    References
    ----------
    Flamary, Lounici and Ferrari, "Concentration bounds for linear Monge mapping estimation and optimal transport
    domain adaptation", 2019, section 2.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    x, y = source - source_mean, target - target_mean
    variance = float(np.square(x).mean() + np.square(y).mean()) / 2
    axes = _axes(np.concatenate([x / np.sqrt(len(x)), y / np.sqrt(len(y))]), rank)
    if variance == 0:
        return Affine(source_mean, target_mean, None, np.eye(x.shape[1]), 0.0)
    if axes is not None:
        x, y = x @ axes, y @ axes
    first, second = (z.T @ z / len(z) + reg * variance * np.eye(z.shape[1]) for z in (x, y))
    core = gaussian_map(first, second)
    bures = float(np.trace(first) + np.trace(second) - 2 * np.trace(core @ first))
    return Affine(source_mean, target_mean, axes, core, max(bures, 0.0))


def _axes(rows: Array, rank: int) -> Array | None:
    """Return orthonormal axes [d, r] of the rows' span; None where they may fill the space."""
    n, d = rows.shape
    if d <= min(n, rank):
        return None
    squares, vectors = np.linalg.eigh(rows @ rows.T if n < d else rows.T @ rows)
    keep = (squares > max(squares[-1], 1e-300) * 1e-12).nonzero()[0][-rank:]
    return np.linalg.qr(rows.T @ vectors[:, keep])[0] if n < d else vectors[:, keep]
