"""R2-D2: each episode is answered by a ridge regression, in closed form and differentiated through."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.deep.episodic import Episodic, body_alone, read
from headstart.deep.method import Episode, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class R2D2(Episodic):
    """``CE(a Q W + b, y)`` with ``W = S^T (S S^T + l I)^-1 Y`` [d, ways], S and Q the support's and queries' features.

    a, b and log l are learned; the inverse is of the support's size, shots times ways.

    References
    ----------
    Bertinetto et al., "Meta-learning with Differentiable Closed-form Solvers", ICLR 2019, equations 3 to 6.
    """

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return body_alone(network, task, solver=Solver())

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
