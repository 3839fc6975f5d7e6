"""The linear probe: ridge regression on frozen features, cross-validated for all strengths by one decomposition."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import default_strengths
from headstart.scores.basis import Array, Economy, Terms, columns_of, economy, is_classes, read


def linear_probe(features: Array, labels: Array) -> float:
    """Return the leave-one-out accuracy, or R^2, of ridge regression with an intercept at its best strength.

    With features and labels about their means and ``h_i = 1/n + x_i' (X' X + l I)^-1 x_i``, leaving i out errs by
    ``(y_i - f(x_i)) / (1 - h_i)``, exactly; every l reads the same decomposition. Classes are fitted as 0/1 columns and
    the largest answer counts. The strength is the best of nineteen, ``l = n s v``, v the mean variance of a feature.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n], or values [n] or [n, k] (the mean R^2 of the columns).

    References
    ----------
    Alain and Bengio, "Understanding intermediate layers using linear classifier probes", ICLR workshop 2017;
    Golub, Heath and Wahba, "Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter",
    Technometrics 1979.
    """
    return linear_probe_terms(features, labels).value


def linear_probe_terms(features: Array, labels: Array) -> Terms:
    """Return the probe's score as a mean over samples: hits, or ``1 - e_i^2 / var(y)`` of left-out errors e."""
    x, y = read(features, labels)
    columns, basis = columns_of(y), economy(x)
    spread = float(x.var(axis=0).mean()) or 1.0
    strengths = default_strengths("regression") * len(x) * spread
    errors = _left_out(basis, columns - columns.mean(axis=0), strengths)
    judged = np.stack([_judge(columns, error, y) for error in errors])
    means, losses = judged.mean(axis=1), (errors**2).mean(axis=(1, 2))
    return Terms(judged[np.lexsort((losses, -means.round(12)))[0]])


def _judge(columns: Array, errors: Array, labels: Array) -> Array:
    if is_classes(labels):
        return ((columns - errors).argmax(axis=1) == labels).astype(np.float64)
    return (1 - errors**2 / columns.var(axis=0)).mean(axis=1)


def _left_out(basis: Economy, columns: Array, strengths: Array) -> Array:
    """Return the errors [s, n, k] of leaving each sample out, of centred columns."""
    gains = basis.squares[:, None] / (basis.squares[:, None] + strengths)
    free = np.maximum(1 - 1 / len(columns) - basis.left**2 @ gains, 1e-10)
    turned = basis.left.T @ columns
    return np.stack(
        [(columns - basis.left @ (g[:, None] * turned)) / f[:, None] for g, f in zip(gains.T, free.T, strict=True)]
    )
