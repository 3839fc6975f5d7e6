"""Optimal transport between samples: the cost, exact plans (POT's network simplex), plans that leave mass behind."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.functional.offset import moments, products, squares
from headstart.functional.sinkhorn import Potential, row_shares, sinkhorn

Array = np.ndarray
SINGLE = 9_000_000  # entries from which a cost is taken in float32


class Frame(NamedTuple):
    """The means of two samples and the scale of their distances: the mean cost ``mean_ij ||x_i - y_j||^2`` of centred
    rows, so that neither a shift between them nor their unit changes a plan."""

    source: Array
    target: Array
    scale: float


def frame_of(source: Any, target: Any) -> Frame:
    """Return the frame of rows [n, d] and [m, d], dense or CSR; scale 1 where nothing varies.

    Squared distances change under a shift of one sample by terms of one row or one column only, which no plan feels.
    """
    (first, own, size), (second, other, more) = moments(source), moments(target)
    spread, size = own + other, size + more
    return Frame(first, second, spread if spread > 1e-20 * size else 1.0)


class Cost:
    """Squared distances between rows x [n, d] and y [m, d], computed a slice of rows at a time.

    Parameters
    ----------
    x, y : rows in the units of their `Frame`, both dense or both an `Offset`. x_labels, y_labels : classes, -1 where
        unknown; None for none known.
    apart : what a pair of different known classes pays on top.
    dtype : None for float32 where there are many entries.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        *,
        x_labels: Array | None = None,
        y_labels: Array | None = None,
        apart: float = 10.0,
        dtype: Any = None,
    ) -> None:
        self.shape = x.shape[0], y.shape[0]
        self.dtype = np.dtype(dtype or (np.float32 if x.shape[0] * y.shape[0] > SINGLE else np.float64))
        self.x, self.y = x.astype(self.dtype), y.astype(self.dtype)
        self.y_squares = squares(self.y)
        self.apart = apart
        self.labels: tuple[Array, Array] | None = None
        if x_labels is not None and y_labels is not None and (y_labels >= 0).any():
            self.labels = x_labels, y_labels

    def __getitem__(self, rows: slice) -> Array:
        x = self.x[rows]
        cost = products(x, self.y)
        cost *= -2
        cost += squares(x)[:, None]
        cost += self.y_squares
        np.maximum(cost, 0, out=cost)
        if self.labels is not None:
            x_labels, y_labels = self.labels[0][rows, None], self.labels[1]
            cost += self.dtype.type(self.apart) * ((x_labels != y_labels) & (x_labels >= 0) & (y_labels >= 0))
        return cost

    def part(self, rows: Array, columns: Array) -> Cost:
        """Return the cost between some rows and some columns."""
        labels = (None, None) if self.labels is None else (self.labels[0][rows], self.labels[1][columns])
        return Cost(self.x[rows], self.y[columns], x_labels=labels[0], y_labels=labels[1], apart=self.apart)


def exact_plan(cost: Array, *, a: Array | None = None, b: Array | None = None) -> Array:
    """Return ``argmin_P <C, P>`` with ``P 1 = a`` and ``P' 1 = b``, [n, m], by the network simplex.

    Parameters
    ----------
    cost : [n, m]. a, b : masses of equal sum; None for uniform ones of sum 1.

    References
    ----------
    Bonneel et al., "Displacement Interpolation Using Lagrangian Mass Transport", SIGGRAPH Asia 2011 (the solver).
    """
    import ot

    n, m = cost.shape
    a = np.full(n, 1 / n) if a is None else a
    b = np.full(m, 1 / m) if b is None else b
    return ot.emd(a, b, np.ascontiguousarray(cost, dtype=np.float64), numItermax=10_000_000)


def relaxed_plan(cost: Array, *, reach: float = 1.0, entropy: float = 0.05) -> Array:
    """Return a plan [n, m] between uniform masses a and b of sum 1 that may leave some of them behind.

    ``argmin_P <C, P> / c + entropy KL(P | a b') + reach (KL(P 1 | a) + KL(P' 1 | b))``, c the mean cost, so that the
    unit of the cost does not matter; a pair is never taken to cost more than 30 c. Solved by POT's scaling.

    Parameters
    ----------
    cost : [n, m], at least 0. reach : price of what is left behind; the larger, the nearer to `entropic_plan`.

    Raises
    ------
    ValueError : for a reach below 0.

    References
    ----------
    Chizat et al., "Scaling Algorithms for Unbalanced Optimal Transport Problems", Mathematics of Computation 2018,
    section 3. Fatras et al., "Unbalanced Minibatch Optimal Transport; Applications to Domain Adaptation", ICML 2021.
    """
    from ot.unbalanced import sinkhorn_knopp_unbalanced

    if not reach >= 0:
        raise ValueError(f"reach is {reach!r}; expected a price from 0 up, in mean costs.")
    n, m = cost.shape
    scaled = np.minimum(cost / (cost.mean() or 1.0), 30.0).astype(np.float64)
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    return sinkhorn_knopp_unbalanced(a, b, scaled, entropy, reach, numItermax=1000, stopThr=1e-7)


