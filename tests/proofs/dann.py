"""Domain-adversarial training: features that a discriminator cannot tell the domains by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import forward, labelled_source, learning, unlabelled
from headstart.functional.reverse import reverse_gradient, rising
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DANN(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_j BCE(D(R(g(x_j))), d_j)``.

    x_i are source samples, x_j samples of both domains with d_j = 1 for the source, g(x) [n, d] the features, D a
    discriminator with one hidden layer, and R the reversal of the gradient, whose factor rises with the progress p
    as ``2 / (1 + exp(-10 p)) - 1``.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    width : of the discriminator's hidden layer.
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016, sections 4.2 and 5.2.2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

    strength: float = 1.0
    width: int = 64
    body_rate: float = 1.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        critic = nn.Sequential(nn.Linear(network.n_features, self.width), nn.ReLU(), nn.Linear(self.width, 1))
        return Nets(network.freeze(0), task, critic=critic)

    def groups(self, nets: Nets) -> list[Group]:
        return [
            Group("body", learning(nets.network.stages), self.body_rate),
            Group("head", learning(nets.network.head)),
            Group("critic", learning(nets.critic), player="critic"),
        ]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled_source(batch)
        source, target = forward(nets.network, samples), forward(nets.network, unlabelled(batch))
        losses = {"task": nets.task.loss(source.outputs, y, samples.weight)}
        if self.strength:
            features = torch.cat([source.features, target.features])
            logits = nets.critic(reverse_gradient(features, rising(progress)))[:, 0]
            is_source = torch.cat([torch.ones(len(source.features)), torch.zeros(len(target.features))])
            told = F.binary_cross_entropy_with_logits(logits, is_source.to(logits))
            losses["domain"] = self.strength * told
        return losses
