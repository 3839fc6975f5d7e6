"""Plans and maps of optimal transport against POT, closed forms and invariances."""

import warnings

import numpy as np
import ot
import pytest

from headstart.functional.gaussian_transport import gaussian_map, linear_transport
from headstart.functional.grouped_transport import group_lasso_plan, lpl1_plan
from headstart.functional.sinkhorn import row_shares, sinkhorn
from headstart.functional.transport import (
    Cost,
    Piece,
    Tally,
    canonical_order,
    entropic_plan,
    exact_plan,
    frame_of,
    paired_batches,
    relaxed_plan,
)


@pytest.fixture
def cost() -> np.ndarray:
    rng = np.random.default_rng(0)
    return ot.dist(rng.normal(size=(30, 3)), rng.normal(size=(41, 3)) + 0.4) / 6


def marginals(plan: np.ndarray) -> float:
    n, m = plan.shape
    return max(np.abs(plan.sum(axis=1) * n - 1).max(), np.abs(plan.sum(axis=0) * m - 1).max())


@pytest.mark.parametrize("reg", [1.0, 0.1, 0.02])
def test_entropic_plan_is_pots(cost, reg):
    plan = entropic_plan(cost, reg, potential=sinkhorn(cost, reg, tolerance=1e-10))
    theirs = ot.sinkhorn([], [], cost, reg, method="sinkhorn_log", numItermax=20_000, stopThr=1e-11)
    assert np.abs(plan - theirs).max() < 1e-7
    assert marginals(plan) < 1e-6


def test_entropic_plan_keeps_unequal_masses(cost):
    rng = np.random.default_rng(1)
    a, b = rng.dirichlet(np.ones(30)), rng.dirichlet(np.ones(41))
    plan = entropic_plan(cost, 0.1, potential=sinkhorn(cost, 0.1, a=a, b=b, tolerance=1e-10), a=a)
    assert np.abs(plan.sum(axis=1) - a).max() < 1e-12
    assert np.abs(plan.sum(axis=0) - b).max() < 1e-9
    assert np.abs(plan - ot.sinkhorn(a, b, cost, 0.1, method="sinkhorn_log", stopThr=1e-11)).max() < 1e-7


@pytest.mark.parametrize("reg", [0.2, 0.1, 0.05])
def test_entropic_plan_of_clusters_that_exchange_mass(reg):
    x = np.concatenate([np.linspace(0, 0.1, 10), np.linspace(1, 1.1, 10)])[:, None]
    y = np.concatenate([np.linspace(0, 0.1, 9), np.linspace(1, 1.1, 11)])[:, None]
    cost = ot.dist(x, y)
    found = sinkhorn(cost, reg)
    assert found.violation <= 1e-6
    assert np.allclose(
        entropic_plan(cost, reg, potential=found), ot.sinkhorn([], [], cost, reg, stopThr=1e-11), atol=1e-6
    )


def test_entropic_plan_of_far_clusters_needs_few_iterations():
    from sklearn.datasets import make_blobs

    x, y = (make_blobs(n_samples=n, centers=3, random_state=0, cluster_std=0.1)[0] for n in (30, 33))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    cost = ot.dist(x, y) / frame_of(x, y).scale
    plain = ot.sinkhorn([], [], cost, 0.1, numItermax=2000, stopThr=1e-7, log=True, warn=False)[1]["niter"]
    found = sinkhorn(cost, 0.1)
    assert found.violation <= 1e-6
    assert found.iterations < plain / 20


def test_tiny_regularisation_and_single_precision_stay_finite(cost):
    tiny = entropic_plan(cost, 1e-3, potential=sinkhorn(cost, 1e-3, tolerance=1e-4, max_iter=5000))
    assert np.vdot(tiny, cost) == pytest.approx(np.vdot(exact_plan(cost), cost), rel=0.01)
    single = entropic_plan(cost.astype(np.float32), 0.02, potential=sinkhorn(cost.astype(np.float32), 0.02))
    assert np.abs(single - entropic_plan(cost, 0.02)).max() < 1e-5
    far = entropic_plan(cost * 1e4, 1.0)
    assert np.isfinite(far).all()


