"""The linear probe: ridge regression on frozen features, cross-validated for all strengths by one decomposition."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import default_strengths
from headstart.scores.basis import Array, Economy, Terms, columns_of, economy, is_classes, read


def linear_probe(features: Array, labels: Array) -> float:
    """Return the leave-one-out accuracy, or R^2, of ridge regression with an intercept at its best strength.

    With ``M = (X X' + l I)^-1`` and ``Q = M - M 1 1' M / (1' M 1)``, leaving sample i out errs by
    ``(Q y)_i / Q_ii``, exactly; every l reads the same decomposition. Classes are fitted as 0/1 columns and the
    largest answer counts. The strength is the best of nineteen, ``l = n s v`` with v the mean variance of a feature.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n], or values [n] or [n, k] (the mean R^2 of the columns).

    References
    ----------
    Alain and Bengio, "Understanding intermediate layers using linear classifier probes", ICLR workshop 2017; Cawley
    and Talbot, "Fast exact leave-one-out cross-validation of sparse least-squares support vector machines", Neural
    Networks 2004, equation 11 (with the intercept).
    """
    return linear_probe_terms(features, labels).value


def linear_probe_terms(features: Array, labels: Array) -> Terms:
    """Return the probe's score as a mean over samples: hits, or ``1 - e_i^2 / var(y)`` of left-out errors e."""
    x, y = read(features, labels)
    columns, basis = columns_of(y), economy(x)
    spread = float(x.var(axis=0).mean()) or 1.0
    strengths = default_strengths("regression") * len(x) * spread
    errors = [_left_out(basis, columns, strength) for strength in strengths]
    judged = np.stack([_judge(columns, error, y) for error in errors])
    means, losses = judged.mean(axis=1), np.array([(error**2).mean() for error in errors])
    return Terms(judged[np.lexsort((losses, -means.round(12)))[0]])


def _judge(columns: Array, errors: Array, labels: Array) -> Array:
    if is_classes(labels):
        return ((columns - errors).argmax(axis=1) == labels).astype(np.float64)
    return (1 - errors**2 / columns.var(axis=0)).mean(axis=1)


def _left_out(basis: Economy, columns: Array, strength: float) -> Array:
    """Return the errors [n, k] of leaving each sample out, ``(Q y)_i / Q_ii``; both times l, which keeps the digits."""
    gain = basis.squares / (basis.squares + strength)

    def apply(v: Array) -> Array:
        return v - basis.left @ (gain[:, None] * (basis.left.T @ v))

    ones = apply(np.ones((len(columns), 1)))
    total = max(float(ones.sum()), 1e-12)
    diagonal = 1 - basis.left**2 @ gain - ones[:, 0] ** 2 / total
    above = apply(columns) - ones * (ones.T @ columns) / total
    return above / np.maximum(diagonal, 1e-10)[:, None]
