"""LwF: learning without forgetting, by the source's own answers on the new samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Nets
from headstart.deep.parts import forward
from headstart.deep.penalty import Passed, Penalty


@dataclass(kw_only=True)
class LwF(Penalty):
    """``strength * T^2 KL(softmax(f_0(x) / T), softmax(f(x) / T))`` on the new samples x [n, ...], meaned over them.

    f_0 is the network at the start, stages and head, in evaluation mode. In a `fit` its head is the source's own, in
    the target's order of classes, so that f_0(x) [n, k] are the source's answers, and none of its samples is needed.
    Multilabel: the KL is one of two outcomes per class, meaned over the classes; regression: the mean squared
    difference of the standardised outputs. A strength of 0 leaves it out.

    Parameters
    ----------
    strength : trade-off, at least 0. temperature : T > 0.

    References
    ----------
    Li and Hoiem, "Learning without Forgetting", ECCV 2016, equations 2 to 4 (for one head that both tasks share).
    """

    needs_start: ClassVar[bool] = True

    strength: float = 1.0
    temperature: float = 2.0

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        if not self.strength:
            return passed.outputs.new_zeros(())
        nets.start.entry = nets.network.entry
        with torch.no_grad():
            before = forward(nets.start, passed.samples).outputs
        return self.strength * nets.task.imitation(passed.outputs, before, self.temperature)
