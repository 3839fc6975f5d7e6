"""Density ratios of source rows from a classifier that tells the domains apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from headstart.functional.linear import logistic_path, principal, unfold
from headstart.functional.spectral import principal_axes
from headstart.validators.evidence import Array, Evidence


class Axes(NamedTuple):
    """Leading principal axes of standardised rows: ``of(x) = (x - mean) / scale @ axes``."""

    mean: Array
    scale: Array
    axes: Any

    def of(self, rows: Any) -> Array:
        """Return rows [b, d], dense or CSR, on the axes [b, q]."""
        turned = self.axes / self.scale[:, None]
        return np.asarray(rows @ turned) - self.mean @ turned


def leading_axes(source: Any, target: Any, n_components: int = 32, seed: int = 0) -> Axes:
    """Return the leading principal axes of all rows standardised, at most ``n_components``.

    CSR rows are neither centred nor standardised.
    """
    d = source.shape[1]
    mean, scale = np.zeros(d), np.ones(d)
    if sparse.issparse(source) or sparse.issparse(target):
        rows: Any = sparse.csr_matrix(sparse.vstack([source, target]), dtype=np.float64)
    else:
        rows = np.concatenate([source, target]).astype(np.float64)
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
        scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
        rows = (rows - mean) / scale
    if d <= n_components or rows.shape[0] <= n_components or not abs(rows).max():
        return Axes(mean, scale, np.eye(d))
    return Axes(mean, scale, principal_axes(rows, n_components, centred=False, seed=seed).axes)


def leading(source: Any, target: Any, n_components: int = 32, seed: int = 0) -> tuple[Array, Array]:
    """Return both domains' rows on their `leading_axes`."""
    axes = leading_axes(source, target, n_components, seed)
    return axes.of(source), axes.of(target)


def density_ratio(source: Any, target: Any, *, strength: float = 0.01, seed: int = 0) -> Array:
    """Return ``p_target(x) / p_source(x)`` of the source rows [n].

    ``w(x) = n / m * p(target | x) / p(source | x)`` by logistic regression on at most 32 principal axes.

    Parameters
    ----------
    source, target : [n, d] and [m, d], dense or CSR. strength : L2 penalty per sample.

    References
    ----------
    Bickel, Brueckner and Scheffer, "Discriminative Learning for Differing Training and Test Distributions", ICML 2007.
    """
    first, second = leading(source, target, seed=seed)
    rows = np.concatenate([first, second])
    is_target = (np.arange(len(rows)) >= len(first)).astype(np.float64)[:, None]
    basis = principal(rows)
    coef, intercept = unfold(basis, *logistic_path(basis, is_target, np.array([strength]), link="sigmoid")[0])
    log_odds = (first @ coef.T + intercept)[:, 0]
    return len(first) / len(second) * np.exp(np.clip(log_odds, -20, 20))


def weights_of(evidence: Evidence, *, mapped: bool = False) -> Array:
    """Return the density ratios [n] of the evidence's source rows, in the shared space where ``mapped``."""
    if mapped and evidence.mapped_source is not None and evidence.mapped_target is not None:
        return density_ratio(evidence.mapped_source, evidence.mapped_target, seed=evidence.seed)
    if evidence.source_weights is not None:
        return np.asarray(evidence.source_weights, dtype=np.float64)
    return density_ratio(evidence.source_features, evidence.target_features, seed=evidence.seed)
