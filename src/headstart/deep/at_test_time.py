"""What a method at test time is: it moves a copy of a network by the rows that it predicts."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.networks.network import Network

AFFINE = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


class AtTestTime(BaseEstimator, ABC):
    """A method at test time. Final subclasses are dataclasses of hyper-parameters."""

    kinds: ClassVar[frozenset[str] | None] = None
    """Kinds of task that it serves; None: every kind."""

    @abstractmethod
    def adapt(self, network: Network, batches: Iterable[Any]) -> Iterator[Tensor]:
        """Move ``network`` and yield its outputs for each of ``batches``, in their order.

        The network comes in evaluation mode, and nothing of it asks for a gradient. ``batches`` are states at its entry
        and can be passed over several times.

        Raises
        ------
        UserError
            If the network has nothing that this method could move.
        """


def adapted(method: AtTestTime, network: Network, batches: Iterable[Any]) -> tuple[Network, list[Tensor]]:
    """Return the adapted network and its outputs for each batch; ``network`` itself stays as it is."""
    twin = copy.deepcopy(network, {id(network.preprocess): network.preprocess}).freeze(0)
    twin.eval().requires_grad_(False)
    with torch.enable_grad():
        outputs = [found.detach() for found in method.adapt(twin, batches)]
    return twin.eval().requires_grad_(False), outputs


def batch_norms(network: Network) -> list[nn.Module]:
    """Return the batch norms that keep running statistics."""
    return [m for m in network.modules() if isinstance(m, _NormBase) and m.running_mean is not None]


def release_norms(network: Network, name: str) -> list[nn.Parameter]:
    """Let scales and shifts of all normalisations learn, and batch norms use the statistics of their batch.

    Raises
    ------
    UserError
        If the network has no such normalisation; ``name`` is the method's.
    """
    norms = [module for module in network.modules() if isinstance(module, AFFINE)]
    learning = [p for norm in norms for p in norm.parameters(recurse=False)]
    for parameter in learning:
        parameter.requires_grad_()
    if not learning:
        raise UserError(
            f"{name} moves scales and shifts of batch, layer or group norm, and this network has none; "
            "predict without adapting."
        )
    for norm in batch_norms(network):
        norm.training = True
    return learning
