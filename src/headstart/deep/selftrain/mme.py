"""Minimax entropy: few labels of the target, and two players over the entropy of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.deep.roles import learn_given
from headstart.functional.confusion import entropy
from headstart.functional.reverse import reverse_gradient

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MME(Method):
    """``mean_i loss(f(x_i), y_i) + mean_j loss(f(x_j), y_j) - strength * mean_u H(softmax h(R(g(x_u))))``, f = h(g(x)).

    i are source samples, j target samples with a label, u all target samples. The head h raises the entropy H, which
    moves its classes towards the target's rows; R reverses the gradient, so that the body g lowers it, which gathers
    rows around the classes. The paper's head of cosines is the task's own here. The second mean couples the batch.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is `source_and_target`.

    References
    ----------
    Saito et al., "Semi-supervised Domain Adaptation via Minimax Entropy", ICCV 2019, equations 2 and 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "some_target_labels"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 0.1

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        _, losses = learn_source(nets, batch, self.penalties)
        passed = forward(nets.network, unlabelled(batch))
        losses["target"] = learn_given(nets, batch, passed.outputs)
        if self.strength:
            outputs = nets.network.head(reverse_gradient(passed.features))
            losses["entropy"] = -self.strength * entropy(outputs).mean()
        return losses
