"""Margin disparity discrepancy: a second head that agrees on the source and disagrees on the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.reverse import rising

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MDD(Method):
    """``mean_i loss(f(x_i), y_i) + strength * (margin * CE(f'(z_s), c_s) - mean_t log(1 - softmax f'(z_t)[c_t]))``.

    x_i are source samples, c = argmax f(x) the answers, z = R g(x) the features [n, d], their gradient reversed, and f'
    the adversary's head with one hidden layer: it learns to answer as f on the source and otherwise on the target. The
    reversal's factor rises with the progress p as ``0.1 * (2 / (1 + exp(-10 p)) - 1)``.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    margin : weight of the source (exp of the margin in the paper).
    width : of the adversary's hidden layer.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Zhang et al., "Bridging Theory and Algorithm for Domain Adaptation", ICML 2019, equations 28 to 30.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    strength: float = 1.0
    margin: float = 4.0
    width: int = 64
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        hidden = nn.Linear(network.n_features, self.width)
        nets.critic = nn.Sequential(hidden, nn.ReLU(), nn.Linear(self.width, task.task.n_outputs))
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate, critic="critic")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            target = across.see_target(nets, batch)
            theirs = across.ask(nets.critic, source.features, target.features, 0.1 * rising(progress))
            losses["agree"] = self.strength * self.margin * F.cross_entropy(theirs[0], source.outputs.argmax(dim=1))
            losses["differ"] = self.strength * otherwise(theirs[1], target.outputs.argmax(dim=1))
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        told = {}
        for name, passed in zip(("source", "target"), across.both(nets, batch), strict=True):
            agrees = nets.critic(passed.features).argmax(dim=1) == passed.outputs.argmax(dim=1)
            told[f"disagreement_{name}"] = 1 - float(agrees.double().mean())
        return told


def otherwise(outputs: Tensor, classes: Tensor) -> Tensor:
    """Return ``-mean_j log(1 - softmax(o_j)[c_j])`` of logits o [n, k] and classes c [n], finite also where p is 1."""
    others = outputs.scatter(1, classes[:, None], -torch.inf)
    return (outputs.logsumexp(dim=1) - others.logsumexp(dim=1)).mean()
