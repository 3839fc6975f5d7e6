"""First-order MAML: the inner steps count as constants."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from headstart.deep.inner import InnerLoop, Learner, adaptable, adapted, answered, support_loss, weights_of
from headstart.deep.method import Episode, Nets


@dataclass(kw_only=True)
class FOMAML(InnerLoop):
    """``dL_query / dw`` at ``w_T``, where ``w_{t+1} = w_t - a dL_support / dw_t``: MAML without second derivatives.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps, rate : of the inner loop.

    References
    ----------
    Finn, Abbeel and Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
    section 5.2.
    """

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [q, ways] after the steps on the support."""
        learner = Learner(nets)
        start = adaptable(weights_of(learner))
        weights = adapted(support_loss(learner, episode), start, self.rate, self.steps, exact=False)
        return answered(learner, weights, episode)
