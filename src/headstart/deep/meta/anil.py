"""ANIL: MAML whose inner loop moves the last layer alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from headstart.deep.episodic import body_alone, body_groups, episode_of, labels_of, read
from headstart.deep.inner import adaptable, adapted, answer_of
from headstart.deep.method import Batch, Episode, Group, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class ANIL(Method):
    """``min_{w, v} L_query(w, v_T)`` with ``v_{t+1} = v_t - a dL_support(w, v_t) / dv_t``: v [ways, d + 1] the answer.

    Features w are learned outside alone, through all inner steps.

    Parameters
    ----------
    ways : most classes of an episode, which the answer is made for.
    steps, rate : of the inner loop.

    References
    ----------
    Raghu et al., "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML", ICLR 2020.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    moves: ClassVar[bool] = False

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
        support, query, y, ways = read(nets.network, episode)
        start = adaptable(dict(nets.answer.named_parameters()))
        weights = adapted(
            lambda v: functional.cross_entropy(functional.linear(support, v["weight"], v["bias"])[:, :ways], y),
            start,
            self.rate,
            self.steps,
            exact=True,
        )
        return functional.linear(query, weights["weight"], weights["bias"])[:, :ways]
