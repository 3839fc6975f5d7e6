"""Maps by optimal transport, and JDOT: closed forms, invariances, laws and refusals."""

import numpy as np
import ot
import pytest
from scipy.sparse import csr_matrix, issparse, random_array
from sklearn.utils.estimator_checks import check_estimator

from headstart.checks.domains import check_domain_method
from headstart.shallow.domains import mask
from headstart.shallow.features.transport.jdot import JDOT, JDOTRegressor
from headstart.shallow.features.transport.linear import LinearOT
from headstart.shallow.features.transport.maps import ClassRegularisedOT, EntropicOT, ExactOT
from headstart.shallow.features.transport.soft_fits import Features
from headstart.shallow.joining import join
from headstart.shallow.shells.adapted import Adapted

MAPS = [ExactOT, EntropicOT, ClassRegularisedOT, LinearOT]
OTHERS = [lambda: ClassRegularisedOT(regulariser="lpl1"), lambda: JDOT(strength=0.01)]
"""Settings beside the catalogue's, whose laws are run by tests/checks/test_domain_laws.py."""
MODELS = [*MAPS, *OTHERS, JDOTRegressor]
KEYS = {"cost", "entropy", "partners", "violation", "across_classes", "solver", "approximation"}


def blobs(n: int = 60, m: int = 50, d: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels, others = np.arange(n) % 3, np.arange(m) % 3
    return (
        rng.normal(size=(n, d)) + 4 * np.eye(3, d)[labels],
        labels,
        rng.normal(size=(m, d)) + 4 * np.eye(3, d)[others],
        others,
    )


def moved(method, source, labels, target, target_labels=None):
    X, y, domain = join(source, labels, target, target_labels)
    return method.fit(X, y, sample_domain=domain).transform(source, sample_domain=np.ones(len(source)))


@pytest.mark.parametrize("factory", OTHERS)
def test_laws(factory):
    check_domain_method(factory)


@pytest.mark.slow
@pytest.mark.parametrize("factory", MODELS)
def test_scikit_learns_checks(factory):
    check_estimator(factory())


@pytest.mark.parametrize("factory", MODELS)
def test_plan_summary_says_the_same_things(factory):
    source, labels, target, others = blobs()
    known = mask(others, np.arange(50) >= 6)
    if factory is JDOTRegressor:
        labels, known = labels * 1.0, np.where(np.arange(50) < 6, others, np.nan)
    X, y, domain = join(source, labels, target, known)
    model = factory().fit(X, y, sample_domain=domain)
    assert set(model.plan_summary_) >= KEYS
    assert model.approximation_ == "exact"
    assert model.plan_summary_["cost"] > 0
    if factory is not LinearOT:
        assert model.plan_summary_["violation"] < 1e-2
        assert 1 <= model.plan_summary_["partners"] <= 50


def test_exact_is_the_assignment_of_equal_samples():
    from scipy.optimize import linear_sum_assignment

    source, labels, target, _ = blobs(40, 40)
    _, columns = linear_sum_assignment(ot.dist(source, target))
    assert np.allclose(moved(ExactOT(), source, labels, target), target[columns])


def test_exact_and_entropic_are_pots():
    source, labels, target, _ = blobs(30, 41)
    theirs = ot.da.EMDTransport().fit(Xs=source, Xt=target).transform(Xs=source)
    assert np.allclose(moved(ExactOT(), source, labels, target), theirs)
    scale = source.var(axis=0).sum() + target.var(axis=0).sum()
    solver = ot.da.SinkhornTransport(reg_e=0.1 * scale, tol=1e-10, max_iter=5000)
    theirs = solver.fit(Xs=source, Xt=target).transform(Xs=source)
    assert np.abs(moved(EntropicOT(), source, labels, target) - theirs).max() < 1e-4


def test_identical_domains_stay():
    source, labels, _, _ = blobs()
    assert np.allclose(moved(ExactOT(), source, labels, source), source)
    assert np.allclose(moved(LinearOT(), source, labels, source), source)
    blocks = ExactOT(limit=400)
    assert np.allclose(moved(blocks, source, labels, source), source)
    assert blocks.approximation_ == "minibatch, 3 pairs of about 20 x 20 rows"


def test_a_shift_is_recovered():
    source, labels, _, _ = blobs()
    shift = np.array([100.0, -3.0, 0.5])
    for method in (ExactOT(), LinearOT()):
        assert np.allclose(moved(method, source, labels, source + shift), source + shift)
    for method in (EntropicOT(), ClassRegularisedOT()):
        still = moved(method, source, labels, source)
        assert np.allclose(moved(method, source, labels, source + shift), still + shift, atol=1e-6)


@pytest.mark.parametrize("factory", MAPS)
def test_units_do_not_matter(factory):
    source, labels, target, _ = blobs()
    once = moved(factory(), source, labels, target)
    assert np.allclose(moved(factory(), 1e4 * source, labels, 1e4 * target) / 1e4, once, atol=1e-4)


def test_linear_carries_mean_and_covariance():
    rng = np.random.default_rng(1)
    source, target = rng.normal(size=(300, 4)), rng.normal(size=(250, 4)) @ rng.normal(size=(4, 4)) + 5
    out = moved(LinearOT(reg=1e-9), source, np.arange(300) % 2, target)
    assert np.allclose(out.mean(axis=0), target.mean(axis=0))
    assert np.allclose(np.cov(out.T, bias=True), np.cov(target.T, bias=True), atol=1e-4)


def test_known_target_labels_keep_other_classes_away():
    source, labels, target, others = blobs(60, 60, seed=3)
    mirrored = np.array([1, 0, 2])[others]  # the target's classes 0 and 1 look like each other's source
    for factory in (ExactOT, EntropicOT, ClassRegularisedOT):
        method = factory()
        moved(method, source, labels, target, mirrored)
        assert method.plan_summary_["across_classes"] < 0.02
        out = method.transform(source, sample_domain=np.ones(60))
        assert np.linalg.norm(out[labels == 0].mean(axis=0) - target[mirrored == 0].mean(axis=0)) < 1


def test_new_rows_move_with_their_nearest_neighbour():
    source, labels, target, _ = blobs()
    method = ExactOT()
    out = moved(method, source, labels, target)
    new = source[:5] + 1e-6
    assert np.allclose(method.transform(new, sample_domain=np.ones(5)), out[:5] + 1e-6)
    assert np.array_equal(method.transform(target), target)


def test_equal_rows_move_together():
    source, labels, target, _ = blobs()
    doubled = np.concatenate([source, source])
    out = moved(ExactOT(), doubled, np.tile(labels, 2), target)
    assert np.allclose(out[:60], out[60:])


def test_minibatches_come_near_the_whole_plan():
    # a batch pays for being a sample: the error shrinks with its size, and weighs less the more the domains differ
    source, labels, target, _ = blobs(600, 500)
    whole, parts = ExactOT(), ExactOT(limit=20_000)
    moved(whole, source, labels, 2 * target)
    moved(parts, source, labels, 2 * target)
    assert parts.approximation_ == "minibatch, 4 pairs of about 150 x 125 rows"
    assert whole.plan_summary_["cost"] < parts.plan_summary_["cost"] < 1.1 * whole.plan_summary_["cost"]
    assert parts.plan_summary_["violation"] < 0.02


def test_a_sampled_potential_comes_near_the_whole_one():
    source, labels, target, _ = blobs(700, 600)
    whole, part = EntropicOT(), EntropicOT(limit=100_000)
    difference = moved(whole, source, labels, target) - moved(part, source, labels, target)
    assert part.approximation_ == "potential of 234 of 700 source and 200 of 600 target rows"
    assert np.sqrt(np.square(difference).sum(axis=1).mean()) < 0.1 * np.sqrt(source.var(axis=0).sum())


def test_class_regularisation_moves_rows_to_their_own_class():
    source, labels, target, others = blobs(90, 90, seed=5)
    target = target @ np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    centres = np.stack([target[others == c].mean(axis=0) for c in range(3)])

    def right(method):
        return (ot.dist(moved(method, source, labels, target), centres).argmin(axis=1) == labels).mean()

    assert right(ClassRegularisedOT(reg=0.02, eta=0.5)) > right(ExactOT())


def test_jdot_follows_classes_that_shift_apart():
    rng = np.random.default_rng(6)
    labels = np.arange(120) % 3
    source = 0.5 * rng.normal(size=(120, 2)) + np.array([[0, 0], [4, 0], [0, 4]])[labels]
    target = 0.5 * rng.normal(size=(120, 2)) + np.array([[3, 1], [9, 1], [1, 4]])[labels]
    X, y, domain = join(source, labels, target)
    model = JDOT().fit(X, y, sample_domain=domain)
    assert model.score(target, labels) > 0.95 > Adapted().fit(X, y, sample_domain=domain).score(target, labels)
    assert all(np.diff(model.objectives_[1:]) < 1e-3)


def test_jdot_regression_follows_a_shift():
    rng = np.random.default_rng(7)
    source = rng.uniform(-2, 2, size=(150, 1))
    target = rng.uniform(-2, 2, size=(140, 1)) + 5
    X, y, domain = join(source, np.sin(source[:, 0]), target)
    model = JDOTRegressor().fit(X, y, sample_domain=domain)
    assert model.score(target, np.sin(target[:, 0] - 5)) > 0.9


def test_jdot_takes_known_target_labels():
    source, labels, target, others = blobs(60, 60, seed=3)
    mirrored = np.array([1, 0, 2])[others]
    X, y, domain = join(source, labels, target, mask(mirrored, np.arange(60) >= 45))
    model = JDOT().fit(X, y, sample_domain=domain)
    assert model.score(target[45:], mirrored[45:]) > 0.9


def test_kernel_features_say_when_they_are_not_exact():
    rows = np.random.default_rng(8).normal(size=(40, 2))
    features = Features("rbf", rows)
    kernel = features(rows) @ features(rows).T
    assert features.approximation == "exact"
    assert np.allclose(kernel, np.exp(-features.map.gamma * ot.dist(rows)), atol=1e-6)
    assert Features("rbf", np.repeat(rows, 20, axis=0)).approximation == "nystroem, 400 landmarks of 800 rows"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (EntropicOT(reg=0.0), "reg is 0.0; expected a finite number above 0."),
        (ClassRegularisedOT(eta=-1.0), "eta is -1.0; expected a finite number from 0 up."),
        (ClassRegularisedOT(regulariser="l3"), "regulariser is 'l3'"),
        (LinearOT(reg=np.inf), "reg is inf"),
        (JDOT(alpha=0), "alpha is 0; expected"),
        (JDOT(kernel="cubic"), "kernel is 'cubic'"),
    ],
)
def test_refusals(method, message):
    X, y, domain = join(*blobs()[:3])
    with pytest.raises(ValueError, match=message):
        method.fit(X, y, sample_domain=domain)


