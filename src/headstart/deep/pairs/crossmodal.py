"""Distillation across modalities: what a teacher says of one side of a pair, a student learns to say of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn import functional

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import frozen_copy, learning
from headstart.deep.two_sides import other_side, sides

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Crossmodal(Method):
    """``T^2 mean_i KL(softmax(t(y_i) / T) || softmax(f(x_i) / T))``, the sum over classes.

    f(x) [n, k] are the student's outputs of one side of a pair, t(y) [n, k] those of a teacher, which stands still, of
    the other side. No label is read. Where outputs are no classes that exclude each other, it is the mean squared
    difference of outputs.

    Parameters
    ----------
    temperature : T > 0, in units of the outputs.

    References
    ----------
    Gupta, Hoffman and Malik, "Cross Modal Distillation for Supervision Transfer", CVPR 2016 (features there; outputs as
    in Aytar, Vondrick and Torralba, "SoundNet: Learning Sound Representations from Unlabeled Video", NeurIPS 2016).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs", "source_inputs"})

    temperature: float = 2.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return Nets(network.freeze(0), task, teacher=frozen_copy(other_side(network, task)))

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("all", learning(nets.network))]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        asked, told = sides(batch)
        outputs = nets.network(asked.x)
        with torch.no_grad():
            wanted = nets.teacher(told.x)
        if nets.task.task.label_space.link != "softmax":
            return {"distilled": (outputs - wanted).square().mean()}
        heat = self.temperature
        shares = (wanted / heat).softmax(dim=1)
        apart = functional.kl_div((outputs / heat).log_softmax(dim=1), shares, reduction="batchmean")
        return {"distilled": heat**2 * apart}
