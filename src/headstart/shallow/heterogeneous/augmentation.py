"""One predictor on two spaces' own features and those of a learned common space: the convex problem of HFA."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

Array = np.ndarray


class Augmented(NamedTuple):
    """A joint predictor: ``x' source + intercept`` and ``z' target + intercept``.

    Attributes
    ----------
    source [d_s, k], target [d_t, k], shared [s, k], intercept [k] : own and common weights together.
    source_projection P [q, d_s], target_projection Q [q, d_t] : the common space.
    objective : the value at the end.
    """

    source: Array
    target: Array
    shared: Array
    intercept: Array
    source_projection: Array
    target_projection: Array
    objective: float


def hfa(
    source: Array,
    labels: Array,
    target: Array,
    target_labels: Array,
    *,
    C: float = 1.0,
    trace: float = 100.0,
    shared: tuple[Array, Array] | None = None,
    target_weights: Array | None = None,
    start: Augmented | None = None,
) -> Augmented:
    """Fit one softmax predictor on the augmented features ``[P x, x, 0]`` and ``[Q z, 0, z]``, P and Q learned.

    ``min_{W, b, H}  C sum_i loss_i + 1/2 ||W||^2`` over the metric ``H = [P, Q]' [P, Q]`` of trace at most ``trace``,
    one for all classes, is convex, and H can be taken out: with V = W_common + W_own on ``[x, 0]`` and ``[0, z]``,

        min_{V, b}  C sum_i loss(V' x_i + b, y_i) + min_U  1/2 ||V - U||_F^2 + ||U||_*^2 / (2 trace),

    whose second part is smooth and has a closed form in the singular values of V [d_s + d_t, k] (`shared_penalty`), so
    that one run of L-BFGS finds the optimum. ``H = trace (U U')^(1/2) / ||U||_*``.

    Two classes make V of rank one, where ``||U||_* = ||U||_F`` parts into the two spaces: the exact optimum is then
    two separate models with one intercept. What is carried over beyond it is which classes are alike, so at least
    three are needed.

    Parameters
    ----------
    source [n, d_s], target [m, d_t] : labelled rows. labels [n], target_labels [m] : class numbers.
    C : weight of a row's loss. trace : bound on the metric's trace; 0 for no common space.
    shared : rows [n, s] and [m, s] of features that both domains have; they join both augmented features as they are.
    target_weights : [m] further factors of C. start : where to start.

    References
    ----------
    Duan, Xu and Tsang, "Learning with Augmented Features for Heterogeneous Domain Adaptation", ICML 2012, equations 2
    to 6; Li, Duan, Xu and Tsang, "Learning with Augmented Features for Supervised and Semi-Supervised Heterogeneous
    Domain Adaptation", TPAMI 2014. There the loss is the hinge, one class against the rest, with a metric per class.
    Argyriou, Evgeniou and Pontil, "Convex Multi-Task Feature Learning", Machine Learning 2008 (trace norm).
    """
    k = int(max(labels.max(), target_labels.max(initial=0))) + 1
    n, d, e = len(labels), source.shape[1], target.shape[1]
    common = np.concatenate(shared) if shared is not None else np.empty((n + len(target), 0))
    wanted = np.eye(k)[np.concatenate([labels, target_labels])]
    weights = C * np.append(np.ones(n), np.ones(len(target)) if target_weights is None else target_weights)

    def objective(flat: Array) -> tuple[float, Array]:
        V, G, b = _parts(flat, d + e, k)
        logits = np.concatenate([source @ V[:d], target @ V[d:]]) + common @ G + b
        logits -= logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1))
        loss = weights @ (total - (logits * wanted).sum(axis=1))
        slope = (np.exp(logits - total[:, None]) - wanted) * weights[:, None]
        penalty, own, _ = shared_penalty(V, trace)
        own = own + np.concatenate([source.T @ slope[:n], target.T @ slope[n:]])
        gradient = np.concatenate([own.ravel(), (G + common.T @ slope).ravel(), slope.sum(axis=0)])
        return float(loss) + penalty + 0.5 * float((G**2).sum()), gradient

    first = np.zeros((d + e + common.shape[1] + 1) * k)
    if start is not None:
        first = np.concatenate([start.source, start.target, start.shared, start.intercept[None]]).ravel()
    options = {"maxiter": 1000, "gtol": 1e-5 * C, "ftol": 1e-10}
    found = minimize(objective, first, jac=True, method="L-BFGS-B", options=options)
    V, G, b = _parts(found.x, d + e, k)
    projection = _projection(shared_penalty(V, trace)[2], trace)
    return Augmented(V[:d], V[d:], G, b, projection[:, :d], projection[:, d:], float(found.fun))


def _parts(flat: Array, own: int, k: int) -> tuple[Array, Array, Array]:
    rows = flat.reshape(-1, k)
    return rows[:own], rows[own:-1], rows[-1]


def shared_penalty(V: Array, trace: float) -> tuple[float, Array, Array]:
    """Return ``min_U 1/2 ||V - U||_F^2 + ||U||_*^2 / (2 trace)``, its gradient V - U, and the minimiser U.

    U takes V's singular values s down to ``max(s - t, 0)`` with ``t = sum of the largest j values / (trace + j)``, j
    the number of values above t.
    """
    squares, right = np.linalg.eigh(V.T @ V)
    squares, right = np.maximum(squares[::-1], 0), right[:, ::-1]
    s = np.sqrt(squares)
    if trace <= 0 or s[0] == 0:
        return 0.5 * float(squares.sum()), V, np.zeros_like(V)
    thresholds = np.cumsum(s) / (trace + np.arange(1, len(s) + 1))
    t = thresholds[max(int((s > thresholds).sum()) - 1, 0)]
    kept = np.maximum(s - t, 0.0)
    U = V @ (right * (kept / np.where(s > 0, s, 1.0))) @ right.T
    return 0.5 * float(((s - kept) ** 2).sum()) + float(kept.sum()) ** 2 / (2 * trace), V - U, U


def _projection(U: Array, trace: float) -> Array:
    """Return [P, Q] [q, d_s + d_t] with ``[P, Q]' [P, Q] = trace (U U')^(1/2) / ||U||_*``."""
    left, s, _ = np.linalg.svd(U, full_matrices=False)
    keep = s > 1e-9 * max(s[0], 1e-300)
    return (np.sqrt(trace * s[keep] / max(s.sum(), 1e-300)) * left[:, keep]).T


def balanced(p: Array, share: Array, *, rounds: int = 100) -> Array:
    """Scale probabilities [n, k] per class until their mean is ``share`` [k] (iterative proportional fitting).

    References
    ----------
    Deming and Stephan, "On a Least Squares Adjustment of a Sampled Frequency Table", Annals of Mathematical Statistics
    1940.
    """
    p = np.maximum(p, 1e-12)
    for _ in range(rounds):
        p = p * (share / p.mean(axis=0))
        p /= p.sum(axis=1, keepdims=True)
    return p
