"""Meta-SGD: the start is learned, and the rate of every weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.deep.episodic import body_alone, body_groups, episode_of, labels_of
from headstart.deep.inner import Learner, Weights, adaptable, adapted, answer_of, answered, support_loss, weights_of
from headstart.deep.method import Batch, Episode, Group, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MetaSGD(Method):
    """``min_{w, a} L_query(w - a * dL_support / dw)``, a a rate for each weight, learned beside it and of either sign.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps : of the inner loop; 1 in the paper. rate : what every a starts at.

    References
    ----------
    Li et al., "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", 2017, equation 2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    moves: ClassVar[bool] = True

    ways: int = 5
    steps: int = 1
    rate: float = 0.1

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = body_alone(network, task, answer=answer_of(network, self.ways))
        nets.rates = Rates(sum(weight.numel() for weight in weights_of(Learner(nets)).values()), self.rate)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return body_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        episode = episode_of(batch)
        return {"task": functional.cross_entropy(self.answers(nets, episode), labels_of(episode.query))}

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
