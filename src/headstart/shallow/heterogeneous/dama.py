"""Manifold alignment between two feature spaces, through labels, shared columns or local geometry."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from sklearn.neighbors import NearestNeighbors

from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.blocks import BlockTransformer, class_numbers, coordinates, in_order, standard

Array = np.ndarray


class Scatter(NamedTuple):
    """Quadratic forms of the two domains' features side by side, [d, d] each: what alignment keeps small and large."""

    small: Array
    large: Array


def neighbour_graph(rows: Array, n_neighbors: int) -> sparse.csr_matrix:
    """Return symmetric heat-kernel weights between nearest neighbours, [n, n]; the width is their median distance."""
    n = len(rows)
    count = min(n_neighbors, n - 1)
    if count < 1:
        return sparse.csr_matrix((n, n))
    distances, found = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors()
    width = float(np.median(distances)) or 1.0
    values = np.exp(-(distances**2) / (2 * width**2)).ravel()
    graph = sparse.csr_matrix((values, found.ravel(), np.arange(n + 1) * count), shape=(n, n))
    return sparse.csr_matrix(graph.maximum(graph.T))


def laplacian_form(source: Array, target: Array, weights: sparse.csr_matrix) -> tuple[Array, Array]:
    """Return ``Z (D - W) Z'`` and ``Z D Z'`` [d_s + d_t, d_s + d_t] of joint weights W [n + m, n + m].

    Z' has the source's rows as [x, 0] and the target's as [0, z].
    """
    n, d = source.shape
    degrees = np.asarray(weights.sum(axis=1)).ravel()

    def form(matrix: sparse.csr_matrix) -> Array:
        out = np.zeros((d + target.shape[1],) * 2)
        out[:d, :d] = source.T @ (matrix[:n, :n] @ source)
        out[:d, d:] = source.T @ (matrix[:n, n:] @ target)
        out[d:, :d] = out[:d, d:].T
        out[d:, d:] = target.T @ (matrix[n:, n:] @ target)
        return out

    heavy = form(sparse.csr_matrix(sparse.diags_array(degrees)))
    return heavy - form(weights), heavy


def class_forms(rows: Array, labels: Array) -> Scatter:
    """Return ``Z L_same Z'`` and ``Z L_different Z'`` over all pairs of labelled rows [N, d], from sums per class.

    ``Z L_same Z' = sum_c (n_c sum_{i in c} z_i z_i' - s_c s_c')`` with s_c the sum of class c, and the like between.
    """
    wanted = (labels[:, None] == np.unique(labels)).astype(float)
    counts, sums = wanted.sum(axis=0), wanted.T @ rows
    own = wanted @ counts
    within = sums.T @ sums
    total = sums.sum(axis=0)
    same = (rows * own[:, None]).T @ rows - within
    different = (rows * (len(rows) - own)[:, None]).T @ rows - (np.outer(total, total) - within)
    return Scatter(same, different)


def smallest_ratio(scatter: Scatter, n_components: int, ridge: float = 1e-3) -> Array:
    """Return F [d, q] of least ``tr(F' small F) / tr(F' large F)``: ``large f = l (small + ridge I) f``, l falling.

    ``ridge`` counts in the mean of small's diagonal.
    """
    d = len(scatter.small)
    lower = scatter.small + (ridge * np.trace(scatter.small) / d + 1e-12) * np.eye(d)
    chosen = [max(d - n_components, 0), d - 1]
    _, vectors = eigh((scatter.large + scatter.large.T) / 2, (lower + lower.T) / 2, subset_by_index=chosen)
    vectors = vectors[:, ::-1]
    return vectors * np.where(np.sin(1.0 + np.arange(d) ** 1.5) @ vectors < 0, -1.0, 1.0)


