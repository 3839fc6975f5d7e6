"""Kernels as features: coordinates in which the kernel is a plain product, exact or through landmarks (Nystroem)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from headstart.functional.folds import projected_order
from headstart.functional.mmd import median_bandwidth
from headstart.functional.reuse import reused

Array = np.ndarray
KERNELS = ("linear", "rbf", "laplacian")
EXACT_ROWS = 1500
LANDMARKS = 1000


class KernelBasis(NamedTuple):
    """Coordinates ``z(x) = k(x, landmarks) @ mix`` with ``z(x)' z(y) = k(x, y)``.

    Attributes
    ----------
    landmarks : [l, d] rows; None where the features themselves are the coordinates. mix : [l, r]. kernel, width : as
        in `kernel_matrix`.
    approximation : "exact", or how many landmarks stand for how many rows.
    """

    landmarks: Any
    mix: Array
    kernel: str
    width: float
    approximation: str

    def __call__(self, rows: Any) -> Array:
        """Return the coordinates [n, r] of rows [n, d]."""
        if self.landmarks is None:
            return rows.toarray() if sparse.issparse(rows) else np.asarray(rows)
        return kernel_matrix(rows, self.landmarks, self.kernel, self.width) @ self.mix

    def folded(self, directions: Array) -> Array:
        """Return the coefficients [l, q] of ``z(x) @ directions = k(x, landmarks) @ coefficients``."""
        return directions if self.landmarks is None else self.mix @ directions


def products(x: Any, y: Any) -> Array:
    """Return ``x y'``, dense, of dense or CSR rows."""
    out = x @ y.T
    return out.toarray() if sparse.issparse(out) else np.asarray(out)


def squared_norms(x: Any) -> Array:
    """Return the squared length of every row, [n]."""
    if sparse.issparse(x):
        return np.asarray(x.multiply(x).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", x, x)


def unit_rows(x: Any) -> Any:
    """Scale rows to length 1; rows of zeros stay."""
    length = np.sqrt(squared_norms(x))
    scale = 1 / np.where(length > 0, length, 1.0)
    return sparse.csr_matrix(sparse.diags_array(scale) @ x) if sparse.issparse(x) else x * scale[:, None]


def kernel_matrix(x: Any, y: Any, kernel: str = "rbf", width: float = 1.0) -> Array:
    """Return the kernel of rows x [n, d] and y [m, d], dense or CSR: [n, m].

    linear ``x'y``; rbf ``exp(-||x - y||^2 / (2 width^2))``; laplacian ``exp(-||x - y|| / width)``, whose distance is
    the Euclidean one.

    Raises
    ------
    ValueError : another name.
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel is {kernel!r}; expected one of {', '.join(KERNELS)}.")
    out = products(x, y)
    if kernel == "linear":
        return out
    out *= -2
    out += squared_norms(x)[:, None]
    out += squared_norms(y)
    np.maximum(out, 0, out=out)
    if kernel == "laplacian":
        np.sqrt(out, out=out)
        out *= -1 / width
    else:
        out *= -1 / (2 * width**2)
    return np.exp(out, out=out)


def choose_landmarks(rows: Any, count: int, seed: int = 0) -> Any:
    """Return ``count`` of the rows, drawn without replacement; the same ones in whatever order the rows come."""
    n = rows.shape[0]
    drawn = np.random.default_rng(seed).choice(n, size=count, replace=False)
    return rows[projected_order(rows, seed)[np.sort(drawn)]]


def typical_width(rows: Any, seed: int = 0) -> float:
    """Return the median distance among (at most 1,000 of the) rows."""
    if rows.shape[0] > 1000:
        rows = choose_landmarks(rows, 1000, seed)
    return median_bandwidth(rows.toarray() if sparse.issparse(rows) else rows)


@reused
def kernel_basis(
    rows: Any, kernel: str = "rbf", *, width: float | None = None, landmarks: int | None = None, seed: int = 0
) -> KernelBasis:
    """Return coordinates of a kernel on rows [n, d], in which the Gram matrix of the landmarks is reproduced.

    With landmarks L and ``K_LL = U S U'``, ``mix = U S^(-1/2)``: the Nystroem features, exact when every row is a
    landmark. Axes with less than 1e-12 of the largest eigenvalue are left out.

    Parameters
    ----------
    rows : dense or CSR. kernel, width : as in `kernel_matrix`; width None for the median distance.
    landmarks : how many rows; None for all of them up to 1,500 rows and 1,000 above. A linear kernel of fewer
        features than landmarks is exact with any number and takes the features themselves.

    References
    ----------
    Williams and Seeger, "Using the Nystroem Method to Speed Up Kernel Machines", NIPS 2000.
    """
    n, d = rows.shape
    width = 1.0 if kernel == "linear" else typical_width(rows, seed) if width is None else float(width)
    count = (n if n <= EXACT_ROWS else LANDMARKS) if landmarks is None else min(int(landmarks), n)
    if count < 1:
        raise ValueError(f"landmarks is {landmarks}; expected a number from 1 up, or None.")
    if kernel == "linear" and d <= count:
        return KernelBasis(None, np.eye(0), kernel, width, "exact")
    chosen = rows if count == n else choose_landmarks(rows, count, seed)
    squares, axes = np.linalg.eigh(kernel_matrix(chosen, chosen, kernel, width))
    keep = squares > max(squares[-1], 1e-300) * 1e-12
    approximation = "exact" if count == n else f"nystroem, {count} landmarks of {n} rows"
    return KernelBasis(chosen, axes[:, keep] / np.sqrt(squares[keep]), kernel, width, approximation)