def test_warm_start_needs_no_more_iterations(cost):
    cold = sinkhorn(cost, 0.05)
    assert sinkhorn(cost, 0.05, start=cold.values).iterations == 1


def test_shares_of_fitted_rows_are_the_plans(cost):
    found = sinkhorn(cost, 0.1, tolerance=1e-10)
    assert np.allclose(
        row_shares(cost, found.values, 0.1), ot.sinkhorn([], [], cost, 0.1, stopThr=1e-12) * 30, atol=1e-7
    )


@pytest.mark.parametrize("reach", [0.1, 1.0, 10.0])
def test_a_relaxed_plan_is_where_its_objective_stands_still(cost, reach):
    plan, (n, m) = relaxed_plan(cost, reach=reach), cost.shape
    slope = cost / cost.mean() + 0.05 * np.log(plan * n * m)
    slope += reach * (np.log(plan.sum(axis=1) * n)[:, None] + np.log(plan.sum(axis=0) * m))
    assert np.abs(slope[plan > 1e-9]).max() < 1e-4


def test_a_relaxed_plan_fills_all_columns_only_where_that_is_dear_and_knows_no_units(cost):
    cost[:, 0] += 20 * cost.mean()
    near, far = relaxed_plan(cost, reach=1e3), relaxed_plan(cost, reach=0.5)
    assert marginals(near) < 0.05 < 0.99 < marginals(far)
    assert far[:, 0].sum() < 1e-6
    assert np.allclose(relaxed_plan(7 * cost, reach=0.5), far, rtol=1e-9)
    assert np.allclose(relaxed_plan(np.zeros((3, 2))), 1 / 6)


@pytest.mark.parametrize("reach", [-1.0, float("nan")])
def test_a_reach_below_nothing_is_refused(cost, reach):
    with pytest.raises(ValueError, match="expected a price from 0 up"):
        relaxed_plan(cost, reach=reach)


def test_a_relaxed_plan_stands_a_row_that_is_far_from_all():
    cost = np.ones((64, 5))
    cost[0] = 1e9
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # POT stops early at numerical errors, and warns
        plan = relaxed_plan(cost)
    assert plan[0].sum() < 1e-6 < 1e-3 < plan[1:].sum(axis=1).min()


def test_exact_plan_is_pots_and_sorts_in_one_dimension(cost):
    assert np.array_equal(exact_plan(cost), ot.emd([], [], cost, numItermax=10_000_000))
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(50, 1)), 3 * rng.normal(size=(50, 1)) - 1
    plan = exact_plan(Cost(x, y)[:])
    assert np.array_equal(plan[np.argsort(x[:, 0])].argmax(axis=1), np.argsort(y[:, 0]))


def test_cost_is_squared_distance_and_knows_labels():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(15, 5))
    ours, theirs = np.arange(20) % 3, np.where(np.arange(15) < 6, np.arange(15) % 3, -1)
    cost = Cost(x, y, x_labels=ours, y_labels=theirs, apart=7.0)
    wanted = ot.dist(x, y) + 7.0 * ((ours[:, None] != theirs) & (theirs >= 0))
    assert np.allclose(cost[:], wanted)
    assert np.allclose(cost[3:9], wanted[3:9])
    assert np.allclose(cost.part(np.arange(0, 20, 2), np.arange(5))[:], wanted[::2, :5])


def group_lasso_objective(plan: np.ndarray, cost: np.ndarray, labels: np.ndarray, reg: float, eta: float) -> float:
    entropy = (plan * (np.log(plan) - 1)).sum()
    groups = sum(np.linalg.norm(plan[labels == c], axis=0).sum() for c in np.unique(labels))
    return float(np.vdot(plan, cost) + reg * entropy + eta * groups)


