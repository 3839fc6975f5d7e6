"""Score intervals where the bootstrap sees too little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm, ttest_rel

from headstart.functional.intervals import interval_of_gain, interval_of_mean, mcnemar, tango, wilson


def hits(right: int, n: int) -> np.ndarray:
    return (np.arange(n) < right).astype(float)[None]


def test_wilson_is_scipys() -> None:
    expected = binomtest(48, 49).proportion_ci(method="wilson")
    assert wilson(48 / 49, 49) == pytest.approx((expected.low, expected.high))


def test_tango_ends_at_one_where_nearly_everything_was_won() -> None:
    for won, lost in ((49, 0), (48.6, 0.2), (48.4, 0.0)):
        assert tango(won, lost, 49)[1] == 1.0
        assert tango(lost, won, 49)[0] == -1.0


def test_wilson_holds_the_share_to_its_last_digit() -> None:
    for n in range(1, 400):
        assert wilson(1.0, n)[1] == 1.0
        assert wilson(0.0, n)[0] == 0.0


def test_one_wrong_of_49_leaves_room_below_100() -> None:
    found = interval_of_mean(hits(48, 49), share=True)
    assert found.kind == "wilson"
    assert found.low < 0.9
    assert found.high < 1


def test_none_wrong_does_not_mean_certainty() -> None:
    for rows in (hits(20, 20), np.repeat(hits(20, 20), 3, axis=0)):
        found = interval_of_mean(rows, share=True)
        assert found.kind == "wilson"
        assert found.low == pytest.approx(wilson(1.0, 20)[0])


def test_several_seeds_with_enough_differing_samples_are_bootstrapped() -> None:
    rows = (np.random.default_rng(0).random((3, 200)) < 0.7).astype(float)
    assert interval_of_mean(rows, share=True).kind == "bootstrap"


def test_errors_are_bootstrapped() -> None:
    assert interval_of_mean(-np.random.default_rng(0).random((1, 30)), share=False).kind == "bootstrap"


@pytest.mark.parametrize("n", [20, 49, 200])
def test_tango_leaves_out_zero_where_the_exact_test_does(n: int) -> None:
    for won in range(16):
        for lost in range(min(4, n - won)):
            first = np.concatenate([np.ones(won), np.zeros(lost), np.ones(n - won - lost)])
            second = np.concatenate([np.zeros(won), np.ones(lost), np.ones(n - won - lost)])
            low, high = tango(won, lost, n)
            assert low <= (won - lost) / n <= high
            assert (low > 0 or high < 0) == (mcnemar(first, second) < 0.05)


def test_tango_holds_the_true_difference_in_95_of_100_samples() -> None:
    rng, n, shares = np.random.default_rng(0), 49, (0.2, 0.08, 0.72)
    drawn = rng.multinomial(n, shares, size=400)
    held = [low <= 0.12 <= high for low, high in (tango(won, lost, n) for won, lost, _ in drawn)]
    assert np.mean(held) >= 0.94


def test_swapping_the_models_mirrors_the_interval() -> None:
    first, second = hits(45, 49), hits(40, 49)
    forward, back = interval_of_gain(first, second, share=True), interval_of_gain(second, first, share=True)
    assert forward.kind == "tango"
    assert (forward.low, forward.high) == pytest.approx((-back.high, -back.low))


def test_two_models_that_never_differ_may_still_differ_elsewhere() -> None:
    same = hits(40, 49)
    found = interval_of_gain(same, same, share=True)
    assert found.low < -0.05
    assert found.high > 0.05


@pytest.mark.parametrize("n", [1, 3, 7, 48, 1001])
def test_where_all_or_none_are_right_the_bound_is_exact(n):
    assert wilson(0.0, n)[0] == 0.0
    assert wilson(1.0, n)[1] == 1.0
    assert 0 < wilson(0.0, n)[1] < 1
    assert 0 < wilson(1.0, n)[0] < 1


def test_the_sign_test_counts_every_difference_however_small():
    first = np.array([0.5, 0.2, 0.9, 0.4, 0.1, 0.7, 0.3])
    second = first - np.array([0.01, 0.02, 0.03, 0.01, 0.02, 0.3, -0.01])
    assert mcnemar(first, second) == pytest.approx(binomtest(6, 7, 0.5).pvalue)
    assert mcnemar(first, first) == 1.0
    assert mcnemar([1, 0, 1], [0, 1, 1]) == 1.0
    assert mcnemar(np.stack([first, second]), np.stack([second, first])) == pytest.approx(2 * binomtest(6, 7).pvalue)


@pytest.mark.parametrize(("won", "lost", "n"), [(6, 0, 49), (9, 4, 60), (1, 5, 30), (2.5, 1.5, 20)])
def test_tango_ends_where_its_inequality_does(won, lost, n):
    """At a bound inside (-1, 1) both sides are equal, q being the most likely share of lost ones given D."""

    def gap(difference):
        shares = np.linspace(max(0.0, -difference), (1 - difference) / 2, 200_001)
        with np.errstate(divide="ignore"):
            logs = won * np.log(shares + difference) + (lost * np.log(shares) if lost else 0.0)
            q = shares[np.argmax(logs + (n - won - lost) * np.log(np.maximum(1 - 2 * shares - difference, 1e-300)))]
        z = norm.ppf(0.975)
        return abs(won - lost - n * difference) - 1 - z * np.sqrt(n * (2 * q + difference * (1 - difference)))

    for bound in tango(won, lost, n):
        assert abs(bound) < 1
        assert gap(bound) == pytest.approx(0, abs=1e-2)


def test_a_wider_level_is_a_wider_interval_of_its_own_coverage():
    for level in (0.5, 0.99):
        expected = binomtest(13, 40).proportion_ci(confidence_level=level, method="wilson")
        assert wilson(13 / 40, 40, level) == pytest.approx((expected.low, expected.high))
    assert tango(9, 4, 60, 0.5)[0] > tango(9, 4, 60)[0] > tango(9, 4, 60, 0.99)[0]


def test_nine_samples_that_differ_are_too_few_for_the_bootstrap_alone_and_ten_are_not():
    scores = np.stack([hits(60 - k, 60)[0] for k in (0, 9, 9)])
    scores[1, -9:] = scores[2, -9:] = 0.5
    nine = interval_of_mean(scores, share=True)
    assert nine.kind == "wilson"
    assert nine.low <= wilson(scores.mean(), 60)[0] < scores.mean() < wilson(scores.mean(), 60)[1] <= nine.high
    assert nine.bounds == (nine.low, nine.high)
    scores[1:, -10] = 0.5
    assert interval_of_mean(scores, share=True).kind == "bootstrap"
    other = np.ones_like(scores)
    assert interval_of_gain(scores, other, share=True).kind == "bootstrap"
    scores[1:, -10] = 1.0
    gain = interval_of_gain(other, scores, share=True)
    lost = (1 - scores).mean(axis=0).sum()
    assert gain.kind == "tango"
    assert gain.low <= tango(lost, 0, 60)[0] < lost / 60 < tango(lost, 0, 60)[1] <= gain.high


def test_half_right_scores_of_one_seed_are_no_coin_flips():
    halves = np.where(np.arange(60) % 2, 0.5, 1.0)[None]
    assert interval_of_mean(halves, share=True).kind == "bootstrap"
    assert interval_of_gain(halves, np.ones_like(halves), share=True).kind == "bootstrap"
    assert interval_of_gain(halves, np.ones_like(halves), share=False).kind == "bootstrap"
    low, high, _ = interval_of_gain(-halves, -np.ones_like(halves), share=False)
    assert low < 0.25 < high


def test_overlaps_of_a_few_pictures_get_students_interval():
    random = np.random.default_rng(0)
    first, second = random.uniform(0.6, 0.7, (1, 6)), random.uniform(0.5, 0.6, (1, 6))
    found = interval_of_gain(first, second, share=True)
    expected = ttest_rel(first[0], second[0]).confidence_interval(0.95)
    assert found.kind == "student"
    assert found.bounds == pytest.approx((expected.low, expected.high))
    assert found.low > 0, "six gains of the same sign and size say something"
    assert interval_of_mean(np.array([[0.9, 1.0, 0.2]]), share=True).high == 1.0, "no mean of shares lies above 1"
    second[0, :3] = first[0, :3]
    assert interval_of_gain(first, second, share=True).kind == "tango", "half of the pictures do not differ at all"
