"""Canonical correlation between two feature spaces, through pairs, shared columns or labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from headstart.functional.mmd import squared_distances
from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.blocks import BlockTransformer, class_numbers, coordinates, in_order, standard

Array = np.ndarray
SHRINKAGES = (0.1, 0.5, 0.9, 0.99, 1.0)


class Canonical(NamedTuple):
    """Maps source [d_s, q] and target [d_t, q] to canonical variates, and their correlations [q], falling."""

    source: Array
    target: Array
    correlations: Array


def canonical_correlation(
    source_variances: Array, target_variances: Array, left: Array, right: Array, n_components: int | None = None
) -> Canonical:
    """Return A, B that maximise ``corr(A' x, B' z)`` on principal coordinates, whose covariances are diagonal.

    The SVD ``C_s^(-1/2) C_st C_t^(-1/2) = U diag(rho) V'`` with ``C_st = left right``, taken through the thin factors;
    ``A = C_s^(-1/2) U``, ``B = C_t^(-1/2) V``, and variates have variance 1. Among equal correlations the axes of
    largest variance in the source come first, so that the answer does not hang on rounding.

    Parameters
    ----------
    source_variances [d_s], target_variances [d_t], left [d_s, p], right [p, d_t].
    n_components : None for all whose correlation is above 1e-6.

    References
    ----------
    Hotelling, "Relations Between Two Sets of Variates", Biometrika 1936; Vinod, "Canonical Ridge and Econometrics of
    Joint Production", Journal of Econometrics 1976 (regularised covariances).
    """
    first, second = _inverse_root(source_variances), _inverse_root(target_variances)
    span, inner = np.linalg.qr(first[:, None] * left)
    other, outer = np.linalg.qr(second[:, None] * right.T)
    u, correlations, v = np.linalg.svd(inner @ outer.T, full_matrices=False)
    keep = correlations > 1e-6
    keep[0] = True
    U, V, correlations = span @ u[:, keep], other @ v[keep].T, np.minimum(correlations[keep], 1.0)
    U, V = _settle(U, V, correlations, source_variances)
    chosen = slice(n_components)
    return Canonical((first[:, None] * U)[:, chosen], (second[:, None] * V)[:, chosen], correlations[chosen])


def _settle(left: Array, right: Array, correlations: Array, variances: Array) -> tuple[Array, Array]:
    """Turn axes of equal correlation to the source's principal axes, and every axis to one side."""
    left, right, start = left.copy(), right.copy(), 0
    while start < len(correlations):
        end = start + int((correlations[start:] > correlations[start] - 1e-6).sum())
        if end - start > 1:
            group = slice(start, end)
            turn = np.linalg.eigh(left[:, group].T @ (variances[:, None] * left[:, group]))[1][:, ::-1]
            left[:, group], right[:, group] = left[:, group] @ turn, right[:, group] @ turn
        start = end
    return left, right


def shrunk(variances: Array, shrinkage: float) -> Array:
    """Return ``(1 - a) v + a mean(v)`` of the variances v on principal axes."""
    return (1 - shrinkage) * variances + shrinkage * variances.mean()


def _inverse_root(variances: Array) -> Array:
    """Return ``v^(-1/2)``, and 0 for axes whose variance is rounding."""
    held = variances > 1e-10 * max(float(variances.max()), 1e-300)
    return np.where(held, 1 / np.sqrt(np.where(held, variances, 1.0)), 0.0)


def class_bridge(labels: Array, target: Array, target_labels: Array) -> tuple[Array, Array] | None:
    """Return class indicators [n, k], centred, and C_Yt [k, d_t], over classes that both domains show; None below two.

    With indicators alone as the bridge, ``C_sY C_YY^+ C_Yt = sum_c p_c (m_c - m)(m'_c - m')'``: every source row is
    paired with every target row of its class, evenly.

    References
    ----------
    Rasiwasia, Mahajan, Mahadevan and Aggarwal, "Cluster Canonical Correlation Analysis", AISTATS 2014.
    """
    both = np.intersect1d(labels[labels >= 0], target_labels[target_labels >= 0])
    if len(both) < 2:
        return None
    shown = (labels[:, None] == both).astype(float)
    share = shown.mean(axis=0)
    means = np.stack([target[target_labels == c].mean(axis=0) for c in both])
    middle = share @ means / share.sum()
    centred = shown - share
    return centred, share[:, None] * (means - middle)


