"""Maximum classifier discrepancy: two heads disagree on the target, the body makes them agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Update
from headstart.deep.parts import begin, labelled_source, learn_source, unlabelled
from headstart.functional.confusion import unevenness

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MCD(Method):
    """Three moves a step, with body g, heads h1 and h2, and ``d(x) = mean |softmax h1(g(x)) - softmax h2(g(x))|``.

    A: all learn the source, ``min_{g, h} L = loss(h1(g(x_s)), y_s) + loss(h2(g(x_s)), y_s)``. B: the heads alone,
    ``min_h L - strength * d(x_t)``. C: the body alone, ``min_g strength * (d(x_t) - balance * H)``, ``rounds`` times, H
    the mean entropy of both heads' mean answers on the batch. h1 answers.

    Without H a body may answer with one class for all of the target, about which no two heads disagree; the paper's
    networks are held back from that by batch norm, and its experiments on objects by a term of this kind.

    Parameters
    ----------
    strength : trade-off; at 0 one head learns the source alone.
    rounds : moves of the body per step (n in the paper).
    balance : weight of H against the disagreement; 0 as in the paper's equation 4.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018, section 3.3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    strength: float = 1.0
    rounds: int = 4
    balance: float = 0.2
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.second = nn.Linear(network.n_features, task.task.n_outputs)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        names = {"body": "body", "head": "heads", "second": "heads"}
        return across.players(nets, self.body_rate, **(names if self.strength else {"second": "second"}))

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self.loss(nets, part, progress))
        if self.strength:
            against = lambda part: {"discrepancy": -self.strength * discrepancy(nets, part)}  # noqa: E731
            update(lambda part: self.loss(nets, part, progress) | against(part), player="heads")
            for _ in range(self.rounds):
                update(lambda part: self._agreement(nets, part), player="body")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            samples, y = labelled_source(batch)
            losses["second"] = nets.task.loss(nets.second(source.features), y, samples.weight)
        return losses

    def _agreement(self, nets: Nets, batch: Batch) -> Losses:
        first, second = answers_of(nets, batch)
        losses = {"discrepancy": self.strength * (first - second).abs().mean()}
        if self.balance:
            losses["balance"] = self.strength * self.balance * (unevenness(first) + unevenness(second)) / 2
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"disagreement": float(discrepancy(nets, batch))}


def discrepancy(nets: Nets, batch: Batch) -> Tensor:
    """Return the mean absolute difference of the two heads' probabilities on the target."""
    first, second = answers_of(nets, batch)
    return (first - second).abs().mean()


def answers_of(nets: Nets, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return both heads' probabilities [n, k] on the target."""
    features = nets.network.features(unlabelled(batch).x)
    return nets.network.head(features).softmax(dim=1), nets.second(features).softmax(dim=1)
