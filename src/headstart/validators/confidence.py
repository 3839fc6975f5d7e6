"""Validators that read only the target's probabilities: how sure and how varied the answers are."""

from __future__ import annotations

import numpy as np

from headstart.validators.evidence import Array, Evidence, classes_only


def _plogp(p: Array) -> Array:
    return p * np.log(np.maximum(p, 1e-30))


def entropy(evidence: Evidence) -> float:
    """Return minus the mean entropy of the target's predictions, ``mean_i sum_c p_ic log p_ic``.

    A model that answers one class with certainty scores best, which is the known weakness of this score.

    References
    ----------
    Morerio, Cavazza and Murino, "Minimal-Entropy Correlation Alignment for Unsupervised Deep Domain Adaptation",
    ICLR 2018, section 3.2.
    """
    p = classes_only(evidence, "entropy")
    return float(_plogp(p).sum(axis=1).mean())


def infomax(evidence: Evidence) -> float:
    """Return the mutual information of inputs and answers, ``H(mean_i p_i) - mean_i H(p_i)``.

    References
    ----------
    Bridle, Heading and MacKay, "Unsupervised Classifiers, Mutual Information and 'Phantom Targets'", NeurIPS 1991; as a
    validator: Musgrave, Belongie and Lim, "Three New Validators and a Large-Scale Benchmark Ranking for Unsupervised
    Domain Adaptation", 2022.
    """
    p = classes_only(evidence, "infomax")
    return float(_plogp(p).sum(axis=1).mean() - _plogp(p.mean(axis=0)).sum())


def bnm(evidence: Evidence) -> float:
    """Return the batch nuclear norm of the predictions P [m, k], ``||P||_* / sqrt(m min(m, k))``, at most 1.

    References
    ----------
    Cui et al., "Towards Discriminability and Diversity: Batch Nuclear-Norm Maximization under Label Insufficient
    Situations", CVPR 2020, section 3.
    """
    p = classes_only(evidence, "bnm")
    squares = np.linalg.eigvalsh(p.T @ p) if p.shape[0] >= p.shape[1] else np.linalg.eigvalsh(p @ p.T)
    return float(np.sqrt(np.maximum(squares, 0)).sum() / np.sqrt(len(p) * min(p.shape)))


def mano(evidence: Evidence, *, power: int = 4, threshold: float = 5.0) -> float:
    """Return the norm of the normalised logits, ``(1 / (m k) sum |q_ic|^4)^(1/4)``.

    q is the softmax where the predictions are far from uniform (mean of ``-log p`` above ``threshold``), else the
    second-order Taylor expansion ``1 + z + z^2 / 2`` of the exponential, normalised, which weighs unsure logits less.
    Logits z are ``log p`` centred per row, since probabilities are all a validator sees.

    References
    ----------
    Xie, Odonnat, Feofanov, Deng, Zhang and An, "MaNo: Exploiting Matrix Norm for Unsupervised Accuracy Estimation
    Under Distribution Shifts", NeurIPS 2024, equations 5 and 6.
    """
    p = np.maximum(classes_only(evidence, "mano"), 1e-12)
    logits = np.log(p)
    if -logits.mean() > threshold:
        q = p
    else:
        z = logits - logits.mean(axis=1, keepdims=True)
        q = 1 + z + z**2 / 2
        q = q / q.sum(axis=1, keepdims=True)
    return float((np.abs(q) ** power).mean() ** (1 / power))
