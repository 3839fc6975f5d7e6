"""Surgical fine-tuning: stages learn as often as their gradients are large beside their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import begin, forward, labelled, learning, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Surgical(Method):
    """Fine-tune; stage l moves in a share ``(r_l / max_m r_m)^strength`` of the steps, ``r_l = ||g_l|| / ||w_l||``.

    g_l is the loss's gradient on the batch by all weights w_l of a stage. The paper multiplies learning rates by the
    relative ratio (Auto-RGN); an optimizer that divides by the gradient's size would undo a scaled gradient, so that a
    stage saves its share of a step up until it has a whole one. The head moves in every step. At strength 0 it is
    fine-tuning.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in fine-tuning. strength : exponent, at least 0.

    References
    ----------
    Lee et al., "Surgical Fine-Tuning Improves Adaptation to Distribution Shifts", ICLR 2023, section 4.
    """

    couples: ClassVar[bool] = True  # a norm of a batch's gradient is no mean over its samples

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        task = nets.task.loss(passed.outputs, y, samples.weight)
        return {"task": task} | penalty_terms(self.penalties, nets, passed)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        return nets.memory  # what stages have saved up lives on from epoch to epoch

    def backward(self, losses: Losses, nets: Nets) -> None:
        sum(losses.values()).backward()  # type: ignore[union-attr]
        stages = [one for one in map(learning, nets.network.stages.values()) if one]
        if not self.strength or not stages:
            return
        ratios = torch.stack([_ratio(stage) for stage in stages])
        share = (ratios / ratios.max().clamp_min(1e-30)) ** self.strength
        saved = nets.memory.get("saved", torch.zeros_like(share)) + share
        moves = saved >= 1 - 1e-6
        nets.memory["saved"] = saved - moves.to(saved)
        for stage, moved in zip(stages, moves.tolist(), strict=True):
            for parameter in () if moved else stage:
                parameter.grad = None


def _ratio(stage: list[Tensor]) -> Tensor:
    """Return the norm of a stage's gradient by that of its weights."""
    slopes = [one.grad.float().square().sum() for one in stage if one.grad is not None]
    weights = torch.stack([one.detach().float().square().sum() for one in stage]).sum()
    return (sum(slopes, torch.zeros_like(weights)) / weights.clamp_min(1e-30)).sqrt()
