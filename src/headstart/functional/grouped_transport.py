"""Class-regularised transport: a target row should receive its mass from source rows of one class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.functional.sinkhorn import sinkhorn
from headstart.functional.transport import entropic_plan

Array = np.ndarray
POWER, SMOOTH = 0.5, 1e-2


class Grouped(NamedTuple):
    """A plan [n, m], its objective after every round."""

    plan: Array
    objectives: list[float]


def group_lasso_plan(
    cost: Array, labels: Array, reg: float, eta: float, *, max_iter: int = 20, tolerance: float = 1e-5
) -> Grouped:
    """Solve ``min_P <C, P> + reg sum P (log P - 1) + eta sum_j sum_c ||P_(rows of c), j||_2`` over uniform plans.

    Generalised conditional gradient: the group term is replaced by its slope, the entropic problem that is left is
    solved by Sinkhorn, and a line search keeps the objective going down.

    Parameters
    ----------
    cost : [n, m]. labels : [n] class numbers of the rows. reg, eta : in the unit of the cost.

    References
    ----------
    Courty, Flamary, Tuia and Rakotomamonjy, "Optimal Transport for Domain Adaptation", TPAMI 2017, sections 4.2 and 5.
    """
    groups = _groups(labels)
    start = sinkhorn(cost, reg, tolerance=1e-5)
    plan = entropic_plan(cost, reg, potential=start)
    objectives = [_objective(plan, cost, groups, reg, eta)]
    for _ in range(max_iter):
        slope = eta * plan / _norms(plan, groups)[labels]
        potential = sinkhorn(cost + slope, reg, start=start.values, tolerance=1e-5)
        aim = entropic_plan(cost + slope, reg, potential=potential)
        plan, reached = _search(plan, aim, cost, slope, groups, reg, eta, objectives[-1])
        objectives.append(reached)
        start = potential
        if objectives[-2] - reached <= tolerance * abs(reached):
            break
    return Grouped(plan, objectives)


def _groups(labels: Array) -> Array:
    """One-hot rows [k, n], numbered as ``labels``."""
    return np.eye(int(labels.max()) + 1)[:, labels]


def _norms(plan: Array, groups: Array) -> Array:
    return np.sqrt(groups @ np.square(plan) + 1e-300)


def _objective(plan: Array, cost: Array, groups: Array, reg: float, eta: float) -> float:
    entropy = float((plan * (np.log(np.maximum(plan, 1e-300)) - 1)).sum())
    return float(np.vdot(cost, plan)) + reg * entropy + eta * float(_norms(plan, groups).sum())


def _search(
    plan: Array, aim: Array, cost: Array, slope: Array, groups: Array, reg: float, eta: float, now: float
) -> tuple[Array, float]:
    """Backtrack from the full step (Armijo)."""
    way = aim - plan
    descent = float(np.vdot(cost + slope + reg * np.log(np.maximum(plan, 1e-300)), way))
    step = 1.0
    while step > 1e-3:
        trial = plan + step * way
        reached = _objective(trial, cost, groups, reg, eta)
        if reached <= now + 1e-4 * step * min(descent, 0.0):
            return trial, reached
        step /= 2
    return plan, now


def lpl1_plan(
    cost: Array, labels: Array, reg: float, eta: float, *, max_iter: int = 10, smooth: float = SMOOTH
) -> Grouped:
    """Solve ``min_P <C, P> + reg sum P (log P - 1) + eta/m sum_j sum_c (q_cj + smooth)^(1/2)`` over uniform plans.

    ``q_cj = m sum_(i of c) P_ij`` is the share of target row j's mass that comes from class c. The root is concave,
    so that its slope majorises it: each round is one entropic problem.

    Parameters
    ----------
    cost : [n, m]. labels : [n] class numbers of the rows. reg, eta : in the unit of the cost.

    References
    ----------
    Courty, Flamary and Tuia, "Domain Adaptation with Regularized Optimal Transport", ECML PKDD 2014, section 3.
    """
    groups, m = _groups(labels), cost.shape[1]
    start, plan = None, np.empty(0)
    slope: Array | float = 0.0
    objectives: list[float] = []
    for _ in range(max_iter):
        potential = sinkhorn(cost + slope, reg, start=start, tolerance=1e-5)
        plan = entropic_plan(cost + slope, reg, potential=potential)
        share = m * (groups @ plan) + smooth
        entropy = float((plan * (np.log(np.maximum(plan, 1e-300)) - 1)).sum())
        objectives.append(float(np.vdot(cost, plan)) + reg * entropy + eta / m * float((share**POWER).sum()))
        slope, start = (eta * POWER * share ** (POWER - 1))[labels], potential.values
        if len(objectives) > 1 and objectives[-2] - objectives[-1] <= 1e-5 * abs(objectives[-1]):
            break
    return Grouped(plan, objectives)
