"""Maximum mean discrepancy of batches with several kernels at once, from one Gram matrix, with a gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from headstart.functional.precise import in_float32

WIDTHS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Squared bandwidths, as multiples of the mean squared distance between two different samples."""


def squared_distances(z: Tensor) -> Tensor:
    """Return ``||z_i - z_j||^2`` [n, n] of rows [n, d].

    The rows are centred first, which changes no distance and keeps digits that large means would eat.
    """
    z = z - z.mean(dim=0)
    gram = z @ z.T
    squares = gram.diagonal()
    return (squares[:, None] + squares - 2 * gram).clamp(min=0)


def gaussians(z: Tensor, widths: Sequence[float] = WIDTHS) -> Tensor:
    """Return ``sum_u exp(-||z_i - z_j||^2 / (2 u s))`` [n, n]; s is the mean of all ``||z_i - z_j||^2``, i != j.

    s is a constant to the gradient.
    """
    distances = squared_distances(z)
    n = len(z)
    scale = (distances.detach().sum() / max(1, n * (n - 1))).clamp(min=torch.finfo(z.dtype).tiny)
    return torch.stack([(distances / (-2 * width * scale)).exp() for width in widths]).sum(dim=0)


def contrast(kernel: Tensor, n: int) -> Tensor:
    """Return the unbiased MMD^2 of the first n rows of a Gram matrix against the others.

    ``mean_{i != i'} K_ii' + mean_{j != j'} K_jj' - 2 mean_ij K_ij``, i among the first n and j among the others. A
    mean over no pair is 0.
    """
    kernel = kernel - torch.diag(kernel.diagonal())
    m = len(kernel) - n
    within = kernel[:n, :n].sum() / max(1, n * (n - 1)) + kernel[n:, n:].sum() / max(1, m * (m - 1))
    return within - 2 * kernel[:n, n:].mean()


@in_float32
def mk_mmd(source: Tensor, target: Tensor, widths: Sequence[float] = WIDTHS) -> Tensor:
    """Return the unbiased MMD^2 between rows [n, d] and [m, d] under a sum of Gaussian kernels; it may be below 0.

    Parameters
    ----------
    widths : squared bandwidths; see `gaussians`.

    References
    ----------
    Gretton et al., "Optimal kernel choice for large-scale two-sample tests", NeurIPS 2012 (sums of kernels); Gretton
    et al., "A Kernel Two-Sample Test", JMLR 2012, equation 3.

    Examples
    --------
    >>> x = torch.arange(12.0).reshape(4, 3)
    >>> bool(mk_mmd(x, x + 9) > mk_mmd(x, x + 1))
    True
    """
    return contrast(gaussians(torch.cat([source, target]), widths), len(source))


ANSWERS = 0.92**2
"""Squared bandwidth of the kernel on probabilities, whose squared distances lie between 0 and 2."""


@in_float32
def joint_mmd(source: Tensor, target: Tensor, p_source: Tensor, p_target: Tensor) -> Tensor:
    """Return the unbiased MMD^2 of pairs (row, probabilities), under the product of `gaussians` and a Gaussian kernel.

    The kernel on probabilities is ``exp(-||p_i - p_j||^2 / (2 * 0.92^2))``: of one width, since they have a scale.

    References
    ----------
    Long et al., "Deep Transfer Learning with Joint Adaptation Networks", ICML 2017, equation 9.
    """
    of_answers = (squared_distances(torch.cat([p_source, p_target])) / (-2 * ANSWERS)).exp()
    return contrast(gaussians(torch.cat([source, target])) * of_answers, len(source))


@in_float32
def local_mmd(source: Tensor, target: Tensor, y: Tensor, p: Tensor) -> Tensor:
    """Return the mean over classes c of ``|| sum_i a_ic k(x_i) - sum_j b_jc k(x_j) ||^2``, unbiased, by `gaussians`.

    ``a_ic = 1[y_i = c] / sum_i 1[y_i = c]`` and ``b_jc = p_jc / sum_j p_jc``. Unbiased: the products of different rows,
    ``sum_{i != i'} a_ic a_i'c k(x_i, x_i') / (1 - sum_i a_ic^2)``, stand for all. c are the classes of at least two of
    the source's rows that are also the most probable class of some target row; 0 where there is none.

    Parameters
    ----------
    source, target : [n, d] and [m, d]. y : classes [n]. p : probabilities [m, k].

    References
    ----------
    Zhu et al., "Deep Subdomain Adaptation Network for Image Classification", TNNLS 2021, equations 5 to 8.
    """
    members, n = torch.nn.functional.one_hot(y, p.shape[1]).to(p), len(source)
    chosen = torch.nn.functional.one_hot(p.argmax(dim=1), p.shape[1])
    seen = (members.sum(dim=0) > 1) & chosen.any(dim=0) & (p.square().sum(dim=0) < (1 - 1e-6) * p.sum(dim=0) ** 2)
    a, b = (rows[:, seen] / rows[:, seen].sum(dim=0) for rows in (members, p))
    kernel = gaussians(torch.cat([source, target]))
    kernel = kernel - torch.diag(kernel.diagonal())
    within = ((kernel[:n, :n] @ a) * a).sum(dim=0) / (1 - a.square().sum(dim=0))
    within = within + ((kernel[n:, n:] @ b) * b).sum(dim=0) / (1 - b.square().sum(dim=0))
    return (within - 2 * ((kernel[:n, n:] @ b) * a).sum(dim=0)).sum() / max(1, int(seen.sum()))
