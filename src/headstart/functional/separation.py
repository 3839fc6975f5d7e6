"""Two parts of one number per sample: a mixture of two normals."""

from __future__ import annotations

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


def upper_part(x: Tensor) -> Tensor:
    """Return the probability [n] that each number belongs to the upper of two normals, by expectation-maximisation.

    The numbers are standardised first, and the mixture begins at -1 and 1 with variance 1; a variance is at least 0.01
    of that of all. Numbers that do not vary belong to both alike.

    Examples
    --------
    >>> import torch
    >>> upper_part(torch.tensor([0.0, 0.1, 0.2, 5.0, 5.1])).round().tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0]
    """
    x = standard_scores(x)
    mean, variance, share = x.new_tensor([-1.0, 1.0]), x.new_ones(2), x.new_full((2,), 0.5)
    p = x.new_full((len(x), 2), 0.5)
    for _ in range(_ROUNDS):
        apart = (x[:, None] - mean).square()
        p = (share.log() - 0.5 * variance.log() - apart / (2 * variance)).softmax(dim=1)
        n = p.sum(dim=0).clamp(min=1e-6)
        share, mean = n / n.sum(), (p * x[:, None]).sum(dim=0) / n
        variance = ((p * (x[:, None] - mean).square()).sum(dim=0) / n).clamp(min=_LEAST_VARIANCE)
    return p[:, int(mean.argmax())]
