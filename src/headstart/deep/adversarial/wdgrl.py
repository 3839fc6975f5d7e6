"""Wasserstein distance guided representation learning: a critic of bounded slope instead of a discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import begin, learn_source
from headstart.functional.slopes import gap, gradient_penalty

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class WDGRL(Method):
    """``min_{g, h} mean_i loss(f(x_i), y_i) + strength * W``, ``W = max_D mean_s D(g(x_s)) - mean_t D(g(x_t))``.

    x_i are source samples, g(x) [n, d] the features, and D a critic with one hidden layer. It is kept near slope 1 by
    ``slope * mean_j (|dD/dz(z_j)| - 1)^2``, z_j the features of both domains and, for each pair, a point between them.
    In every step the critic moves ``rounds`` times, then the network.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    rounds : moves of the critic per step (n in the paper).
    slope : weight of the critic's penalty (gamma in the paper).
    width : of the critic's hidden layer.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Shen et al., "Wasserstein Distance Guided Representation Learning for Domain Adaptation", AAAI 2018,
    equations 3 to 5.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

    strength: float = 1.0
    rounds: int = 5
    slope: float = 10.0
    width: int = 64
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.critic = across.discriminator(network.n_features, self.width, bias=False)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate, critic="critic")

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        for _ in range(self.rounds if self.strength else 0):
            update(lambda part: self._critic(nets, part), player="critic")
        update(lambda part: self.loss(nets, part, progress), player="all")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            target = across.see_target(nets, batch)
            losses["wasserstein"] = self.strength * gap(nets.critic, source.features, target.features)
        return losses

    def _critic(self, nets: Nets, batch: Batch) -> Losses:
        with torch.no_grad():
            source, target = (passed.features for passed in across.both(nets, batch))
        between = torch.lerp(source, target, torch.rand(len(source), 1, device=source.device))
        steep = self.slope * gradient_penalty(nets.critic, torch.cat([source, target, between]))
        return {"wasserstein": -gap(nets.critic, source, target), "slope": steep}

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        source, target = (passed.features for passed in across.both(nets, batch))
        return {"wasserstein": float(gap(nets.critic, source, target))}
