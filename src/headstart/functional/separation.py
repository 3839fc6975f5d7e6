"""Two parts of one number per sample: a mixture of two normals."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

_ROUNDS = 50
_LEAST_VARIANCE = 1e-2


def standard_scores(x: Tensor) -> Tensor:
    """Return x [n] at mean 0 and deviation 1; what does not vary is 0.

    Examples
    --------
    >>> import torch
    >>> standard_scores(torch.tensor([1.0, 3.0])).tolist(), standard_scores(torch.tensor([2.0])).tolist()
    ([-1.0, 1.0], [0.0])
    """
    centred = x - x.mean()
    return centred / x.std(correction=0).clamp(min=1e-6)


class TwoNormals(NamedTuple):
    """A mixture of two normals of numbers at mean 0 and deviation 1.

    Attributes
    ----------
    centre, spread : of the numbers that it was fitted to, which stand for 0 and 1. mean, variance, share : [2] each.
    """

    centre: Tensor
    spread: Tensor
    mean: Tensor
    variance: Tensor
    share: Tensor

    @classmethod
    def of(cls, x: Tensor) -> TwoNormals:
        """Fit by expectation-maximisation, from -1 and 1 with variance 1; a variance is at least 0.01 of that of x."""
        centre, spread = x.mean(), x.std(correction=0).clamp(min=1e-6)
        found = cls(centre, spread, x.new_tensor([-1.0, 1.0]), x.new_ones(2), x.new_full((2,), 0.5))
        scores = ((x - centre) / spread)[:, None]
        for _ in range(_ROUNDS - 1):
            p = found._parts(x)
            n = p.sum(dim=0).clamp(min=1e-6)
            mean = (p * scores).sum(dim=0) / n
            variance = ((p * (scores - mean).square()).sum(dim=0) / n).clamp(min=_LEAST_VARIANCE)
            found = found._replace(share=n / n.sum(), mean=mean, variance=variance)
        return found

    def _parts(self, x: Tensor) -> Tensor:
        apart = (((x - self.centre) / self.spread)[:, None] - self.mean).square()
        return (self.share.log() - 0.5 * self.variance.log() - apart / (2 * self.variance)).softmax(dim=1)

    def upper(self, x: Tensor) -> Tensor:
        """Return the probability [n] that each number belongs to the normal of the larger mean."""
        return self._parts(x)[:, int(self.mean.argmax())]


def upper_part(x: Tensor) -> Tensor:
    """Return the probability [n] that each number belongs to the upper of two normals, by `TwoNormals`.

    Numbers that do not vary belong to both alike.

    Examples
    --------
    >>> import torch
    >>> upper_part(torch.tensor([0.0, 0.1, 0.2, 5.0, 5.1])).round().tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0]
    """
    return TwoNormals.of(x).upper(x)
