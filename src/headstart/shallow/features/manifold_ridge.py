"""Least squares in a kernel space, held together across domains by the MMD and along a graph of neighbours.

``min_f sum_labelled ||y_i - f(x_i)||^2 + ridge ||f||^2 + alignment tr(F' M F) + smoothness tr(F' L F)``: one factorised
r x r system, to which every new set of pseudo-labels adds k + 1 directions (Woodbury).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from sklearn.neighbors import NearestNeighbors

from headstart.functional.kernels import squared_norms, unit_rows
from headstart.functional.linear import principal
from headstart.functional.ridge import ridge_leave_one_out
from headstart.shallow.domains import Domains
from headstart.shallow.features.mmd_matrix import mean_differences

Array = np.ndarray
FLOOR = 1e-3


class Strengths(NamedTuple):
    """Weights of the terms beside the squared error."""

    ridge: float
    alignment: float
    smoothness: float


def neighbour_laplacian(rows: Any, n_neighbors: int) -> sparse.csr_matrix:
    """Return the normalised Laplacian ``I - D^(-1/2) W D^(-1/2)`` of rows [N, d] (dense or CSR), sparse.

    W holds the cosine between a row and each of its nearest rows by cosine, itself among them, and is symmetric: an
    edge is there if either row counts the other among its neighbours. Negative cosines are no edges.

    References
    ----------
    Belkin, Niyogi and Sindhwani, "Manifold Regularization", JMLR 2006.
    """
    rows = unit_rows(rows)
    n = rows.shape[0]
    search = NearestNeighbors(n_neighbors=min(n_neighbors + 1, n), algorithm="brute").fit(rows)
    distance, near = search.kneighbors(rows)
    there = squared_norms(rows) > 0
    cosine = np.maximum(1 - distance**2 / 2, 0) * there[:, None] * there[near]
    start = np.repeat(np.arange(n), near.shape[1])
    weights = sparse.csr_matrix((cosine.ravel(), (start, near.ravel())), shape=(n, n))
    weights = weights.maximum(weights.T)
    degree = np.asarray(weights.sum(axis=1)).ravel()
    scale = sparse.diags_array(1 / np.sqrt(np.where(degree > 0, degree, 1.0)))
    return sparse.csr_matrix(sparse.eye_array(n) - scale @ weights @ scale)


def proxy_a_distance(source: Array, target: Array, strength: float = 1e-2) -> float:
    """Return ``2 (1 - 2 e)``, between 0 and 2, e the leave-one-out error of a linear classifier source against target.

    The classifier is ridge regression on the domain, each domain counted alike, so that every held-out error comes in
    closed form.

    References
    ----------
    Ben-David, Blitzer, Crammer and Pereira, "Analysis of Representations for Domain Adaptation", NIPS 2006, section 4.
    """
    rows = np.concatenate([source, target])
    if min(len(source), len(target)) < 2:
        return 0.0
    side = np.concatenate([np.full(len(source), 1 / len(source)), np.full(len(target), -1 / len(target))])
    side *= len(rows) / 2
    centred = (side - side.mean())[:, None]
    residual = ridge_leave_one_out(principal(rows, standardise=False), centred, np.array([strength]))[0, :, 0]
    right = np.sign(side - residual) == np.sign(side)
    n = len(source)
    error = 1 - (right[:n].mean() + right[n:].mean()) / 2
    return float(np.clip(2 * (1 - 2 * error), 0, 2))


def balance_factor(source: Array, labels: Array, target: Array, pseudo: Array) -> float:
    """Return how much of the shift is the classes', ``d_c / (d_c + d_m)``, from 0 to 1.

    d_m is the A-distance of the whole domains, d_c the mean one of the classes that both have.

    References
    ----------
    Wang, Feng, Chen, Yu, Huang and Yu, "Visual Domain Adaptation with Manifold Embedded Distribution Alignment", ACM
    Multimedia 2018, section 3.3.
    """
    shared = np.intersect1d(labels, pseudo)
    whole = proxy_a_distance(source, target)
    classes = [proxy_a_distance(source[labels == c], target[pseudo == c]) for c in shared]
    mean = float(np.mean(classes)) if classes else 0.0
    return mean / (mean + whole) if mean + whole > 0 else 0.5


def aligned_ridge(
    rows: Array,
    laplacian: sparse.csr_matrix | None,
    domains: Domains,
    n_classes: int,
    strengths: Strengths,
    *,
    pseudo: Array,
    n_iterations: int,
    balance: Callable[[Array], float],
) -> tuple[Array, Array, list[float]]:
    """Return weights [r, k] on the coordinates, the target's classes [m], and the balance of every round.

    Parameters
    ----------
    rows : [n + m, r] coordinates, source first. pseudo : [m] class numbers to start from.
    balance : gives the classes' share of the alignment for pseudo-labels [m].
    """
    n, m, known = len(domains.labels), len(domains.target_labels), domains.known
    seen = np.concatenate([np.arange(n), n + known])
    wanted = np.eye(n_classes)[np.concatenate([domains.labels, domains.target_labels[known]])]
    system = rows[seen].T @ rows[seen] + strengths.ridge * np.eye(rows.shape[1])
    if laplacian is not None and strengths.smoothness > 0:
        system += strengths.smoothness * (rows.T @ (laplacian @ rows))
    factor = cho_factor(system)
    plain = cho_solve(factor, rows[seen].T @ wanted)
    weights, shares = plain, []
    for _ in range(max(1, n_iterations)):
        shares.append(balance(pseudo))
        columns = rows.T @ mean_differences(domains.labels, pseudo, m, n_classes, balance=shares[-1])
        columns *= np.sqrt(strengths.alignment)
        solved = cho_solve(factor, columns)
        inner = np.eye(columns.shape[1]) + columns.T @ solved
        weights = plain - solved @ np.linalg.solve(inner, columns.T @ plain)
        before, pseudo = pseudo, (rows[n:] @ weights).argmax(axis=1)
        pseudo[known] = domains.target_labels[known]
        if np.array_equal(before, pseudo):
            break
    return weights, pseudo, shares


def nearest_probabilities(scores: Array) -> Array:
    """Return the probability vector nearest to each row of least-squares scores [n, k]; the order is kept.

    Each is mixed with a 1,000th of the uniform one, so that none is 0.

    References
    ----------
    Duchi, Shalev-Shwartz, Singer and Chandra, "Efficient Projections onto the l1-Ball", ICML 2008, figure 1.
    """
    k = scores.shape[1]
    descending = -np.sort(-scores, axis=1)
    excess = (np.cumsum(descending, axis=1) - 1) / np.arange(1, k + 1)
    count = (descending > excess).sum(axis=1)
    floor = excess[np.arange(len(scores)), count - 1]
    return (1 - FLOOR) * np.maximum(scores - floor[:, None], 0) + FLOOR / k