def mirror_descent(cost: np.ndarray, labels: np.ndarray, reg: float, eta: float, step: float = 0.5) -> np.ndarray:
    n, m = cost.shape
    plan = np.full((n, m), 1 / (n * m))
    for _ in range(300):
        norms = np.stack([np.linalg.norm(plan[labels == c], axis=0) for c in np.unique(labels)])
        plan = plan * np.exp(-step * (cost + reg * np.log(plan) + eta * plan / norms[labels]))
        for _ in range(100):
            plan /= plan.sum(axis=1, keepdims=True) * n
            plan /= plan.sum(axis=0) * m
    return plan


def test_group_lasso_plan_is_the_optimum(cost):
    cost, labels = cost[:12, :15], np.arange(12) % 3
    ours = group_lasso_plan(cost, labels, 0.1, 0.2, max_iter=200, tolerance=1e-9)
    slow = mirror_descent(cost, labels, 0.1, 0.2)
    reached, wanted = (group_lasso_objective(plan, cost, labels, 0.1, 0.2) for plan in (ours.plan, slow))
    assert reached == pytest.approx(wanted, abs=1e-5)
    assert np.abs(ours.plan - slow).max() < 0.05 * slow.max()
    assert all(np.diff(ours.objectives) <= 1e-12)
    assert marginals(ours.plan) < 1e-3


def test_group_lasso_plan_is_no_worse_than_pots(cost):
    labels, masses = np.arange(30) % 3, (np.full(30, 1 / 30), np.full(41, 1 / 41))
    theirs = ot.da.sinkhorn_l1l2_gl(masses[0], labels, masses[1], cost, 0.1, eta=0.2, numItermax=50)
    ours = group_lasso_plan(cost, labels, 0.1, 0.2).plan
    assert group_lasso_objective(ours, cost, labels, 0.1, 0.2) <= group_lasso_objective(theirs, cost, labels, 0.1, 0.2)


def test_lpl1_plan_is_pots_in_its_units(cost):
    labels, m = np.arange(30) % 3, 41
    ours = lpl1_plan(cost, labels, 0.1, 0.02, smooth=1e-3 * m)
    theirs = ot.da.sinkhorn_lpl1_mm(
        np.full(30, 1 / 30), labels, np.full(m, 1 / m), cost, 0.1, eta=0.02 / np.sqrt(m), numItermax=10
    )
    assert np.abs(ours.plan - theirs).max() < 1e-3 * theirs.max()
    assert all(np.diff(ours.objectives) <= 1e-6)


@pytest.mark.parametrize("solve", [group_lasso_plan, lpl1_plan])
def test_class_terms_gather_the_mass_of_one_class(solve):
    rng = np.random.default_rng(1)
    labels = np.arange(30) % 2
    x, y = (
        rng.normal(size=(30, 2)) + 1.5 * labels[:, None],
        rng.normal(size=(40, 2)) + 1.5 * (np.arange(40) % 2)[:, None],
    )
    cost = ot.dist(x, y) / ot.dist(x, y).mean()
    groups = np.eye(2)[labels].T

    def purity(plan):
        share = groups @ plan
        return float((share.max(axis=0) / share.sum(axis=0)).mean())

    assert purity(solve(cost, labels, 0.2, 1.0).plan) > purity(entropic_plan(cost, 0.2)) + 0.01
    assert np.allclose(solve(cost, labels, 0.2, 0.0).plan, entropic_plan(cost, 0.2), atol=1e-5)


def test_gaussian_map_carries_one_covariance_to_the_other():
    rng = np.random.default_rng(4)
    s, t = (z @ z.T + np.eye(6) for z in rng.normal(size=(2, 6, 8)))
    a = gaussian_map(s, t)
    assert np.allclose(a @ s @ a, t)
    assert np.allclose(a, a.T)
    assert (np.linalg.eigvalsh(a) > 0).all()
    assert np.allclose(gaussian_map(np.diag([1.0, 4.0]), np.diag([9.0, 1.0])), np.diag([3.0, 0.5]))


