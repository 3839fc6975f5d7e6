"""ANIL: MAML whose inner loop moves the last layer alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from headstart.deep.episodic import read
from headstart.deep.inner import InnerLoop, adaptable, adapted
from headstart.deep.method import Episode, Nets


@dataclass(kw_only=True)
class ANIL(InnerLoop):
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

    moves: ClassVar[bool] = False

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
