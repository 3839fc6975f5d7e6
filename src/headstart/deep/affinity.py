"""How much a step on one task lowers the loss of another, measured while tasks learn together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from headstart.deep.method import Batch, Group, Losses, Nets, Update
from headstart.deep.parts import labelled
from headstart.deep.tasks_together import Weighting

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Observed(Weighting):
    """A weighting, bit for bit, and beside it ``Z_ij = 1 - L_j(w - r g_i) / L_j(w)`` in every ``every``-th step.

    w [p] are the shared stages and g_i the gradient of task i's loss there, brought to the mean length of all, so that
    units of the losses say nothing; r is ``rate`` over that length. Heads stand still, and the pass is that of
    evaluation: no statistics move and nothing is drawn.

    References
    ----------
    Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning", NeurIPS 2021, equation 1.
    """

    method: Any
    every: int = 10
    rate: float = 0.01

    @property
    def couples(self) -> bool:  # type: ignore[override]
        return bool(self.method.couples)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = self.method.build(network, task)
        nets.affinity = Affinity(len(task.parts))  # type: ignore[attr-defined]
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return self.method.groups(nets)

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        if nets.affinity.passed % self.every == 0:
            nets.affinity.add(affinity(nets, batch, self.rate))
        nets.affinity.passed += 1
        self.method.step(nets, batch, progress, update)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return self.method.loss(nets, batch, progress)

    def backward(self, losses: Losses, nets: Nets) -> None:
        self.method.backward(losses, nets)

    def finish(self, nets: Nets) -> Network:
        return self.method.finish(nets)


class Affinity(nn.Module):
    """Sums [t, t] of what was measured, of its squares, how often, and steps that have passed."""

    sums: Tensor
    squares: Tensor
    times: Tensor
    passed: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__()
        for name in ("sums", "squares", "times"):
            self.register_buffer(name, torch.zeros(tasks, tasks, dtype=torch.float64))
        self.register_buffer("passed", torch.zeros((), dtype=torch.int64))

    def add(self, found: Tensor) -> None:
        """Add one measurement; what is NaN (a batch without a label of that task) is left out."""
        known = found.isfinite()
        found = torch.where(known, found, 0.0).double()
        self.sums += found
        self.squares += found.square()
        self.times += known

    def told(self) -> dict[str, Any]:
        """Return means and their standard errors [t, t], and how often each was measured."""
        n = self.times.clamp(min=1)
        mean = self.sums / n
        error = ((self.squares / n - mean.square()).clamp(min=0) / n).sqrt()
        return {"mean": mean.tolist(), "error": error.tolist(), "n": int(self.times.max())}


def affinity(nets: Nets, batch: Batch, rate: float) -> Tensor:
    """Return Z [t, t] of a batch, i the task that steps and j the task that is asked; NaN where a label is lacking."""
    network, (samples, y) = nets.network, labelled(batch)
    training = network.training
    network.eval()
    shared = {name: p for name, p in network.named_parameters() if name.startswith("stages.") and p.requires_grad}
    given = torch.tensor([bool((~y[:, own].isnan().any(dim=1)).any()) for own in nets.task.labels_of])  # type: ignore[union-attr]
    with torch.enable_grad():
        before = list(nets.task.losses(network(samples.x), y).values())  # type: ignore[union-attr]
        rows = [
            torch.autograd.grad(loss, list(shared.values()), retain_graph=True, allow_unused=True) if has else ()
            for loss, has in zip(before, given.tolist(), strict=True)
        ]
    lengths = [float(sum(g.square().sum() for g in row if g is not None) ** 0.5) if row else 0.0 for row in rows]
    found = torch.full((len(before), len(before)), torch.nan)
    with torch.no_grad():
        for i, row in enumerate(rows):
            if not lengths[i]:
                continue
            moved = {
                name: p if g is None else p - rate / lengths[i] * g
                for (name, p), g in zip(shared.items(), row, strict=True)
            }
            outputs = functional_call(network, moved, (samples.x,))
            after = torch.stack(list(nets.task.losses(outputs, y).values()))  # type: ignore[union-attr]
            found[i] = (1 - after / torch.stack(before).clamp(min=1e-12)).float().cpu()
    found[:, ~given] = torch.nan
    network.train(training)
    return found
