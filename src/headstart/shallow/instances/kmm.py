"""KMM: source rows weighted until their mean in a kernel's space is the target's."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from headstart.functional.box import Box, Program, minimise
from headstart.functional.landmarks import kernel_mean, landmark_features, landmark_turn, sampled_bandwidth
from headstart.functional.mmd import rbf
from headstart.functional.order_free import order_free, pooled, same_scale

Array = np.ndarray
EXACT_ROWS, LANDMARKS = 2000, 1000


class Matching(NamedTuple):
    """Weights [n] and how they were found.

    Attributes
    ----------
    objective : ``|| mean_i w_i phi(x_i) - mean_j phi(t_j) ||^2 + ridge / n^2 sum_i (w_i - 1)^2``, less the target's
        own term ``|| mean_j phi(t_j) ||^2``.
    gap : the objective is at most this much above the least one of the kernel (or its approximation).
    approximation : "exact", or how many landmarks stand for how many rows.
    """

    weights: Array
    objective: float
    gap: float
    iterations: int
    approximation: str


def match_kernel_means(
    source: Any,
    target: Any,
    *,
    bandwidth: float | None = None,
    ridge: float = 1.0,
    upper: float = 1000.0,
    slack: float | None = None,
    landmarks: int | None = None,
    tolerance: float = 1e-3,
    seed: int = 0,
) -> Matching:
    """Solve kernel mean matching for rows [n, d] of the source and [m, d] of the target, dense or CSR.

    ``min_w || 1/n sum_i w_i phi(x_i) - 1/m sum_j phi(t_j) ||^2 + ridge / n^2 sum_i (w_i - 1)^2``
    subject to ``0 <= w_i <= upper`` and ``|sum_i w_i / n - 1| <= slack``, with phi of the Gaussian kernel
    ``exp(-||x - t||^2 / (2 bandwidth^2))``. The paper's problem is ``ridge=0``, whose answer is not unique where the
    kernel's matrix is close to singular and then fits noise; the ridge picks the answer nearest to no reweighting.

    Parameters
    ----------
    bandwidth : None for the median distance of pooled rows.
    ridge : in units of the kernel's diagonal, which is 1.
    upper : the largest weight. slack : None for ``(sqrt n - 1) / sqrt n``, as the paper has it.
    landmarks : number of Nystroem landmarks, 0 for the exact kernel; None for exact up to 2,000 source rows and
        1,000 landmarks above.
    tolerance : the solver ends when the objective is certain to be within this share of the gain over no reweighting.
    """
    n, m = source.shape[0], target.shape[0]
    bandwidth = bandwidth or sampled_bandwidth(pooled(source, target), seed=seed)
    count = (0 if n <= EXACT_ROWS else LANDMARKS) if landmarks is None else min(landmarks, n + m)
    program = (
        _approximate(source, target, bandwidth, ridge, count, seed)
        if count
        else _exact(source, target, bandwidth, ridge)
    )
    room = (np.sqrt(n) - 1) / np.sqrt(n) if slack is None else slack
    box = Box(np.full(n, float(upper)), n * (1 - room), n * (1 + room))
    found = minimise(program, box, np.ones(n), tolerance=tolerance)
    approximation = f"nystroem, {count} landmarks of {n + m} rows" if count else "exact"
    objective = 2 / n * found.value + ridge / n
    return Matching(found.point, objective, 2 / n * found.gap, found.iterations, approximation)


def _exact(source: Any, target: Any, bandwidth: float, ridge: float) -> Program:
    n = source.shape[0]
    kernel = rbf(source, source, bandwidth) / n
    linear = kernel_mean(source, target, bandwidth) + ridge / n
    rest = _largest(kernel) if n > 2 and np.ptp(kernel) > 1e-12 else 1.0 / n
    return Program(lambda w: kernel @ w + ridge / n * w, linear, *_bounds(rest, float(kernel.mean()), ridge / n))


def _approximate(source: Any, target: Any, bandwidth: float, ridge: float, count: int, seed: int) -> Program:
    n, rows = source.shape[0], pooled(source, target)
    chosen = np.random.default_rng(seed).choice(rows.shape[0], count, replace=False)
    landmarks = rows[np.sort(chosen)]
    turn = landmark_turn(landmarks, bandwidth)
    own, aim = landmark_features(source, landmarks, turn, bandwidth), kernel_mean(landmarks, target, bandwidth) @ turn
    mean = own.mean(axis=0)
    rest = float(np.linalg.eigvalsh(own.T @ own / n - np.outer(mean, mean))[-1])
    bounds = _bounds(rest, float(mean @ mean) / n, ridge / n)
    return Program(lambda w: own @ (w @ own) / n + ridge / n * w, own @ aim + ridge / n, *bounds)


def _bounds(rest: float, mean: float, ridge: float) -> tuple[float, float]:
    """Bounds of a kernel whose rows about their mean have the largest eigenvalue ``rest`` and whose mean is ``mean``.

    With rows ``a + c`` of the centred part a and the mean c, ``(a + c)(a + c)' <= 1.1 a a' + 11 c c'``.
    """
    return 1.1 * max(rest, 0.0) + ridge + 1e-12, 11 * mean


def _largest(kernel: Array) -> float:
    """Return the largest eigenvalue of a kernel about its mean, [n, n], by Lanczos; a hundredth above, to be safe."""
    n = len(kernel)

    def times(w: Array) -> Array:
        w = w.ravel()
        out = kernel @ (w - w.mean())
        return out - out.mean()

    operator = LinearOperator((n, n), matvec=times, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    start = np.random.default_rng(0).standard_normal(n)
    return 1.01 * float(eigsh(operator, k=1, v0=start, tol=1e-3, return_eigenvectors=False)[0])  # pyright: ignore[reportArgumentType]


@order_free(as_sparse=True)
def kmm_weights(
    source: Any,
    target: Any,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    bandwidth: float | None = None,
    ridge: float = 1.0,
    upper: float = 1000.0,
    slack: float | None = None,
    landmarks: int | None = None,
    tolerance: float = 1e-3,
) -> Array:
    """Weigh source rows [n, d] by kernel mean matching with target rows [m, d]; see `match_kernel_means`.

    Labels are not used; CSR rows are never made dense. With ``standardise``, columns are first brought to mean 0 and
    standard deviation 1 of the pooled rows.

    References
    ----------
    Huang, Smola, Gretton, Borgwardt and Schoelkopf, "Correcting Sample Selection Bias by Unlabeled Data", NIPS 2006,
    section 3. Gretton et al., "Covariate Shift by Kernel Mean Matching", Dataset Shift in Machine Learning 2009.
    """
    if standardise:
        source, target = same_scale(source, target)
    return match_kernel_means(
        source,
        target,
        bandwidth=bandwidth,
        ridge=ridge,
        upper=upper,
        slack=slack,
        landmarks=landmarks,
        tolerance=tolerance,
        seed=seed,
    ).weights
