"""What old data say of each weight: the diagonal Fisher information, which elastic weight consolidation needs."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


def diagonal_fisher(
    network: Network, task: TaskLogic, samples: Iterable[tuple[Any, Tensor]], seed: int = 0
) -> dict[str, Tensor]:
    """Return ``F_i = sum_n sum_j (d f(x_n) / d w_i . l_nj)^2`` for every weight of stages and head, by name.

    ``L L' = H_n``, the second derivative [k, k] of the task's loss in the outputs, l_nj its columns. Where the loss is
    the negative log-likelihood of a canonical link, as cross-entropy is, H_n does not depend on the label, and F is the
    Fisher information of n samples. The sum over j is estimated without bias by one random combination of the columns
    with signs, hence one backward pass a sample.

    Parameters
    ----------
    samples : one at a time, the state at cut 0 [1, ...] and the label [1, ...].
    """
    twin = copy.deepcopy(network).freeze(0).eval()
    twin.entry = 0
    weights = {name: one.requires_grad_(True) for name, one in twin.named_parameters()}
    found = {name: torch.zeros_like(one) for name, one in weights.items()}
    signs = torch.Generator().manual_seed(seed)
    for x, y in samples:
        outputs = twin(x)
        root = _root(task, outputs.detach(), y)
        drawn = torch.randint(2, root.shape[1:], generator=signs).to(root) * 2 - 1
        slopes = torch.autograd.grad((outputs.flatten() * (root @ drawn)).sum(), [*weights.values()], allow_unused=True)
        for total, slope in zip(found.values(), slopes, strict=True):
            if slope is not None:
                total += slope.square()
    return found


def _root(task: TaskLogic, outputs: Tensor, y: Tensor) -> Tensor:
    """Return L [k, k] of one sample's outputs [1, k]."""
    curvature = torch.autograd.functional.hessian(lambda o: task.loss(o[None], y), outputs[0])
    values, vectors = torch.linalg.eigh(curvature)  # type: ignore[arg-type]
    # A root would raise what rounding leaves of an eigenvalue of 0.
    return vectors * values.where(values > 1e-5 * values.max(), 0).clamp_min(0).sqrt()
