"""EasyTL: correlation alignment, then a linear programme in place of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from headstart.functional.mmd import squared_distances
from headstart.functional.spectral import match_covariance, principal_axes
from headstart.functional.temperature import fit_steepness
from headstart.shallow.adaptation import dense
from headstart.shallow.domains import Domains
from headstart.shallow.predictors import DomainClassifier

Array = np.ndarray


def intra_domain_programming(distances: Array) -> tuple[Array, Array]:
    """Assign rows to classes at the least total distance so that no class stays empty.

    ``min_M sum_jc D_jc M_jc`` with ``M >= 0``, ``sum_c M_jc = 1`` and ``sum_j M_jc >= 1``. The constraints are totally
    unimodular, so the solution is whole, and it is each row's nearest class but for one row per class that is kept for
    it: a linear assignment on ``D_jc - min_c D_jc``. With fewer rows than classes the last constraint is left out.

    Parameters
    ----------
    distances : D [m, k].

    Returns
    -------
    labels : [m]. prices : [k], the constraints' dual values: ``argmin_c D_jc - prices_c`` gives the labels back, and
    assigns new rows.

    References
    ----------
    Wang, Chen, Yu, Huang and Yang, "Easy Transfer Learning By Exploiting Intra-domain Structures", ICME 2019,
    equations 3 to 6.
    """
    m, k = distances.shape
    labels = distances.argmin(axis=1)
    if m < k or len(np.unique(labels)) == k:
        return labels, np.zeros(k)
    kept = linear_sum_assignment((distances - distances.min(axis=1, keepdims=True)).T)
    labels[kept[1]] = kept[0]
    return labels, _dual_values(distances, labels)


def _dual_values(distances: Array, labels: Array) -> Array:
    """Return prices from the middle of all that the assignment is optimal under.

    Optimal: ``v_c - v_a <= min_{j in a} (D_jc - D_ja)``, ``v >= 0`` and ``v_c = 0`` where a class has two rows or more.
    The least and the greatest such v are shortest paths from and to a node that stands for 0.
    """
    k = distances.shape[1]
    paths = np.full((k + 1, k + 1), np.inf)
    for a in range(k):
        rows = distances[labels == a]
        paths[a, :k] = (rows - rows[:, [a]]).min(axis=0)
        paths[k, a] = 0.0 if len(rows) > 1 else np.inf
    paths[:k, k] = 0.0
    np.fill_diagonal(paths, 0.0)
    for middle in range(k + 1):
        paths = np.minimum(paths, paths[:, [middle]] + paths[[middle]])
    least, greatest = -paths[:k, k], paths[k, :k]
    return np.where(np.isfinite(greatest), (least + greatest) / 2, least)


@dataclass(kw_only=True, eq=False, repr=False)
class EasyTL(DomainClassifier):
    """EasyTL: CORAL, the distance to the classes' centres, and an assignment that leaves no class empty.

    Needs no hyper-parameter to be chosen. New rows take ``argmin_c D_jc - v_c``, v being the programme's dual values
    (`intra_domain_programming`). Probabilities are ``softmax(-t (D_jc - v_c))`` with t fitted to the source's labels.

    Parameters
    ----------
    align : "coral", or "none" for rows as they are.
    regularisation : of CORAL's covariances, in units of the mean variance of a feature.
    seed : of the leading axes, where rows and features are both many.

    Attributes
    ----------
    centres_ : [k, d], of aligned source rows and labelled target rows. prices_ : [k].

    References
    ----------
    Wang, Chen, Yu, Huang and Yang, "Easy Transfer Learning By Exploiting Intra-domain Structures", ICME 2019.
    """

    sparse_input: ClassVar[bool] = True
    align: str = "coral"
    regularisation: float = 1.0
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.align not in ("coral", "none"):
            raise ValueError(f"align is {self.align!r}; expected 'coral' or 'none'.")
        if not 0 <= self.regularisation < np.inf:
            raise ValueError(f"regularisation is {self.regularisation!r}; expected a number from 0 up.")
        if self.align == "coral":
            self.source_ = principal_axes(domains.source, seed=self.seed)
            self.target_ = principal_axes(domains.target, seed=self.seed)
        source, target = self._aligned(domains.source, True), dense(domains.target)
        labels = domains.labelled()[1]
        rows = np.concatenate([source, target[domains.known]])
        member = np.eye(len(self.classes_))[labels]
        self.centres_ = member.T @ rows / np.maximum(member.sum(axis=0), 1)[:, None]
        self.prices_ = intra_domain_programming(self._distances(target))[1]
        self.steepness_ = fit_steepness(-self._distances(rows), labels)

    def _aligned(self, rows: Any, is_source: bool) -> Array:
        if self.align == "none" or not is_source:
            return dense(rows)
        return match_covariance(rows, self.source_, self.target_, self.regularisation)

    def _distances(self, rows: Array) -> Array:
        return np.sqrt(squared_distances(rows, self.centres_))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        distances = self._distances(self._aligned(rows, is_source))
        return softmax(-self.steepness_ * (distances - self.prices_), axis=1)
