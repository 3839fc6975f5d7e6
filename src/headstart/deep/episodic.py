"""What methods of few-shot episodes share: how an episode is read, and how a class stands for its few examples."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from headstart.data.batches import Batch, Episode, Samples
from headstart.deep.method import Group, Losses, Method, Nets
from headstart.deep.parts import learning
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


class Read(NamedTuple):
    """An episode's features: of the support [s, d], of the queries [q, d], and the support's classes [s]."""

    support: Tensor
    query: Tensor
    y: Tensor
    ways: int


def episode_of(batch: Batch) -> Episode:
    """Return the episode of a batch, which methods of episodes learn from."""
    if batch.episode is None:
        raise ValueError("This method learns from few-shot episodes, but the batch holds none.")
    return batch.episode


def labels_of(samples: Samples) -> Tensor:
    """Return the labels of an episode's part."""
    assert isinstance(samples.y, Tensor)
    return samples.y


def ways_of(episode: Episode) -> int:
    """Return how many classes an episode has."""
    return int(labels_of(episode.support).max()) + 1 if episode.classes is None else len(episode.classes)


def read(network: Network, episode: Episode) -> Read:
    """Return an episode's features; support and queries pass one after the other, so that batch norm sees each."""
    support, query = network.features(episode.support.x), network.features(episode.query.x)
    return Read(support, query, labels_of(episode.support).to(support.device), ways_of(episode))


def body_alone(network: Network, task: TaskLogic, **helpers: torch.nn.Module) -> Nets:
    """Return nets whose stages learn: the task's head stands still, for the classes to come are others."""
    network.freeze(0).head.requires_grad_(False)
    return Nets(network, task, **helpers)


def body_groups(nets: Nets, rates: dict[str, float] | None = None) -> list[Group]:
    """Return one group of the stages, and one of each helper at its rate (1 where none is given)."""
    groups = [Group("body", learning(nets.network))]
    helpers = [(name, learning(module)) for name, module in nets.named_children() if name != "network"]
    return [*groups, *(Group(name, found, (rates or {}).get(name, 1.0)) for name, found in helpers if found)]


def class_means(features: Tensor, y: Tensor, ways: int) -> Tensor:
    """Return the mean features [ways, d] of classes 0 to ways - 1; of a class without a row, zeros."""
    members = functional.one_hot(y, ways).to(features)
    return members.T @ features / members.sum(dim=0).clamp(min=1)[:, None]


def square_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return ``|a_i - b_j|^2`` [n, m]; its gradient is finite where two rows are equal."""
    squares = first.square().sum(dim=1)[:, None] + second.square().sum(dim=1)[None]
    return squares - 2 * first @ second.T


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """Return the cosines [n, m] of rows of ``first`` with rows of ``second``."""
    return functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T


@dataclass(kw_only=True)
class Episodic(Method):
    """A method that learns from episodes: a body without a head for classes to come.

    Attributes
    ----------
    moves : whether it answers by moving weights of the stages, so that it must see samples and not their features.
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

    @abstractmethod
    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [queries, ways] of an episode, learned from its support."""
