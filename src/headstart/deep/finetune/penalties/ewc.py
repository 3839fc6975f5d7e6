"""EWC: elastic weight consolidation, near the start along the directions that the old data need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from headstart.deep.method import Nets
from headstart.deep.penalty import Passed, Penalty
from headstart.errors import UserError


@dataclass(kw_only=True)
class EWC(Penalty):
    """``strength / 2 * sum_i F_i (w_i - w0_i)^2`` over the weights that learn, the head's too.

    w0 are the weights at the start, and F_i >= 0 (`Network.importance`, one number per weight) what the old data say of
    them: the diagonal Fisher information summed over the old samples, by the number of new ones. The strength 1 is then
    Laplace's approximation of learning from both at once, and the loss is per new sample.

    Parameters
    ----------
    strength : trade-off, at least 0; 0 leaves it out.

    Raises
    ------
    UserError
        If the network brings no importance.

    References
    ----------
    Kirkpatrick et al., "Overcoming Catastrophic Forgetting in Neural Networks", PNAS 2017, equation 3.
    """

    needs_start: ClassVar[bool] = True
    # A decay towards 0 would pull against this one towards the source.
    replaces_decay: ClassVar[bool] = True

    strength: float = 1.0

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        total = passed.outputs.new_zeros(())
        if not self.strength:
            return total
        weights, start = nets.start.importance, dict(nets.start.named_parameters())
        if not weights:
            raise UserError("EWC weighs each weight by what old data say of it, and the network brings no importance.")
        for name, now in nets.network.named_parameters():
            if now.requires_grad and name in weights:
                total = total + (weights[name].to(now) * (now - start[name]).square()).sum()
        return self.strength / 2 * total
