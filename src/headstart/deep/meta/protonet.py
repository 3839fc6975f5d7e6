"""Prototypical networks: a class is the mean of its few examples' features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from headstart.deep.episodic import body_alone, body_groups, class_means, episode_of, labels_of, read, square_distances
from headstart.deep.method import Batch, Episode, Group, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class ProtoNet(Method):
    """``mean_q CE(-|g(x_q) - c|^2, y_q)``, c_k [d] the mean features of class k in the episode's support.

    References
    ----------
    Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017, equations 1 and 2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    moves: ClassVar[bool] = False

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return body_alone(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return body_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        episode = episode_of(batch)
        return {"task": functional.cross_entropy(self.answers(nets, episode), labels_of(episode.query))}

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return minus the squared distances [q, ways] to the prototypes."""
        support, query, y, ways = read(nets.network, episode)
        return -square_distances(query, class_means(support, y, ways))
