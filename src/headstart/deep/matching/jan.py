"""Joint adaptation network: features and answers whose joint kernel means agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.mk_mmd import joint_mmd

if TYPE_CHECKING:
    from headstart.deep.penalty import Passed, Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class JAN(Method):
    """``mean_i loss(f(x_i), y_i) + strength * JMMD^2((g, p)(x_s), (g, p)(x_t))``, p = softmax f(x).

    x_i are source samples, g(x) [n, d] the features, and JMMD^2 the unbiased MMD^2 under the product of DAN's kernel on
    g and a Gaussian kernel on p (`headstart.functional.mk_mmd.joint_mmd`).

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Long et al., "Deep Transfer Learning with Joint Adaptation Networks", ICML 2017, equation 9.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    strength: float = 1.0
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            losses["jmmd"] = self.strength * self._distance(source, across.see_target(nets, batch))
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"jmmd": float(self._distance(*across.both(nets, batch)))}

    def _distance(self, source: Passed, target: Passed) -> Tensor:
        answers = source.outputs.softmax(dim=1), target.outputs.softmax(dim=1)
        return joint_mmd(source.features, target.features, *answers)
