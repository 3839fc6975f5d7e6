"""MAML: a start from which a few steps of gradient descent learn a new task."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from headstart.deep.inner import InnerLoop, Learner, adaptable, adapted, answered, support_loss, weights_of
from headstart.deep.method import Episode, Nets


@dataclass(kw_only=True)
class MAML(InnerLoop):
    """``min_w L_query(w_T(w))`` with ``w_{t+1} = w_t - a dL_support / dw_t``, T steps, differentiated through exactly.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps, rate : of the inner loop; one large step, as the paper takes for Omniglot.

    References
    ----------
    Finn, Abbeel and Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017, equation 1.
    """

    steps: int = 1
    rate: float = 0.4

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [q, ways] after the steps on the support."""
        learner = Learner(nets)
        start = adaptable(weights_of(learner))
        weights = adapted(support_loss(learner, episode), start, self.rate, self.steps, exact=True)
        return answered(learner, weights, episode)
