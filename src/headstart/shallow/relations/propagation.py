"""Label propagation over one graph of both domains' rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg
from sklearn.preprocessing import StandardScaler

from headstart.functional.neighbours import nearest_rows
from headstart.shallow.domains import Domains, stack
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.shallow.source_model import in_order, is_single

Array = np.ndarray


class Graph(NamedTuple):
    """Weights of a symmetric graph of n rows, each row's own scale [n], and how neighbours were found."""

    weights: sparse.csr_matrix
    scale: Array
    approximation: str


def neighbour_graph(rows: Any, k: int = 10, *, exact: bool | None = None, seed: int = 0) -> Graph:
    """Return the graph of every row's k nearest rows, CSR.

    ``w_ij = exp(-||x_i - x_j||^2 / (s_i s_j))`` with s the distance to the k-th neighbour; an edge counts in both
    directions where either row chose the other.

    References
    ----------
    Zelnik-Manor and Perona, "Self-Tuning Spectral Clustering", NIPS 2004, section 2.
    """
    n = rows.shape[0]
    found = nearest_rows(rows, rows, k + 1, exact=exact, seed=seed)
    scale = _positive(found.distances[:, -1])
    weights = np.exp(-(found.distances**2) / (scale[:, None] * scale[found.rows]))
    weights[found.rows == np.arange(n)[:, None]] = 0.0
    return Graph(_symmetric(found.rows, weights, n), scale, found.approximation)


def bridges(source: Any, target: Any, count: int, *, exact: bool | None = None, seed: int = 0) -> sparse.csr_matrix:
    """Return edges [n + m, n + m] from every target row to its ``count`` nearest source rows.

    ``exp(-d^2 / s^2)`` with s the distance to the last of them: however far the domains stand apart, no target row is
    left without a way to a label.
    """
    n, m = source.shape[0], target.shape[0]
    found = nearest_rows(target, source, count, exact=exact, seed=seed)
    weights = np.exp(-((found.distances / _positive(found.distances[:, -1])[:, None]) ** 2))
    numbers = np.concatenate([np.zeros((n, found.rows.shape[1]), dtype=np.int64), found.rows])
    return _symmetric(numbers, np.concatenate([np.zeros((n, weights.shape[1])), weights]), n + m)


def _positive(scale: Array) -> Array:
    typical = scale[scale > 0]
    return np.maximum(scale, 1e-3 * typical.mean() if len(typical) else 1.0)


def _symmetric(numbers: Array, weights: Array, n: int) -> sparse.csr_matrix:
    edges = (weights.ravel(), (np.repeat(np.arange(n), numbers.shape[1]), numbers.ravel()))
    one_way = sparse.csr_matrix(edges, shape=(n, n))
    one_way.eliminate_zeros()
    return sparse.csr_matrix(one_way.maximum(one_way.T))


def propagate(weights: Any, targets: Array, known: Array, alpha: float = 0.99, worth: Array | None = None) -> Array:
    """Return what labels become when they flow along a graph, [n, k].

    ``F = (I - alpha S)^(-1) Y`` with ``S = D^(-1/2) W D^(-1/2)`` and Y the targets of known rows, 0 elsewhere; each row
    is divided by the same flow of ones, so that classes become shares and values stay in their units. Solved by
    conjugate gradients: near-linear in the edges. A row that no label reaches gets the mean of the known ones.

    Parameters
    ----------
    weights : symmetric, sparse [n, n], not negative. targets : [n, k], one-hot or values. known : bool [n].
    alpha : in [0, 1); how far labels flow. worth : [n], what a known row's label counts for; None for 1.

    References
    ----------
    Zhou et al., "Learning with Local and Global Consistency", NIPS 2003, section 2. Zhu and Ghahramani, "Learning from
    Labeled and Unlabeled Data with Label Propagation", CMU-CALD-02-107, 2002.
    """
    if not 0 <= alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a number from 0 up and below 1.")
    degree = np.asarray(weights.sum(axis=1)).ravel()
    root = sparse.diags_array(1 / np.sqrt(np.where(degree > 0, degree, 1.0)))
    system = sparse.identity(len(degree), format="csr") - alpha * (root @ weights @ root)
    mean = targets[known].mean(axis=0)
    count = known * (1.0 if worth is None else worth)
    start = np.column_stack([count[:, None] * np.where(known[:, None], targets - mean, 0.0), count])
    flow = np.column_stack([cg(system, column, rtol=1e-8, maxiter=2000)[0] for column in start.T])
    return mean + flow[:, :-1] / np.maximum(flow[:, -1:], 1e-12)


def harmonic(weights: Any, targets: Array, known: Array) -> Array:
    """Return the harmonic function [n, k]: known rows keep their targets, every other is the mean of its neighbours.

    ``(D_uu - W_uu) f_u = W_ul y_l``, by conjugate gradients. A row that no label reaches gets the mean of
    the known ones.

    Parameters
    ----------
    weights, targets, known : as in `propagate`.

    References
    ----------
    Zhu, Ghahramani and Lafferty, "Semi-Supervised Learning Using Gaussian Fields and Harmonic Functions", ICML 2003,
    equation 5.
    """
    out, mean = targets.copy(), targets[known].mean(axis=0)
    free = (~known).nonzero()[0]
    if not len(free):
        return out
    degree = np.asarray(weights.sum(axis=1)).ravel()[free]
    lift = 1e-9 * max(float(degree.mean()), 1e-9)  # an island without labels is singular otherwise, and gets the mean
    inner, outer = weights[free][:, free], weights[free][:, known.nonzero()[0]]
    system = sparse.diags_array(degree + lift) - inner
    wanted = outer @ (targets[known] - mean)
    smooth = sparse.diags_array(1 / (degree + lift))
    flow = [cg(system, column, rtol=1e-8, maxiter=5000, M=smooth)[0] for column in wanted.T]
    out[free] = mean + np.column_stack(flow)
    return out


