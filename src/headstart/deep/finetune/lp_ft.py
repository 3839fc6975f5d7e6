"""LP-FT: a linear probe first, then fine-tuning from that head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class LPFT(Method):
    """Put the linear probe's solution into the head, then fine-tune head and stages together.

    1. ``v = argmin_v  mean_i loss(v' h(x_i), y_i) + strength / 2 ||v||^2`` with the source's features h;
    2. ``min_{v, w}  mean_i loss(v' h_w(x_i), y_i)`` from there.

    A random head would distort good features in its first steps; a head that already fits does not. Step 1 is
    solved before training, because ``starts_from_probe`` is true. Head and last stage share one rate.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in fine-tuning.

    References
    ----------
    Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
    ICLR 2022.
    """

    starts_from_probe: ClassVar[bool] = True

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 0.1
    penalties: tuple[Penalty, ...] = ()

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