def test_classes_are_needed_where_rows_are_grouped_by_them():
    source, labels, target, _ = blobs()
    X, y, domain = join(source, labels + 0.5, target)
    with pytest.raises(ValueError, match="holds no classes"):
        ClassRegularisedOT().fit(X, y, sample_domain=domain)


@pytest.mark.parametrize("factory", [ExactOT, EntropicOT, ClassRegularisedOT, LinearOT, lambda: ExactOT(limit=400)])
def test_sparse_rows_are_moved_as_dense_ones_are(factory):
    rng = np.random.default_rng(0)
    rows = rng.random((70, 12)) * (rng.random((70, 12)) < 0.3) + 0.5 * (np.arange(12) == 3)
    rows[1] = rows[0]  # equal rows move together
    labels, domain = np.where(np.arange(70) < 40, np.arange(70) % 2, -1), np.where(np.arange(70) < 40, 1, -1)
    plain, thin = (factory().fit(given, labels, sample_domain=domain) for given in (rows, csr_matrix(rows)))
    for key, value in plain.plan_summary_.items():
        assert thin.plan_summary_[key] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)
    expected = plain.transform(rows, sample_domain=domain)
    found = thin.transform(csr_matrix(rows), sample_domain=domain)
    assert issparse(found) == (thin.plan_summary_["solver"] == "network simplex")
    np.testing.assert_allclose(found.toarray() if issparse(found) else found, expected, atol=1e-8)


def test_moved_words_stay_sparse():
    words = random_array((300, 5000), density=0.005, rng=np.random.default_rng(0), format="csr")
    domain = np.repeat([1, -1], 150)
    found = ExactOT().fit(words, np.arange(300) % 2, sample_domain=domain).transform(words, sample_domain=domain)
    assert found.nnz < 2 * words.nnz
