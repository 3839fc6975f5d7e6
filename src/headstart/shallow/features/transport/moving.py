"""Source rows moved onto the target by a plan: what the maps by optimal transport share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.metrics import pairwise_distances_argmin

from headstart.functional.offset import less
from headstart.functional.sinkhorn import row_shares, sinkhorn, slabs
from headstart.functional.transport import (
    Cost,
    Frame,
    Piece,
    Tally,
    canonical_order,
    frame_of,
    paired_batches,
)
from headstart.shallow.adaptation import dense
from headstart.shallow.domains import Domains

Array = np.ndarray
Solver = Callable[[Array, Array, Array], Array]
WHOLE = 120_000_000  # entries up to which an entropic plan is solved at once, in float32


class Moved(NamedTuple):
    """Source rows [n, d] in the order of the plan, dense or CSR, their images, and the plan's summary."""

    rows: Any
    images: Any
    summary: dict[str, Any]


class Setup(NamedTuple):
    """Both domains in an order that does not depend on the given one, in the plan's units."""

    source: Any
    target: Any
    labels: Array
    target_labels: Array
    frame: Frame
    cost: Cost


def prepare(domains: Domains, *, by_label: bool = False, seed: int = 0) -> Setup:
    """Order both domains, and set up the cost; known classes of the target keep other classes' rows away."""
    order = canonical_order(domains.source, seed, domains.labels if by_label else None)
    other = canonical_order(domains.target, seed)
    source, target = domains.source[order], domains.target[other]
    labels, target_labels = domains.labels[order], domains.target_labels[other]
    frame = frame_of(source, target)
    unit = np.sqrt(frame.scale)
    x, y = less(source, frame.source, unit), less(target, frame.target, unit)
    classes = (labels, target_labels) if labels.dtype.kind == "i" else (None, None)
    return Setup(source, target, labels, target_labels, frame, Cost(x, y, x_labels=classes[0], y_labels=classes[1]))


def solved_pieces(cost: Cost, solve: Solver, limit: int) -> Iterator[Piece]:
    """Solve pairs of batches, one pair of everything where n m <= limit; ``solve(block, rows, columns)``."""
    for rows, columns in paired_batches(np.arange(cost.shape[0]), np.arange(cost.shape[1]), limit):
        block = cost.part(rows, columns)[:]
        yield Piece(rows, columns, solve(block, rows, columns) * (len(rows) / cost.shape[0]), block)


def stated(pieces: int, n: int, m: int) -> str:
    """Say what a plan in pieces is."""
    return "exact" if pieces == 1 else f"minibatch, {pieces} pairs of about {n // pieces} x {m // pieces} rows"


def move(setup: Setup, pieces: Iterator[Piece], solver: str, approximation: str | None = None, **more: Any) -> Moved:
    """Return the barycentric images ``sum_j P_ij y_j / sum_j P_ij`` of every source row, and count the plan."""
    tally, count = Tally(setup.cost), 0
    parts: list[tuple[Any, Any]] = []
    for piece in pieces:
        tally.add(piece)
        shares = piece.plan / piece.plan.sum(axis=1, keepdims=True)
        parts.append((piece.rows, _means(shares, setup.target, piece.columns, setup.frame.target)))
        count += 1
    images = _together(parts, setup.source.shape)
    approximation = approximation or stated(count, *setup.cost.shape)
    return Moved(setup.source, images, tally.summary(setup.frame, solver=solver, approximation=approximation, **more))


def _means(shares: Array, target: Any, columns: Any, centre: Array) -> Any:
    """Return means of target rows by shares that sum to 1; sparse ones of CSR rows where each is of few rows."""
    if not sparse.issparse(target):
        return shares @ (target - centre)[columns].astype(shares.dtype) + centre
    few = np.count_nonzero(shares) < sum(shares.shape)  # as in every vertex of the plans, which the simplex ends at
    return sparse.csr_matrix(shares) @ target[columns] if few else np.asarray(shares @ target[columns])


