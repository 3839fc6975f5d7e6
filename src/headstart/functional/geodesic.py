"""The geodesic between two subspaces, and the kernel that averages over all points on it."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def geodesic_flow_factor(source_axes: Array, target_axes: Array) -> Array:
    """Return F [d, 2 q] with ``F F' = G``, the geodesic flow kernel of two subspaces.

    ``x' G y = (F' x)' (F' y)``, so rows times F have the kernel's distances in 2 q numbers instead of d.

    Parameters
    ----------
    source_axes, target_axes : [d, q] each, orthonormal columns.

    Raises
    ------
    ValueError : the shapes differ.

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation", CVPR 2012, section 3.3.
    """
    if np.ndim(source_axes) != 2 or np.shape(source_axes) != np.shape(target_axes):
        raise ValueError(
            f"source_axes has shape {np.shape(source_axes)} and target_axes {np.shape(target_axes)}; expected two "
            "matrices [d, q] of one shape."
        )
    start, leave, angles = _principal_directions(source_axes, target_axes)
    twice = 2 * angles
    bend = np.sinc(twice / np.pi)  # sin(2 t) / (2 t), 1 at t = 0
    first, last = (1 + bend) / 2, (1 - bend) / 2
    middle = np.sinc(angles / np.pi) * np.sin(angles) / 2  # (1 - cos 2 t) / (4 t)
    # Cholesky factor of each angle's 2 x 2 block [[first, middle], [middle, last]]
    corner = np.sqrt(first)
    side = middle / corner
    rest = np.sqrt(np.maximum(last - side**2, 0))
    return np.concatenate([start * corner + leave * side, leave * rest], axis=1)


def geodesic_flow_kernel(source_axes: Array, target_axes: Array) -> Array:
    """Return ``G = int_0^1 P(t) P(t)' dt``, [d, d], over the geodesic P from the source's subspace to the target's.

    With principal angles t_i, source directions a_i and the unit directions u_i in which the target's leave the
    source's subspace, ``P_i(s) = a_i cos(s t_i) + u_i sin(s t_i)``, and the integral has a closed form in every plane
    (a_i, u_i). G is the projection on the subspace where both agree.

    Parameters
    ----------
    source_axes, target_axes : [d, q] each, orthonormal columns.

    Raises
    ------
    ValueError : the shapes differ.

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation", CVPR 2012, equation 6.
    """
    factor = geodesic_flow_factor(source_axes, target_axes)
    return factor @ factor.T


def _principal_directions(source_axes: Array, target_axes: Array) -> tuple[Array, Array, Array]:
    """Return a [d, q], u [d, q] (0 where the angle is 0) and the principal angles [q]."""
    left, cosines, right = np.linalg.svd(source_axes.T @ target_axes)
    start = source_axes @ left
    leave = target_axes @ right.T - start * cosines
    sines = np.linalg.norm(leave, axis=0)
    apart = sines > 1e-10
    leave = np.where(apart, leave / np.where(apart, sines, 1.0), 0.0)
    return start, leave, np.where(apart, np.arctan2(sines, cosines), 0.0)
