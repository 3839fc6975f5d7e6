"""The reference arm: the same network and loss, without the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import labelled, stage_groups


@dataclass(kw_only=True)
class Scratch(Method):
    """Train every stage from random weights on the target alone, at one learning rate.

    ``min_w  mean_i loss(f_w(x_i), y_i)``, w random. What transfer is measured against.

    References
    ----------
    He, Girshick and Dollar, "Rethinking ImageNet Pre-training", ICCV 2019.
    """

    from_source: ClassVar[bool] = False

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=1.0, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        return {"task": nets.task.loss(nets.network(samples.x), y, samples.weight)}