def _together(parts: list[tuple[Any, Any]], shape: tuple[int, int]) -> Any:
    """Return the images of all rows in their order, sparse where each part is."""
    if all(sparse.issparse(part) for _, part in parts):
        places = np.concatenate([np.arange(shape[0])[rows] for rows, _ in parts])
        return sparse.csr_matrix(sparse.vstack([part for _, part in parts]))[np.argsort(places)]
    images = np.empty(shape)
    for rows, part in parts:
        images[rows] = dense(part)
    return images


class Entropic(NamedTuple):
    """A column potential over ``columns`` of the cost, and how it was found."""

    potential: Array
    columns: Array
    approximation: str
    iterations: int


def entropic_potential(cost: Cost, reg: float, *, limit: int = WHOLE, max_iter: int = 1000) -> Entropic:
    """Solve for the column potential; from a stratified sample of rows and columns where n m > limit.

    A potential extends to rows it was not fitted on (`row_shares`), so that a sample of both sides is enough.
    """
    n, m = cost.shape
    rows, columns = paired_batches(np.arange(n), np.arange(m), limit)[0]
    some = len(rows) < n
    part = cost.part(rows, columns) if some else cost
    found = sinkhorn(part, reg, tolerance=1e-4 if part.dtype == np.float32 else 1e-6, max_iter=max_iter)
    said = f"potential of {len(rows)} of {n} source and {len(columns)} of {m} target rows" if some else "exact"
    return Entropic(found.values, columns, said, found.iterations)


def entropic_pieces(cost: Cost, entropic: Entropic, reg: float) -> Iterator[Piece]:
    """Yield the plan slab by slab; it is never held as a whole."""
    part = cost.part(np.arange(cost.shape[0]), entropic.columns)
    for rows in slabs(*part.shape):
        block = part[rows]
        shares = row_shares(block, entropic.potential, reg)
        shares /= cost.shape[0]
        yield Piece(rows, entropic.columns, shares, block)


class Displacements:
    """The map of new rows: ``x + (T(x_i) - x_i)``, with x_i the nearest row that was moved.

    Equal rows move together, to the mean of their images; on those rows it is the barycentric map itself.

    References
    ----------
    Ferradans, Papadakis, Peyré and Aujol, "Regularized Discrete Optimal Transport", SIAM Journal on Imaging Sciences
    2014, section 5 (the map between samples, carried to all points by their nearest sample).
    """

    def __init__(self, rows: Any, images: Any) -> None:
        order = canonical_order(rows, 0)  # puts equal rows side by side
        rows, images = rows[order], images[order]
        if sparse.issparse(rows):
            self.centre = np.zeros(rows.shape[1])  # what is taken off both sides changes no neighbour
            different = (rows[1:] - rows[:-1]).count_nonzero(axis=1) > 0
        else:
            self.centre = rows.mean(axis=0)
            different = (rows[1:] != rows[:-1]).any(axis=1)
        first = np.append(True, different).nonzero()[0]
        counts = np.diff(np.append(first, rows.shape[0]))
        self.rows = rows[first] if sparse.issparse(rows) else rows[first] - self.centre
        self.steps = _group_means(images - rows, first, counts)

    def __call__(self, rows: Any) -> Any:
        """Move rows [n, d]; CSR rows stay sparse where the steps are."""
        near = rows if sparse.issparse(rows) else rows - self.centre
        steps = self.steps[pairwise_distances_argmin(near, self.rows)]
        return rows + steps if sparse.issparse(steps) else dense(rows) + steps

    def unmoved(self, rows: Any) -> Any:
        """Return target rows as they stand beside moved ones: dense where those are."""
        return rows if sparse.issparse(self.steps) else dense(rows)


def _group_means(steps: Any, first: Array, counts: Array) -> Any:
    """Return the means of groups of consecutive rows."""
    if not sparse.issparse(steps):
        return np.add.reduceat(np.asarray(steps), first) / counts[:, None]
    groups = np.repeat(np.arange(len(first)), counts)
    shares = sparse.csr_matrix((1 / counts[groups], (groups, np.arange(len(groups)))), shape=(len(first), len(groups)))
    return sparse.csr_matrix(shares @ steps)
