"""Relation networks: how alike a class and a query are is learned too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.deep.episodic import Episodic, body_alone, class_means, episode_of, labels_of, read, ways_of
from headstart.deep.method import Batch, Episode, Losses, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class RelationNet(Episodic):
    """``mean_{q, k} (sigmoid r([c_k, g(x_q)]) - [y_q = k])^2``, c_k [d] class k's mean features, r two layers.

    The paper's r convolves the maps of a class's summed examples; this one reads features, of any network.

    Parameters
    ----------
    width : of r's hidden layer.

    References
    ----------
    Sung et al., "Learning to Compare: Relation Network for Few-Shot Learning", CVPR 2018, equations 1 and 2.
    """

    width: int = 64

    def build(self, network: Network, task: TaskLogic) -> Nets:
        hidden = nn.Linear(2 * network.n_features, self.width)
        return body_alone(network, task, relation=nn.Sequential(hidden, nn.ReLU(), nn.Linear(self.width, 1)))

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        episode = episode_of(batch)
        scores = self.answers(nets, episode).sigmoid()
        wanted = functional.one_hot(labels_of(episode.query), ways_of(episode))
        return {"task": functional.mse_loss(scores, wanted.to(scores))}

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return relations [q, ways] before the sigmoid."""
        support, query, y, ways = read(nets.network, episode)
        classes = class_means(support, y, ways)
        pairs = torch.cat([classes.expand(len(query), -1, -1), query[:, None].expand(-1, ways, -1)], dim=2)
        return nets.relation(pairs).squeeze(2)
