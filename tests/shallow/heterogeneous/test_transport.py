import numpy as np
import ot
import pytest

from headstart.shallow.heterogeneous.anchors import Anchors, anchors, carry, first_plan, label_cost, pair_distances
from headstart.shallow.heterogeneous.blocks import join_blocks
from headstart.shallow.heterogeneous.coot import COOT, coot_plans, matching_cost
from headstart.shallow.heterogeneous.gromov import GromovWasserstein, gromov_plan
from headstart.shallow.shells.adapted import Adapted


def even(n):
    return np.full(n, 1 / n)


def geometry(case):
    return pair_distances(case.source, even(len(case.source))), pair_distances(case.target, even(len(case.target)))


def test_plan_agrees_with_pot(turned):
    case = turned(n=18)
    C, D = geometry(case)
    plan = gromov_plan(C, D, even(18), even(18))
    assert plan == pytest.approx(ot.gromov.gromov_wasserstein(C, D, even(18), even(18)), abs=1e-9)
    entropic = gromov_plan(C, D, even(18), even(18), epsilon=0.3)
    direct = ot.gromov.entropic_gromov_wasserstein(C, D, even(18), even(18), epsilon=0.3, max_iter=100)
    assert entropic == pytest.approx(direct, abs=1e-6)


@pytest.mark.parametrize("epsilon", [0.0, 0.02])
def test_marginals_hold_and_labels_are_kept_apart(turned, epsilon):
    case = turned(n=30, per_class=3)
    labels = np.where(case.known, case.target_labels, -1)
    cost = label_cost(case.labels, labels)
    C, D = geometry(case)
    plan = gromov_plan(C, D, even(30), even(30), cost=cost, supervision=0.8, epsilon=epsilon)
    assert plan.sum(axis=1) == pytest.approx(even(30), abs=1e-4)
    assert plan.sum(axis=0) == pytest.approx(even(30), abs=1e-4)
    assert (plan * cost).sum() < 0.01


def test_isometric_clouds_are_matched_row_by_row_without_labels(turned):
    case = turned(n=60, same_rows=True)
    order = np.random.default_rng(0).permutation(60)
    X, y, sample_domain = join_blocks(case.source, case.labels, case.target[order])
    model = Adapted(transformer=GromovWasserstein(standardise=False)).fit(X, y, sample_domain=sample_domain)
    mapped = model.transformer_.transform(case.source, sample_domain=np.ones(60))
    assert mapped == pytest.approx(model.transformer_.transform(case.target), abs=1e-6)
    assert (model.predict(case.target[order]) == case.labels[order]).mean() > 0.95


def test_first_plan_prefers_what_labels_and_costs_say(turned):
    case = turned(n=30)
    sides = [Anchors(r, even(30), case.labels, np.arange(30)) for r in (case.source, case.target)]
    plan = first_plan(*sides, geometry(case), None)
    assert plan[case.labels[:, None] != case.target_labels].sum() < 0.05


def test_many_rows_are_stood_for_by_centres_of_one_label():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(500, 3)), np.repeat([-1, 0, 1], [300, 190, 10])
    found = anchors(rows, labels, 50)
    assert len(found.rows) == 50
    assert found.masses.sum() == pytest.approx(1)
    assert (found.labels[found.member] == labels).all()
    assert found.masses @ found.rows == pytest.approx(rows.mean(axis=0), abs=0.02)
    assert found.note() == "50 centres of 500 rows"
    assert anchors(rows, labels, 500).note() == "exact"


def test_many_rows_through_centres_still_transfer(turned):
    case = turned(n=300, per_class=4)
    X, y, sample_domain = case.joined()
    model = GromovWasserstein(max_anchors=60).fit(X, y, sample_domain=sample_domain)
    assert model.approximation_ == "source: 60 centres of 300 rows; target: 60 centres of 300 rows"
    assert case.accuracy(Adapted(transformer=GromovWasserstein(max_anchors=60))) > 0.9


def test_equal_rows_have_one_image():
    rows = np.array([[0.0], [0.0], [1.0]])
    plan = np.array([[0.25, 0, 0], [0, 0.25, 0], [0, 0, 0.5]])
    images = carry(rows, anchors(rows, np.zeros(3, dtype=int), 9), plan, np.array([[2.0], [4.0], [9.0]]))
    assert images(np.array([[0.1], [0.9]])).ravel() == pytest.approx([3, 9])


def test_matching_cost_is_the_sum_over_columns():
    rng = np.random.default_rng(0)
    x, z, plan = rng.normal(size=(3, 4)), rng.normal(size=(5, 2)), rng.uniform(size=(4, 2))
    slow = np.einsum("ijkl,kl->ij", (x[:, None, :, None] - z[None, :, None, :]) ** 2, plan)
    assert matching_cost(x, z, plan) == pytest.approx(slow)


def test_coot_is_no_worse_than_pot_from_its_own_start():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(15, 4)) + np.arange(4)
    z = rng.normal(size=(15, 6)) + np.array([3, 2, 1, 0, 5, 6])
    rows, columns = coot_plans(x, z, even(15), even(15), start=np.full((15, 15), 1 / 225))
    theirs = ot.coot.co_optimal_transport(x, z)
    cost = lambda T, Q: float((matching_cost(x, z, Q) * T).sum())  # noqa: E731
    assert cost(rows, columns) <= cost(*theirs) * 1.02
    assert rows.sum(axis=1) == pytest.approx(even(15))
    assert columns.sum(axis=0) == pytest.approx(even(6))


def test_coot_finds_shuffled_columns_without_labels():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    source = rng.normal(size=(60, 6)) * [1, 2, 3, 1, 2, 3] + 5 * rng.normal(size=(3, 6))[labels]
    order = rng.permutation(6)
    target = source[:, order]
    X, y, sample_domain = join_blocks(source, labels, target)
    model = COOT(carries="columns").fit(X, y, sample_domain=sample_domain)
    assert (model.column_plan_.argmax(axis=0) == order).all()
    out = model.transform(X, sample_domain=sample_domain)
    assert out[:60] == pytest.approx(out[60:], abs=1e-9)


def test_odd_ways_to_carry_are_refused(turned):
    with pytest.raises(ValueError, match="carries is 'tables'"):
        turned().accuracy(Adapted(transformer=COOT(carries="tables")))
