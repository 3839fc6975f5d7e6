"""Reptile: move towards where a few steps on a task lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from headstart.deep.episodic import episode_of
from headstart.deep.inner import InnerLoop, Learner, adaptable, adapted, answered, support_loss, weights_of
from headstart.deep.method import Batch, Episode, Losses, Nets


@dataclass(kw_only=True)
class Reptile(InnerLoop):
    """``1/2 |w - w_T|^2``, w_T held: its gradient is Reptile's step ``w - w_T``, where ``w_{t+1} = w_t - a dL / dw_t``.

    In training the steps are on support and queries together, for Reptile asks no queries; a new task has its support.
    No second derivative is taken.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps, rate : of the inner loop.

    References
    ----------
    Nichol, Achiam and Schulman, "On First-Order Meta-Learning Algorithms", 2018, algorithm 1.
    """

    couples: ClassVar[bool] = True

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        learner, episode = Learner(nets), whole(episode_of(batch))
        start = weights_of(learner)
        held = {name: weight.detach().requires_grad_() for name, weight in start.items()}
        end = adapted(support_loss(learner, episode), held, self.rate, self.steps, exact=False)
        return {"task": sum(0.5 * (start[name] - end[name].detach()).square().sum() for name in start)}  # type: ignore[dict-item]

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return logits [q, ways] after the steps on the support."""
        learner = Learner(nets)
        start = adaptable(weights_of(learner))
        weights = adapted(support_loss(learner, episode), start, self.rate, self.steps, exact=False)
        return answered(learner, weights, episode)


def whole(episode: Episode) -> Episode:
    """Return the episode whose support holds the queries too."""
    support, query = episode.support, episode.query
    assert isinstance(support.y, Tensor)
    x = (
        {name: torch.cat([support.x[name], query.x[name]]) for name in support.x}
        if isinstance(support.x, dict)
        else torch.cat([support.x, query.x])
    )
    return episode._replace(support=support._replace(x=x, y=torch.cat([support.y, query.y])))  # type: ignore[list-item]
