"""DeepJDOT: source samples, with their labels, are transported onto the target's features and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.joint_cost import joint_cost
from headstart.functional.transport import exact_plan, relaxed_plan

if TYPE_CHECKING:
    from headstart.deep.penalty import Passed, Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DeepJDOT(Method):
    """``mean_i loss(f(x_i), y_i) + strength * sum_ij P_ij (alpha ||g(x_i) - g(x_j)||^2 / d + CE(f(x_j), y_i))``.

    x_i are source samples, x_j target samples, g(x) [n, d] the features, and P [n, m] the plan of least cost between
    uniform masses, found in every batch; the gradient is that of the costs under it. Two batches of a few samples per
    class never have the same classes in them, so that a plan that must fill all columns moves samples of one class onto
    another: the plan may leave mass behind (`relaxed_plan`), which is Fatras et al.'s change of the method.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    alpha : weight of the features against the labels.
    reach : price of mass that is left behind, in mean costs; None for Damodaran et al.'s exact plan, whose rows sum to
        1 / n and whose columns to 1 / m.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Damodaran et al., "DeepJDOT: Deep Joint Distribution Optimal Transport for Unsupervised Domain Adaptation", ECCV
    2018, equation 7 and algorithm 1. Fatras et al., "Unbalanced Minibatch Optimal Transport; Applications to Domain
    Adaptation", ICML 2021, section 4.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    strength: float = 1.0
    alpha: float = 1.0
    reach: float | None = 1.0
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            losses["transport"] = self.strength * self._cost(source, across.see_target(nets, batch))
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"transport": float(self._cost(*across.both(nets, batch)))}

    def _cost(self, source: Passed, target: Passed) -> Tensor:
        y = source.samples.y
        cost = joint_cost(source.features, y, target.features, target.outputs, self.alpha)  # type: ignore[arg-type]
        return (plan_of(cost, self.reach) * cost).sum()


def plan_of(cost: Tensor, reach: float | None) -> Tensor:
    """Return the plan [n, m] of least cost between uniform masses, a constant to the gradient."""
    known = cost.detach().double().cpu().numpy()
    return torch.from_numpy(exact_plan(known) if reach is None else relaxed_plan(known, reach=reach)).to(cost)
