"""AdaBN: batch norm with the statistics of the rows to predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from headstart.deep.at_test_time import AtTestTime, batch_norms
from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.networks.network import Network


@dataclass(kw_only=True)
class AdaBN(AtTestTime):
    """``m <- (prior m + n m_t) / (prior + n)``, ``v <- (prior v + n v_t) / (prior + n)`` in every batch norm.

    m, v are its running mean and variance, m_t, v_t those of its inputs over all n rows to predict. No gradient, no
    label and no rate: one pass finds the statistics, a second one predicts. Behind the first batch norm, inputs come
    from batches that were normalised by themselves.

    Parameters
    ----------
    prior : how many rows the source's statistics count for; at 0 they are replaced.

    References
    ----------
    Li et al., "Revisiting Batch Normalization for Practical Domain Adaptation", ICLR workshop 2017; the prior:
    Schneider et al., "Improving robustness against common corruptions by covariate shift adaptation", NeurIPS 2020,
    equation 1.
    """

    prior: float = 16.0

    def adapt(self, network: Network, batches: Iterable[Any]) -> Iterator[Tensor]:
        norms = batch_norms(network)
        if not norms:
            raise UserError(
                "AdaBN replaces the statistics of batch norm, and this network has none; choose tent, which also moves "
                "layer norm, or predict without adapting."
            )
        pooled = [Pooled() for _ in norms]
        before = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]  # type: ignore[union-attr]
        handles = [norm.register_forward_pre_hook(one.watch) for norm, one in zip(norms, pooled, strict=True)]
        n = 0
        with torch.no_grad():
            for x in batches:
                n += len(network(x))
            for handle in handles:
                handle.remove()
            for norm, one, (mean, variance) in zip(norms, pooled, before, strict=True):
                norm.training = False
                norm.running_mean.copy_((self.prior * mean + n * one.mean) / (self.prior + n))  # type: ignore[operator]
                norm.running_var.copy_((self.prior * variance + n * one.variance) / (self.prior + n))  # type: ignore[operator]
            for x in batches:
                yield network(x)


class Pooled:
    """Mean and unbiased variance per channel of all that a batch norm was given, whatever the batches' sizes."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, torch.zeros(()), torch.zeros(())

    def watch(self, norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        """Add the inputs [n, c, ...] of one pass; a single value per channel is not normalised by itself."""
        values = given[0].transpose(0, 1).flatten(1).double()
        count, mean = values.shape[1], values.mean(dim=1)
        total, apart = self.count + count, mean - self.mean.to(mean)
        self.squares = self.squares.to(mean) + (values - mean[:, None]).square().sum(dim=1)
        self.squares = self.squares + apart.square() * self.count * count / total
        self.mean, self.count = self.mean.to(mean) + apart * count / total, total
        norm.training = count > 1

    @property
    def variance(self) -> Tensor:
        return self.squares / max(1, self.count - 1)
