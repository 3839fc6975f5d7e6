"""Clusters of the source, carried to the target: its centres moved, then settled on the target's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClusterMixin
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted

from headstart.functional.folds import projected_order
from headstart.functional.mmd import squared_distances
from headstart.functional.scale import in_units, location_scale, n_different
from headstart.shallow.adaptation import DomainTransformer, by_domain
from headstart.shallow.domains import Domains, masked, which_target

Array = np.ndarray


def settle_centres(rows: Any, centres: Array, shift: Array, *, prior: float, n_steps: int = 100) -> tuple[Array, Array]:
    """Return centres [k, d] and shift [d] of rows whose clusters are known elsewhere.

    ``min_{a, m, s} sum_j ||x_j - m_{a(j)}||^2 + prior sum_c ||m_c - c_c - s||^2`` by turns: each row to its nearest
    centre, each centre to the mean of its rows and ``prior`` rows at its carried place, the shift to the mean move.
    No turn raises the objective.

    Parameters
    ----------
    rows : [m, d], dense or CSR. centres : c [k, d], of the other domain. shift : s to begin with.
    prior : in rows per cluster.

    References
    ----------
    MacQueen, "Some Methods for Classification and Analysis of Multivariate Observations", 1967; Gauvain and Lee,
    "Maximum a Posteriori Estimation for Multivariate Gaussian Mixture Observations of Markov Chains", IEEE
    Transactions on Speech and Audio Processing 1994 (means with a prior of so many rows).
    """
    k = len(centres)
    moved, labels = centres + shift, np.full(rows.shape[0], -1)
    for _ in range(n_steps):
        new = squared_distances(rows, moved).argmin(axis=1)
        member = np.eye(k)[new]
        count = member.sum(axis=0)[:, None]
        held = count + prior
        sums = np.asarray(member.T @ rows) + prior * (centres + shift)
        moved = np.where(held > 0, sums / np.where(held > 0, held, 1.0), moved)
        before, shift = shift, (moved - centres).mean(axis=0)
        if np.array_equal(new, labels) and np.allclose(
            before, shift, rtol=0, atol=1e-7 * (np.abs(shift).max() + 1e-12)
        ):
            break
        labels = new
    return moved, shift


@dataclass(kw_only=True, eq=False, repr=False)
class TransferredClusters(ClusterMixin, DomainTransformer):
    """The source's k-means clusters, found again in the target: same numbers, moved centres.

    ``centre_k = (prior (source centre_k + shift) + sum of its target rows) / (prior + their number)``, repeated.

    `transform` gives the distances to the centres of a row's own domain, `predict` the number of the nearest. See
    `settle_centres`.

    Parameters
    ----------
    n_clusters : number of clusters; of the source's rows if there are fewer.
    prior : how many rows of the target weigh as much as the source's word on where a centre lies; 0 only starts there.
    standardise : whether each feature is scaled by its own spread on the source; else all by their common one.
    indicators : whether each row's cluster stands behind the distances, as a 1 among zeros.
    n_starts : of k-means on the source. n_steps : of settling. seed : of k-means.

    Attributes
    ----------
    source_centres_, target_centres_ [k, d] : in units of the source's spread, about its mean or, for CSR rows, about 0.
    shift_ [d] : the mean move.
    labels_ : clusters of the fitted rows.

    References
    ----------
    Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007; Dai, Yang, Xue and Yu,
    "Self-taught Clustering", ICML 2008 (clusters of one domain helped by another's).
    """

    sparse_input: ClassVar[bool] = True
    n_clusters: int = 8
    prior: float = 10.0
    standardise: bool = False
    indicators: bool = False
    n_starts: int = 10
    n_steps: int = 100
    seed: int = 0

    def fit(self, X: Any, y: Any = None, sample_domain: Any = None) -> Self:
        """Find the source's clusters, and find them again in the target; labels y are not read."""
        super().fit(X, y, sample_domain=sample_domain)
        if sample_domain is None and y is not None and (hidden := masked(y)).any():
            sample_domain = np.where(hidden, -1, 1)
        self.labels_ = self.predict(X, sample_domain)
        return self

    def _learn(self, domains: Domains) -> None:
        if self.n_clusters < 1 or not 0 <= self.prior < np.inf:
            raise ValueError(
                f"n_clusters is {self.n_clusters!r} and prior {self.prior!r}; expected a number of clusters from 1 up "
                "and a number of rows from 0 up."
            )
        rows = domains.source[projected_order(domains.source, self.seed)]  # k-means then starts the same in any order
        self.mean_, self.scale_ = location_scale(rows, each=self.standardise)
        if sparse.issparse(rows):  # a move of everything changes no cluster
            self.mean_ = np.zeros_like(self.mean_)
        source, target = (in_units(part, self.mean_, self.scale_) for part in (rows, domains.target))
        k = min(self.n_clusters, n_different(source))
        means: Any = KMeans(k, random_state=self.seed).set_params(n_init=self.n_starts)
        self.source_centres_ = means.fit(source).cluster_centers_
        self.target_centres_, self.shift_ = settle_centres(
            target,
            self.source_centres_,
            np.asarray(target.mean(axis=0) - source.mean(axis=0)).ravel(),
            prior=self.prior,
            n_steps=self.n_steps,
        )

    def _distances(self, rows: Any, is_source: bool) -> Array:
        centres = self.source_centres_ if is_source else self.target_centres_
        return np.sqrt(squared_distances(in_units(rows, self.mean_, self.scale_), centres))

    def _map(self, rows: Any, is_source: bool) -> Array:
        distances = self._distances(rows, is_source)
        if not self.indicators:
            return distances
        return np.concatenate([distances, np.eye(distances.shape[1])[distances.argmin(axis=1)]], axis=1)

    def predict(self, X: Any, sample_domain: Any = None) -> Array:
        """Return the cluster of each row [n]; rows are the target's unless ``sample_domain`` says otherwise."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        n = rows.shape[0]
        target = np.ones(n, dtype=bool) if sample_domain is None else which_target(sample_domain, None, n)
        return by_domain(rows, target, self._distances).argmin(axis=1)
