"""Weights of source rows: closed forms, invariances, known ratios, and slow direct solves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from headstart.catalogue.instances import INSTANCES
from headstart.functional.mmd import rbf
from headstart.functional.order_free import same_scale
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.instances.density import classifier_weights
from headstart.shallow.instances.gaussian import gaussian_weights, log_normal
from headstart.shallow.instances.kliep import fit_ratio, kliep_weights
from headstart.shallow.instances.kmm import _approximate, _exact, _largest, kmm_weights, match_kernel_means
from headstart.shallow.instances.nearest import nearest_weights
from headstart.shallow.instances.ulsif import fit_relative_ratio, rulsif_weights, ulsif_weights
from headstart.shallow.joining import join
from headstart.shallow.shells.reweighted import Reweighted, uniform_weights, weight_function

Array = np.ndarray
Weigh = Callable[..., Array]
ENTRIES = [entry for entry in INSTANCES if entry.kind == "weights"]
INPUTS: list[Weigh] = [kmm_weights, kliep_weights, ulsif_weights, rulsif_weights, classifier_weights, nearest_weights]


def gaussians(n: int, d: int, shift: float, spread: float, seed: int = 0) -> tuple[Array, Array, Array]:
    """Rows of N(0, I) and N(shift, spread^2 I), and the true ratio at the source's rows."""
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(n, d)), shift + spread * rng.normal(size=(n, d))
    ratio = np.exp((source**2 - ((source - shift) / spread) ** 2).sum(axis=1) / 2) / spread**d
    return source, target, ratio


def correlation(first: Array, second: Array) -> float:
    return float(np.corrcoef(first, second)[0, 1])


def test_catalogue_and_shells_name_the_same_functions() -> None:
    for entry in ENTRIES:
        assert entry.load() is weight_function(entry.name)
    assert weight_function("uniform") is uniform_weights


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@pytest.mark.parametrize("shape", [(60, 3), (5, 2), (12, 40)])
def test_identical_domains_have_uniform_weights(entry, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=shape)
    rows[:, -1], rows[-1] = 7.0, rows[0]  # a constant column and a row that stands twice
    labels = np.append(np.arange(shape[0] - 1) % 3, 0)
    weights = entry.load()(rows, rows[rng.permutation(len(rows))], labels=labels)
    np.testing.assert_allclose(weights / weights.mean(), 1.0, atol=1e-6)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_row_order_never_matters(entry) -> None:
    source, target, _ = gaussians(80, 3, 0.4, 0.8)
    source[7], target[3] = source[9], source[9]
    labels = (source[:, 0] > 0) * 1 + (source[:, 1] > 0.5)
    weights, order = entry.load()(source, target, labels=labels), np.random.default_rng(1).permutation(80)
    again = entry.load()(source[order], target[order[::-1]], labels=labels[order])
    np.testing.assert_array_equal(again, weights[order])


@pytest.mark.parametrize(("weigh", "relative"), [(f, f is rulsif_weights) for f in INPUTS[:4]])
@pytest.mark.parametrize(("d", "shift", "spread"), [(1, 0.8, 0.7), (2, 0.5, 0.8)])
def test_known_ratio_is_recovered(weigh: Weigh, relative: bool, d: int, shift: float, spread: float) -> None:
    source, target, ratio = gaussians(1500, d, shift, spread)
    truth = ratio / (0.1 * ratio + 0.9) if relative else ratio
    assert correlation(weigh(source, target), truth) >= 0.98


def test_classifier_recovers_the_ratio_of_normals_that_share_a_covariance() -> None:
    source, target, ratio = gaussians(1500, 2, 0.5, 1.0)
    weights = classifier_weights(source, target)
    assert correlation(weights, ratio) >= 0.98
    assert weights.mean() == pytest.approx(1, abs=0.1)


def test_gaussian_recovers_any_normal_ratio() -> None:
    source, target, ratio = gaussians(1500, 3, 0.6, 0.7)
    assert correlation(gaussian_weights(source, target), ratio) >= 0.99
    rows, covariance = source[:5], np.cov(target.T)
    wanted = multivariate_normal(target.mean(axis=0), covariance).logpdf(rows)
    np.testing.assert_allclose(log_normal(rows, target.mean(axis=0), covariance), wanted)
    flat = gaussian_weights(source, target, power=0.0)
    np.testing.assert_allclose(flat, 1.0)


