"""StochNorm: fine-tuning in which channels take moving or batch statistics by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.networks.network import Network

if TYPE_CHECKING:
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class StochNorm(Method):
    """Fine-tune with ``z_c = s_c BN_moving(x)_c + (1 - s_c) BN_batch(x)_c``, ``s_c ~ Bernoulli(share)`` at every step.

    c are the channels of every batch norm that learns, x [n, c, ...]; moving statistics are those before the batch,
    which they then take in as ever. Few samples make a batch's statistics noisy, and the source's are good: a share
    rests on them. At prediction there is nothing but moving statistics, as in any network. A network without batch norm
    is fine-tuned, and so is any at a share of 0.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in fine-tuning. share : in [0, 1].

    References
    ----------
    Kou et al., "Stochastic Normalization", NeurIPS 2020, algorithm 1.
    """

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    share: float = 0.5

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        for stage in list(network.stages.values())[network.frozen :] if self.share else ():
            for norm in stage.modules():
                if isinstance(norm, _BatchNorm) and norm.running_mean is not None and norm.affine:
                    norm.forward = _Mixed(norm, self.share)  # type: ignore[method-assign, assignment]
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        task = nets.task.loss(passed.outputs, y, samples.weight)
        return {"task": task} | penalty_terms(self.penalties, nets, passed)

    def finish(self, nets: Nets) -> Network:
        for module in nets.network.modules():
            if isinstance(module.__dict__.get("forward"), _Mixed):
                del module.forward
        return nets.network


class _Mixed:
    """The forward pass of a batch norm in training: of some channels by its moving statistics."""

    def __init__(self, norm: _BatchNorm, share: float) -> None:
        self.norm, self.share = norm, share

    def __call__(self, x: Tensor) -> Tensor:
        norm, plain = self.norm, type(self.norm).forward
        if not norm.training:
            return plain(norm, x)
        mean, var = norm.running_mean.clone(), norm.running_var.clone()  # type: ignore[union-attr]
        moving = functional.batch_norm(x, mean, var, norm.weight, norm.bias, False, 0.0, norm.eps)
        drawn = torch.rand(x.shape[1], device=x.device) < self.share
        return torch.where(drawn.view(1, -1, *[1] * (x.ndim - 2)), moving, plain(norm, x))
