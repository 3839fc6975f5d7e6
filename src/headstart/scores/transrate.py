"""TransRate: the coding rate of all features less that within classes, a mutual information with the labels."""

from __future__ import annotations

import numpy as np

from headstart.scores.basis import Array, classes_of, economy, read

PRECISION = 1e-4


def transrate(features: Array, labels: Array) -> float:
    """Return ``R(Z) - 1/k sum_c R(Z_c)``, ``R(Z) = 1/2 log det(I + Z' Z / (n e))`` with e = 1e-4.

    Z are the rows over the root of their summed squares, ``X / sqrt(tr X X')``, about their common mean; Z_c those
    of class c. Each determinant is taken on the smaller of rows and features.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n].

    References
    ----------
    Huang et al., "Frustratingly Easy Transferability Estimation", ICML 2022, equations 4 to 6 and listing 1.
    """
    x, y = read(features, labels)
    classes_of(y, "TransRate")
    basis, size = economy(x), float(np.linalg.norm(x)) or 1.0
    rows = basis.rows / size
    within = [_rate(rows[y == c]) for c in range(int(y.max()) + 1)]
    whole = 0.5 * float(np.log1p(basis.squares / size**2 / (len(x) * PRECISION)).sum())
    return whole - float(np.mean(within))


def _rate(rows: Array) -> float:
    n, d = rows.shape
    gram = rows @ rows.T if n < d else rows.T @ rows
    gram = gram / (n * PRECISION)
    gram.flat[:: len(gram) + 1] += 1
    return float(np.log(np.diag(np.linalg.cholesky(gram))).sum())
