"""Replay: fine-tuning on new samples and on stored old ones together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, labelled, labelled_source, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Replay(Method):
    """``min_w  (1 - share) mean_i loss(f_w(x_i), y_i) + share mean_j loss(f_w(x'_j), y'_j)``.

    x_i are the new samples, x'_j old ones of the same task that the user still has, as many in a batch; w starts at the
    source's weights, in a `fit` with its own head. A share of 0 leaves the old ones out.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in fine-tuning. share : of the old samples, in [0, 1].

    References
    ----------
    Chaudhry et al., "On Tiny Episodic Memories in Continual Learning", 2019 (ER).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_labels", "source_labels"})

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    share: float = 0.5

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        losses = {"task": (1 - self.share) * nets.task.loss(passed.outputs, y, samples.weight)}
        if self.share:
            old, theirs = labelled_source(batch)
            losses["old"] = self.share * nets.task.loss(forward(nets.network, old).outputs, theirs, old.weight)
        return losses | penalty_terms(self.penalties, nets, passed)
