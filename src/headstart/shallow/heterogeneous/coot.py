"""CO-Optimal Transport: rows and columns of two tables are matched at once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.anchors import carry, first_plan, pair_distances, sides
from headstart.shallow.heterogeneous.blocks import Blocks, BlockTransformer

Array = np.ndarray


def matching_cost(source: Array, target: Array, plan: Array) -> Array:
    """Return ``sum_kl (x_ik - z_jl)^2 Q_kl`` of every pair of rows, [n, m], for a plan Q [d_s, d_t] of the columns."""
    left, right = plan.sum(axis=1), plan.sum(axis=0)
    return (source**2 @ left)[:, None] + target**2 @ right - 2 * source @ plan @ target.T


def coot_plans(
    source: Array,
    target: Array,
    source_masses: Array,
    target_masses: Array,
    *,
    start: Array,
    row_cost: Array | None = None,
    column_cost: Array | None = None,
    supervision: float = 1.0,
    epsilon: float = 0.0,
) -> tuple[Array, Array]:
    """Return plans of rows T [n, m] and of columns Q [d_s, d_t]: a local minimum of

    ``sum_ijkl (x_ik - z_jl)^2 T_ij Q_kl + a (<M, T> + <N, Q>)``, each plan solved exactly while the other is held.

    Parameters
    ----------
    source [n, d_s], target [m, d_t], source_masses [n], target_masses [m]. Columns have equal masses.
    start : a plan of rows [n, m], from which the first plan of columns is found. Where columns have mean 0, uniform
        plans are a point that no turn improves on, so a start matters.
    row_cost : M [n, m]. column_cost : N [d_s, d_t]. supervision : a.
    epsilon : entropy of both plans (against the product of the masses); 0 for exact transport.

    References
    ----------
    Redko, Vayer, Flamary and Courty, "CO-Optimal Transport", NeurIPS 2020, algorithm 1. Solved by POT.
    """
    from ot import emd
    from ot.coot import co_optimal_transport

    own, other = (np.full(rows.shape[1], 1 / rows.shape[1]) for rows in (source, target))
    cost = matching_cost(source.T, target.T, start)
    first = emd(own, other, cost if column_cost is None else cost + supervision * column_cost, numItermax=1_000_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # POT warns where the limit of turns ends a run; the plans are still plans
        found = co_optimal_transport(
            source,
            target,
            wx_samp=source_masses,
            wy_samp=target_masses,
            epsilon=epsilon,  # pyright: ignore[reportArgumentType]
            alpha=supervision  # pyright: ignore[reportArgumentType]
            if row_cost is not None or column_cost is not None
            else 0,
            M_samp=row_cost,
            M_feat=column_cost,
            warmstart={
                "pi_sample": start,
                "pi_feature": first,
                "duals_sample": (np.zeros(len(source)), np.zeros(len(target))),
                "duals_feature": (np.zeros(source.shape[1]), np.zeros(target.shape[1])),
            },
            nits_bcd=30,
        )
    return np.asarray(found[0]), np.asarray(found[1])


@dataclass(kw_only=True, eq=False, repr=False)
class COOT(BlockTransformer):
    """Carries source rows into the target's columns by CO-Optimal Transport of standardised rows; target rows stay.

    `coot_plans`; a pair of rows whose labels are both known and differ costs 1, shared columns cost their squared
    distance (mean 1), and a shared column that is matched to another than itself costs 1. It takes columns to have
    counterparts: a rotation of the features is beyond it.

    Parameters
    ----------
    carries : "rows": a source row's image is the barycentre of the rows that it is matched to, and a new source row
        has the image of the nearest. "columns": every target column is the mean of the source columns that are
        matched to it, ``x -> d_t Q' x``, a linear map.
    supervision : a of `coot_plans`. epsilon : entropy of both plans, 0 for none.
    max_anchors : a domain with more rows is stood for by about as many k-means centres of one label each.
    seed : of k-means.

    Attributes
    ----------
    row_plan_ : between rows, or centres, in order of content. column_plan_ [d_s, d_t].
    approximation_ : "exact", or how many centres.

    References
    ----------
    Redko, Vayer, Flamary and Courty, "CO-Optimal Transport", NeurIPS 2020, section 4.
    """

    needs_labels: ClassVar[bool] = False
    carries: str = "rows"
    supervision: float = 1.0
    epsilon: float = 0.0
    max_anchors: int = 400
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.carries not in ("rows", "columns"):
            raise ValueError(f"carries is {self.carries!r}; expected 'rows' or 'columns'.")
        both = sides(domains, self.blocks_, standardise=True, limit=self.max_anchors, seed=self.seed)
        one, other = both.anchors
        distances = pair_distances(one.rows, one.masses), pair_distances(other.rows, other.masses)
        self.row_plan_, self.column_plan_ = coot_plans(
            one.rows,
            other.rows,
            one.masses,
            other.masses,
            start=first_plan(one, other, distances, both.cost),
            row_cost=both.cost,
            column_cost=_other_columns(self.blocks_),
            supervision=self.supervision,
            epsilon=self.epsilon,
        )
        self.scales_, self.approximation_ = both.scales, both.note()
        self.carried_ = carry(both.rows[0], one, self.row_plan_, other.rows)

    def _map(self, rows: Array, is_source: bool) -> Array:
        if not is_source:
            return self.scales_[1](rows)
        if self.carries == "columns":
            return self.scales_[0](rows) @ self.column_plan_ * self.column_plan_.shape[1]
        return self.carried_(self.scales_[0](rows))


def _other_columns(blocks: Blocks) -> Array | None:
    """Return 1 where a shared column would be matched to another than itself, else 0; None when none is shared."""
    first, second = blocks.shared
    if not len(first):
        return None
    cost = np.zeros((len(blocks.source), len(blocks.target)))
    cost[first], cost[:, second] = 1.0, 1.0
    cost[first, second] = 0.0
    return cost
