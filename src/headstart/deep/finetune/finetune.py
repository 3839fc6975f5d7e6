"""Fine-tuning: start from the source's weights and train the last stages on the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class FineTune(Method):
    """Minimise the task's loss on the target from the source's weights, the first stages frozen.

    ``min_w  mean_i loss(f_w(x_i), y_i) + sum_p penalty_p(w)``, w starting at the source's weights.

    Parameters
    ----------
    depth : number of last stages that learn; None for all, 0 for the head alone.
    stage_decay : factor on the learning rate per stage towards the input.
    body_rate : learning rate of the last stage, as a share of the run's.
    head_rate : learning rate of the head, as a share of the run's.
    penalties : values of `headstart.deep.finetune.penalties`, added to the loss.

    References
    ----------
    Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014. Learning rates
    by stage: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018,
    section 3.2.
    """

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
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
