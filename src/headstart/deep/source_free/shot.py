"""SHOT: adapt a source network to an unlabelled target without the source's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import forward, learning, stages_above, unlabelled
from headstart.functional.confusion import entropy, unevenness

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class SHOT(Method):
    """``mean_i H(p_i) - H(mean_i p_i) + beta * mean_i CE(f(x_i), c_i)``, p_i = softmax f(x_i), H the entropy in nats.

    The source's head is held; the body learns. The pseudo-labels c_i belong to the nearest class centroid by cosine,
    found over all target samples before each epoch (see `nearest_centroids`). The second term is of the batch's mean
    answer and couples its samples. There is no trade-off under which nothing is learned: with beta = 0 it is
    information maximisation alone (SHOT-IM).

    Parameters
    ----------
    depth : number of last stages that learn, at least 1; None for all.
    beta : strength of the pseudo-labels.

    References
    ----------
    Liang, Hu and Feng, "Do We Really Need to Access the Source Data? Source Hypothesis Transfer for Unsupervised Domain
    Adaptation", ICML 2020, equations 3 to 7.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    beta: float = 0.3

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        network.freeze(self.frozen_stages(network)).head.requires_grad_(False)
        return Nets(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("body", learning(nets.network.stages))]

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        passed = [forward(nets.network, samples) for samples in rows("target")]
        features, outputs = torch.cat([p.features for p in passed]), torch.cat([p.outputs for p in passed])
        return {"labels": nearest_centroids(features.float(), outputs.float().softmax(dim=1))}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples = unlabelled(batch)
        outputs = forward(nets.network, samples).outputs
        losses = {"certainty": entropy(outputs).mean(), "diversity": unevenness(outputs.softmax(dim=1))}
        if self.beta:
            losses["pseudo"] = self.beta * F.cross_entropy(outputs, nets.memory["labels"][samples.rows])
        return losses


def nearest_centroids(features: Tensor, p: Tensor, rounds: int = 2) -> Tensor:
    """Return the class [n] of the nearest centroid by cosine.

    Centroids are means of ``features`` [n, d] weighed by the probabilities ``p`` [n, k], in later rounds by the labels
    found; a class that nobody belongs to is nobody's nearest.
    """
    unit = F.normalize(F.pad(features, (0, 1), value=1.0), dim=1)
    labels = p.argmax(dim=1)
    there = F.one_hot(labels, p.shape[1]).any(dim=0)
    for _ in range(rounds):
        centroids = F.normalize(p.T @ unit, dim=1)
        labels = (unit @ centroids.T).masked_fill(~there, -torch.inf).argmax(dim=1)
        p = F.one_hot(labels, p.shape[1]).to(p)
        there = p.any(dim=0)
    return labels
