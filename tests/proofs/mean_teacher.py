"""Mean teacher: few labels, and agreement with an average of one's own weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import averaging_copy, learning, move_average
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MeanTeacher(Method):
    """``mean_i k_i loss(f(x_i), y_i) + w exp(-5 (1 - p)^2) mean_i |softmax f(x_i) - softmax t(x_i')|^2 / k``.

    k_i is 1 where a label is given and 0 elsewhere, x_i' another view of x_i, p the progress as a share of ``ramp``, at
    most 1, and t the teacher: its weights are an average of the student's after every step, and it is what is kept.

    Parameters
    ----------
    weight : w. decay : of the average, in [0, 1). ramp : share of the training in which w rises.

    References
    ----------
    Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017, section 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"some_target_labels"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    n_views: ClassVar[int] = 2

    weight: float = 10.0
    decay: float = 0.95
    ramp: float = 0.4

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return Nets(network.freeze(0), task, teacher=averaging_copy(network))

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("network", learning(nets.network))]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self.loss(nets, part, progress))
        move_average(nets.teacher, nets.network, self.decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples = batch.target
        assert samples is not None
        here, there = samples.views[:2]
        outputs = nets.network(here)
        with torch.no_grad():
            taught = nets.teacher(there).softmax(dim=1)
        known = samples.known.to(outputs)
        task = nets.task.loss(outputs, samples.y.clamp(min=0), known)
        rise = math.exp(-5 * (1 - min(1.0, progress / self.ramp)) ** 2)
        return {"task": task, "consistency": self.weight * rise * (outputs.softmax(dim=1) - taught).square().mean()}

    def evaluated(self, nets: Nets) -> Network:
        return nets.teacher
