"""AaD: a row is answered as its nearest neighbours are, and unlike the rest of its batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import begin, forward, stage_groups, stages_above, unlabelled

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class AaD(Method):
    """``-mean_i sum_{j in N(i)} p_i . q_j + (1 + 10 p)^-beta * mean_i sum_{m != i} p_i . p_m``, p the progress.

    p_i = softmax f(x_i) of the batch's samples; N(i) are the ``neighbours`` rows nearest to i by the cosine of their
    features, and q_j their answers, both found over all target samples before each epoch. The second term is over
    the batch and couples its samples; it keeps answers from becoming all alike and counts less and less. Nothing is
    weighed against training on the source, whose data are not there; no strength makes it plain training.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    neighbours : rows in N(i). beta : how fast the second term fades; at 0 it stays.

    References
    ----------
    Yang et al., "Attracting and Dispersing: A Simple Approach for Source-free Domain Adaptation", NeurIPS 2022,
    equations 5 and 8.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    neighbours: int = 5
    beta: float = 2.0

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network))

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        passed = [forward(nets.network, samples) for samples in rows("target")]
        features, outputs = torch.cat([p.features for p in passed]), torch.cat([p.outputs for p in passed])
        return {"answers": outputs.float().softmax(dim=1), "near": nearest(features.float(), self.neighbours)}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples = unlabelled(batch)
        p = forward(nets.network, samples).outputs.softmax(dim=1)
        near = nets.memory["answers"][nets.memory["near"][samples.rows]]
        alike = torch.einsum("nk,njk->n", p, near).mean()
        others = p @ p.sum(dim=0) - p.square().sum(dim=1)
        return {"attract": -alike, "disperse": (1 + 10 * progress) ** -self.beta * others.mean()}


def nearest(features: Tensor, count: int, rows: int = 1024) -> Tensor:
    """Return the ``count`` nearest other rows [n, count] of each row by cosine, computed ``rows`` at a time."""
    unit, n = F.normalize(features, dim=1), len(features)
    found = []
    for start in range(0, n, rows):
        near = unit[start : start + rows] @ unit.T
        near[torch.arange(len(near)), torch.arange(start, start + len(near))] = -torch.inf
        found.append(near.topk(min(count, n - 1), dim=1).indices)
    return torch.cat(found)
