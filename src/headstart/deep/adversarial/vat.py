"""Virtual adversarial training: answers that stay the same where inputs are moved a little against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from headstart.deep.attack import point_of, slopes
from headstart.deep.penalty import Passed, Penalty

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.deep.method import Nets


@dataclass(kw_only=True)
class VAT(Penalty):
    """``strength * mean_i KL(f(x_i) || f(x_i + d_i))``, d_i what raises it among ``|d| <= epsilon * |x_i|``.

    The direction is found by the power method from a random one; ``|.|`` is a sample's Euclidean length, so that
    epsilon has no unit. The answer f(x_i) is a constant to the gradient; for other answers than classes the divergence
    is the task's own (`TaskLogic.imitation`). It needs no label: across domains the target's samples are moved too.

    Parameters
    ----------
    strength : trade-off. epsilon : radius. steps : of the power method; each costs a pass.
    probe : length of the move that looks for the direction, as a share of ``|x_i|`` (xi in the paper).

    References
    ----------
    Miyato et al., "Virtual Adversarial Training: A Regularization Method for Supervised and Semi-Supervised Learning",
    TPAMI 2019, algorithm 1.
    """

    on_target: ClassVar[bool] = True

    strength: float = 1.0
    epsilon: float = 0.1
    probe: float = 1e-2
    steps: int = 1

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        if not self.strength:
            return passed.features.new_zeros(())
        point = point_of(nets.network, passed.samples.x)
        answers = point.outputs(torch.zeros_like(point.values), follow=False).detach()
        apart = lambda outputs: nets.task.imitation(outputs, answers, 1.0)  # noqa: E731
        length = point.size * point.values[0].numel() ** 0.5
        delta = _unit(torch.randn_like(point.values))
        for _ in range(self.steps):
            delta = _unit(slopes(point, apart, self.probe * length * delta)[0])
        return self.strength * apart(point.outputs(self.epsilon * length * delta))


def _unit(delta: Tensor) -> Tensor:
    """Return each sample's move at length 1; a move of length 0 stays."""
    norms = delta.flatten(1).norm(dim=1).clamp(min=torch.finfo(delta.dtype).tiny)
    return delta / norms.reshape(-1, *[1] * (delta.ndim - 1))
