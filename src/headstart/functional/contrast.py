"""What compares two views of a batch's samples: contrast, variance, covariance, correlation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def normalised_temperature(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross entropy of two views [n, d].

    ``mean_a -log exp(cos(z_a, z_b) / T) / sum_{c != a} exp(cos(z_a, z_c) / T)`` over all 2 n views a, b the other view
    of the same sample (Chen et al., ICML 2020, equation 1).
    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    cosines = views @ views.T / temperature
    own = torch.eye(len(views), dtype=torch.bool, device=views.device)
    others = torch.arange(len(views), device=views.device).roll(len(first))
    return functional.cross_entropy(cosines.masked_fill(own, -torch.inf), others)


def spread_missing(z: Tensor) -> Tensor:
    """Return the mean over dimensions of ``max(0, 1 - sqrt(var + 1e-4))``, var the unbiased variance over the batch."""
    return functional.relu(1 - (_variance(z) + 1e-4).sqrt()).mean()


def covariance(z: Tensor) -> Tensor:
    """Return the sum of squared covariances of different dimensions [d, d], divided by d."""
    centred = z - z.mean(dim=0)
    found = centred.T @ centred / max(len(z) - 1, 1)
    return (found.square().sum() - found.diagonal().square().sum()) / z.shape[1]


def cross_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Return the correlation [d, d] of each dimension of ``first`` with each of ``second`` over the batch."""
    return _standardised(first).T @ _standardised(second) / len(first)


def _standardised(z: Tensor) -> Tensor:
    centred = z - z.mean(dim=0)
    return centred / (centred.square().mean(dim=0) + 1e-6).sqrt()


def _variance(z: Tensor) -> Tensor:
    return (z - z.mean(dim=0)).square().sum(dim=0) / max(len(z) - 1, 1)


def paired_contrast(
    first: Tensor, second: Tensor, steepness: Tensor | float, same: tuple[Tensor | None, Tensor | None] = (None, None)
) -> Tensor:
    """Return the contrast of pairs [n, d] both ways: each side's partner against all others of the batch.

    With ``s_ij = steepness * cos(a_i, b_j)``, the mean of ``-mean_{j in P_i} log softmax_j s_ij`` over i, and of the
    same with the sides exchanged. P_i is i, and whatever else is the same on either side: two samples with the caption
    "three" are no contrast to each other (Radford et al., ICML 2021, figure 3, where P_i is i).

    Parameters
    ----------
    same : numbers [n] that are equal where contents are, of each side; None where all differ.
    """
    logits = steepness * functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T
    partners = torch.eye(len(first), dtype=torch.bool, device=first.device)
    for numbers in same:
        if numbers is not None:
            partners = partners | (numbers[:, None] == numbers)
    return (_partnered(logits, partners) + _partnered(logits.T, partners.T)) / 2


def _partnered(logits: Tensor, partners: Tensor) -> Tensor:
    share = partners.to(logits) / partners.sum(dim=1, keepdim=True)
    return -(share * logits.log_softmax(dim=1)).sum(dim=1).mean()
