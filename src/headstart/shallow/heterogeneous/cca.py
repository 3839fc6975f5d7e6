"""Canonical correlation between two feature spaces, through pairs, shared columns or labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.blocks import BlockTransformer, class_numbers, standard

Array = np.ndarray


class Canonical(NamedTuple):
    """Maps source [d_s, q] and target [d_t, q] to canonical variates, and their correlations [q], falling."""

    source: Array
    target: Array
    correlations: Array


def canonical_correlation(
    source_covariance: Array, target_covariance: Array, cross: Array, n_components: int | None = None
) -> Canonical:
    """Return A, B that maximise ``corr(A' x, B' z)``: the SVD ``C_s^(-1/2) C_st C_t^(-1/2) = U diag(rho) V'``.

    ``A = C_s^(-1/2) U`` and ``B = C_t^(-1/2) V``; variates have variance 1. Among equal correlations the axes of
    largest variance in the source come first, so that the answer does not hang on rounding.

    Parameters
    ----------
    source_covariance [d_s, d_s], target_covariance [d_t, d_t], cross [d_s, d_t]. n_components : None for all whose
        correlation is above 1e-6.

    References
    ----------
    Hotelling, "Relations Between Two Sets of Variates", Biometrika 1936; Vinod, "Canonical Ridge and Econometrics of
    Joint Production", Journal of Econometrics 1976 (regularised covariances).
    """
    first, second = _inverse_root(source_covariance), _inverse_root(target_covariance)
    left, correlations, right = np.linalg.svd(first @ cross @ second, full_matrices=False)
    keep = correlations > 1e-6
    keep[0] = True
    left, right, correlations = left[:, keep], right[keep].T, np.minimum(correlations[keep], 1.0)
    left, right = _settle(left, right, correlations, source_covariance)
    return Canonical((first @ left)[:, :n_components], (second @ right)[:, :n_components], correlations[:n_components])


def _inverse_root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    keep = values > 1e-10 * max(values[-1], 1e-300)
    return (vectors[:, keep] / np.sqrt(values[keep])) @ vectors[:, keep].T


def _settle(left: Array, right: Array, correlations: Array, covariance: Array) -> tuple[Array, Array]:
    """Turn axes of equal correlation to the source's principal axes, and every axis to one side."""
    left, right, start = left.copy(), right.copy(), 0
    while start < len(correlations):
        end = start + int((correlations[start:] > correlations[start] - 1e-6).sum())
        if end - start > 1:
            group = slice(start, end)
            turn = np.linalg.eigh(left[:, group].T @ covariance @ left[:, group])[1][:, ::-1]
            left[:, group], right[:, group] = left[:, group] @ turn, right[:, group] @ turn
        start = end
    side = np.where(np.sin(1.0 + np.arange(len(left)) ** 1.5) @ left < 0, -1.0, 1.0)
    return left * side, right * side


def shrunk_covariance(rows: Array, shrinkage: float | None = None) -> Array:
    """Return ``(1 - a) C + a mean(diag C) I`` of centred rows [n, d]; a None is Ledoit and Wolf's.

    References
    ----------
    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate
    Analysis 2004.
    """
    a = float(ledoit_wolf_shrinkage(rows, assume_centered=True)) if shrinkage is None else shrinkage
    covariance = rows.T @ rows / len(rows)
    return (1 - a) * covariance + a * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def bridged_cross(source_bridge: Array, bridge: Array, target_bridge: Array) -> Array:
    """Return the cross-covariance of two spaces that are never seen together, through variables h that both have.

    ``C_st = C_sh C_hh^+ C_ht``, which is exact where x and z are uncorrelated given h.

    Parameters
    ----------
    source_bridge : C_sh [d_s, p]. bridge : C_hh [p, p]. target_bridge : C_ht [p, d_t].

    References
    ----------
    Sims, "Comments on Okner", Annals of Economic and Social Measurement 1972; D'Orazio, Di Zio and Scanu,
    "Statistical Matching", Wiley 2006, chapter 2 (conditional independence).
    """
    return source_bridge @ np.linalg.pinv(bridge, rcond=1e-8, hermitian=True) @ target_bridge


