"""Conditional adversarial training: the discriminator sees the features together with the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.certainty import certainty
from headstart.functional.multilinear import Multilinear
from headstart.functional.reverse import rising

if TYPE_CHECKING:
    from headstart.deep.penalty import Passed, Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class CDAN(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_j w_j BCE(D(R(g(x_j) p_j')), d_j)``, p_j = softmax f(x_j).

    x_i are source samples, x_j samples of both domains with d_j = 1 for the source, ``g p'`` the outer product [d k] of
    features and answer (beyond ``largest``, its random projection of that size), through which no gradient reaches p,
    and R the reversal of the gradient (as in DANN). With ``entropy`` it is CDAN+E: ``w_j = 1 + exp(-H(p_j))`` counts
    sure samples more, H in nats; else w_j = 1.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    entropy : weigh samples by how sure their answer is.
    width : of the discriminator's hidden layer.
    largest : number of products beyond which they are projected.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Long et al., "Conditional Adversarial Domain Adaptation", NeurIPS 2018, equations 5 to 8.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    strength: float = 1.0
    entropy: bool = True
    width: int = 64
    largest: int = 4096
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.product = Multilinear(network.n_features, task.task.n_outputs, self.largest)
        nets.critic = across.discriminator(nets.product.n_out, self.width)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate, critic="critic")

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            target = across.see_target(nets, batch)
            weights = (certainty(source.outputs), certainty(target.outputs)) if self.entropy else None
            logits = told(nets, source, target, rising(progress))
            losses["domain"] = self.strength * across.cross_entropy_of_domains(*logits, weights)
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"discriminator_accuracy": across.told_apart(*told(nets, *across.both(nets, batch)))}


def told(nets: Nets, source: Passed, target: Passed, factor: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return the discriminator's logits of both domains; the gradient behind it is reversed, times ``factor``."""
    first, second = (nets.product(one.features, one.outputs.detach().softmax(dim=1)) for one in (source, target))
    return across.ask(nets.critic, first, second, factor)
