"""Distillation: a student learns from the target's labels and from what the source makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import forward, frozen_copy, labelled, stage_groups
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Distill(Method):
    """``(1 - w) loss(student, y) + w T^2 KL(softmax(teacher / T), softmax(student / T)) + v ||R s - t||^2 / d``.

    The teacher is the source's network, held, with the linear probe's head (``starts_from_probe``); it sees the same
    batch. Multilabel: the KL is one of two outcomes per class, meaned over the classes; regression: the mean squared
    difference of the standardised outputs stands for the KL term. s and t [n, d] are the pooled features, R a
    linear map learned along.

    The student is the teacher's architecture, or ``student``, a network specification that takes the same inputs.
    ``start="random"``: random weights and a head of zeros (the source's knowledge passes through the teacher
    alone); "source": the teacher's weights, so that the teacher only anchors the outputs.

    With w = v = 0 it is training from scratch from the random weights drawn here; and with start="source" it is
    fine-tuning of every stage at rate 1 from the probe's head, bit for bit.

    Parameters
    ----------
    weight : w in [0, 1]. temperature : T > 0. features : v, strength of the features' term (a hint).
    start, student : see above.

    References
    ----------
    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", NeurIPS workshop 2014; features: Romero
    et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015, equation 3.
    """

    starts_from_probe: ClassVar[bool] = True

    weight: float = 0.5
    temperature: float = 2.0
    features: float = 0.0
    start: Literal["random", "source"] = "random"
    student: dict[str, Any] | None = None

    def build(self, network: Network, task: TaskLogic) -> Nets:
        teacher = frozen_copy(network)
        student = self._student(network, task)
        helpers: dict[str, nn.Module] = {"teacher": teacher}
        if self.features:
            helpers["regressor"] = nn.Linear(student.n_features, teacher.n_features)
        student.freeze(0)
        return Nets(student, task, **helpers)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=1.0, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples)
        with torch.no_grad():
            taught = forward(nets.teacher, samples)
        task = nets.task.loss(passed.outputs, y, samples.weight)
        gap = nets.task.imitation(passed.outputs, taught.outputs, self.temperature)
        losses = {"task": (1 - self.weight) * task, "teacher": self.weight * gap}
        if self.features:
            hint = (nets.regressor(passed.features) - taught.features).square().mean()
            losses["features"] = self.features * hint
        return losses

    def _student(self, network: Network, task: TaskLogic) -> Network:
        """Return the student: ``network`` itself, unless its architecture is another."""
        if self.student is None and self.start == "source":
            return network
        from headstart.networks import build

        fresh = build(self.student or network.spec, network.preprocess)
        fresh.head = task.head_of(fresh)
        if self.student is not None:
            return fresh
        network.load_state_dict(fresh.state_dict())
        return network