def class_bridge(
    source: Array, labels: Array, target: Array, target_labels: Array
) -> tuple[Array, Array, Array] | None:
    """Return (C_sY, class indicators [n, k] centred, C_Yt) over classes that both domains show; None below two.

    With indicators alone as the bridge, `bridged_cross` is ``sum_c p_c (m_c - m)(m'_c - m')'``: every source row is
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
    return source.T @ centred / len(source), centred, share[:, None] * (means - middle)


@dataclass(kw_only=True, eq=False, repr=False)
class BridgeCCA(BlockTransformer):
    """Canonical correlation analysis between two feature spaces.

    Rows are standardised per domain; ``z = diag(rho)^(1/2) A' x`` for source rows and ``diag(rho)^(1/2) B' x`` for
    target rows, with A, B of `canonical_correlation` (the scale is that of the latent variable's posterior mean). The
    covariances are those of all rows, labelled or not; what ties the spaces is ``pairs``.

    Parameters
    ----------
    pairs : "auto": columns that both domains have, and classes where target labels are known, together as the bridge
        of `bridged_cross` (values of a regression count in five quantile bins). Or numbers [p, 2]: row i of the source
        rows and row j of the target rows of `fit` are the same thing seen twice.
    n_components : None for all with a correlation.
    shrinkage : of the covariances, from 0 (none) to 1; None for Ledoit and Wolf's.

    Attributes
    ----------
    correlations_ [q], source_map_ [d_s, q], target_map_ [d_t, q] on standardised columns, bridge_ : what tied them.

    Raises
    ------
    ValueError : when the domains share no column and fewer than two classes are known in the target.

    References
    ----------
    Bach and Jordan, "A Probabilistic Interpretation of Canonical Correlation Analysis", UC Berkeley 2005, theorem 2;
    Kimura et al., "SemiCCA: Efficient Semi-Supervised Learning of Canonical Correlations", ICPR 2010 (covariances of
    unpaired rows).
    """

    needs_labels: ClassVar[bool] = False
    pairs: Any = "auto"
    n_components: int | None = None
    shrinkage: float | None = None

    def _learn(self, domains: Domains) -> None:
        self.scales_ = standard(domains.source), standard(domains.target)
        source, target = self.scales_[0](domains.source), self.scales_[1](domains.target)
        cross = self._bridge(domains, source, target) if isinstance(self.pairs, str) else self._paired(source, target)
        own, other = shrunk_covariance(source, self.shrinkage), shrunk_covariance(target, self.shrinkage)
        found = canonical_correlation(own, other, cross, self.n_components)
        latent = np.sqrt(found.correlations)
        self.correlations_ = found.correlations
        self.source_map_, self.target_map_ = found.source * latent, found.target * latent

    def _paired(self, source: Array, target: Array) -> Array:
        pairs = np.asarray(self.pairs)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu" or len(pairs) < 2:
            raise ValueError(
                f"pairs has shape {pairs.shape} and type {pairs.dtype}; expected 'auto', or two or more rows of two "
                "numbers: a source row and a target row."
            )
        if pairs.min() < 0 or (pairs.max(axis=0) >= (len(source), len(target))).any():
            raise ValueError(f"pairs names a row beyond the {len(source)} source and {len(target)} target rows.")
        self.bridge_ = f"{len(pairs)} pairs"
        x, z = source[pairs[:, 0]], target[pairs[:, 1]]
        return (x - x.mean(axis=0)).T @ (z - z.mean(axis=0)) / len(pairs)

    def _bridge(self, domains: Domains, source: Array, target: Array) -> Array:
        if self.pairs != "auto":
            raise ValueError(f"pairs is {self.pairs!r}; expected 'auto' or numbers [p, 2] of source and target rows.")
        first, second = self.blocks_.shared
        h, to_target, bridge = source[:, first], target[:, second].T @ target / len(target), []
        if len(first):
            bridge.append(f"{len(first)} shared columns")
        labels, target_labels = class_numbers(domains)
        if classes := class_bridge(source, labels, target, target_labels):
            h, to_target = np.hstack([h, classes[1]]), np.vstack([to_target, classes[2]])
            bridge.append(f"{len(classes[2])} classes")
        if not bridge:
            raise ValueError(
                "BridgeCCA found nothing that ties the domains: they share no column and fewer than two classes are "
                "known in the target; label some target rows, or name pairs=[[source row, target row], ...]."
            )
        self.bridge_ = " and ".join(bridge)
        return bridged_cross(source.T @ h / len(source), h.T @ h / len(source), to_target)

    def _map(self, rows: Array, is_source: bool) -> Array:
        if is_source:
            return self.scales_[0](rows) @ self.source_map_
        return self.scales_[1](rows) @ self.target_map_
