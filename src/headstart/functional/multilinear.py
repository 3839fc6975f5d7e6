"""The multilinear map: features conditioned on an answer, exact or by random projections."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Multilinear(nn.Module):
    """Maps rows g [n, d] and p [n, k] to ``g_i p_i'``, flat: [n, d k]; beyond ``largest`` numbers, to a projection.

    The projection is ``(g_i A) * (p_i B) / sqrt(largest)``, A and B standard normal: scalar products of its rows
    estimate those of the exact map without bias.

    Parameters
    ----------
    d, k : numbers of columns. largest : the most columns that the result may have.

    References
    ----------
    Long et al., "Conditional Adversarial Domain Adaptation", NeurIPS 2018, equation 6 and theorem 1.
    """

    first: Tensor | None
    second: Tensor | None

    def __init__(self, d: int, k: int, largest: int) -> None:
        super().__init__()
        self.n_out = min(d * k, largest)
        exact = d * k <= largest
        self.register_buffer("first", None if exact else torch.randn(d, largest) / largest**0.25)
        self.register_buffer("second", None if exact else torch.randn(k, largest) / largest**0.25)

    def forward(self, g: Tensor, p: Tensor) -> Tensor:
        """Return the map's rows [n, n_out]."""
        if self.first is None or self.second is None:
            return (g[:, :, None] * p[:, None]).flatten(1)
        return (g @ self.first) * (p @ self.second)