def shapes(rows: Array, size: int) -> Array:
    """Return the distances within every row and its ``size`` nearest neighbours, [n, (size + 1) size / 2]."""
    near = NearestNeighbors(n_neighbors=size).fit(rows).kneighbors(return_distance=False)
    local = rows[np.column_stack([np.arange(len(rows)), near])]
    first, second = np.triu_indices(size + 1, 1)
    return np.sqrt(((local[:, first] - local[:, second]) ** 2).sum(axis=2))


def match_shapes(source: Array, target: Array, *, size: int = 4, matches: int = 1) -> sparse.csr_matrix:
    """Return weights [n, m] between rows whose neighbourhoods look alike, whatever the spaces' axes and units.

    ``dist(R_i, R_j) = min_{h, k} ||R_i - k P_h R_j||_F`` over permutations h of the neighbours and scales k, where R
    holds the distances within a row and its nearest neighbours; weights are ``exp(-dist^2 / w^2)``, of every row's
    ``matches`` best, w their median.

    References
    ----------
    Wang and Mahadevan, "Manifold Alignment without Correspondence", IJCAI 2009, section 3.
    """
    size = min(size, len(source) - 1, len(target) - 1)
    if size < 2:
        return sparse.csr_matrix((len(source), len(target)))
    first, second = shapes(source, size), shapes(target, size)
    place = np.zeros((size + 1, size + 1), dtype=int)
    place[np.triu_indices(size + 1, 1)] = np.arange(first.shape[1])
    place += place.T
    turned = []
    for order in permutations(range(1, size + 1)):
        whole = np.array((0, *order))
        turned.append(second[:, place[np.ix_(whole, whole)][np.triu_indices(size + 1, 1)]])
    length = np.maximum(np.linalg.norm(second, axis=1), 1e-300)
    squares, matches = (first**2).sum(axis=1), min(matches, len(second))
    found, distances = np.empty((2, len(first), matches))
    for start in range(0, len(first), 1000):
        part = slice(start, start + 1000)
        overlap = np.max([first[part] @ (other / length[:, None]).T for other in turned], axis=0)
        found[part] = np.argsort(-overlap, axis=1, kind="stable")[:, :matches]
        best = np.take_along_axis(overlap, found[part].astype(int), axis=1)
        distances[part] = np.sqrt(np.maximum(squares[part, None] - best**2, 0.0))
    width = float(np.median(distances)) or 1.0
    values = np.exp(-((distances / width) ** 2)).ravel()
    into = found.astype(int).ravel()
    return sparse.csr_matrix((values, into, np.arange(len(first) + 1) * matches), shape=(len(first), len(second)))


def match_columns(source: Array, target: Array, *, matches: int = 5) -> sparse.csr_matrix:
    """Return heat-kernel weights [n, m] between every row and its nearest rows of the other domain, both ways."""

    def one_way(rows: Array, others: Array) -> sparse.csr_matrix:
        count = min(matches, len(others))
        distances, found = NearestNeighbors(n_neighbors=count).fit(others).kneighbors(rows)
        width = float(np.median(distances)) or 1.0
        values = np.exp(-(distances**2) / (2 * width**2)).ravel()
        shape = (len(rows), len(others))
        return sparse.csr_matrix((values, found.ravel(), np.arange(len(rows) + 1) * count), shape=shape)

    return sparse.csr_matrix(one_way(source, target).maximum(one_way(target, source).T))