def entropic_plan(cost: Any, reg: float, *, potential: Potential | None = None, a: Array | None = None) -> Array:
    """Return the entropic plan [n, m]; ``potential`` is its column potential where it is known, else it is solved."""
    potential = sinkhorn(cost, reg, a=a) if potential is None else potential
    mass = np.full(cost.shape[0], 1 / cost.shape[0]) if a is None else a
    plan = row_shares(cost[:], potential.values, reg)
    plan *= mass[:, None].astype(plan.dtype)
    return plan


class Piece(NamedTuple):
    """A block of a plan: which rows and columns, their masses, and what moving costs."""

    rows: Any
    columns: Any
    plan: Array
    cost: Array


class Tally:
    """Counts pieces of a plan between n rows of equal masses and m columns of masses b (None: equal); every row lies
    in one piece."""

    def __init__(self, cost: Cost, *, b: Array | None = None) -> None:
        self.n, self.m = cost.shape
        self.b = np.full(self.m, 1 / self.m) if b is None else b
        self.labels, self.apart = cost.labels, cost.apart
        self.row_mass, self.column_mass = np.zeros(self.n), np.zeros(self.m)
        self.partners = np.zeros(self.n)
        self.cost = self.entropy = self.across = self.judged = 0.0

    def add(self, piece: Piece) -> None:
        """Count one piece."""
        rows, columns, plan, cost = piece
        mass = plan.sum(axis=1, dtype=np.float64)
        self.row_mass[rows] += mass
        self.column_mass[columns] += plan.sum(axis=0, dtype=np.float64)
        self.cost += float(np.vdot(plan, cost))
        chaos = -(plan * np.log(np.maximum(plan, 1e-37))).sum(axis=1, dtype=np.float64)
        self.entropy += float(chaos.sum())
        self.partners[rows] = np.exp(chaos / np.maximum(mass, 1e-300) + np.log(np.maximum(mass, 1e-300)))
        if self.labels is not None:
            ours, theirs = self.labels[0][rows], self.labels[1][columns]
            judged = plan[:, theirs >= 0]
            self.judged += float(judged.sum())
            self.across += float(judged[ours[:, None] != theirs[theirs >= 0]].sum())

    def summary(self, frame: Frame, *, solver: str, approximation: str, **more: Any) -> dict[str, Any]:
        """Return what a report prints of a plan.

        Returns
        -------
        cost : mean squared distance of the move, in the units of the features; entropy : ``-sum P log P``;
        partners : mean over source rows of exp(entropy of the row), the number of target rows it is spread over;
        violation : the largest relative error of a marginal; across_classes : the share of the mass arriving at
        labelled target rows that comes from another class, None without labels; solver; approximation.
        """
        moved = (self.cost - self.apart * self.across) * frame.scale + np.square(frame.target - frame.source).sum()
        off = max(np.abs(self.row_mass * self.n - 1).max(), np.abs(self.column_mass / self.b - 1).max())
        return {
            "cost": float(moved),
            "entropy": self.entropy,
            "partners": float(self.partners.mean()),
            "violation": float(off),
            "across_classes": self.across / self.judged if self.judged > 0 else None,
            "solver": solver,
            "approximation": approximation,
            **more,
        }


def canonical_order(rows: Any, seed: int, labels: Array | None = None) -> Array:
    """Return an order of rows [n, d] that depends on what they hold alone: by label, then along a random direction.

    Every k-th row of it is a sample stratified by both.
    """
    along = rows @ np.random.default_rng(seed).normal(size=rows.shape[1])
    return np.lexsort((along,) if labels is None else (along, labels))


def paired_batches(source: Array, target: Array, limit: int) -> list[tuple[Array, Array]]:
    """Deal ordered row numbers [n] and [m] into pairs of stratified batches of at most about ``limit`` entries each.

    References
    ----------
    Fatras et al., "Learning with minibatch Wasserstein: asymptotic and gradient properties", AISTATS 2020.
    """
    count = int(np.ceil(np.sqrt(len(source) * len(target) / limit)))
    count = max(1, min(count, len(source), len(target)))
    return [(source[start::count], target[start::count]) for start in range(count)]
