"""Two shifted domains of three classes, and a slow direct solve."""

import numpy as np
from scipy.linalg import eigh

from headstart.shallow.joining import join

Array = np.ndarray


def two_domains(seed: int = 0, n: int = 40, m: int = 30, d: int = 5) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    source_y, target_y = np.arange(n) % 3, np.arange(m) % 3
    centres = 3 * rng.normal(size=(3, d))
    source = centres[source_y] + rng.normal(size=(n, d))
    target = centres[target_y] + rng.normal(size=(m, d)) + 1.0
    return source, source_y, target, target_y


def joined(seed: int = 0, **sizes: int) -> tuple[Array, Array, Array, Array]:
    source, source_y, target, target_y = two_domains(seed, **sizes)
    return *join(source, source_y, target), target_y


def mmd_matrix(labels: Array, pseudo: Array | None, m: int, balance: float = 0.5) -> Array:
    """Build the (n + m)^2 matrix as the papers write it."""
    n, k = len(labels), int(labels.max()) + 1
    vector = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    whole = np.outer(vector, vector)
    if pseudo is None:
        return whole / np.linalg.norm(whole)
    total = (1 - balance) * k * whole
    for c in range(k):
        first, second = labels == c, pseudo == c
        if first.any() and second.any():
            vector = np.concatenate([first / first.sum(), second / -second.sum()])
            total += balance * np.outer(vector, vector)
    return total / np.linalg.norm(total)


def direct_solution(kernel: Array, mmd: Array, penalty: Array, q: int) -> Array:
    """Return ``K A`` [N, q] for the q smallest of ``(K M K + R) a = mu K H K a``, by the inverse problem."""
    n = len(kernel)
    centre = np.eye(n) - 1 / n
    return kernel.T @ eigh(kernel @ centre @ kernel.T, kernel @ mmd @ kernel.T + penalty)[1][:, ::-1][:, :q]


def same_up_to_signs(first: Array, second: Array, tolerance: float = 1e-6) -> bool:
    signs = np.sign((first * second).sum(axis=0))
    return bool(np.allclose(first, second * signs, atol=tolerance * np.abs(first).max()))
