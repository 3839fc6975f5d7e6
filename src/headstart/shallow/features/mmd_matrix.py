"""The MMD matrix of marginals and of classes as the few vectors it is made of, and the eigenproblem that shrinks it.

``tr(P' Z' M Z P)`` is the squared distance between the domains' means after the map P, summed over the whole domains
and over the classes. M is n + m square and has rank k + 1 at most, so that ``M = E E'`` with E [n + m, k + 1] is all
that is ever built.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, eigsh

Array = np.ndarray
DENSE_ROWS = 600


def mean_differences(
    labels: Array, pseudo: Array | None, m: int, n_classes: int, *, balance: float = 0.5, by_share: bool = False
) -> Array:
    """Return E [n + m, c] with ``M = E E'``, Frobenius norm 1: source mean minus target mean, whole and per class.

    ``M = (1 - balance) k M_0 + balance sum_c M_c``, k the number of classes. A class that the source or the (pseudo)
    labels of the target lack has no difference of means and is left out.

    Parameters
    ----------
    labels : [n] class numbers of the source. pseudo : [m] class numbers of the target, None for ``M_0`` alone.
    by_share : whether a class counts by its shares in both domains, ``sqrt(share_s) mean_s - sqrt(share_t) mean_t``.

    References
    ----------
    Long et al., "Transfer Feature Learning with Joint Distribution Adaptation", ICCV 2013, equations 3 and 6. Wang et
    al., "Balanced Distribution Adaptation for Transfer Learning", ICDM 2017, equations 5 and 11.
    """
    n = len(labels)
    whole = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])[:, None]
    if pseudo is None:
        return whole / np.linalg.norm(whole)
    source, target = np.eye(n_classes)[labels], np.eye(n_classes)[pseudo]
    in_source, in_target = source.sum(axis=0), target.sum(axis=0)
    both = (in_source > 0) & (in_target > 0)
    left, right = source[:, both] / in_source[both], target[:, both] / in_target[both]
    if by_share:
        left, right = left * np.sqrt(in_source[both] / n), right * np.sqrt(in_target[both] / m)
    classes = np.concatenate([left, -right])
    joined = np.hstack([np.sqrt((1 - balance) * n_classes) * whole, np.sqrt(balance) * classes])
    norm = np.linalg.norm(joined.T @ joined)
    return joined / np.sqrt(norm) if norm > 0 else joined


class Space(NamedTuple):
    """Coordinates Z [N, r] of all rows, with what every eigenproblem on them shares.

    Attributes
    ----------
    rows : Z. root : [r, r] with ``root root' = (strength R)^-1`` for the penalty ``tr(P' R P)``.
    scatter : ``root' Z' H Z root``, H the centring matrix.
    """

    rows: Array
    root: Array
    scatter: Array


def penalised_map(rows: Array, strength: float) -> Space:
    """Penalise the map itself, ``strength ||P||^2``: the primal problem, or the norm in the kernel's space."""
    scatter = _scatter(rows)
    return Space(rows, np.eye(rows.shape[1]) / np.sqrt(strength), scatter / strength)


def penalised_coefficients(rows: Array, strength: float, weights: Array | None = None) -> Space:
    """Penalise the rows' coefficients, ``strength sum_i w_i ||a_i||^2`` where ``P = Z' A``: the dual problem.

    Among all A with ``Z' A = P`` the least penalty is ``tr(P' (Z' W^-1 Z)^-1 P)``, so r x r matrices suffice.

    Parameters
    ----------
    rows : Z [N, r]. weights : w [N] > 0; ones when None.
    """
    inverse = rows.T @ (rows if weights is None else rows / weights[:, None])
    squares, axes = np.linalg.eigh(inverse)
    root = axes * np.sqrt(np.maximum(squares, 0) / strength)
    return Space(rows, root, root.T @ _scatter(rows) @ root)


def _scatter(rows: Array) -> Array:
    mean = rows.mean(axis=0)
    return rows.T @ rows - len(rows) * np.outer(mean, mean)


def aligned_directions(space: Space, differences: Array, n_components: int) -> Array:
    """Return P [r, q], the q leading solutions of ``Z' H Z p = mu (Z' E E' Z + strength R) p``.

    Equivalent to the paper's q smallest of the inverse problem: most variance per distance of means and penalty.
    """
    return space.root @ leading_ratio(space.scatter, space.root.T @ (space.rows.T @ differences), n_components)


def leading_ratio(scatter: Array, columns: Array, q: int) -> Array:
    """Return y [r, q], the leading solutions of ``B y = mu (I + V V') y``, unit length where V V' is counted in.

    ``(I + V V')^(-1/2)`` is written down from the thin SVD of V, so the only eigenproblem is symmetric, r x r.

    Parameters
    ----------
    scatter : B [r, r], symmetric. columns : V [r, c].
    """
    q = min(q, len(scatter))
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    shrink = 1 / np.sqrt(1 + singular**2) - 1
    half = scatter + (left * shrink) @ (left.T @ scatter)
    vectors = _leading(half + ((half @ left) * shrink) @ left.T, q)
    return vectors + (left * shrink) @ (left.T @ vectors)


def _leading(matrix: Array, q: int) -> Array:
    """Return the q leading eigenvectors [r, q], largest first."""
    r = len(matrix)
    matrix = (matrix + matrix.T) / 2
    if r > DENSE_ROWS and q < r // 10:
        try:
            squares, vectors = eigsh(matrix, k=q, v0=np.ones(r))
            return vectors[:, np.argsort(-squares, kind="stable")]
        except ArpackError:
            pass
    return eigh(matrix, subset_by_index=(r - q, r - 1))[1][:, ::-1]


def with_fixed_signs(columns: Array) -> Array:
    """Turn every column so that its entry of largest size is positive."""
    largest = np.take_along_axis(columns, np.abs(columns).argmax(axis=0)[None], axis=0)[0]
    return columns * np.where(largest < 0, -1.0, 1.0)
