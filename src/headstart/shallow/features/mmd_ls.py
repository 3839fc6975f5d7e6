"""Location-scale transformations that minimise the maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from headstart.functional.mmd import median_bandwidth, rbf, squared_distances
from headstart.functional.scale import location_scale
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains, masked

Array = np.ndarray
Discrepancy = Callable[[Array], tuple[float, Array]]
EXACT_ROWS = 1000


def exact_discrepancy(target: Array, bandwidth: float) -> Discrepancy:
    """Return a function that gives MMD^2 of rows [n, d] to the target's [m, d] under a Gaussian kernel, and its slope.

    ``mean k(x, x') - 2 mean k(x, t)``; the constant ``mean k(t, t')`` is added.
    """
    constant = float(rbf(target, target, bandwidth).mean())

    def value_and_slope(rows: Array) -> tuple[float, Array]:
        n, m = len(rows), len(target)
        within, across = rbf(rows, rows, bandwidth), rbf(rows, target, bandwidth)
        pull = within @ rows - within.sum(axis=1)[:, None] * rows
        push = across @ target - across.sum(axis=1)[:, None] * rows
        value = float(within.mean() - 2 * across.mean()) + constant
        return value, 2 / bandwidth**2 * (pull / n**2 - push / (n * m))

    return value_and_slope


def fourier_discrepancy(target: Array, bandwidth: float, n_frequencies: int, seed: int) -> Discrepancy:
    """As `exact_discrepancy`, by random Fourier features: linear in the number of rows.

    References
    ----------
    Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", NIPS 2007.
    """
    frequencies = np.random.default_rng(seed).standard_normal((target.shape[1], n_frequencies)) / bandwidth
    phase = target @ frequencies
    cosine, sine = np.cos(phase).mean(axis=0), np.sin(phase).mean(axis=0)

    def value_and_slope(rows: Array) -> tuple[float, Array]:
        phase = rows @ frequencies
        c, s = np.cos(phase), np.sin(phase)
        gap_c, gap_s = c.mean(axis=0) - cosine, s.mean(axis=0) - sine
        slope = (c * gap_s - s * gap_c) @ frequencies.T
        return float(gap_c @ gap_c + gap_s @ gap_s) / n_frequencies, 2 / (len(rows) * n_frequencies) * slope

    return value_and_slope


def location_scale_map(
    source: Array, memberships: Array, discrepancy: Discrepancy, *, regularisation: float = 1e-3, n_steps: int = 100
) -> tuple[Array, Array]:
    """Return the scales G [k, d] and shifts H [k, d] of ``x_i -> x_i * (R G)_i + (R H)_i`` that bring MMD^2 down.

    ``min_{G, H} MMD^2(source * R G + R H, target) + l mean_i (||(R G)_i - 1||^2 + ||(R H)_i||^2) / d``, from the
    identity by L-BFGS.

    Parameters
    ----------
    source : [n, d], in units of the features' spread. memberships : R [n, k], rows that sum to 1: which class a row is
        of, or between which values of a regression it lies.

    References
    ----------
    Zhang, Schoelkopf, Muandet and Wang, "Domain Adaptation under Target and Conditional Shift", ICML 2013, section 4
    (location-scale generalized target shift, here with the classes' shares as they are).
    """
    n, d = source.shape
    k = memberships.shape[1]
    share = memberships.sum(axis=0)[:, None] / n
    inner = memberships.T @ memberships / (n * d)

    def objective(flat: Array) -> tuple[float, Array]:
        change, shift = flat.reshape(2, k, d)
        value, slope = discrepancy(source * (1 + memberships @ change) + memberships @ shift)
        pulled = regularisation * inner @ change, regularisation * inner @ shift
        value += float((change * pulled[0]).sum() + (shift * pulled[1]).sum())
        slopes = memberships.T @ (slope * source) + 2 * pulled[0], memberships.T @ slope + 2 * pulled[1]
        return value, np.concatenate([part.ravel() for part in slopes])

    start = np.zeros(2 * k * d)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": n_steps, "gtol": 1e-7}).x
    change, shift = found.reshape(2, k, d)
    return np.where(share > 0, 1 + change, 1.0), np.where(share > 0, shift, 0.0)


def soft_bins(values: Array, knots: Array) -> Array:
    """Return how far each value lies between neighbouring knots: [n, k], two numbers of each row, which sum to 1."""
    places = np.interp(values, knots, np.arange(len(knots)))
    return np.maximum(1 - np.abs(places[:, None] - np.arange(len(knots))), 0)


@dataclass(kw_only=True, eq=False, repr=False)
class MMDLS(DomainTransformer):
    """MMD location-scale: each class's source features are stretched and shifted towards the target's distribution.

    Source rows become ``x * w(y) + b(y)``, w and b being minimisers of MMD^2 with a penalty on what is not the
    identity (`location_scale_map`); target rows stay. For a regression w and b are piecewise linear in y. A new
    source row takes the w and b of the source row nearest to it. Without labels there is one w and one b.

    Parameters
    ----------
    conditional : whether w and b differ by label.
    bandwidth : of the Gaussian kernel, in units of the features' spread; None for the median distance.
    regularisation : l. n_knots : of a regression's w and b, at quantiles of y. n_steps : of L-BFGS.
    n_frequencies : random Fourier features, used above 1,000 rows in a domain. seed : of their frequencies.

    Attributes
    ----------
    scales_ [k, d], shifts_ [k, d] : in units of the features' spread around their mean. approximation_.

    References
    ----------
    Zhang, Schoelkopf, Muandet and Wang, "Domain Adaptation under Target and Conditional Shift", ICML 2013.
    """

    conditional: bool = True
    bandwidth: float | None = None
    regularisation: float = 1e-3
    n_knots: int = 4
    n_steps: int = 100
    n_frequencies: int = 500
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        source, target = self._units(domains)
        width = self.bandwidth or self._typical(np.concatenate([source, target]))
        exact = max(len(source), len(target)) <= EXACT_ROWS
        self.approximation_ = "exact" if exact else f"{self.n_frequencies} random Fourier frequencies"
        discrepancy = (
            exact_discrepancy(target, width)
            if exact
            else fourier_discrepancy(target, width, self.n_frequencies, self.seed)
        )
        self.source_, self.memberships_ = source, self._memberships(domains.labels)
        self.scales_, self.shifts_ = location_scale_map(
            source, self.memberships_, discrepancy, regularisation=self.regularisation, n_steps=self.n_steps
        )

    def _units(self, domains: Domains) -> tuple[Array, Array]:
        every = np.concatenate([domains.source, domains.target])
        self.mean_, self.spread_ = location_scale(every)
        return (domains.source - self.mean_) / self.spread_, (domains.target - self.mean_) / self.spread_

    def _typical(self, rows: Array) -> float:
        if len(rows) > EXACT_ROWS:  # the draw follows the rows' values, not their order
            order = np.argsort(rows @ np.random.default_rng(self.seed).standard_normal(rows.shape[1]), kind="stable")
            rows = rows[order[np.linspace(0, len(rows) - 1, EXACT_ROWS).astype(int)]]
        return median_bandwidth(rows)

    def _memberships(self, labels: Array) -> Array:
        if not self.conditional or masked(labels).any():
            return np.ones((len(labels), 1))
        if labels.dtype.kind == "f":
            knots = np.unique(np.quantile(labels, np.linspace(0, 1, max(self.n_knots, 2))))
            return soft_bins(labels, knots) if len(knots) > 1 else np.ones((len(labels), 1))
        return np.eye(len(self.classes_))[labels]

    def _map(self, rows: Any, is_source: bool) -> Array:
        if not is_source:
            return rows
        rows = (rows - self.mean_) / self.spread_
        member = self.memberships_
        member = member[_nearest(rows, self.source_)] if member.shape[1] > 1 else np.ones((len(rows), 1))
        moved = rows * (member @ self.scales_) + member @ self.shifts_
        return moved * self.spread_ + self.mean_


def _nearest(rows: Array, among: Array, chunk: int = 1000) -> Array:
    parts = [squared_distances(rows[i : i + chunk], among).argmin(axis=1) for i in range(0, len(rows), chunk)]
    return np.concatenate(parts)
