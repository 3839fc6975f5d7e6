"""Adversarial discriminative adaptation: the target's features learn to pass for the source's, which stand still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.deep import across
from headstart.deep.averages import averaging_copy, move_average
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import begin, labelled_source, learn_source

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class ADDA(Method):
    """First ``min_{g, h} mean_i loss(h(g(x_i)), y_i)`` on the source; then a copy g_s of g stands still.

    From then on each step has two moves. A: the discriminator D learns, ``min_D mean_j BCE(D(z_j), d_j)``, z = g_s(x_s)
    with d = 1 and z = g(x_t) with d = 0, while the head h goes on learning the source on g_s. B: the target's g learns
    to pass for the source's, ``min_g strength * mean_j BCE(D(g(x_t)), 1)``. h(g(x)) answers.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    first : share of the training that learns the source alone.
    width : of the discriminator's hidden layer.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Tzeng et al., "Adversarial Discriminative Domain Adaptation", CVPR 2017, equations 7 to 9; there the head stands
    still too.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

    strength: float = 1.0
    first: float = 0.3
    width: int = 64
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.source = averaging_copy(network)
        nets.critic = across.discriminator(network.n_features, self.width)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        names = {"body": "body", "head": "judges", "critic": "judges"}
        return across.players(nets, self.body_rate, **(names if self.strength else {"critic": "judges"}))

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        if not self.strength or progress < self.first:
            update(lambda part: self.loss(nets, part, progress))
            move_average(nets.source, nets.network, 0.0)
        else:
            update(lambda part: judge(nets, part), player="judges")
            update(lambda part: self._pass(nets, part), player="body")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return learn_source(nets, batch, self.penalties)[1]

    def _pass(self, nets: Nets, batch: Batch) -> Losses:
        told = nets.critic(across.see_target(nets, batch).features)
        return {"pass": self.strength * F.softplus(-told).mean()}

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        source, target = standing(nets, batch), across.see_target(nets, batch).features
        return {"discriminator_accuracy": across.told_apart(nets.critic(source), nets.critic(target))}


def standing(nets: Nets, batch: Batch) -> Tensor:
    """Return the source's features [n, d] by the body that stands still."""
    with torch.no_grad():
        return nets.source.eval().features(labelled_source(batch)[0].x)


def judge(nets: Nets, batch: Batch) -> Losses:
    """Return what head and discriminator minimise while no body moves."""
    (samples, y), source = labelled_source(batch), standing(nets, batch)
    target = across.see_target(nets, batch).features.detach()
    told = across.cross_entropy_of_domains(nets.critic(source), nets.critic(target))
    return {"task": nets.task.loss(nets.network.head(source), y, samples.weight), "domain": told}
