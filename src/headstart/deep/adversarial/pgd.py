"""Adversarial training on inputs: the loss also of inputs moved a little against the network (FGSM, PGD)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.deep.attack import point_of, worst
from headstart.deep.penalty import Passed, Penalty

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.deep.method import Nets


@dataclass(kw_only=True)
class PGD(Penalty):
    """``strength * mean_i loss(f(x_i + d_i), y_i)``, d_i what raises the loss among ``|d| <= epsilon * rms(x_i)``.

    rms is the root mean square of the sample's own values, so that epsilon has no unit. With one step of the gradient's
    sign it is FGSM, with several PGD, starting from x_i. Pictures, columns of numbers and cached features are moved as
    they enter, texts behind their embeddings, and all of them behind stages that are frozen.

    Parameters
    ----------
    strength : trade-off. epsilon : radius. steps : of the attack; each costs a pass.

    References
    ----------
    Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015, section 6. Madry et
    al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018, section 2.1.
    """

    strength: float = 1.0
    epsilon: float = 0.1
    steps: int = 1

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        y, weight = passed.samples.y, passed.samples.weight
        if not self.strength:
            return passed.features.new_zeros(())
        point = point_of(nets.network, passed.samples.x)
        loss = lambda outputs: nets.task.loss(outputs, y, weight)  # type: ignore[arg-type]  # noqa: E731
        return self.strength * loss(point.outputs(worst(point, loss, self.epsilon, self.steps)))
