"""Two-sample and paired statistics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score

from headstart.functional.bootstrap import corpus_interval, mean_interval
from headstart.functional.domain_auc import auc_interval, domain_auc
from headstart.functional.intervals import combine, mcnemar
from headstart.functional.mmd import median_bandwidth, mmd, mmd_permutation_test


def normal(n: int, d: int = 4, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, n]).standard_normal((n, d)) + shift


def test_mmd_of_a_sample_with_itself_is_zero_when_biased() -> None:
    x = normal(30)
    assert mmd(x, x, unbiased=False) == pytest.approx(0.0, abs=1e-12)


def test_mmd_by_its_definition() -> None:
    x, y, h = normal(5), normal(7, shift=1.0), 1.7
    kernel = lambda a, b: np.exp(-((a - b) ** 2).sum() / (2 * h * h))  # noqa: E731
    xx = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    yy = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    xy = np.mean([kernel(a, b) for a in x for b in y])
    assert mmd(x, y, bandwidth=h) == pytest.approx(xx + yy - 2 * xy, abs=1e-10)


def test_median_bandwidth_of_three_points() -> None:
    assert median_bandwidth(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2.0)
    assert median_bandwidth(np.zeros((4, 2))) == 1.0


def test_permutation_p_is_small_for_a_shift_and_never_zero() -> None:
    value, p = mmd_permutation_test(normal(40), normal(30, shift=1.0), permutations=200)
    assert value > 0
    assert p == pytest.approx(1 / 201)


def test_permutation_p_is_uniform_under_the_null() -> None:
    ps = [
        mmd_permutation_test(normal(15, seed=i), normal(16, seed=i + 500), permutations=99, seed=i)[1]
        for i in range(200)
    ]
    # 200 draws: a share at most 3 standard errors (0.035) off.
    for level in (0.1, 0.25, 0.5, 0.75):
        assert np.mean(np.array(ps) <= level) == pytest.approx(level, abs=0.106)


def test_bootstrap_of_one_seed_is_the_normal_interval() -> None:
    scores = np.random.default_rng(0).normal(0.7, 0.2, 500)
    low, high = mean_interval(scores)
    half = norm.ppf(0.975) * scores.std() / np.sqrt(500)
    assert low == pytest.approx(scores.mean() - half, abs=0.05 * half)
    assert high == pytest.approx(scores.mean() + half, abs=0.05 * half)


def test_bootstrap_covers_the_truth_and_excludes_zero() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random((3, 400)) < 0.9, rng.random((3, 400)) < 0.8
    low, high = mean_interval(first.astype(float) - second)
    assert 0 < low < 0.1 < high


def test_bootstrap_repeats_with_its_seed_and_knows_of_seeds() -> None:
    rng = np.random.default_rng(2)
    items = rng.random(200) < 0.8
    same = np.stack([items, items])
    spread = np.stack([items * 1.0, items - 0.3])
    assert mean_interval(same, seed=5) == mean_interval(same, seed=5)
    width = lambda scores: np.subtract(*mean_interval(scores)[::-1])  # noqa: E731
    assert width(spread) > 1.5 * width(same)


def test_the_level_and_the_draws_are_those_that_were_asked_for() -> None:
    scores = np.random.default_rng(3).normal(size=500).round()
    half = lambda level: norm.ppf((1 + level) / 2) * scores.std() / np.sqrt(500)  # noqa: E731
    for level in (0.5, 0.9):
        low, high = mean_interval(scores, level=level)
        assert high - low == pytest.approx(2 * half(level), rel=0.05)
        value, low, high = corpus_interval(lambda rows: float(scores[rows].mean()), 500, level=level)
        assert value == pytest.approx(scores.mean())
        assert high - low == pytest.approx(2 * half(level), rel=0.15)
    many = np.arange(9_000.0)[None]  # so many patterns that they are drawn in pieces
    low, high = mean_interval(many, draws=500)
    assert (low + high) / 2 == pytest.approx(many.mean(), rel=0.01)
    assert high - low == pytest.approx(2 * norm.ppf(0.975) * many.std() / np.sqrt(9_000), rel=0.25)


def test_bootstrap_of_equal_arms_is_zero() -> None:
    assert mean_interval(np.zeros((3, 50))) == (0.0, 0.0)
    assert mean_interval(np.full((2, 5), 0.25), draws=1) == (0.25, 0.25)


def test_mcnemar_is_the_exact_binomial() -> None:
    first = np.array([1] * 12 + [0] * 3 + [1] * 20 + [0] * 5)
    second = np.array([0] * 12 + [1] * 3 + [1] * 20 + [0] * 5)
    assert mcnemar(first, second) == pytest.approx(binomtest(12, 15, 0.5).pvalue)
    assert mcnemar(first, first) == 1.0
    assert mcnemar(first, second) == mcnemar(second, first)


def test_seeds_combine_by_twice_the_mean() -> None:
    assert combine([0.02]) == 0.02
    assert combine([0.01, 0.03]) == pytest.approx(0.04)
    assert combine([0.9, 0.8]) == 1.0


def test_auc_and_delong_on_a_known_case() -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 1, 60).round(1), rng.normal(0, 1, 80).round(1)
    auc, (low, high) = auc_interval(positive, negative)
    labels = np.repeat([1, 0], [60, 80])
    assert auc == pytest.approx(roc_auc_score(labels, np.concatenate([positive, negative])))
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    variance = wins.mean(1).var(ddof=1) / 60 + wins.mean(0).var(ddof=1) / 80
    assert high - auc == pytest.approx(norm.ppf(0.975) * np.sqrt(variance))
    assert auc - low == pytest.approx(high - auc)


def test_domain_auc_is_chance_for_one_domain_and_one_for_two() -> None:
    aucs = [domain_auc(normal(60, seed=i), normal(70, seed=i + 50)) for i in range(12)]
    assert np.mean([auc for auc, _ in aucs]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([low < 0.5 < high for _, (low, high) in aucs]) > 0.7
    auc, (low, high) = domain_auc(normal(100), normal(50, shift=20.0))
    assert (auc, high) == (1.0, 1.0)
    assert low == pytest.approx(0.025 ** (1 / 50))
