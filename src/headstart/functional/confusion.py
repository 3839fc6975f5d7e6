"""How sure and how mixed up a batch of predicted classes is: entropy, class confusion, the nuclear norm."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def entropy(logits: Tensor) -> Tensor:
    """Return the entropy [n] of ``softmax(logits)`` [n, k], in nats.

    Examples
    --------
    >>> entropy(torch.zeros(1, 4)).exp().round(decimals=4).tolist()
    [4.0]
    """
    logs = logits.log_softmax(dim=-1)
    return -(logs.exp() * logs).sum(dim=-1)


def unevenness(p: Tensor) -> Tensor:
    """Return ``sum_k m_k log m_k`` of the mean m [k] of probabilities ``p`` [n, k]: least where all classes are even.

    Examples
    --------
    >>> float(unevenness(torch.eye(4)).exp())
    0.25
    """
    mean = p.mean(dim=0).clamp(min=1e-12)
    return (mean * mean.log()).sum()


def class_confusion(logits: Tensor, temperature: float = 1.0, classes: Tensor | None = None) -> Tensor:
    """Return how much a batch confuses classes: the mean over classes of what lies off the diagonal.

    With ``P = softmax(logits / T)`` [n, k], weights ``w_i = n (1 + exp(-H(P_i))) / sum_j (1 + exp(-H(P_j)))``, which
    pass no gradient, and ``C = P' diag(w) P`` with rows made to sum to one, it is ``sum_{c != d} C_cd / k``; with
    weights v [k] of the ``classes``, which add up to more than 0, ``sum_c v_c sum_{d != c} C_cd / sum_c v_c``.

    Examples
    --------
    >>> sure, torn = 20 * torch.eye(3), torch.zeros(3, 3)
    >>> [round(float(class_confusion(logits)), 3) for logits in (sure, torn)]
    [0.0, 0.667]

    References
    ----------
    Jin et al., "Minimum Class Confusion for Versatile Domain Adaptation", ECCV 2020, equations 2 to 7.
    """
    logits = logits / temperature
    p = logits.softmax(dim=1)
    with torch.no_grad():
        weight = 1 + (-entropy(logits)).exp()
        weight = len(p) * weight / weight.sum()
    confusion = (p * weight[:, None]).T @ p
    confusion = confusion / confusion.sum(dim=1, keepdim=True).clamp(min=1e-12)
    if classes is None:
        return 1 - confusion.trace() / len(confusion)
    return 1 - (classes * confusion.diagonal()).sum() / classes.sum()


def nuclear_norm(p: Tensor) -> Tensor:
    """Return the sum of the singular values of ``p`` [n, k].

    It is at most ``sqrt(n min(n, k))``, where every row is certain and every class equally frequent.

    Examples
    --------
    >>> round(float(nuclear_norm(torch.eye(3).repeat(3, 1))) ** 2, 2)
    27.0

    References
    ----------
    Cui et al., "Towards Discriminability and Diversity: Batch Nuclear-norm Maximization under Label Insufficient
    Situations", CVPR 2020, section 3.
    """
    return torch.linalg.svdvals(p.float()).sum()


def believe(outputs: Tensor, taught: Tensor, threshold: float) -> Tensor:
    """Return ``mean_j 1[max q_j >= threshold] CE(outputs_j, argmax q_j)`` over all n samples.

    ``q = softmax(taught)``, [n, k] like ``outputs``, passes no gradient.

    Examples
    --------
    >>> taught = torch.tensor([[0.0, 5.0], [0.1, 0.0]])
    >>> round(float(believe(torch.zeros(2, 2), taught, threshold=0.9).exp()), 4)   # one of two counts: log(2) / 2
    1.4142
    """
    sure, labels = taught.detach().softmax(dim=1).max(dim=1)
    return ((sure >= threshold) * F.cross_entropy(outputs, labels, reduction="none")).mean()
