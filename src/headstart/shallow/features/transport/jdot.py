"""Joint distribution optimal transport: a target predictor whose labels are transported, and the plan that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from headstart.functional.transport import Tally, exact_plan
from headstart.shallow.domains import Domains
from headstart.shallow.features.transport.maps import check_positive
from headstart.shallow.features.transport.moving import Setup, prepare, solved_pieces, stated
from headstart.shallow.features.transport.soft_fits import Features, SoftLogistic, SoftRidge
from headstart.shallow.predictors import DomainClassifier, DomainRegressor

Array = np.ndarray
Loss = Callable[[Array, Array], Array]
SURE = 1e-4


class Joint(NamedTuple):
    """A model of rows in the plan's units, the plan's summary, and the objective after every plan."""

    model: SoftLogistic | SoftRidge
    summary: dict[str, Any]
    objectives: list[float]


def cross_entropy(labels: Array, outputs: Array) -> Array:
    """Return ``-log p_j(y_i)`` of one-hot labels [n, k] and probabilities [m, k], at most 9.2: [n, m]."""
    return -labels @ np.log(np.maximum(outputs, SURE)).T


def squared_error(labels: Array, outputs: Array) -> Array:
    """Return ``(y_i - f_j)^2`` of values [n, 1] and [m, 1]: [n, m]."""
    return np.square(labels - outputs.T)


def joint_transport(
    setup: Setup,
    labels: Array,
    known: Array,
    loss: Loss,
    model: SoftLogistic | SoftRidge,
    *,
    alpha: float = 1.0,
    max_iter: int = 10,
    limit: int = 1_000_000,
) -> Joint:
    """Alternate between the two halves of ``min_{f, P} sum_ij P_ij (alpha C_ij + loss(y_i, f(x_j))) + Omega(f)``.

    The plan of a given f is an exact transport; for the squared loss and the cross-entropy the f of a given plan is
    the one fitted to the transported labels ``sum_i P_ij y_i / sum_i P_ij`` of the target rows. The first plan reads
    C alone.

    Parameters
    ----------
    setup : rows and cost in the plan's units. labels : [n, k] of the source. known : [m, k] of the target, NaN where
        masked; a known label stands for itself in the loss and in the fit.
    model : fitted in place to the target rows and labels [m, k].

    References
    ----------
    Courty, Flamary, Habrard and Rakotomamonjy, "Joint distribution optimal transportation for domain adaptation",
    NeurIPS 2017, equations 4 to 7 and algorithm 1.
    """
    target, fixed = setup.cost.y.astype(np.float64), ~np.isnan(known[:, 0])
    basis: Any = model.start(target)
    outputs = None
    objectives: list[float] = []
    received = before = np.empty(0)
    tally, count = Tally(setup.cost), 0
    for _ in range(max_iter):
        tally, count, paid = Tally(setup.cost), 0, 0.0
        received = np.zeros_like(known)
        for piece, joint in _plans(setup, labels, outputs, loss, alpha, limit):
            tally.add(piece)
            paid += float(np.vdot(piece.plan, joint))
            received[piece.columns] = (piece.plan.T @ labels[piece.rows]) / piece.plan.sum(axis=0)[:, None]
            count += 1
        received[fixed] = known[fixed]
        objectives.append(paid)
        if before.size and np.abs(received - before).mean() <= 1e-2 * float(received.std()):
            break
        before, outputs = received, model.fit(basis, received).predict(target)
        outputs[fixed] = known[fixed]
    said = stated(count, *setup.cost.shape)
    summary = tally.summary(setup.frame, solver="network simplex", approximation=said, iterations=len(objectives))
    return Joint(model, summary, objectives)


def _plans(setup: Setup, labels: Array, outputs: Array | None, loss: Loss, alpha: float, limit: int) -> Any:
    """Yield pieces of the plan, and the joint cost of each."""
    joint = np.empty((0, 0))

    def solve(block: Array, rows: Array, columns: Array) -> Array:
        nonlocal joint
        joint = alpha * block
        if outputs is not None:
            joint = joint + loss(labels[rows], outputs[columns])
        return exact_plan(joint)

    for piece in solved_pieces(setup.cost, solve, limit):
        yield piece, joint


class _Told:
    """What both predictors tell: the plan's summary and what was approximated."""

    def _tell(self, setup: Setup, joint: Joint, features: Features) -> None:
        self.frame_, self.model_ = setup.frame, joint.model
        self.objectives_, self.n_iter_ = joint.objectives, len(joint.objectives)
        parts = {joint.summary["approximation"], features.approximation} - {"exact"}
        self.approximation_: str = "; ".join(sorted(parts)) or "exact"
        self.plan_summary_: dict[str, Any] = {**joint.summary, "approximation": self.approximation_}

    def _units(self, rows: Array, is_source: bool) -> Array:
        centre = self.frame_.source if is_source else self.frame_.target
        return (rows - centre) / np.sqrt(self.frame_.scale)