class _State(NamedTuple):
    """Rows of the graph with what has flowed to them."""

    rows: Any
    flow: Array
    scale: Array
    scaler: Any
    neighbours: int

    def outputs(self, rows: Any, exact: bool | None, seed: int) -> Array:
        """Return the weighted mean of the nearest rows' labels; a row of the graph keeps its own."""
        if self.scaler is not None:
            rows = self.scaler.transform(rows)
        found = nearest_rows(rows, self.rows, self.neighbours, exact=exact, seed=seed)
        own = _positive(found.distances[:, -1])[:, None]
        weights = np.exp(-(found.distances**2) / (own * self.scale[found.rows])) + 1e-300
        same = found.distances <= 1e-6 * own
        weights = np.where(same.any(axis=1, keepdims=True), same, weights)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.einsum("nk,nkq->nq", weights, self.flow[found.rows])


class _Propagation:
    """Builds the graph of both domains and lets the known labels flow."""

    neighbours: int
    bridges: int
    standardise: bool
    exact: bool | None
    seed: int

    def _begin(self, domains: Domains, k: int | None, flow: Callable[[Any, Array, Array, int], Array]) -> None:
        """``flow(weights, targets, known, n_source)`` returns what the labels become."""
        if self.neighbours < 1 or self.bridges < 0:
            raise ValueError(
                f"neighbours is {self.neighbours} and bridges {self.bridges}; expected 1 and 0 or more of them."
            )
        domains, single = in_order(domains), is_single(domains)
        rows = domains.source if single else stack(domains.source, domains.target)
        labels = domains.labels if single else np.concatenate([domains.labels, domains.target_labels])
        scaler = StandardScaler(with_mean=False).fit(rows) if self.standardise else None
        rows = rows if scaler is None else scaler.transform(rows)
        graph = neighbour_graph(rows, self.neighbours, exact=self.exact, seed=self.seed)
        weights = graph.weights
        n = domains.source.shape[0]
        if self.bridges and not single:
            across = bridges(rows[:n], rows[n:], self.bridges, exact=self.exact, seed=self.seed)
            weights = sparse.csr_matrix(weights.maximum(across))
        known = labels >= 0 if k is not None else ~np.isnan(labels)
        targets = np.eye(k)[np.where(known, labels, 0)] if k is not None else np.where(known, labels, 0.0)[:, None]
        self.state_ = _State(rows, flow(weights, targets, known, n), graph.scale, scaler, self.neighbours)
        self.graph_, self.approximation_ = weights, graph.approximation


@dataclass(kw_only=True, eq=False, repr=False)
class JointLabelPropagationClassifier(_Propagation, DomainClassifier):
    """Labels flow from the source's rows (and the known target ones) through one neighbour graph of both domains.

    Rows that stand near one another share a label, ``F = (I - alpha S)^(-1) Y`` (`propagate`); target rows are tied to
    their nearest source rows too, so that labels cross the gap between the domains once and then follow the target's
    own shape. New rows take the weighted mean of their neighbours in the graph.

    Parameters
    ----------
    neighbours : edges per row. bridges : edges from every target row to source rows. alpha : how far labels flow.
    target_weight : source labels that a known target label counts for.
    standardise : whether features are scaled by their deviation over both domains.
    exact : True or False forces exact or approximate neighbours; None: exact up to 10,000 rows. seed : of the latter.

    Attributes
    ----------
    graph_ : CSR [n + m, n + m]. approximation_ : how neighbours were found.

    References
    ----------
    Zhou et al., "Learning with Local and Global Consistency", NIPS 2003. Zhu and Ghahramani, "Learning from Labeled and
    Unlabeled Data with Label Propagation", CMU-CALD-02-107, 2002. New rows: Delalleau, Bengio and Le Roux, "Efficient
    Non-Parametric Function Induction in Semi-Supervised Learning", AISTATS 2005.
    """

    sparse_input: ClassVar[bool] = True
    neighbours: int = 10
    bridges: int = 3
    alpha: float = 0.99
    target_weight: float = 5.0
    standardise: bool = True
    exact: bool | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        def flow(weights: Any, targets: Array, known: Array, n: int) -> Array:
            worth = np.where(np.arange(len(known)) < n, 1.0, self.target_weight)
            return propagate(weights, targets, known, self.alpha, worth)

        self._begin(domains, len(self.classes_), flow)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        shares = np.maximum(self.state_.outputs(rows, self.exact, self.seed), 0.0)
        return shares / shares.sum(axis=1, keepdims=True)


@dataclass(kw_only=True, eq=False, repr=False)
class JointLabelPropagationRegressor(_Propagation, DomainRegressor):
    """Values flow from the source's rows (and the known target ones) through one neighbour graph of both domains.

    The `harmonic` function of the graph, ``(D_uu - W_uu) f_u = W_ul y_l``: known rows keep their values. (A flow as far
    as that of the classifier's would draw values to their mean.)

    Parameters
    ----------
    neighbours, bridges, standardise, exact, seed : as in `JointLabelPropagationClassifier`.

    Attributes
    ----------
    graph_, approximation_ : as in `JointLabelPropagationClassifier`.

    References
    ----------
    Zhu, Ghahramani and Lafferty, "Semi-Supervised Learning Using Gaussian Fields and Harmonic Functions", ICML 2003.
    """

    sparse_input: ClassVar[bool] = True
    neighbours: int = 10
    bridges: int = 3
    standardise: bool = True
    exact: bool | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._begin(domains, None, lambda weights, targets, known, n: harmonic(weights, targets, known))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self.state_.outputs(rows, self.exact, self.seed)[:, 0]
