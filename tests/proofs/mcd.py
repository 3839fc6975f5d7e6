"""Maximum classifier discrepancy: two heads disagree on the target, the body makes them agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import labelled_source, learning, unlabelled
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MCD(Method):
    """Three moves a step, with body g, heads h1 and h2, and ``d(x) = mean |softmax h1(g(x)) - softmax h2(g(x))|``.

    A: all learn the source, ``min_{g, h} L = loss(h1(g(x_s)), y_s) + loss(h2(g(x_s)), y_s)``. B: the heads alone,
    ``min_h L - d(x_t)``. C: the body alone, ``min_g d(x_t)``, ``rounds`` times. The first head answers.

    Parameters
    ----------
    rounds : moves of the body per step (n in the paper).
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018, section 3.3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    rounds: int = 4
    body_rate: float = 1.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return Nets(network.freeze(0), task, second=nn.Linear(network.n_features, task.task.n_outputs))

    def groups(self, nets: Nets) -> list[Group]:
        heads = [*learning(nets.network.head), *learning(nets.second)]
        body = Group("body", learning(nets.network.stages), self.body_rate, player="body")
        return [body, Group("heads", heads, player="heads")]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self.loss(nets, part, progress))
        update(lambda part: self._disagree(nets, part, progress), player="heads")
        for _ in range(self.rounds):
            update(lambda part: {"discrepancy": discrepancy(nets, part)}, player="body")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled_source(batch)
        features = nets.network.features(samples.x)
        heads = {"first": nets.network.head, "second": nets.second}
        return {name: nets.task.loss(head(features), y, samples.weight) for name, head in heads.items()}

    def _disagree(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return self.loss(nets, batch, progress) | {"discrepancy": -discrepancy(nets, batch)}


def discrepancy(nets: Nets, batch: Batch) -> Tensor:
    """Return the mean absolute difference of the two heads' probabilities on the target."""
    features = nets.network.features(unlabelled(batch).x)
    first, second = (torch.softmax(head(features), dim=1) for head in (nets.network.head, nets.second))
    return (first - second).abs().mean()
