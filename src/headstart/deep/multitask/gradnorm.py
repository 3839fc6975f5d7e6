"""GradNorm: weights under which all tasks train at one rate, learned from the norms of their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from headstart.deep.method import Batch, Losses, Nets
from headstart.deep.tasks_together import Weighting, task_losses, together

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class GradNorm(Weighting):
    """``sum_i w_i L_i / t``; w descends ``sum_i |w_i G_i - G r_i^a|``, G the mean of ``w_i G_i`` held fixed, sum w = t.

    G_i is the norm of task i's gradient at the last stage, and ``r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0))``: a task
    that has learned less than the others is to have a larger gradient. Norms are of the whole batch, which is not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's. asymmetry : a, 0 or more. rate : of w.

    References
    ----------
    Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks", ICML 2018,
    equations 1 and 2.
    """

    couples: ClassVar[bool] = True

    asymmetry: float = 1.5
    rate: float = 0.025

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task, weights=Weights(len(task.parts)))  # type: ignore[attr-defined]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses, weights = task_losses(nets, batch), nets.weights.values / len(nets.weights.values)
        return {name: weight * loss for (name, loss), weight in zip(losses.items(), weights, strict=True)}

    def backward(self, losses: Losses, nets: Nets) -> None:
        last = [p for p in list(nets.network.stages.values())[-1].parameters() if p.requires_grad]
        found = [torch.autograd.grad(one, last, retain_graph=True, allow_unused=True) for one in losses.values()]
        super().backward(losses, nets)
        share = nets.weights.values / len(losses)
        plain = torch.stack(list(losses.values())).detach() / share
        nets.weights.move(plain, torch.stack([_norm(one) for one in found]) / share, self.asymmetry, self.rate)


class Weights(nn.Module):
    """Weights of t tasks, and the losses they began at."""

    values: Tensor
    first: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.register_buffer("values", torch.ones(tasks))
        self.register_buffer("first", torch.zeros(tasks))

    def move(self, losses: Tensor, norms: Tensor, asymmetry: float, rate: float) -> None:
        """Step against the sign of each weighted norm's distance from where its task's progress puts it."""
        self.first.copy_(torch.where(self.first > 0, self.first, losses))
        left = losses / self.first.clamp(min=1e-12)
        left = left / left.mean().clamp(min=1e-12)
        weighted = self.values * norms
        wanted = weighted.mean() * left**asymmetry
        unit = norms / norms.mean().clamp(min=1e-12)  # a step of the same size whatever the units of the losses
        moved = (self.values - rate * (weighted - wanted).sign() * unit).clamp(min=1e-3)
        self.values.copy_(moved * len(moved) / moved.sum())


def _norm(gradients: tuple[Tensor | None, ...]) -> Tensor:
    return torch.stack([one.square().sum() for one in gradients if one is not None]).sum().sqrt()
