"""What methods of several tasks share: a pass, each task's loss, and gradients of what the tasks share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, labelled, stage_groups

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Weighting(Method):
    """A way of learning several tasks with one body and one linear head each: final subclasses say how tasks weigh."""

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    body_rate: float = 1.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return together_groups(nets, self.body_rate)


@dataclass(kw_only=True)
class GradientWeighting(Weighting):
    """A weighting of the tasks' gradients of the stages; the head learns from each task's own loss.

    It is not linear in the batch, which is therefore not cut.
    """

    couples: ClassVar[bool] = True

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return task_losses(nets, batch)

    def backward(self, losses: Losses, nets: Nets) -> None:
        shared_direction(losses, nets, self.weigh)

    @abstractmethod
    def weigh(self, gram: np.ndarray) -> np.ndarray:
        """Return weights [t] from the inner products [t, t] of the tasks' gradients."""


def together(network: Network, task: TaskLogic, **helpers: torch.nn.Module) -> Nets:
    """Return nets whose stages all learn."""
    nets = begin(network, task, 0)
    for name, helper in helpers.items():
        nets.add_module(name, helper)
    return nets


def together_groups(nets: Nets, body_rate: float) -> list[Group]:
    """Return the groups of stages, head and helpers."""
    return stage_groups(nets, head_rate=1.0, body_rate=body_rate, stage_decay=1.0)


def task_losses(nets: Nets, batch: Batch) -> Losses:
    """Return each task's mean loss on a batch, by the task's name."""
    samples, y = labelled(batch)
    return nets.task.losses(nets.network(samples.x), y)  # type: ignore[union-attr]


def shared_direction(losses: Losses, nets: Nets, weigh: Callable[[np.ndarray], np.ndarray]) -> None:
    """Add to the gradients: of the stages the tasks' gradients as ``weigh(gram)`` combines them, of the head each
    task's own.

    Parameters
    ----------
    weigh : inner products [t, t] of the tasks' gradients of all stages, to weights [t].
    """
    shared = [p for p in nets.network.stages.parameters() if p.requires_grad]
    own = [p for p in nets.network.head.parameters() if p.requires_grad]
    rows = []
    for number, loss in enumerate(losses.values()):
        last = number + 1 == len(losses)
        found = torch.autograd.grad(loss, [*shared, *own], retain_graph=not last, allow_unused=True)
        parts = [torch.zeros_like(p) if g is None else g for p, g in zip([*shared, *own], found, strict=True)]
        rows.append(torch.cat([part.reshape(-1) for part in parts[: len(shared)]]))
        for parameter, gradient in zip(own, parts[len(shared) :], strict=True):
            parameter.grad = gradient / len(losses) + (0 if parameter.grad is None else parameter.grad)
    stacked = torch.stack(rows)
    gram = (stacked @ stacked.T).double().cpu().numpy()
    weights = torch.as_tensor(weigh(gram)).to(stacked)
    for parameter, gradient in zip(shared, _split(weights @ stacked, shared), strict=True):
        parameter.grad = gradient + (0 if parameter.grad is None else parameter.grad)


def _split(vector: Tensor, like: list[torch.nn.Parameter]) -> list[Tensor]:
    parts = vector.split([p.numel() for p in like])
    return [part.view_as(p) for part, p in zip(parts, like, strict=True)]
