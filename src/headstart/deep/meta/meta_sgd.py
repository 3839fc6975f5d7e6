"""Meta-SGD: the start is learned, and the rate of every weight."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from headstart.deep.inner import InnerLoop, Learner, Weights, adaptable, adapted, answered, support_loss, weights_of
from headstart.deep.method import Episode, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MetaSGD(InnerLoop):
    """``min_{w, a} L_query(w - a * dL_support / dw)``, a a rate for each weight, learned beside it and of either sign.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps : of the inner loop; 1 in the paper. rate : what every a starts at.

    References
    ----------
    Li et al., "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", 2017, equation 2.
    """

    steps: int = 1

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = super().build(network, task)
        nets.rates = Rates(sum(weight.numel() for weight in weights_of(Learner(nets)).values()), self.rate)
        return nets

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [q, ways] after the steps on the support."""
        learner = Learner(nets)
        start = adaptable(weights_of(learner))
        weights = adapted(
            support_loss(learner, episode), start, nets.rates.by_name(start), self.steps, exact=torch.is_grad_enabled()
        )
        return answered(learner, weights, episode)


class Rates(nn.Module):
    """One rate per weight, in one vector."""

    def __init__(self, n: int, rate: float) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.full((n,), rate))

    def by_name(self, weights: Weights) -> Weights:
        """Return the rates in the shapes of the weights."""
        parts = self.values.split([weight.numel() for weight in weights.values()])
        return {name: part.view_as(weight) for part, (name, weight) in zip(parts, weights.items(), strict=True)}
