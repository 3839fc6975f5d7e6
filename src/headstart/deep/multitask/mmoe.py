"""MMoE: each task mixes experts on the shared features by a gate of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from headstart.deep.method import Batch, Losses, Nets
from headstart.deep.tasks_together import Weighting, task_losses, together
from headstart.networks.mixture import mixture_of

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MixtureOfExperts(Weighting):
    """``sum_i L_i / t`` with ``f_i(x) = W_i sum_k g_ik(x) e_k(x) + b_i``, g_i the softmax of task i's linear gate.

    Experts read the features x of the stages, which all tasks share: ``e_1(x) = x``, and ``e_k(x) = x + B_k relu(A_k x
    + a_k)`` with ``B_k = 0`` at the start, so that what is carried over is kept until an expert has something to add.
    With one expert it is hard sharing by equal weights, bit for bit.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's. experts : K. hidden : rows of ``A_k``.

    References
    ----------
    Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018.
    """

    experts: int = 4
    hidden: int = 32

    def build(self, network: Network, task: TaskLogic) -> Nets:
        if self.experts > 1:
            assert isinstance(network.head, nn.Linear)
            widths = [part.stop - part.start for part in task.outputs_of]  # type: ignore[attr-defined]
            network.head = mixture_of(network.head, widths, self.experts, self.hidden)
        return together(network, task)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses = task_losses(nets, batch)
        return {name: loss / len(losses) for name, loss in losses.items()}