class Tied(NamedTuple):
    """Principal coordinates of both domains, class numbers (-1 where masked), and the columns that both have."""

    source: Array
    labels: Array
    target: Array
    target_labels: Array
    shared: tuple[Array, Array]

    def cross(self) -> tuple[Array, Array, str]:
        """Return C_st of two spaces that are never seen together, as (left, right), and what tied them.

        ``C_st = C_sh C_hh^+ C_ht`` through variables h that both have, which is exact where x and z are uncorrelated
        given h.
        """
        h, to_target = self.shared[0], self.shared[1].T @ self.target / len(self.target)
        found = [f"{h.shape[1]} shared columns"] if h.shape[1] else []
        if classes := class_bridge(self.labels, self.target, self.target_labels):
            h, to_target = np.hstack([h, classes[0]]), np.vstack([to_target, classes[1]])
            found.append(f"{len(to_target) - self.shared[0].shape[1]} classes")
        n = len(self.source)
        left = self.source.T @ h / n @ np.linalg.pinv(h.T @ h / n, rcond=1e-8, hermitian=True)
        return left, to_target, " and ".join(found)

    def fit(self, shrinkage: float, n_components: int | None = None) -> Canonical:
        """Return the canonical maps, their axes scaled by ``sqrt(rho)``."""
        left, right, _ = self.cross()
        return _scaled(canonical_correlation(*self.variances(shrinkage), left, right, n_components))

    def variances(self, shrinkage: float) -> tuple[Array, Array]:
        """Return the variances of the coordinates, shrunk."""
        return (
            shrunk((self.source**2).mean(axis=0), shrinkage),
            shrunk((self.target**2).mean(axis=0), shrinkage),
        )


def _scaled(found: Canonical) -> Canonical:
    latent = np.sqrt(found.correlations)
    return Canonical(found.source * latent, found.target * latent, found.correlations)


def choose_shrinkage(tied: Tied, candidates: tuple[float, ...] = SHRINKAGES, n_folds: int = 5) -> float | None:
    """Return the shrinkage with which held-out target rows lie nearest to their class's source mean most often.

    Folds over the labelled target rows; among equals the strongest. None where no class has two labelled rows.
    """
    known = np.flatnonzero(tied.target_labels >= 0)
    numbers = tied.target_labels[known]
    place = np.zeros(len(known), dtype=np.int64)  # how many of its class come before a row
    for c in np.unique(numbers):
        place[numbers == c] = np.arange((numbers == c).sum())
    classes = np.unique(tied.labels[tied.labels >= 0])
    if not len(known) or place.max() == 0 or not np.isin(numbers, classes).any():
        return None
    means = np.stack([tied.source[tied.labels == c].mean(axis=0) for c in classes])
    hits = np.zeros(len(candidates))
    for fold in range(min(n_folds, int(place.max()) + 1)):
        held = known[place % n_folds == fold]
        hidden = tied.target_labels.copy()
        hidden[held] = -1
        part = tied._replace(target_labels=hidden)
        if part.cross()[2] == "":
            continue
        for index, candidate in enumerate(candidates):
            fit = part.fit(candidate)
            near = squared_distances(tied.target[held] @ fit.target, means @ fit.source).argmin(axis=1)
            hits[index] += (classes[near] == tied.target_labels[held]).sum()
    return candidates[len(candidates) - 1 - int(hits[::-1].argmax())]


