"""Prototypical networks: a class is the mean of its few examples' features."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from headstart.deep.episodic import Episodic, class_means, read, square_distances
from headstart.deep.method import Episode, Nets


@dataclass(kw_only=True)
class ProtoNet(Episodic):
    """``mean_q CE(-|g(x_q) - c|^2, y_q)``, c_k [d] the mean features of class k in the episode's support.

    References
    ----------
    Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017, equations 1 and 2.
    """

    def answers(self, nets: Nets, episode: Episode) -> Tensor:
        """Return minus the squared distances [q, ways] to the prototypes."""
        support, query, y, ways = read(nets.network, episode)
        return -square_distances(query, class_means(support, y, ways))
