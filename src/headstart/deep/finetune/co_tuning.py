"""Co-Tuning: the source's own head learns along, on what the target's classes are among the source's."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import begin, forward, frozen_copy, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class CoTuning(Method):
    """``mean_i loss(f(x_i), y_i) - strength * mean_i sum_s p(s | y_i) log softmax(g(h(x_i)))_s``.

    h are the features [n, d], g the source's own head (`Network.former`) to its classes s, learned along, and p(s | y)
    [k, q] what the source, before training, answers to the target's samples of class y on average (the paper's category
    relationship by the direct way, without its temperature). At strength 0 it is fine-tuning.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in fine-tuning. strength : trade-off, at least 0.

    Raises
    ------
    UserError
        If the network brings no head of its source.

    References
    ----------
    You et al., "Co-Tuning for Transfer Learning", NeurIPS 2020, equations 3 and 4.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        if self.strength:
            if not network.former:
                raise UserError("Co-Tuning learns the source's classes too, and the network brings no head of them.")
            nets.start = frozen_copy(network)
            nets.former = copy.deepcopy(network.former[0]).requires_grad_(True)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        if not self.strength or "relation" in nets.memory:
            return nets.memory
        nets.start.entry, head = nets.network.entry, nets.start.former[0]
        total: dict[int, Tensor] = {}
        for samples in rows("target"):
            answers = head(nets.start.features(samples.x)).softmax(1)
            for label in torch.as_tensor(samples.y).unique().tolist():
                total[label] = total.get(label, 0) + answers[torch.as_tensor(samples.y) == label].sum(0)
        n, q = nets.task.task.n_outputs, len(next(iter(total.values())))
        relation = torch.full((n, q), 1 / q, device=next(iter(total.values())).device)
        for label, found in total.items():
            relation[label] = found / found.sum()
        return nets.memory | {"relation": relation}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        losses = {"task": nets.task.loss(passed.outputs, y, samples.weight)}
        if self.strength:
            wanted = nets.memory["relation"][y]
            gap = -(wanted * nets.former(passed.features).log_softmax(1)).sum(1).mean()
            losses["source_classes"] = self.strength * gap
        return losses | penalty_terms(self.penalties, nets, passed)
