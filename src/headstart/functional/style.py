"""The style of a sample: mean and deviation of its features."""

from __future__ import annotations

import torch
from torch import Tensor


def restyled(z: Tensor, partner: Tensor, share: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return states with mean and deviation moved towards those of a partner.

    Parameters
    ----------
    z : vectors [n, d], tokens [n, l, d] or maps [n, c, h, w]; statistics are over entries, tokens or space.
    partner : number [n] of the sample whose style is mixed in. share : of the own style [n], in [0, 1].
    mask : [n, l], 1 where a token counts.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 3.0], [10.0, 30.0]])
    >>> restyled(z, torch.tensor([1, 0]), torch.tensor([0.0, 1.0])).round().tolist()   # the first is as the second
    [[10.0, 30.0], [10.0, 30.0]]

    References
    ----------
    Zhou et al., "Domain Generalization with MixStyle", ICLR 2021, equations 2 to 5.
    """
    axes = {2: (1,), 3: (1,), 4: (2, 3)}[z.ndim]
    with torch.no_grad():
        weight = torch.ones_like(z) if mask is None else mask[:, :, None].to(z).expand_as(z)
        mean = (weight * z).sum(axes, keepdim=True) / weight.sum(axes, keepdim=True)
        spread = (weight * (z - mean).square()).sum(axes, keepdim=True) / weight.sum(axes, keepdim=True)
        spread = (spread + 1e-6).sqrt()
        share = share.view(-1, *[1] * (z.ndim - 1))
        mixed_mean, mixed_spread = (share * one + (1 - share) * one[partner] for one in (mean, spread))
    return mixed_spread * (z - mean) / spread + mixed_mean
