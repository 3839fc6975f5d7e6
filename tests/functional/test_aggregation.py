"""Weights of several tasks' gradients: what each paper's direction must be."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.functional.aggregation import (
    aligned,
    bargained,
    conflict_averse,
    equal_projections,
    least_norm,
    projected_conflicts,
)


def gradients(t=3, p=7, seed=0):
    return np.random.default_rng(seed).normal(size=(t, p)) * np.arange(1, t + 1)[:, None]


def test_two_conflicting_gradients_are_projected_on_each_others_normal_planes():
    g = np.array([[1.0, 0.0], [-1.0, 2.0]])
    found = projected_conflicts(g @ g.T, np.random.default_rng(0)) @ g
    first = g[0] - (g[0] @ g[1]) / (g[1] @ g[1]) * g[1]
    second = g[1] - (g[1] @ g[0]) / (g[0] @ g[0]) * g[0]
    assert found == pytest.approx((first + second) / 2)
    apart = np.array([[1.0, 0.0], [1.0, 2.0]])
    assert projected_conflicts(apart @ apart.T, np.random.default_rng(0)) == pytest.approx([0.5, 0.5])


def test_the_shortest_combination_is_orthogonal_to_all_it_is_made_of():
    for seed in range(5):
        g = gradients(seed=seed)
        w = least_norm(g @ g.T)
        assert w.sum() == pytest.approx(1)
        assert w.min() >= 0
        products = g @ (w @ g)
        assert products.min() >= products @ w - 1e-6
    near, far = np.array([1.0, 0.0]), np.array([3.0, 0.0])
    assert least_norm(np.outer([1, 3], [1, 3]) * (near @ near)) == pytest.approx([1, 0])
    assert far @ near > 0


def test_projections_on_all_unit_gradients_are_equal():
    g = gradients()
    w = equal_projections(g @ g.T)
    found = (w @ g) @ (g / np.linalg.norm(g, axis=1, keepdims=True)).T
    assert w.sum() == pytest.approx(1)
    assert found == pytest.approx(np.full(3, found[0]))
    assert equal_projections(np.zeros((2, 2))) == pytest.approx([0.5, 0.5])


def test_aligned_gradients_are_orthogonal_and_as_long_as_the_shortest_direction():
    g = gradients()
    u, s, v = np.linalg.svd(g, full_matrices=False)
    wanted = np.full(3, 1 / 3) @ (s.min() * u @ v)
    assert aligned(g @ g.T) @ g == pytest.approx(wanted)
    assert np.isfinite(aligned(np.ones((2, 2)))).all()  # one direction alone
    assert aligned(np.zeros((2, 2))) == pytest.approx([0.5, 0.5])


def test_a_conflict_averse_step_stays_near_the_mean_and_helps_the_worst():
    for seed in range(5):
        g = gradients(seed=seed)
        mean = g.mean(axis=0)
        step = (1 + 0.5) * conflict_averse(g @ g.T, 0.5) @ g
        assert np.linalg.norm(step - mean) <= 0.5 * np.linalg.norm(mean) * (1 + 1e-3)
        assert (g @ step).min() >= (g @ mean).min() - 1e-6
    assert conflict_averse(g @ g.T, 0.0) == pytest.approx(np.full(3, 1 / 3))
    assert np.isfinite(conflict_averse(np.zeros((2, 2)), 0.4)).all()


def test_a_bargain_solves_its_equation_whatever_the_scale():
    for scale in (1e-8, 1.0, 1e8):
        g = gradients() * scale
        gram = g @ g.T
        w = bargained(gram)
        assert w.min() > 0
        assert w.sum() == pytest.approx(1)
        products = w * (gram @ w)
        assert products == pytest.approx(np.full(3, products.mean()), rel=1e-3)
    assert np.isfinite(bargained(np.zeros((2, 2)))).all()


def test_a_task_alone_keeps_its_gradient():
    one = np.array([[4.0]])
    for weights in (
        projected_conflicts(one, np.random.default_rng(0)),
        least_norm(one),
        equal_projections(one),
        aligned(one),
        conflict_averse(one, 0.4),
        bargained(one),
    ):
        assert weights == pytest.approx([1.0])
