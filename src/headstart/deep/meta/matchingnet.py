"""Matching networks: a query takes the labels of the support, weighed by cosine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from headstart.deep.episodic import body_alone, body_groups, cosines, episode_of, labels_of, read
from headstart.deep.method import Batch, Episode, Group, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MatchingNet(Method):
    """``p(y | x_q) = sum_i a_qi [y_i = y]``, a_q the softmax over i of ``s cos(g(x_q), g(x_i))``; minus log p.

    Without the paper's full-context embeddings; s is 1 there.

    Parameters
    ----------
    steepness : s.

    References
    ----------
    Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, equation 1 and section 2.1.1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    moves: ClassVar[bool] = False

    steepness: float = 10.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return body_alone(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return body_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        episode = episode_of(batch)
        return {"task": functional.cross_entropy(self.answers(nets, episode), labels_of(episode.query))}

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return log-probabilities [q, ways]."""
        support, query, y, ways = read(nets.network, episode)
        attention = (self.steepness * cosines(query, support)).softmax(dim=1)
        return (attention @ functional.one_hot(y, ways).to(attention)).clamp(min=1e-12).log()
