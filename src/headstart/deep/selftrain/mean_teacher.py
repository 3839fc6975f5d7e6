"""Mean teacher, or self-ensembling: agreement on the target with an average of one's own weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from headstart.deep.averages import averaging_copy, move_average
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above
from headstart.deep.roles import learn_known

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MeanTeacher(Method):
    """``mean_i loss(f(x_i), y_i) + strength * r(p) * mean_j 1[max t_j >= threshold] |softmax f(x_j) - t_j|^2 / k``.

    x_i are labelled samples, x_j target samples, t_j = softmax t(x_j') the teacher's answer to another view of x_j. The
    teacher's weights are an average of the student's after every step; it is what is kept. r(p) = exp(-5 (1 - p)^2), p
    the progress as a share of ``ramp``, at most 1.

    Parameters
    ----------
    labels : whose labels are learned from: the ``source``'s, or the ``target``'s own where some are given.
    strength : trade-off. decay : of the average, in [0, 1). With both 0 it is training on the labels alone.
    ramp : share of the training in which the trade-off rises.
    threshold : the teacher's probability from which an answer counts.
    n_views : views of each sample that are shown; with 1 the teacher sees the student's, and dropout is what differs.
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017, section 3; across domains: French,
    Mackiewicz and Fisher, "Self-ensembling for visual domain adaptation", ICLR 2018, section 3.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    labels: Literal["source", "target"] = "source"
    strength: float = 10.0
    decay: float = 0.99
    ramp: float = 0.4
    threshold: float = 0.0
    n_views: int = 2  # pyright: ignore[reportIncompatibleVariableOverride]
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def __post_init__(self) -> None:
        across = frozenset({"source_labels", "target_inputs"})
        vars(self)["needs"] = across if self.labels == "source" else frozenset({"some_target_labels"})

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.teacher = averaging_copy(network)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self.loss(nets, part, progress))
        move_average(nets.teacher, nets.network, self.decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        assert batch.target is not None
        losses = learn_source(nets, batch, self.penalties)[1] if self.labels == "source" else {}
        if losses and not self.strength:
            return losses
        outputs = nets.network(batch.target.x)
        losses = losses or learn_known(nets, batch, outputs)
        if self.strength:
            with torch.no_grad():
                taught = nets.teacher(batch.target.views[-1]).softmax(dim=1)
            sure = (taught.amax(dim=1) >= self.threshold).to(taught)
            apart = (outputs.softmax(dim=1) - taught).square().mean(dim=1)
            rise = math.exp(-5 * (1 - min(1.0, progress / self.ramp)) ** 2)
            losses["consistency"] = self.strength * rise * (sure * apart).mean()
        return losses

    def evaluated(self, nets: Nets) -> Network:
        return nets.teacher
