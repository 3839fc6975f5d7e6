"""Score intervals where the bootstrap sees too little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

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
