"""Partial adaptation: classes that the target's answers leave out count less, on the source and in the confusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import begin, forward, labelled_source, learn_source, stage_groups, stages_above, unlabelled
from headstart.functional.confusion import class_confusion

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class PartialMCC(Method):
    """``mean_i v[y_i] loss(f(x_i), y_i) + strength * sum_c v_c sum_{d != c} C_cd / sum_c v_c``, c, d of k classes.

    x_i are source samples, C [k, k] the confusion of a batch of the target as in `mcc`. The weights v [k], of mean 1,
    follow the target's mean answer: before each epoch ``v <- decay v + (1 - decay) k mean_j softmax f(x_j)`` over all
    target samples, from v = 1. The first share of the training learns the source alone, every class alike, so that no
    first wrong answer decides which classes are left out. It couples the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone. first : share that learns the source alone.
    decay : of the weights' average, in [0, 1). temperature : T > 0 of the answers in C.

    References
    ----------
    Cao et al., "Partial Adversarial Domain Adaptation", ECCV 2018, equations 2 and 3 (the weights; there of the last
    epoch alone). Jin et al., "Minimum Class Confusion for Versatile Domain Adaptation", ECCV 2020, section 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0
    first: float = 0.3
    decay: float = 0.9
    temperature: float = 2.5

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        if not self.strength:
            return {}
        answers = torch.cat([forward(nets.network, s).outputs.float().softmax(dim=1) for s in rows("target")])
        shares = answers.mean(dim=0)
        before = nets.memory.get("weights", torch.ones_like(shares))
        return {"weights": self.decay * before + (1 - self.decay) * len(shares) * shares}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        if not self.strength or progress < self.first:
            return learn_source(nets, batch, self.penalties)[1]
        (samples, y), weights = labelled_source(batch), nets.memory["weights"]
        given = weights[y] if samples.weight is None else samples.weight * weights[y]
        losses = learn_source(nets, batch._replace(source=samples._replace(weight=given)), self.penalties)[1]
        outputs = forward(nets.network, unlabelled(batch)).outputs
        return losses | {"confusion": self.strength * class_confusion(outputs, self.temperature, weights)}
