"""H-score with shrinkage: how much of the features' spread lies between classes."""

from __future__ import annotations

import numpy as np

from headstart.scores.basis import Array, class_means, classes_of, economy, read


def h_score(features: Array, labels: Array) -> float:
    """Return ``(1 - a) tr(S_a^-1 S_z)`` with ``S_a = (1 - a) S + a (tr S / D) I``.

    S [D, D] is the covariance of the features, S_z that of their class means weighted by the classes' shares, and a
    the shrinkage of Ledoit and Wolf, so that the score stays finite and meaningful with fewer samples than features.
    At a = 0 it is the H-score of Bao et al.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n].

    References
    ----------
    Ibrahim, Ponomareva and Mazumder, "Newer is not always better: Rethinking transferability metrics, their
    peculiarities, stability and performance", ECML PKDD 2022, equation 3; Bao et al., "An Information-Theoretic
    Approach to Transferability in Task Transfer Learning", ICIP 2019, definition 2; Ledoit and Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate Analysis 2004.
    """
    x, y = read(features, labels)
    classes_of(y, "The H-score")
    basis, (n, d) = economy(x), x.shape
    variances = basis.squares / n  # of the axes, which do not covary
    level = float(variances.sum()) / d
    shrinkage = _ledoit_wolf(basis.rows, variances, d)
    means, shares = class_means(basis.rows, y)
    shrunk = (1 - shrinkage) * variances + max(shrinkage, 1e-10) * level
    return (1 - shrinkage) * float((shares @ means**2 / shrunk).sum())


def _ledoit_wolf(rows: Array, variances: Array, d: int) -> float:
    """Return ``min(b^2 / d^2, 1)`` of rows on r axes of their own that have d features."""
    n, square = len(rows), float((variances**2).sum())
    away = square - float(variances.sum()) ** 2 / d
    noise = (float((np.einsum("ij,ij->i", rows, rows) ** 2).mean()) - square) / n
    return float(np.clip(noise / away, 0.0, 1.0)) if away > 0 else 1.0
