"""Moments of two batches, compared, with a gradient."""

from __future__ import annotations

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
