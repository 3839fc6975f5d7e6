"""The geodesic flow kernel against numerical integration and in its limits."""

import numpy as np
import pytest
from scipy.linalg import expm, orth

from headstart.functional.geodesic import geodesic_flow_factor, geodesic_flow_kernel


def axes(seed: int, d: int, q: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, q)))[0]


def test_closed_form_is_the_integral_along_the_geodesic():
    a, b = axes(0, 9, 3), axes(1, 9, 3)
    complement = np.linalg.svd(a, full_matrices=True)[0][:, 3:]
    u, cosine, vt = np.linalg.svd(a.T @ b)
    sines = complement.T @ b @ vt.T
    angle = np.arccos(cosine)
    tangent = sines / np.sin(angle) * angle  # [d - q, q]
    generator = np.block([[np.zeros((3, 3)), -tangent.T], [tangent, np.zeros((6, 6))]])
    frame = np.concatenate([a @ u, complement], axis=1)
    steps, weights = np.polynomial.legendre.leggauss(12)
    total = np.zeros((9, 9))
    for t, w in zip((steps + 1) / 2, weights / 2, strict=True):
        point = frame @ expm(t * generator)[:, :3]
        total += w * point @ point.T
    assert np.allclose(geodesic_flow_kernel(a, b), total, atol=1e-10)


def test_equal_subspaces_give_their_projection_whatever_their_basis():
    a = axes(2, 7, 3)
    turned = a @ axes(3, 3, 3)
    assert np.allclose(geodesic_flow_kernel(a, turned), a @ a.T, atol=1e-9)


@pytest.mark.parametrize("q", [2, 4, 5])
def test_symmetric_in_the_domains_and_free_of_bases_even_where_subspaces_must_meet(q: int):
    a, b = axes(4, 5, q), axes(5, 5, q)
    kernel = geodesic_flow_kernel(a, b)
    assert np.allclose(kernel, geodesic_flow_kernel(b, a), atol=1e-9)
    assert np.allclose(kernel, geodesic_flow_kernel(a @ axes(6, q, q), b), atol=1e-9)
    assert np.linalg.eigvalsh(kernel).min() > -1e-12
    assert np.allclose(np.trace(kernel), q)


def test_orthogonal_subspaces_and_the_factor():
    a, b = np.eye(4)[:, :1], np.eye(4)[:, 1:2]
    kernel = geodesic_flow_kernel(a, b)
    assert np.allclose(kernel[:2, :2], [[0.5, 1 / np.pi], [1 / np.pi, 0.5]])
    factor = geodesic_flow_factor(a, b)
    assert factor.shape == (4, 2)
    assert orth(factor).shape[1] == 2


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="source_axes has shape"):
        geodesic_flow_kernel(axes(0, 5, 2), axes(0, 5, 3))
