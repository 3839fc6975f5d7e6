"""Exact, entropic and class-regularised optimal transport of source rows onto the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.grouped_transport import group_lasso_plan, lpl1_plan
from headstart.functional.transport import exact_plan
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.features.transport.moving import (
    Displacements,
    Moved,
    entropic_pieces,
    entropic_potential,
    move,
    prepare,
    solved_pieces,
)

Array = np.ndarray


def check_positive(name: str, value: float, *, zero: bool = False) -> None:
    """Refuse a strength that is not a finite number above 0 (or from 0 up)."""
    if not (np.isfinite(value) and (value > 0 or (zero and value == 0))):
        raise ValueError(f"{name} is {value!r}; expected a finite number {'from 0 up' if zero else 'above 0'}.")


def exact_transport(domains: Domains, *, limit: int = 9_000_000, seed: int = 0) -> Moved:
    """Move the source by the plan ``min_P sum_ij P_ij ||x_i - y_j||^2`` between rows of equal masses.

    ``x_i -> sum_j P_ij y_j / sum_j P_ij``. A known target label keeps rows of other classes away, by a cost of ten
    times the mean one.

    Parameters
    ----------
    limit : entries of a plan that is solved at once; above, pairs of stratified batches are solved (minibatch).

    References
    ----------
    Courty, Flamary, Tuia and Rakotomamonjy, "Optimal Transport for Domain Adaptation", TPAMI 2017, section 4 (OT-exact
    and semi-supervised costs). Fatras et al., "Learning with minibatch Wasserstein", AISTATS 2020.
    """
    setup = prepare(domains, seed=seed)
    pieces = solved_pieces(setup.cost, lambda block, rows, columns: exact_plan(block), limit)
    return move(setup, pieces, "network simplex")


def entropic_transport(
    domains: Domains, *, reg: float = 0.1, limit: int = 120_000_000, max_iter: int = 1000, seed: int = 0
) -> Moved:
    """Move the source by ``min_P sum_ij P_ij ||x_i - y_j||^2 + reg s sum P (log P - 1)``.

    s is the mean cost between centred domains, so that neither their distance nor their unit matters.

    Parameters
    ----------
    limit : entries of a plan that is solved at once; above, the potential of a stratified sample is extended.

    References
    ----------
    Cuturi, "Sinkhorn Distances", NeurIPS 2013; Courty et al., TPAMI 2017 (OT-IT).
    """
    check_positive("reg", reg)
    setup = prepare(domains, seed=seed)
    found = entropic_potential(setup.cost, reg, limit=limit, max_iter=max_iter)
    pieces = entropic_pieces(setup.cost, found, reg)
    return move(setup, pieces, "sinkhorn", found.approximation, iterations=found.iterations)


def class_regularised_transport(
    domains: Domains,
    *,
    reg: float = 0.05,
    eta: float = 0.3,
    regulariser: str = "group_lasso",
    limit: int = 4_000_000,
    seed: int = 0,
) -> Moved:
    """Move the source by an entropic plan that sends each target row mass of few classes.

    Parameters
    ----------
    reg, eta : strengths of entropy and classes, relative to the mean cost between centred domains.
    regulariser : "group_lasso" (`group_lasso_plan`) or "lpl1" (`lpl1_plan`).
    limit : entries of a plan that is solved at once; above, pairs of batches stratified by class.
    """
    check_positive("reg", reg)
    check_positive("eta", eta, zero=True)
    plans = {"group_lasso": group_lasso_plan, "lpl1": lpl1_plan}
    if regulariser not in plans:
        raise ValueError(f"regulariser is {regulariser!r}; expected 'group_lasso' or 'lpl1'.")
    if domains.labels.dtype.kind == "f" or (domains.labels < 0).any():
        raise ValueError("y holds no classes, which this transport groups rows by; use ExactOT or EntropicOT.")
    setup = prepare(domains, by_label=True, seed=seed)

    def solve(block: Array, rows: Array, columns: Array) -> Array:
        return plans[regulariser](block.astype(np.float64), setup.labels[rows], reg, eta).plan

    return move(setup, solved_pieces(setup.cost, solve, limit), f"sinkhorn, {regulariser}")


class _Moves(DomainTransformer):
    """Target rows stay where they are; source rows go where their plan sends them. Sparse rows keep their zeros."""

    sparse_input: ClassVar[bool] = True

    def _keep(self, moved: Moved) -> None:
        self.displacements_ = Displacements(moved.rows, moved.images)
        self.plan_summary_: dict[str, Any] = moved.summary
        self.approximation_: str = moved.summary["approximation"]

    def _map(self, rows: Any, is_source: bool) -> Any:
        return self.displacements_(rows) if is_source else self.displacements_.unmoved(rows)


@dataclass(kw_only=True, eq=False, repr=False)
class ExactOT(_Moves):
    """Optimal transport of the source onto the target, solved exactly: see `exact_transport` for the equation.

    ``min_P <P, C>`` over plans P >= 0 whose margins are uniform.

    New source rows move as their nearest neighbour among the fitted ones does.

    Parameters
    ----------
    limit : entries (source rows times target rows) solved at once; above, minibatches. seed : of the batches.

    Attributes
    ----------
    plan_summary_ : what `Tally.summary` says of the plan. approximation_ : "exact", or the minibatches.
    displacements_ : the map of source rows.

    References
    ----------
    Courty, Flamary, Tuia and Rakotomamonjy, "Optimal Transport for Domain Adaptation", TPAMI 2017.
    """

    limit: int = 9_000_000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._keep(exact_transport(domains, limit=self.limit, seed=self.seed))


@dataclass(kw_only=True, eq=False, repr=False)
class EntropicOT(_Moves):
    """Optimal transport with an entropic term: see `entropic_transport` for the equation.

    ``min_P <P, C> + reg sum_ij P_ij log P_ij`` over plans whose margins are uniform.

    New source rows move as their nearest neighbour among the fitted ones does.

    Parameters
    ----------
    reg : strength of the entropy, relative to the mean cost between centred domains; small: nearer to `ExactOT`.
    limit : entries of a plan solved at once. max_iter : of Sinkhorn's scaling. seed : of the order and the sample.

    Attributes
    ----------
    plan_summary_, approximation_, displacements_ : as in `ExactOT`. n_iter_ : iterations that Sinkhorn took.

    References
    ----------
    Cuturi, "Sinkhorn Distances", NeurIPS 2013; Courty et al., TPAMI 2017.
    """

    reg: float = 0.1
    limit: int = 120_000_000
    max_iter: int = 1000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        moved = entropic_transport(domains, reg=self.reg, limit=self.limit, max_iter=self.max_iter, seed=self.seed)
        self._keep(moved)
        self.n_iter_: int = moved.summary["iterations"]


@dataclass(kw_only=True, eq=False, repr=False)
class ClassRegularisedOT(_Moves):
    """Entropic optimal transport in which a target row prefers mass of one class: `class_regularised_transport`.

    ``min_P <P, C> + reg sum_ij P_ij log P_ij + eta Omega(P)``, Omega large where classes mix in a column.

    New source rows move as their nearest neighbour among the fitted ones does.

    Parameters
    ----------
    reg, eta : strengths of entropy and classes, relative to the mean cost between centred domains.
    regulariser : "group_lasso" (convex, TPAMI 2017) or "lpl1" (concave, ECML PKDD 2014).
    limit : entries of a plan solved at once; above, minibatches. seed : of the batches.

    Attributes
    ----------
    plan_summary_, approximation_, displacements_ : as in `ExactOT`.

    References
    ----------
    Courty, Flamary, Tuia and Rakotomamonjy, "Optimal Transport for Domain Adaptation", TPAMI 2017, section 4.2.
    """

    needs_labels: ClassVar[bool] = True
    reg: float = 0.05
    eta: float = 0.3
    regulariser: str = "group_lasso"
    limit: int = 4_000_000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        moved = class_regularised_transport(
            domains, reg=self.reg, eta=self.eta, regulariser=self.regulariser, limit=self.limit, seed=self.seed
        )
        self._keep(moved)
