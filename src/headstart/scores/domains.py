"""How like source and target are, where the source brings data of its own; higher is nearer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.spatial.distance import cdist

from headstart.errors import UserError
from headstart.functional.domain_auc import domain_auc
from headstart.functional.mmd import mmd
from headstart.functional.sinkhorn import sinkhorn
from headstart.scores.basis import Array, classes_of, columns_of, read

MOST_ROWS = 500
"""Rows of each side that a kernel or a transport plan compares."""


def mmd_similarity(source: Array, target: Array, *, seed: int = 0) -> float:
    """Return minus the unbiased squared maximum mean discrepancy under a Gaussian kernel of the median width.

    ``2 mean k(x, z) - mean k(x, x') - mean k(z, z')`` between source rows x and target rows z, of at most 500 each.

    References
    ----------
    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, equation 3.
    """
    return -mmd(*_some(source, target, seed))


def proxy_a_similarity(source: Array, target: Array, *, seed: int = 0) -> float:
    """Return minus the proxy A-distance, ``-2 (1 - 2 e)``, in [-2, 2]; 0 where the domains cannot be told apart.

    ``1 - e`` is the area under the ROC curve of a cross-validated logistic classifier of the domains, which is the
    balanced accuracy of drawing one row of each side.

    References
    ----------
    Ben-David et al., "Analysis of Representations for Domain Adaptation", NeurIPS 2006, section 4.
    """
    return -2 * (2 * domain_auc(*_some(source, target, seed), seed=seed)[0] - 1)


def label_overlap(source: Iterable[str], target: Iterable[str]) -> float:
    """Return the share of class names of both sides together that both have, ``|S & T| / |S | T|``, in [0, 1].

    Names are compared without regard to case and to how their words are joined.

    Examples
    --------
    >>> label_overlap(["Ant", "bee", "wasp"], ["ant", "honey-bee"])
    0.25
    """
    mine, theirs = ({_plain(name) for name in names} for names in (source, target))
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


def otce(
    source: Array, source_labels: Array, target: Array, target_labels: Array, *, reg: float = 0.1, seed: int = 0
) -> float:
    """Return minus the entropy of target classes given source classes under the transport plan, at most 0.

    P is the entropic plan [n, m] between the rows at costs ``|x_i - z_j|^2`` over their mean; ``P(y_s, y_t)`` sums it
    over the rows of both classes, and the score is ``sum P(y_s, y_t) log P(y_t | y_s)``. The paper adds the plan's cost
    with weights that it learns from other tasks; without those the entropy alone ranks (its appendix, and F-OTCE).

    Parameters
    ----------
    source, target : features [n, d] and [m, d] of one network. source_labels, target_labels : class numbers.
    reg : of the plan, as a share of the mean cost.

    References
    ----------
    Tan, Li and Huang, "OTCE: A Transferability Metric for Cross-Domain Cross-Task Representations", CVPR 2021,
    equations 2 to 6; Tan et al., "Transferability-Guided Cross-Domain Cross-Task Transfer Learning", IEEE TNNLS 2024.
    """
    x, y = read(source, source_labels)
    z, t = read(target, target_labels)
    rng = np.random.default_rng(seed)
    mine, theirs = (np.sort(rng.permutation(len(rows))[:MOST_ROWS]) for rows in (x, z))
    x, y, z, t = x[mine], classes_of(y, "OTCE")[mine], z[theirs], classes_of(t, "OTCE")[theirs]
    cost = cdist(x, z, "sqeuclidean")
    cost /= float(cost.mean()) or 1.0
    joint = columns_of(y).T @ _plan(cost, reg) @ columns_of(t)
    given = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
    return float((joint * np.log(np.where(joint > 0, given, 1.0))).sum())


def _plan(cost: Array, reg: float) -> Array:
    """Return the plan of uniform masses whose rows are exact."""
    values = sinkhorn(cost, reg).values
    logits = (values - cost) / reg
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) / len(cost)


def _some(source: Array, target: Array, seed: int) -> tuple[Array, Array]:
    sides = [np.asarray(side, dtype=np.float64) for side in (source, target)]
    if any(side.ndim != 2 or len(side) < 2 for side in sides) or sides[0].shape[1] != sides[1].shape[1]:
        raise UserError(
            f"Domains are compared on rows of the same features, and got {list(sides[0].shape)} and "
            f"{list(sides[1].shape)}; encode both sides by one network, two rows of each at least."
        )
    rng = np.random.default_rng(seed)
    return sides[0][rng.permutation(len(sides[0]))[:MOST_ROWS]], sides[1][rng.permutation(len(sides[1]))[:MOST_ROWS]]


def _plain(name: str) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())
