"""R2-D2: each episode is answered by a ridge regression, in closed form and differentiated through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.deep.episodic import body_alone, body_groups, episode_of, labels_of, read
from headstart.deep.method import Batch, Episode, Group, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class R2D2(Method):
    """``CE(a Q W + b, y)`` with ``W = S^T (S S^T + l I)^-1 Y`` [d, ways], S and Q the support's and queries' features.

    a, b and log l are learned; the inverse is of the support's size, shots times ways.

    References
    ----------
    Bertinetto et al., "Meta-learning with Differentiable Closed-form Solvers", ICLR 2019, equations 3 to 6.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    moves: ClassVar[bool] = False

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return body_alone(network, task, solver=Solver())

    def groups(self, nets: Nets) -> list[Group]:
        return body_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        episode = episode_of(batch)
        return {"task": functional.cross_entropy(self.answers(nets, episode), labels_of(episode.query))}

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [q, ways]."""
        support, query, y, ways = read(nets.network, episode)
        kernel = support @ support.T + nets.solver.strength.exp() * torch.eye(len(support)).to(support)
        dual = torch.linalg.solve(kernel, functional.one_hot(y, ways).to(kernel))
        return nets.solver.scale * (query @ support.T @ dual) + nets.solver.shift


class Solver(nn.Module):
    """What R2-D2 learns beside the features: log of the ridge's strength, and how its values become logits."""

    def __init__(self) -> None:
        super().__init__()
        self.strength, self.scale = nn.Parameter(torch.tensor(0.0)), nn.Parameter(torch.tensor(1.0))
        self.shift = nn.Parameter(torch.zeros(()))
