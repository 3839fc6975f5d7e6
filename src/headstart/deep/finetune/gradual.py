"""Gradual unfreezing: one more stage learns at equal shares of the training."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import begin, forward, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class GradualUnfreezing(Method):
    """Fine-tune the head first, then one more stage from the last towards the input, down to ``depth``.

    With d learning stages, progress p in [0, 1] and d + 1 equal shares, ``floor(p (d + 1))`` stages learn (at
    most d): which is a function of the progress alone, so that a resumed run unfreezes as an unbroken one.

    Parameters
    ----------
    depth : number of last stages that learn in the end; None for all.
    stage_decay, body_rate, head_rate, penalties : as in fine-tuning.

    References
    ----------
    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018, section 3.3.
    """

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def frozen_at(self, network: Network, progress: float) -> int:
        """Return how many stages are frozen at ``progress``."""
        count, always = len(network.stages), self.frozen_stages(network)
        learning = int(progress * (count - always + 1) + 1e-9)
        return max(count - learning, always)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        task = nets.task.loss(passed.outputs, y, samples.weight)
        return {"task": task} | penalty_terms(self.penalties, nets, passed)

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        frozen = self.frozen_at(nets.network, progress)
        if frozen != nets.network.frozen:
            nets.network.freeze(frozen)
        update(lambda part: self.loss(nets, part, progress))

    def finish(self, nets: Nets) -> Network:
        return nets.network.freeze(self.frozen_stages(nets.network))
