"""Averaged weights: ERM whose answers are those of the mean of its weights along the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep.averages import averaging_copy, move_average
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows, Update
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class WeightAveraging(Method):
    """``mean_i loss(f_w(x_i), y_i)`` is learned, and ``f_a`` with ``a = mean_{t > start} w_t`` is kept, t over steps.

    The mean lies in the middle of a flat region of the loss, whose border it is that a shift of domain moves. One copy
    of the weights is all that it costs.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    start : share of the training before weights count, in [0, 1]; at 1 the last weights are kept, which is ERM.

    References
    ----------
    Arpit et al., "Ensemble of Averages: Improving Model Selection and Boosting Performance in Domain Generalization",
    NeurIPS 2022, section 2; Cha et al., "SWAD: Domain Generalization by Seeking Flat Minima", NeurIPS 2021.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels"})

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    start: float = 0.2

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.average = averaging_copy(network)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        return nets.memory  # how many weights were averaged lives on from epoch to epoch

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self.loss(nets, part, progress))
        count = int(nets.memory.get("averaged", torch.zeros((), dtype=torch.int64)))
        move_average(nets.average, nets.network, count / (count + 1))
        if progress >= self.start:
            nets.memory["averaged"] = torch.tensor(count + 1)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return learn_source(nets, batch, self.penalties)[1]

    def evaluated(self, nets: Nets) -> Network:
        return nets.average
