"""L2-SP: stay near the starting point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from headstart.deep.method import Nets
from headstart.deep.penalty import Passed, Penalty


@dataclass(kw_only=True)
class L2SP(Penalty):
    """``alpha / 2 ||w_S - w0_S||^2 + beta / 2 ||w_H||^2`` over the learning stages S and the head H.

    w0 are the weights at the start of this training. The gradients are ``alpha (w - w0)`` and ``beta w``. Use
    it with the optimizer's weight decay at 0, which would pull towards 0 what this pulls towards w0.

    A strength of 0 leaves its part out.

    Parameters
    ----------
    alpha : strength on the stages, per squared weight.
    beta : strength on the head.

    References
    ----------
    Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks",
    ICML 2018, equation 2.
    """

    needs_start: ClassVar[bool] = True
    # A decay towards 0 would pull against this one towards the source (Li et al., 2018, section 3).
    replaces_decay: ClassVar[bool] = True

    alpha: float = 0.1
    beta: float = 0.01

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        network, start = nets.network, dict(nets.start.stages.named_parameters())
        pairs = [(w, start[name]) for name, w in network.stages.named_parameters() if w.requires_grad]
        total = passed.outputs.new_zeros(())
        if self.alpha:
            total = total + self.alpha / 2 * sum((w - w0).square().sum() for w, w0 in pairs)
        if self.beta:
            total = total + self.beta / 2 * sum(w.square().sum() for w in network.head.parameters())
        return total
