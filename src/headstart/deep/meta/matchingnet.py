"""Matching networks: a query takes the labels of the support, weighed by cosine."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from headstart.deep.episodic import Episodic, cosines, read
from headstart.deep.method import Episode, Nets


@dataclass(kw_only=True)
class MatchingNet(Episodic):
    """``p(y | x_q) = sum_i a_qi [y_i = y]``, a_q the softmax over i of ``s cos(g(x_q), g(x_i))``; minus log p.

    Without the paper's full-context embeddings; s is 1 there.

    Parameters
    ----------
    steepness : s.

    References
    ----------
    Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, equation 1 and section 2.1.1.
    """

    steepness: float = 10.0

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return log-probabilities [q, ways]."""
        support, query, y, ways = read(nets.network, episode)
        attention = (self.steepness * cosines(query, support)).softmax(dim=1)
        return (attention @ functional.one_hot(y, ways).to(attention)).clamp(min=1e-12).log()
