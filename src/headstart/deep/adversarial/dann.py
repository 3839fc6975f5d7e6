"""Domain-adversarial training: features that a discriminator cannot tell the domains by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.reverse import rising

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DANN(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_j BCE(D(R(g(x_j))), d_j)``.

    x_i are source samples, x_j samples of both domains with d_j = 1 for the source, g(x) [n, d] the features, D a
    discriminator with one hidden layer, and R the reversal of the gradient, whose factor rises with the progress p
    as ``2 / (1 + exp(-10 p)) - 1``.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    width : of the discriminator's hidden layer.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016, sections 4.2 and 5.2.2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

    strength: float = 1.0
    width: int = 64
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.critic = across.discriminator(network.n_features, self.width)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate, critic="critic")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            logits = across.ask(nets.critic, source.features, across.see_target(nets, batch).features, rising(progress))
            losses["domain"] = self.strength * across.cross_entropy_of_domains(*logits)
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        source, target = across.both(nets, batch)
        return {"discriminator_accuracy": across.told_apart(*across.ask(nets.critic, source.features, target.features))}
