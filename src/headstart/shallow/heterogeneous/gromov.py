"""Gromov-Wasserstein transport: rows are matched by their distances to the rows of their own domain."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.anchors import carry, first_plan, pair_distances, sides
from headstart.shallow.heterogeneous.blocks import BlockTransformer

Array = np.ndarray


def gromov_plan(
    source_distances: Array,
    target_distances: Array,
    source_masses: Array,
    target_masses: Array,
    *,
    cost: Array | None = None,
    supervision: float = 0.5,
    epsilon: float = 0.0,
    start: Array | None = None,
) -> Array:
    """Return a plan T [n, m] of masses p, q that is a local minimum of the (fused) Gromov-Wasserstein objective.

    ``(1 - a) sum_ijkl (C_ik - D_jl)^2 T_ij T_kl + a sum_ij M_ij T_ij (+ epsilon sum T log T)``

    Parameters
    ----------
    source_distances C [n, n], target_distances D [m, m], source_masses p [n], target_masses q [m].
    cost : M [n, m], what is known of pairs; None for none, and a = 0. supervision : a, from 0 to 1.
    epsilon : entropy; 0 for conditional gradients with exact transport. start : a plan; None for p q'.

    References
    ----------
    Memoli, Foundations of Computational Mathematics 2011; Peyre, Cuturi and Solomon, "Gromov-Wasserstein Averaging of
    Kernel and Distance Matrices", ICML 2016 (entropic); Vayer et al., "Optimal Transport for Structured Data with
    Application on Graphs", ICML 2019 (fused). Solved by POT.
    """
    from ot.gromov import entropic_fused_gromov_wasserstein, fused_gromov_wasserstein

    options = {"loss_fun": "square_loss", "alpha": 1.0 if cost is None else 1 - supervision, "G0": start}
    given = (
        np.zeros((len(source_masses), len(target_masses))) if cost is None else cost,
        source_distances,
        target_distances,
        source_masses,
        target_masses,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # POT warns where the limit of iterations ends a run; the plan is still one
        if epsilon > 0:
            plan = entropic_fused_gromov_wasserstein(*given, epsilon=epsilon, max_iter=100, **options)
        else:
            plan = fused_gromov_wasserstein(*given, max_iter=200, **options)
    return np.asarray(plan)


@dataclass(kw_only=True, eq=False, repr=False)
class GromovWasserstein(BlockTransformer):
    """Carries source rows into the target's space by a Gromov-Wasserstein plan; target rows stay.

    ``min_P (1 - a) sum_ijkl (C_s[i, k] - C_t[j, l])^2 P_ij P_kl + a <P, M>`` over plans whose margins are uniform.

    `gromov_plan` between the domains' Euclidean distances (mean 1); a pair whose labels are both known and differ
    costs 1, and columns that both domains have cost their squared distance (mean 1). A source row's image is the
    barycentre of what it is carried to; a new source row has the image of the nearest. Both are in standardised
    target columns. Without labels and shared columns the plan rests on the shape of the two clouds alone, which says
    nothing about classes where the clouds are symmetric or unlike: look at the result before you trust it.

    Parameters
    ----------
    supervision : a of `gromov_plan`. epsilon : entropy of the plan, 0 for none.
    max_anchors : a domain with more rows is stood for by about as many k-means centres of one label each; the
        objective costs their number cubed.
    standardise : whether every column counts in its standard deviation; False where a domain's columns have one unit.
    seed : of k-means.

    Attributes
    ----------
    plan_ : between rows, or centres, in order of content. approximation_ : "exact", or how many centres.

    References
    ----------
    Yan et al., "Semi-Supervised Optimal Transport for Heterogeneous Domain Adaptation", IJCAI 2018.
    """

    needs_labels: ClassVar[bool] = False
    supervision: float = 0.5
    epsilon: float = 0.0
    max_anchors: int = 400
    standardise: bool = True
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        both = sides(domains, self.blocks_, standardise=self.standardise, limit=self.max_anchors, seed=self.seed)
        one, other = both.anchors
        distances = pair_distances(one.rows, one.masses), pair_distances(other.rows, other.masses)
        self.plan_ = gromov_plan(
            *distances,
            one.masses,
            other.masses,
            cost=both.cost,
            supervision=self.supervision,
            epsilon=self.epsilon,
            start=first_plan(one, other, distances, both.cost),
        )
        self.scales_, self.approximation_ = both.scales, both.note()
        self.carried_ = carry(both.rows[0], one, self.plan_, other.rows)

    def _map(self, rows: Array, is_source: bool) -> Array:
        return self.carried_(self.scales_[0](rows)) if is_source else self.scales_[1](rows)
