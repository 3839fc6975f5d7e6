"""Two explanations of answers that moved: other class shares, or the same shares and a moved mean. Which one fits?"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, softmax

Array = np.ndarray
ROUNDS = 100


def shares_explain_more(held: Array, labels: Array, target: Array, prior: Array) -> bool:
    """Return whether other class shares explain a model's answers for the target better than a moved mean does.

    In the k - 1 coordinates of log-probabilities each class of the held-out source rows is a Gaussian of its own mean
    and a common covariance. The target is either their mixture in other shares, ``sum_j q_j N(z; mu_j, S)``, or their
    mixture in the source's shares, moved as a whole, ``sum_j p_j N(z - delta; mu_j, S)``. Both have k - 1 parameters,
    fitted by EM, so their likelihoods compare as they are. A moved mean keeps the spread of the answers; other shares
    draw them to one class.

    Parameters
    ----------
    held : [n, k] probabilities of source rows that the model has not seen. labels : [n] of them. target : [m, k].
    prior : [k] class shares of the source.
    """
    x, z = _coordinates(held), _coordinates(target)
    k, prior = len(prior), np.maximum(prior, 1e-9)
    centres = np.stack([x[labels == j].mean(axis=0) if (labels == j).any() else x.mean(axis=0) for j in range(k)])
    precision = np.linalg.inv(_covariance(x - centres[labels], k))

    def densities(rows: Array) -> Array:
        apart = rows[:, None, :] - centres[None]
        return -0.5 * np.einsum("nkd,de,nke->nk", apart, precision, apart)

    shares, delta, at_rest = prior.copy(), z.mean(axis=0) - prior @ centres, densities(z)
    for _ in range(ROUNDS):
        shares = np.maximum(softmax(at_rest + np.log(shares), axis=1).mean(axis=0), 1e-12)
        belongs = softmax(densities(z - delta) + np.log(prior), axis=1)
        delta = (z - belongs @ centres).mean(axis=0)
    by_shares = logsumexp(at_rest + np.log(shares), axis=1).mean()
    by_mean = logsumexp(densities(z - delta) + np.log(prior), axis=1).mean()
    return bool(by_shares > by_mean)


def _coordinates(probabilities: Array) -> Array:
    """Return centred log-probabilities on an orthonormal basis of their k - 1 dimensions."""
    logs = np.log(np.clip(probabilities, 1e-6, 1.0))
    k = logs.shape[1]
    basis = np.linalg.qr(np.column_stack([np.ones(k), np.eye(k)[:, : k - 1]]))[0][:, 1:]
    return (logs - logs.mean(axis=1, keepdims=True)) @ basis


def _covariance(rest: Array, k: int) -> Array:
    """Return the covariance within classes, shrunk towards a sphere as far as there are few rows."""
    n, d = rest.shape
    found = rest.T @ rest / max(n - k, 1)
    shrink = min(1.0, d / n)
    return (1 - shrink) * found + (shrink * np.trace(found) / d + 1e-6) * np.eye(d)
