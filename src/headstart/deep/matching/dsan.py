"""Deep subdomain adaptation: kernel means that agree class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.mk_mmd import local_mmd
from headstart.functional.reverse import rising

if TYPE_CHECKING:
    from headstart.deep.penalty import Passed, Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DSAN(Method):
    """``mean_i loss(f(x_i), y_i) + strength * r(p) * mean_c MMD_c^2(g(x_s), g(x_t))``, c classes seen in both domains.

    x_i are source samples, g(x) [n, d] the features. In MMD_c a source sample counts if it is of class c, a target
    sample by its probability of c, a constant to the gradient (`headstart.functional.mk_mmd.local_mmd`). r(p) =
    ``2 / (1 + exp(-10 p)) - 1`` rises with the progress p: early answers are not to be trusted.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Zhu et al., "Deep Subdomain Adaptation Network for Image Classification", TNNLS 2021, equations 5 to 8.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    strength: float = 0.5
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
            losses["local_mmd"] = (
                self.strength * rising(progress) * self._distance(source, across.see_target(nets, batch))
            )
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"local_mmd": float(self._distance(*across.both(nets, batch)))}

    def _distance(self, source: Passed, target: Passed) -> Tensor:
        y, p = source.samples.y, target.outputs.detach().softmax(dim=1)
        return local_mmd(source.features, target.features, y, p)  # type: ignore[arg-type]
