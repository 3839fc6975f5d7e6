"""WiSE-FT: between the weights of the source and the fine-tuned ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.deep.averages import average_into, averaging_copy
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Score
from headstart.deep.parts import begin, forward, frozen_copy, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.networks.network import Network

if TYPE_CHECKING:
    from headstart.tasks import TaskLogic

MIXES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(kw_only=True)
class WiseFT(Method):
    """Fine-tune from ``w_0`` to ``w_1``, and keep ``w = (1 - mix) w_0 + mix w_1``.

    ``w_0`` are the source's stages under the linear probe's head (``starts_from_probe``), so that both ends answer the
    target's task. ``mix`` is the best of 0, 0.1, ..., 1 on rows that the training has not seen, the smaller loss where
    accuracies are equal; without such rows it is as given. At 1 it is fine-tuning, at 0 the probe.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in LP-FT. mix : share of the fine-tuned weights, in [0, 1].

    References
    ----------
    Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models", CVPR 2022, section 3.
    """

    starts_from_probe: ClassVar[bool] = True

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 0.1
    penalties: tuple[Penalty, ...] = ()
    mix: float = 0.5

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.start = frozen_copy(network)
        nets.mixed = averaging_copy(network)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        task = nets.task.loss(passed.outputs, y, samples.weight)
        return {"task": task} | penalty_terms(self.penalties, nets, passed)

    def evaluated(self, nets: Nets) -> Network:
        return average_into(nets.mixed, [(nets.start, 1 - self.mix), (nets.network, self.mix)])

    def chosen(self, nets: Nets, score: Score) -> dict[str, Any]:
        def by(mix: float) -> tuple[float, float]:
            return score(average_into(nets.mixed, [(nets.start, 1 - mix), (nets.network, mix)]))

        return {"mix": max(MIXES, key=by)}