@dataclass(kw_only=True, eq=False, repr=False)
class JDOT(_Told, DomainClassifier):
    """Learns logistic regression on target rows whose labels are transported, and the transport: `joint_transport`.

    ``min_{f, P} sum_ij P_ij (alpha ||x_i - x_j||^2 / s + CE(y_i, f(x_j))) + Omega(f)``, s the mean cost between
    centred domains. Each domain is centred by its own mean.

    Parameters
    ----------
    alpha : weight of distances against labels. kernel : "linear", or "rbf" for a Gaussian kernel (Nyström).
    strength : penalty per sample of the logistic regression; None for what cross-validation on the source chooses.
    max_iter : plans solved at most. limit : entries of a plan solved at once; above, minibatches. seed : of those.

    Attributes
    ----------
    plan_summary_, approximation_ : as in `ExactOT`. objectives_ : of every plan. n_iter_ : plans solved.

    References
    ----------
    Courty, Flamary, Habrard and Rakotomamonjy, "Joint distribution optimal transportation for domain adaptation",
    NeurIPS 2017.
    """

    alpha: float = 1.0
    kernel: str = "linear"
    strength: float | None = None
    max_iter: int = 10
    limit: int = 1_000_000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        check_positive("alpha", self.alpha)
        if self.strength is not None:
            check_positive("strength", self.strength)
        setup = prepare(domains, by_label=True, seed=self.seed)
        features = Features(self.kernel, setup.cost.y)
        one_hot = np.eye(len(self.classes_))
        known = np.where(setup.target_labels[:, None] >= 0, one_hot[setup.target_labels], np.nan)
        model = SoftLogistic(features, setup.cost.x, setup.labels, self.strength)
        joint = joint_transport(
            setup,
            one_hot[setup.labels],
            known,
            cross_entropy,
            model,
            alpha=self.alpha,
            max_iter=self.max_iter,
            limit=self.limit,
        )
        self._tell(setup, joint, features)

    def _outputs(self, rows: Array, is_source: bool) -> Array:
        return self.model_.predict(self._units(rows, is_source))


@dataclass(kw_only=True, eq=False, repr=False)
class JDOTRegressor(_Told, DomainRegressor):
    """Learns (kernel) ridge regression on target rows whose values are transported, and the transport.

    As `JDOT`, with the squared error of standardised values; the ridge's strength is chosen by leave-one-out.

    Parameters
    ----------
    alpha, kernel, max_iter, limit, seed : as in `JDOT`.

    Attributes
    ----------
    plan_summary_, approximation_, objectives_, n_iter_ : as in `JDOT`.

    References
    ----------
    Courty, Flamary, Habrard and Rakotomamonjy, NeurIPS 2017, section 3 (regression by kernel ridge).
    """

    alpha: float = 1.0
    kernel: str = "rbf"
    max_iter: int = 10
    limit: int = 1_000_000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        check_positive("alpha", self.alpha)
        setup = prepare(domains, seed=self.seed)
        features = Features(self.kernel, setup.cost.y)
        self.centre_, spread = float(setup.labels.mean()), float(setup.labels.std())
        self.spread_ = spread if spread > 0 else 1.0
        labels, known = ((part[:, None] - self.centre_) / self.spread_ for part in (setup.labels, setup.target_labels))
        joint = joint_transport(
            setup,
            labels,
            known,
            squared_error,
            SoftRidge(features),
            alpha=self.alpha,
            max_iter=self.max_iter,
            limit=self.limit,
        )
        self._tell(setup, joint, features)

    def _outputs(self, rows: Array, is_source: bool) -> Array:
        return self.model_.predict(self._units(rows, is_source))[:, 0] * self.spread_ + self.centre_