@dataclass(kw_only=True, eq=False, repr=False)
class BridgeCCA(BlockTransformer):
    """Canonical correlation analysis between two feature spaces.

    Rows are standardised per domain; ``z = diag(rho)^(1/2) A' x`` for source rows and ``diag(rho)^(1/2) B' x`` for
    target rows, with A, B of `canonical_correlation` (the scale is that of the latent variable's posterior mean). The
    covariances are those of all rows, labelled or not; what ties the spaces is ``pairs``.

    Parameters
    ----------
    pairs : "auto": columns that both domains have, and classes where target labels are known, together as the bridge
        of `Tied.cross` (values of a regression count in five quantile bins). Or numbers [p, 2]: row i of the source
        rows and row j of the target rows of `fit` are the same thing seen twice.
    n_components : None for all with a correlation.
    shrinkage : of the covariances towards a multiple of the identity, from 0 to 1. None: `choose_shrinkage` where
        target labels allow it, else Ledoit and Wolf's (the larger of the two domains').

    Attributes
    ----------
    correlations_ [q], source_map_ [r_s, q], target_map_ [r_t, q] on principal axes, shrinkage_,
    bridge_ : what tied the domains.

    Raises
    ------
    ValueError : when the domains share no column and fewer than two classes are known in the target.

    References
    ----------
    Bach and Jordan, "A Probabilistic Interpretation of Canonical Correlation Analysis", UC Berkeley 2005, theorem 2;
    Kimura et al., "SemiCCA: Efficient Semi-Supervised Learning of Canonical Correlations", ICPR 2010 (covariances of
    unpaired rows); Sims, "Comments on Okner", Annals of Economic and Social Measurement 1972, and D'Orazio, Di Zio and
    Scanu, "Statistical Matching", Wiley 2006, chapter 2 (the bridge); Ledoit and Wolf, "A well-conditioned estimator
    for large-dimensional covariance matrices", Journal of Multivariate Analysis 2004.
    """

    needs_labels: ClassVar[bool] = False
    pairs: Any = "auto"
    n_components: int | None = None
    shrinkage: float | None = None

    def _learn(self, domains: Domains) -> None:
        tied = self._tie(domains if not isinstance(self.pairs, str) else in_order(domains))
        if isinstance(self.pairs, str):
            left, right, self.bridge_ = self._auto(tied)
            self.shrinkage_ = choose_shrinkage(tied) if self.shrinkage is None else self.shrinkage
        else:
            left, right, self.bridge_ = _paired(np.asarray(self.pairs), tied.source, tied.target)
            self.shrinkage_ = self.shrinkage
        if self.shrinkage_ is None:
            rows = (tied.source, tied.target)
            self.shrinkage_ = max(float(ledoit_wolf_shrinkage(part, assume_centered=True)) for part in rows)
        found = _scaled(canonical_correlation(*tied.variances(self.shrinkage_), left, right, self.n_components))
        self.source_map_, self.target_map_, self.correlations_ = found

    def _tie(self, domains: Domains) -> Tied:
        self.bases_ = coordinates(domains.source), coordinates(domains.target)
        first, second = self.blocks_.shared
        source, target = domains.source[:, first], domains.target[:, second]
        labels, target_labels = class_numbers(domains)
        shared = standard(source)(source), standard(target)(target)
        return Tied(self.bases_[0].rotated, labels, self.bases_[1].rotated, target_labels, shared)

    def _auto(self, tied: Tied) -> tuple[Array, Array, str]:
        if self.pairs != "auto":
            raise ValueError(f"pairs is {self.pairs!r}; expected 'auto' or numbers [p, 2] of source and target rows.")
        found = tied.cross()
        if not found[2]:
            raise ValueError(
                "BridgeCCA found nothing that ties the domains: they share no column and fewer than two classes are "
                "known in the target; label some target rows, or name pairs=[[source row, target row], ...]."
            )
        return found

    def _map(self, rows: Array, is_source: bool) -> Array:
        basis = self.bases_[0 if is_source else 1]
        return (rows - basis.mean) / basis.scale @ basis.axes @ (self.source_map_ if is_source else self.target_map_)


def _paired(pairs: Array, source: Array, target: Array) -> tuple[Array, Array, str]:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu" or len(pairs) < 2:
        raise ValueError(
            f"pairs has shape {pairs.shape} and type {pairs.dtype}; expected 'auto', or two or more rows of two "
            "numbers: a source row and a target row."
        )
    if pairs.min() < 0 or (pairs.max(axis=0) >= (len(source), len(target))).any():
        raise ValueError(f"pairs names a row beyond the {len(source)} source and {len(target)} target rows.")
    x, z = source[pairs[:, 0]], target[pairs[:, 1]]
    return (x - x.mean(axis=0)).T / len(pairs), z - z.mean(axis=0), f"{len(pairs)} pairs"