@pytest.mark.parametrize("weigh", [*INPUTS, gaussian_weights])
def test_scale_of_a_column_and_place_of_the_origin_do_not_matter(weigh: Weigh) -> None:
    source, target, _ = gaussians(60, 2, 0.5, 0.8)
    scale, place = np.array([1000.0, 0.1]), np.array([5.0, -3.0])
    np.testing.assert_allclose(
        weigh(source * scale + place, target * scale + place), weigh(source, target), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@pytest.mark.parametrize(("n", "m", "d"), [(5, 3, 2), (6, 40, 2), (40, 6, 2), (10, 9, 60), (4, 1, 1)])
def test_tiny_and_wide_tables_have_weights(entry, n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(n)
    weights = entry.load()(rng.normal(size=(n, d)), 3 + rng.normal(size=(m, d)), labels=np.arange(n) % 2)
    assert weights.shape == (n,)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights.sum() > 0


# kernel mean matching


def objective(weights: Array, source: Array, target: Array, bandwidth: float, ridge: float) -> float:
    """As the docstring of `match_kernel_means` has it, by whole matrices."""
    n = len(source)
    value = weights @ rbf(source, source, bandwidth) @ weights / n**2
    value -= 2 * (weights @ rbf(source, target, bandwidth)).sum() / (n * len(target))
    return float(value + ridge * ((weights - 1) ** 2).sum() / n**2)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_kmm_is_scipys_solution_within_its_gap(ridge: float) -> None:
    source, target, _ = gaussians(30, 2, 0.7, 0.6)
    n, upper, slack = 30, 3.0, 0.1
    found = match_kernel_means(source, target, bandwidth=1.0, ridge=ridge, upper=upper, slack=slack, tolerance=1e-6)
    bounds = [(0, upper)] * n
    sums = [
        {"type": "ineq", "fun": lambda w: n * (1 + slack) - w.sum()},
        {"type": "ineq", "fun": lambda w: w.sum() - n * (1 - slack)},
    ]
    options = {"ftol": 1e-15, "maxiter": 2000}
    data = (source, target, 1.0, ridge)
    slow = minimize(objective, np.ones(n), data, "SLSQP", bounds=bounds, constraints=sums, options=options)
    assert found.objective == pytest.approx(objective(found.weights, *data))
    assert found.objective <= slow.fun + found.gap + 1e-9
    assert abs(found.objective - slow.fun) < 1e-5
    assert 0 <= found.gap <= 1.01e-6 * (objective(np.ones(n), *data) - found.objective) + 1e-12
    assert found.weights.max() <= upper + 1e-9
    assert found.weights.min() >= 0
    assert n * (1 - slack) - 1e-6 <= found.weights.sum() <= n * (1 + slack) + 1e-6


def test_kmm_takes_the_median_distance_and_the_papers_slack_where_none_is_given() -> None:
    source, target, _ = gaussians(25, 2, 0.7, 0.6)
    pooled = np.concatenate([source, target])
    median = np.median([np.linalg.norm(a - b) for i, a in enumerate(pooled) for b in pooled[:i]])
    slack = (np.sqrt(25) - 1) / np.sqrt(25)
    plain = match_kernel_means(source, target, ridge=0.0, tolerance=1e-6)
    given = match_kernel_means(source, target, ridge=0.0, tolerance=1e-6, bandwidth=median, slack=slack)
    np.testing.assert_allclose(plain.weights, given.weights, atol=1e-6)
    few = match_kernel_means(source, target, landmarks=1000)
    assert few.approximation == "nystroem, 50 landmarks of 50 rows"
    far = match_kernel_means(source, target + 50, bandwidth=1.0, ridge=0.1)  # nothing is near: the sum is its least
    assert far.weights.mean() == pytest.approx(1 - slack, abs=1e-3)
    assert match_kernel_means(source, source, upper=0.9, slack=0.05, bandwidth=1.0).weights.max() <= 0.9 + 1e-9


def test_kmm_bounds_the_kernel_about_its_mean_from_above_by_little() -> None:
    source, target, _ = gaussians(30, 2, 0.7, 0.6)
    kernel = rbf(source, source, 1.0) / 30
    centre = np.eye(30) - 1 / 30
    largest = np.linalg.eigvalsh(centre @ kernel @ centre)[-1]
    assert largest <= _largest(kernel) <= 1.02 * largest
    _, linear, bound, mean = _exact(source, target, 1.0, 0.5)
    np.testing.assert_allclose(linear, rbf(source, target, 1.0).mean(axis=1) + 0.5 / 30)
    assert bound == pytest.approx(1.1 * _largest(kernel) + 0.5 / 30)
    assert mean == pytest.approx(11 * kernel.mean())
    for rows in (source[:2], np.zeros((5, 2))):  # too few, or all alike, for an eigenvalue
        n = len(rows)
        program = _exact(rows, target, 1.0, 0.5)
        assert program[2] == pytest.approx(1.1 / n + 0.5 / n)
        np.testing.assert_allclose(program[0](np.ones(n)), rbf(rows, rows, 1.0).mean(axis=1) + 0.5 / n)


def test_kmm_approximated_is_within_five_percent_of_the_gain() -> None:
    source, target = same_scale(*gaussians(900, 8, 0.3, 0.8)[:2])
    data = (source, target, 4.0, 1.0)
    exact = match_kernel_means(source, target, bandwidth=4.0, tolerance=1e-5)
    rough = match_kernel_means(source, target, bandwidth=4.0, landmarks=400)
    assert exact.approximation == "exact"
    assert rough.approximation == "nystroem, 400 landmarks of 1800 rows"
    gain = objective(np.ones(900), *data) - exact.objective
    assert objective(rough.weights, *data) <= exact.objective + 0.05 * gain


def test_kmm_with_every_row_a_landmark_is_the_exact_program() -> None:
    source, target, _ = gaussians(40, 2, 0.5, 0.8)
    exact = _exact(source, target, 1.0, 0.5)
    rough = _approximate(source, target, 1.0, 0.5, len(source) + len(target), 0)
    weights = np.random.default_rng(0).random(40)
    np.testing.assert_allclose(rough[0](weights), exact[0](weights), rtol=1e-5)
    np.testing.assert_allclose(rough[1], exact[1], rtol=1e-5)
    np.testing.assert_allclose(rough[2:], exact[2:], rtol=0.02)  # a bound is a hundredth above, to be safe


def test_kmm_leaves_no_block_of_rows_without_weight() -> None:
    source, target, ratio = gaussians(2501, 1, 0.3, 0.9)  # 2,501 rows: above the exact size, and no multiple of a block
    weights = kmm_weights(source, target)
    assert (weights[-501:] > 0).mean() > 0.9
    assert correlation(weights, ratio) >= 0.98


# Kullback-Leibler importance estimation


def test_kliep_is_at_the_likelihoods_maximum() -> None:
    source, target, _ = gaussians(40, 2, 0.5, 0.8)
    found = fit_ratio(source, target, bandwidths=(1.2,))
    assert found.weights.mean() == pytest.approx(1)
    over_source = np.insert(rbf(source, target, 1.2), 0, 1.0, axis=1)
    over_target = np.insert(rbf(target, target, 1.2), 0, 1.0, axis=1)
    means = over_source.mean(axis=0)

    def loss(a: Array) -> float:
        return float(-np.log(over_target @ a).mean())

    condition = {"type": "eq", "fun": lambda a: means @ a - 1}
    options = {"ftol": 1e-14, "maxiter": 2000}
    start = np.full(41, 1 / means.sum())
    slow = minimize(loss, start, method="SLSQP", bounds=[(0, None)] * 41, constraints=[condition], options=options)
    assert found.likelihood == pytest.approx(-slow.fun, abs=1e-5)
    assert found.gap <= 1e-6


def test_kliep_does_not_choose_a_bandwidth_that_follows_noise() -> None:
    source, target, _ = gaussians(400, 5, 0.4, 0.9)
    found = fit_ratio(source, target)
    assert found.bandwidth > 1.0
    assert (found.weights**2).mean() < 4
    assert np.argmax(found.held_out) == len(found.held_out) - 1 or found.held_out[-1] < max(found.held_out)


# least squares


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize(("n", "m"), [(14, 9), (9, 14)])
def test_leave_one_out_in_closed_form_is_leaving_one_out(alpha: float, n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 0.5
    found = fit_relative_ratio(source, target, alpha=alpha, bandwidths=(1.5,), ridges=(0.1, 2.0), n_centres=m)
    draws = np.random.default_rng(0)
    centres = target[np.sort(draws.choice(m, m, replace=False))]
    pairs = draws.permutation(n), draws.permutation(m)
    functions = [np.insert(rbf(rows, centres, 1.5), 0, 1.0, axis=1) for rows in (source, target)]
    for ridge, loss in zip((0.1, 2.0), found.losses[0], strict=True):
        penalty = ridge * np.diag([0.0] + [1.0] * m)
        total = 0.0
        for i, j in zip(*(part[: min(n, m)] for part in pairs), strict=True):
            kept, kept_target = np.delete(functions[0], i, axis=0), np.delete(functions[1], j, axis=0)
            inner = (1 - alpha) * kept.T @ kept / (n - 1) + alpha * kept_target.T @ kept_target / (m - 1)
            a = np.linalg.solve(inner + penalty, kept_target.mean(axis=0))
            at_x, at_t = max(functions[0][i] @ a, 0), max(functions[1][j] @ a, 0)
            total += (1 - alpha) / 2 * at_x**2 + alpha / 2 * at_t**2 - at_t
        assert loss == pytest.approx(total / min(n, m))


def test_relative_weights_are_bounded_and_alpha_is_checked() -> None:
    source, target, _ = gaussians(300, 1, 2.5, 0.5)
    assert rulsif_weights(source, target, alpha=0.5).max() < 2.2
    assert ulsif_weights(source, target).max() > 4
    with pytest.raises(ValueError, match=r"alpha is 1\.0"):
        rulsif_weights(source, target, alpha=1.0)


# nearest neighbours


def test_nearest_counts_the_rows_of_each_cell() -> None:
    source, target = np.array([[0.0], [10.0], [20.0], [20.0]]), np.array([[1.0], [2.0], [19.0], [21.0]])
    raw = nearest_weights(source, target, smoothing=0.0, standardise=False)
    np.testing.assert_allclose(raw, [2, 0, 1, 1])
    np.testing.assert_allclose(nearest_weights(source, target), (raw + 1) / 2)


# a debiased sample


def test_weights_bring_a_biased_samples_mean_back() -> None:
    """Diabetes patients drawn with a preference for the young; the outcome's mean and quantiles are brought back."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    age, outcome = data.data[:, :1], data.target
    preference = np.exp(-20 * np.abs(age[:, 0] + 0.06))
    drawn = np.random.RandomState(123).choice(len(age), len(age), p=preference / preference.sum())
    sample, true = outcome[drawn], outcome.mean()
    assert true - sample.mean() > 9
    for weigh in (kliep_weights, kmm_weights, ulsif_weights, rulsif_weights, classifier_weights, nearest_weights):
        weights = weigh(age[drawn], age)
        mean = (weights * sample).sum() / weights.sum()
        assert abs(mean - true) < 0.45 * abs(sample.mean() - true), weigh


def test_kmm_keeps_the_mean_of_its_weights_within_the_slack():
    """Far from the target every weight only costs: without the constraint on their sum they would all shrink."""
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) + 6
    found = match_kernel_means(source, target, bandwidth=1.0, ridge=1e-3, slack=0.05)
    assert found.weights.mean() == pytest.approx(0.95, abs=1e-6)
    assert match_kernel_means(source, target, bandwidth=1.0, ridge=1e-3, slack=1.0).weights.mean() < 0.5


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_sparse_rows_weigh_as_the_same_rows_dense(entry, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    source, target = (sparse.random(n, 300, density=0.03, format="csr", random_state=n) for n in (50, 40))
    labels = rng.integers(2, size=50)
    weigh = entry.load()
    expected = weigh(source.toarray(), target.toarray(), labels=labels)
    if weigh.sparse_input:  # then they are products of sparse rows at most: nothing of 300 columns is written out
        whole = sparse.csr_matrix.toarray

        def small(rows, *args, **kwargs):
            assert rows.shape[1] < 300
            return whole(rows, *args, **kwargs)

        monkeypatch.setattr(sparse.csr_matrix, "toarray", small)
    np.testing.assert_allclose(weigh(source, target, labels=labels), expected, rtol=1e-8, atol=1e-10)
    assert weigh.sparse_input == (entry.name in ("kmm", "kliep", "ulsif", "rulsif"))


def test_a_row_of_sparse_rows_that_is_not_finite_is_named() -> None:
    rows = sparse.csr_matrix(np.eye(4))
    spoilt = rows.copy()
    spoilt.data[2] = np.nan
    with pytest.raises(ValueError, match="Row 2 of target holds NaN"):
        kmm_weights(rows, spoilt)
    with pytest.raises(ValueError, match="source has shape"):
        kmm_weights(rows[:0], rows)


def test_a_shell_takes_sparse_rows_where_its_weights_do() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=60)
    rows = sparse.csr_matrix((rng.random((60, 20)) < 0.2 + 0.3 * labels[:, None] * (np.arange(20) < 5)).astype(float))
    X, y, domain = join(rows, labels, rows[:40])
    head = TunedLogistic(standardise=False, strengths=(0.01,))
    found = Reweighted(weights="kmm", estimator=head).fit(X, y, sample_domain=domain)
    whole = Reweighted(weights="kmm", estimator=head).fit(X.toarray(), y, sample_domain=domain)
    np.testing.assert_allclose(found.predict_proba(rows), whole.predict_proba(rows.toarray()), atol=1e-4)
    with pytest.raises(TypeError, match="Sparse"):
        Reweighted(weights="gaussian", estimator=head).fit(X, y, sample_domain=domain)
