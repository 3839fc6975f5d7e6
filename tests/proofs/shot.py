"""SHOT: adapt a source network to an unlabelled target without the source's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import forward, learning, unlabelled
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class SHOT(Method):
    """``mean_i H(p_i) - H(mean_i p_i) + beta * mean_i CE(f(x_i), c_i)``, p_i = softmax f(x_i), H the entropy in nats.

    The source's head is held; the body learns. The pseudo-labels c_i belong to the nearest class centroid by cosine,
    found over all target samples before each epoch (see `pseudo_labels`). The second term is of the batch's mean
    answer and couples its samples.

    Parameters
    ----------
    beta : strength of the pseudo-labels.

    References
    ----------
    Liang, Hu and Feng, "Do We Really Need to Access the Source Data? Source Hypothesis Transfer for Unsupervised Domain
    Adaptation", ICML 2020, equations 3 to 7.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    beta: float = 0.3

    def build(self, network: Network, task: TaskLogic) -> Nets:
        network.freeze(0).head.requires_grad_(False)
        return Nets(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("body", learning(nets.network.stages))]

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        passed = [forward(nets.network, samples) for samples in rows("target")]
        features, outputs = torch.cat([p.features for p in passed]), torch.cat([p.outputs for p in passed])
        return {"labels": pseudo_labels(features, outputs.softmax(dim=1))}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples = unlabelled(batch)
        outputs = forward(nets.network, samples).outputs
        p = outputs.softmax(dim=1)
        losses = {"certainty": entropy(p).mean(), "diversity": -entropy(p.mean(dim=0))}
        if self.beta and "labels" in nets.memory:
            losses["pseudo"] = self.beta * F.cross_entropy(outputs, nets.memory["labels"][samples.rows])
        return losses


def entropy(p: Tensor) -> Tensor:
    """Return the entropy of probabilities [..., k], in nats."""
    return -(p * p.clamp(min=1e-12).log()).sum(dim=-1)


def pseudo_labels(features: Tensor, p: Tensor, rounds: int = 2) -> Tensor:
    """Return the class [n] of the nearest centroid by cosine; centroids are means weighed by p, then by the labels."""
    unit = F.normalize(features.float(), dim=1)
    for _ in range(rounds):
        centroids = F.normalize((p.T @ features) / p.sum(dim=0).clamp(min=1e-8)[:, None], dim=1)
        labels = (unit @ centroids.T).argmax(dim=1)
        p = F.one_hot(labels, p.shape[1]).to(p)
    return labels