def test_linear_transport_is_pots():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(80, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(70, 4)) + 2
    variance = (x.var(axis=0).mean() + y.var(axis=0).mean()) / 2
    theirs = ot.da.LinearTransport(reg=0.1 * variance).fit(Xs=x, Xt=y).transform(Xs=x)
    assert np.allclose(linear_transport(x, y, reg=0.1)(x), theirs)


def test_linear_transport_in_the_span_is_the_whole_one():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(12, 40)), rng.normal(size=(9, 40)) * 2 + 1
    ours = linear_transport(x, y, reg=0.2)
    assert ours.core.shape == (19, 19)
    variance = (x.var(axis=0).mean() + y.var(axis=0).mean()) / 2
    s, t = (np.cov(z.T, bias=True) + 0.2 * variance * np.eye(40) for z in (x, y))
    new = rng.normal(size=(5, 40))
    assert np.allclose(ours(new), (new - x.mean(axis=0)) @ gaussian_map(s, t) + y.mean(axis=0))
    bures = np.trace(s + t) - 2 * np.trace(gaussian_map(s, t) @ s)
    assert ours.bures == pytest.approx(bures, rel=1e-6)


def test_linear_transport_keeps_the_axes_of_most_variance():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(30, 50)) * np.linspace(5, 0.1, 50)
    few = linear_transport(x, x * 2, reg=1e-3, rank=10)
    assert few.axes.shape == (50, 10)
    assert np.allclose(few.core, few.core.T)
    assert np.allclose(linear_transport(x, x, rank=10)(x), x)


def test_tally_counts_a_known_plan():
    x, y = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    frame = frame_of(x, y)
    cost = Cost(
        (x - frame.source) / 2**0.5, (y - frame.target) / 2**0.5, x_labels=np.array([0, 1]), y_labels=np.array([1, 0])
    )
    tally = Tally(cost)
    plan = np.array([[0.25, 0.25], [0.0, 0.5]])
    tally.add(Piece(slice(0, 1), slice(None), plan[:1], cost[0:1]))
    tally.add(Piece(slice(1, 2), slice(None), plan[1:], cost[1:2]))
    told = tally.summary(frame, solver="by hand", approximation="exact")
    assert told["partners"] == pytest.approx(1.5)
    assert told["entropy"] == pytest.approx(-(0.5 * np.log(0.25) + 0.5 * np.log(0.5)))
    assert told["violation"] == pytest.approx(0.5)
    assert told["across_classes"] == pytest.approx(0.75)


def test_tally_gives_the_true_cost_back():
    rng = np.random.default_rng(8)
    x, y = 5 * rng.normal(size=(25, 3)), 5 * rng.normal(size=(25, 3)) + 40
    frame = frame_of(x, y)
    cost = Cost((x - frame.source) / frame.scale**0.5, (y - frame.target) / frame.scale**0.5)
    tally = Tally(cost)
    tally.add(Piece(slice(None), slice(None), exact_plan(cost[:]), cost[:]))
    assert tally.summary(frame, solver="", approximation="")["cost"] == pytest.approx(ot.emd2([], [], ot.dist(x, y)))


def test_batches_are_stratified_and_cover_every_row_once():
    rng = np.random.default_rng(9)
    rows, labels = rng.normal(size=(103, 2)), rng.integers(4, size=103)
    order = canonical_order(rows, 0, labels)
    pairs = paired_batches(order, np.arange(57), 103 * 57 // 15)
    assert len(pairs) == 4
    assert np.array_equal(np.sort(np.concatenate([first for first, _ in pairs])), np.arange(103))
    assert np.array_equal(np.sort(np.concatenate([second for _, second in pairs])), np.arange(57))
    counts = np.array([np.bincount(labels[first], minlength=4) for first, _ in pairs])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 1


def test_order_depends_on_contents_alone():
    rng = np.random.default_rng(10)
    rows, shuffle = rng.normal(size=(40, 3)), rng.permutation(40)
    first, second = rows[canonical_order(rows, 0)], rows[shuffle][canonical_order(rows[shuffle], 0)]
    assert np.array_equal(first, second)
