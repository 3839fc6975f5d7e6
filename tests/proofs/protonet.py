"""Prototypical networks: a class is the mean of its few examples' features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import learning
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class ProtoNet(Method):
    """``mean_q CE(-|g(x_q) - c|^2, y_q)``, c_k [d] the mean features of class k in the episode's support.

    What is learned are the features; the task's head stands still, for the classes to come are others.

    References
    ----------
    Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017, equations 1 and 2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    def build(self, network: Network, task: TaskLogic) -> Nets:
        network.freeze(0).head.requires_grad_(False)
        return Nets(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("body", learning(nets.network))]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        assert batch.episode is not None
        support, query, _ = batch.episode
        prototypes = class_means(nets.network.features(support.x), support.y)
        return {"task": F.cross_entropy(answers(nets.network.features(query.x), prototypes), query.y)}


def class_means(features: Tensor, y: Tensor) -> Tensor:
    """Return the mean features [k, d] of classes 0 to k - 1."""
    members = F.one_hot(y).to(features)
    return (members.T @ features) / members.sum(dim=0)[:, None]


def answers(features: Tensor, prototypes: Tensor) -> Tensor:
    """Return minus the squared distances [n, k] to the prototypes."""
    return -torch.cdist(features, prototypes).square()
