"""DCGAN: a generator draws pictures that a discriminator cannot tell from real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.deep.blind import inputs
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import learning
from headstart.networks.dcgan import generator_of
from headstart.networks.network import hold

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DCGAN(Method):
    """``min_D mean_i s(-D(x_i)) + mean_j s(D(G(z_j)))``, then ``min_G mean_j s(-D(G(z_j)))``, s(a) = log(1 + e^a).

    D(x) = c(f(x)) [n], a linear layer c on the network's features of pictures x [n, c, h, w]; G a generator, z_j
    [noise] drawn from a standard normal distribution, as many as pictures. D moves first in every step.

    Parameters
    ----------
    noise : numbers of z. width : channels of the generator's first map.
    frozen : stages of the network, from the input, that stand still (FreezeD), where it was carried over.
    scales_only : of the generator only scales and shifts of its normalisations learn.

    References
    ----------
    Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
    Networks", ICLR 2016. Mo, Cho and Shin, "Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs", CVPR
    workshop 2020. Noguchi and Harada, "Image Generation From Small Datasets via Batch Statistics Adaptation", ICCV
    2019.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    couples: ClassVar[bool] = True

    noise: int = 64
    width: int = 128
    frozen: int = 0
    scales_only: bool = False

    def build(self, network: Network, task: TaskLogic) -> Nets:
        network.freeze(0).head.requires_grad_(False)
        # Held, not `freeze`d: what a frozen stage computes has no graph, and the generator learns through it.
        for stage in list(network.stages.values())[: min(self.frozen, len(network.stages) - 1)]:
            hold(stage)
        generator = getattr(task, "generator", None) or generator_of(network, self.noise, self.width)
        critic = getattr(task, "critic", None) or nn.Linear(network.n_features, 1)
        if self.scales_only:
            generator.requires_grad_(False)
            for parameter in generator.scales():
                parameter.requires_grad_(True)
        return Nets(network, task, generator=generator, critic=critic)

    def groups(self, nets: Nets) -> list[Group]:
        judges = [
            Group(name, learning(one), player="judge")
            for name, one in (("body", nets.network), ("critic", nets.critic))
        ]
        return [*judges, Group("generator", learning(nets.generator), player="generator")]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self._judge(nets, part), player="judge")
        update(lambda part: self.loss(nets, part, progress), player="generator")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return {"fool": functional.softplus(-self._told(nets, self._drawn(nets, inputs(batch)))).mean()}

    def _judge(self, nets: Nets, batch: Batch) -> Losses:
        x = inputs(batch)
        with torch.no_grad():
            drawn = self._drawn(nets, x)
        real, made = self._told(nets, x), self._told(nets, drawn)
        return {"judge": functional.softplus(-real).mean() + functional.softplus(made).mean()}

    def _drawn(self, nets: Nets, x: Tensor) -> Tensor:
        return nets.generator(torch.randn(len(x), nets.generator.spec["noise"], device=x.device))

    def _told(self, nets: Nets, x: Tensor) -> Tensor:
        return nets.critic(nets.network.features(x))[:, 0]

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        x = inputs(batch)
        right = torch.cat([self._told(nets, x) > 0, self._told(nets, self._drawn(nets, x)) < 0])
        return {"judge_accuracy": float(right.float().mean())}