@dataclass(kw_only=True, eq=False, repr=False)
class DAMA(BlockTransformer):
    """Manifold alignment: linear maps F_s, F_t into a space where neighbours stay, and what belongs together meets.

    With target labels (Wang and Mahadevan 2011), on rows [x, 0] and [0, z] of standardised principal axes,

        min_F  tr F'(topology Z L Z' + Z L_same Z') F / tr F' Z L_different Z' F,

    L the neighbour graphs within the domains (and, on shared columns, between them), L_same and L_different those of
    all pairs of labelled rows of one class and of two; each form is brought to trace 1. Values of a regression count
    in five quantile bins. Without target labels, ``min tr F' Z L Z' F / tr F' Z D Z' F`` of the joint graph, its
    bridge being nearest rows in shared columns, or, where there are none, rows of like neighbourhoods
    (`match_shapes`, 2009), which is weak evidence: look at the result before you trust it.

    Parameters
    ----------
    n_components : None for up to 50, without labels up to 10.
    n_neighbors : of the graphs. topology : weight of the graphs against the labels. bridge : weight of the bridge
        against the graphs within the domains, where there is no label. ridge : as in `smallest_ratio`.
    standardise : whether every column counts in its standard deviation; False where a domain's columns have one unit.

    Attributes
    ----------
    source_map_ [r_s, q], target_map_ [r_t, q], bridge_ : what tied the domains.

    References
    ----------
    Wang and Mahadevan, "Heterogeneous Domain Adaptation Using Manifold Alignment", IJCAI 2011, section 3; Wang and
    Mahadevan, "Manifold Alignment without Correspondence", IJCAI 2009.
    """

    needs_labels: ClassVar[bool] = False
    n_components: int | None = None
    n_neighbors: int = 10
    topology: float = 0.1
    bridge: float = 1.0
    ridge: float = 1e-3
    standardise: bool = True

    def _learn(self, domains: Domains) -> None:
        domains = in_order(domains)
        source, target = (coordinates(rows, standardise=self.standardise) for rows in (domains.source, domains.target))
        self.bases_ = source, target
        source, target = self.bases_[0].rotated, self.bases_[1].rotated
        labels, target_labels = class_numbers(domains)
        both = np.intersect1d(labels[labels >= 0], target_labels[target_labels >= 0])
        tied = len(both) > 1
        graph = self._graph(domains, source, target, tied)
        low, heavy = laplacian_form(source, target, graph)
        scatter = self._with_labels(low, (source, labels), (target, target_labels)) if tied else Scatter(low, heavy)
        count = (50 if tied else 10) if self.n_components is None else self.n_components
        F = smallest_ratio(scatter, min(count, source.shape[1], target.shape[1]), self.ridge)
        self.source_map_, self.target_map_ = F[: source.shape[1]], F[source.shape[1] :]

    def _graph(self, domains: Domains, source: Array, target: Array, tied: bool) -> sparse.csr_matrix:
        first, second = self.blocks_.shared
        bridge = sparse.csr_matrix((len(source), len(target)))
        self.bridge_ = "classes" if tied else ""
        if len(first):
            self.bridge_ += f"{' and ' if tied else ''}{len(first)} shared columns"
            seen, aim = domains.source[:, first], domains.target[:, second]
            bridge = match_columns(standard(seen)(seen), standard(aim)(aim))
        elif not tied:
            self.bridge_, bridge = "local geometry", match_shapes(source, target)
        within = [neighbour_graph(rows, self.n_neighbors) for rows in (source, target)]
        weight = self.bridge * sum(graph.sum() for graph in within) / max(2 * float(bridge.sum()), 1e-300)
        bridge = bridge * (weight if bridge.nnz else 1.0)
        return sparse.csr_matrix(sparse.block_array([[within[0], bridge], [bridge.T, within[1]]]))

    def _with_labels(self, low: Array, source: tuple[Array, Array], target: tuple[Array, Array]) -> Scatter:
        (x, labels), (z, target_labels) = source, target
        x, z = x[labels >= 0], z[target_labels >= 0]
        rows = np.block([[x, np.zeros((len(x), z.shape[1]))], [np.zeros((len(z), x.shape[1])), z]])
        classes = class_forms(rows, np.append(labels[labels >= 0], target_labels[target_labels >= 0]))
        small = self.topology * low / max(np.trace(low), 1e-300) + classes.small / max(np.trace(classes.small), 1e-300)
        return Scatter(small, classes.large / max(np.trace(classes.large), 1e-300))

    def _map(self, rows: Array, is_source: bool) -> Array:
        basis = self.bases_[0 if is_source else 1]
        return (rows - basis.mean) / basis.scale @ basis.axes @ (self.source_map_ if is_source else self.target_map_)
