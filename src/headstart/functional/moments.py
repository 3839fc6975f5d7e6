"""Moments of two batches, compared, with a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.functional.precise import in_float32


def covariance(x: Tensor) -> Tensor:
    """Return the covariance [d, d] of rows [n, d], with n - 1 (1 for a single row)."""
    x = x - x.mean(dim=0)
    return x.T @ x / max(1, len(x) - 1)


@in_float32
def coral_distance(source: Tensor, target: Tensor) -> Tensor:
    """Return ``||C_s - C_t||_F^2 / (4 d^2)``, C the covariances of rows [n, d] and [m, d].

    References
    ----------
    Sun and Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV workshops 2016, equation 1.
    """
    return (covariance(source) - covariance(target)).square().sum() / (4 * source.shape[1] ** 2)


@in_float32
def moment_distance(source: Tensor, target: Tensor, orders: int = 5) -> Tensor:
    """Return ``sum_{k=1..orders} |m_k - m'_k| / 2^k``, of rows [n, d] and [m, d]: the central moment discrepancy.

    m_1 are the columns' means, m_k [d] their k-th central moments, and ``|.|`` is the root of the mean square over the
    columns. They are taken of ``tanh((x - a) / b)``, which lies between -1 and 1 (2 apart, hence 2^k); a, the columns'
    means over all rows, and b, the root of the mean squared distance from it, are constants to the gradient.

    References
    ----------
    Zellinger et al., "Central Moment Discrepancy (CMD) for Domain-Invariant Representation Learning", ICLR 2017,
    definition 2.
    """
    rows = torch.cat([source, target]).detach()
    middle = rows.mean(dim=0)
    spread = (rows - middle).square().mean().sqrt().clamp(min=torch.finfo(rows.dtype).tiny)
    x, y = (((part - middle) / spread).tanh() for part in (source, target))
    apart = [x.mean(dim=0) - y.mean(dim=0)]
    x, y = x - x.mean(dim=0), y - y.mean(dim=0)
    apart += [(x**k).mean(dim=0) - (y**k).mean(dim=0) for k in range(2, orders + 1)]
    norms = [torch.linalg.vector_norm(one) / 2**k for k, one in enumerate(apart, start=1)]
    return torch.stack(norms).sum() / source.shape[1] ** 0.5
