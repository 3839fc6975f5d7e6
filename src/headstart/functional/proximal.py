"""Least squares of several outputs with a penalty on the whole matrix of coefficients, by proximal steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Shrink = Callable[[Array, float], Array]


def singular_values(w: Array, by: float) -> Array:
    """Return W [p, t] with its singular values made smaller by ``by``: the proximal map of the trace norm."""
    u, s, v = np.linalg.svd(w, full_matrices=False)
    return (u * np.maximum(s - by, 0)) @ v


def rows_together(w: Array, by: float) -> Array:
    """Return W [p, t] with the length of each row made smaller by ``by``: the proximal map of the sum of lengths."""
    lengths = np.linalg.norm(w, axis=1, keepdims=True)
    return w * np.maximum(1 - by / np.maximum(lengths, 1e-300), 0)


def proximal_least_squares(
    x: Array, y: Array, alpha: float, shrink: Shrink, *, tolerance: float = 1e-6, rounds: int = 2000
) -> Array:
    """Return W [p, t] that minimises ``sum_t |m_t (y_t - X w_t)|^2 / (2 n_t) + alpha penalty(W)``.

    Parameters
    ----------
    x : rows [n, p], centred. y : [n, t], NaN where a task's value is missing; m_t marks what is given, n_t counts it.
    shrink : proximal map of the penalty, ``(W, by) -> W``.
    tolerance : largest change of a step, as a share of W's length, at which it ends.

    References
    ----------
    Beck and Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse Problems", SIAM Journal on
    Imaging Sciences 2009; steps are taken anew where they overshoot (O'Donoghue and Candes, 2015).
    """
    given = ~np.isnan(y)
    known = np.where(given, y, 0.0)
    weight = given / np.maximum(given.sum(axis=0), 1)
    size = 1 / max(1e-300, *(float(np.linalg.norm(x * np.sqrt(w)[:, None], 2)) ** 2 for w in weight.T))
    w = ahead = np.zeros((x.shape[1], y.shape[1]))
    t = 1.0
    for _ in range(rounds):
        new = shrink(ahead - size * (x.T @ (weight * (x @ ahead - known))), alpha * size)
        step = new - w
        if ((ahead - new) * step).sum() > 0:
            t = 1.0
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead, w, t = new + (t - 1) / later * step, new, later
        if np.linalg.norm(step) <= tolerance * max(np.linalg.norm(w), 1e-12):
            break
    return w
