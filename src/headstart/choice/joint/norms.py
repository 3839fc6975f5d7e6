"""Batch norm in trained stages: held as it came, or counted for each domain by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from headstart.deep.test_time.adabn import Pooled
from headstart.networks.network import Network

Statistics = dict[str, Tensor]
"""Running mean and variance of batch norms, by the name that they have in the network's state."""


class HeldNorm(_BatchNorm):
    """A batch norm whose statistics never move, also while the rest is trained: ``(x - m) / sqrt(v + eps) * w + b``."""

    def _check_input_dim(self, input: Tensor) -> None:
        return

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [n, c, ...] by the statistics that the network came with."""
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


def hold_norms(network: Network, depth: int) -> None:
    """Replace the batch norms of the last ``depth`` stages by ones whose statistics stand still; names stay."""
    for stage in list(network.stages.values())[len(network.stages) - depth :]:
        for parent in list(stage.modules()):
            for name, child in parent.named_children():
                if isinstance(child, _BatchNorm) and child.running_mean is not None:
                    setattr(parent, name, _held(child))


def _held(norm: _BatchNorm) -> HeldNorm:
    twin = HeldNorm(norm.num_features, norm.eps, norm.momentum, norm.affine)
    twin.load_state_dict(norm.state_dict())
    return twin.to(norm.running_mean.device).train(norm.training)  # type: ignore[union-attr]


def moving_norms(network: Network, depth: int) -> dict[str, _BatchNorm]:
    """Return the batch norms of the last ``depth`` stages that keep statistics, by name."""
    names = network.stage_names[len(network.stages) - depth :]
    return {
        f"stages.{stage}.{name}" if name else f"stages.{stage}": module
        for stage in names
        for name, module in network.stages[stage].named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    }


def statistics_of(network: Network, depth: int, batches: Iterable[Any]) -> Statistics:
    """Return mean and variance of what each batch norm of the last stages is given over all ``batches``.

    As in training, each batch is normalised by itself on the way to the next norm. The network stays as it is.
    """
    norms = moving_norms(network, depth)
    if not norms:
        return {}
    modes, pooled = {name: norm.training for name, norm in norms.items()}, {name: Pooled() for name in norms}
    before = {name: tensor.clone() for name, tensor in _buffers(norms).items()}
    handles = [norm.register_forward_pre_hook(pooled[name].watch) for name, norm in norms.items()]
    try:
        with torch.no_grad():
            for x in batches:
                network(x)
    finally:
        for handle in handles:
            handle.remove()
        for name, norm in norms.items():
            norm.training = modes[name]
        put(network, before)
    found = {}
    for name, norm in norms.items():
        found[f"{name}.running_mean"] = pooled[name].mean.to(norm.running_mean)
        found[f"{name}.running_var"] = pooled[name].variance.to(norm.running_var)
    return found


def _buffers(norms: dict[str, _BatchNorm]) -> Statistics:
    return {f"{name}.{key}": tensor for name, norm in norms.items() for key, tensor in norm.named_buffers()}


def put(network: nn.Module, statistics: Statistics) -> None:
    """Let the network's batch norms count by ``statistics``."""
    state = network.state_dict()
    for name, tensor in statistics.items():
        state[name].copy_(tensor)


@contextlib.contextmanager
def counting_by(network: Network, statistics: Statistics) -> Iterator[Network]:
    """Let the batch norms count by ``statistics`` for a while."""
    state = network.state_dict()
    before = {name: state[name].clone() for name in statistics}
    put(network, statistics)
    try:
        yield network
    finally:
        put(network, before)
