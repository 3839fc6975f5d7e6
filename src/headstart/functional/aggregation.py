"""Weights for the gradients of several tasks, from their inner products ``M = G G^T`` [t, t] alone.

The direction of a step is ``sum_i w_i g_i`` of the gradients g_i [p] of t tasks.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
SMALL = 1e-12


def projected_conflicts(gram: Array, random: np.random.Generator) -> Array:
    """PCGrad: each gradient loses its part along those of other tasks that it conflicts with, in a random order.

    ``g_i <- g_i - (g_i . g_j) / |g_j|^2 g_j`` wherever the product is negative; w sums all t changed gradients over t
    (Yu et al., NeurIPS 2020, algorithm 1, as a mean).
    """
    t = len(gram)
    changed = np.eye(t)
    for i in range(t):
        for j in random.permutation(t):
            product = changed[i] @ gram[:, j]
            if j != i and product < 0:
                changed[i, j] -= product / max(gram[j, j], SMALL)
    return changed.sum(axis=0) / t


def least_norm(gram: Array) -> Array:
    """MGDA: the shortest convex combination of the gradients (Sener and Koltun, NeurIPS 2018, equation 3).

    Up to its scale it is the non-negative w that makes ``|G^T w|^2 + (1 - sum w)^2`` least.
    """
    from scipy.optimize import nnls

    t = len(gram)
    values, vectors = np.linalg.eigh(gram / max(float(np.trace(gram)) / t, SMALL))
    root = np.sqrt(np.clip(values, 0, None))[:, None] * vectors.T
    w, _ = nnls(np.concatenate([root, np.ones((1, t))]), np.append(np.zeros(t), 1.0))
    return w / w.sum()


def equal_projections(gram: Array) -> Array:
    """IMTL-G: the combination whose projections on all unit gradients are equal, weights summing to 1 (Liu et al., ICLR
    2021); equal weights where there is none."""
    found = np.linalg.pinv(gram, hermitian=True) @ np.sqrt(np.clip(np.diag(gram), 0, None))
    total = found.sum()
    return found / total if abs(total) > SMALL else np.full(len(gram), 1 / len(gram))


def aligned(gram: Array) -> Array:
    """Aligned-MTL: all principal directions of the gradients are given the length of the shortest, then averaged
    (Senushkin et al., CVPR 2023, equation 9)."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > values.max() * len(gram) * np.finfo(float).eps
    if not kept.any():
        return np.full(len(gram), 1 / len(gram))
    values, vectors = values[kept], vectors[:, kept]
    balance = np.sqrt(values.min()) * vectors @ np.diag(values**-0.5) @ vectors.T
    return balance @ np.full(len(gram), 1 / len(gram))


def conflict_averse(gram: Array, c: float) -> Array:
    """CAGrad: the direction within ``c |g_0|`` of the mean gradient g_0 that helps the worst task most.

    ``min_w g_w . g_0 + c |g_0| |g_w|`` over convex w, by projected steps from the best of the corners and the mean;
    the direction is ``(g_0 + c |g_0| / |g_w| g_w) / (1 + c)`` (Liu et al., NeurIPS 2021, equation 4), so that a task
    alone has its own gradient.
    """
    from scipy.optimize import minimize

    t = len(gram)
    scale = max(float(np.trace(gram)) / t, SMALL)
    gram = gram / scale
    mean = np.full(t, 1 / t)
    radius = c * np.sqrt(max(mean @ gram @ mean, 0.0))

    def worst(w: Array) -> float:
        return float(w @ gram @ mean + radius * np.sqrt(max(w @ gram @ w, 0.0) + SMALL))

    limits = {"bounds": [(0, 1)] * t, "constraints": {"type": "eq", "fun": lambda w: w.sum() - 1}}
    w = np.clip(minimize(worst, mean, method="SLSQP", **limits).x, 0, None)
    w = w / max(w.sum(), SMALL)
    length = np.sqrt(max(w @ gram @ w, 0.0))
    return (mean + (radius / length * w if length > 1e-6 else 0.0)) / (1 + c)


def bargained(gram: Array, rounds: int = 50) -> Array:
    """Nash-MTL: ``M a = 1 / a``, a > 0, of tasks that bargain for the direction (Navon et al., ICML 2022, claim 3.1).

    The solution minimises the convex ``a M a / 2 - sum log a``, here by damped Newton steps; weights are scaled to sum
    to 1.
    """
    t = len(gram)
    gram = gram / max(float(np.trace(gram)) / t, SMALL) + 1e-6 * np.eye(t)
    a = np.ones(t) / np.sqrt(np.clip(gram.sum(axis=1), 0.1, None))

    def cost(a: Array) -> float:
        return float(a @ gram @ a / 2 - np.log(a).sum())

    for _ in range(rounds):
        slope = gram @ a - 1 / a
        step = np.linalg.solve(gram + np.diag(a**-2), slope)
        size = 1.0
        while size > 1e-9 and ((a - size * step).min() <= 0 or cost(a - size * step) > cost(a)):
            size /= 2
        a = a - size * step
        if np.abs(slope).max() < 1e-9 or size <= 1e-9:
            break
    return a / a.sum()
