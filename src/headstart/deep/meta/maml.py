"""MAML: a start from which a few steps of gradient descent learn a new task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from headstart.deep.episodic import body_alone, body_groups, episode_of, labels_of
from headstart.deep.inner import Learner, adaptable, adapted, answer_of, answered, support_loss, weights_of
from headstart.deep.method import Batch, Episode, Group, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MAML(Method):
    """``min_w L_query(w_T(w))`` with ``w_{t+1} = w_t - a dL_support / dw_t``, T steps, differentiated through exactly.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps, rate : of the inner loop.

    References
    ----------
    Finn, Abbeel and Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017, equation 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    moves: ClassVar[bool] = True

    ways: int = 5
    steps: int = 5
    rate: float = 0.1

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return body_alone(network, task, answer=answer_of(network, self.ways))

    def groups(self, nets: Nets) -> list[Group]:
        return body_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        episode = episode_of(batch)
        return {"task": functional.cross_entropy(self.answers(nets, episode), labels_of(episode.query))}

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [q, ways] after the steps on the support."""
        learner = Learner(nets)
        start = adaptable(weights_of(learner))
        weights = adapted(support_loss(learner, episode), start, self.rate, self.steps, exact=True)
        return answered(learner, weights, episode)
