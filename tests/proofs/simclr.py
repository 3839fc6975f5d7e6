"""SimCLR: features under which two views of a sample are near and other samples far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import learning, unlabelled
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class SimCLR(Method):
    """``mean_i -log(exp(s(z_i, z_j) / t) / sum_{k != i} exp(s(z_i, z_k) / t))``, over 2 n projections z, s the cosine.

    j is the other view of sample i. The projections come from a head of their own, which is thrown away; the task's
    head does not learn. Every sample is compared with the whole batch: they are coupled.

    Parameters
    ----------
    temperature : t > 0. width : of the projections.

    References
    ----------
    Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020, equation 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    n_views: ClassVar[int] = 2
    couples: ClassVar[bool] = True

    temperature: float = 0.5
    width: int = 16

    def build(self, network: Network, task: TaskLogic) -> Nets:
        network.freeze(0).head.requires_grad_(False)
        d = network.n_features
        return Nets(network, task, projector=nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, self.width)))

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("body", learning(nets.network)), Group("projector", learning(nets.projector))]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        views = unlabelled(batch).views[:2]
        first, second = (nets.projector(nets.network.features(view)) for view in views)
        return {"contrast": contrast(first, second, self.temperature)}


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the mean cross-entropy of finding each projection's other view among all others."""
    n = len(first)
    z = F.normalize(torch.cat([first, second]), dim=1)
    similarity = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool, device=z.device), -torch.inf)
    other = torch.arange(2 * n, device=z.device).roll(n)
    return F.cross_entropy(similarity, other)
