"""Error rates of pairs and recognition: closed forms, limits, invariance, a slow count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.functional.verification import (
    Pairs,
    accepted,
    equal_error_rate,
    pairs,
    recognised,
    similarities,
    threshold_at,
    true_accepts,
)


def normal_pairs(gap, n=4000):
    rng = np.random.default_rng(0)
    return Pairs(rng.normal(gap, 1, n), rng.normal(0, 1, n))


@pytest.mark.parametrize("gap", [0.0, 1.0, 2.0])
def test_the_equal_error_rate_of_two_normals_is_that_of_the_middle(gap):
    from scipy.stats import norm

    assert equal_error_rate(normal_pairs(gap)) == pytest.approx(norm.cdf(-gap / 2), abs=0.02)


def test_what_is_apart_has_no_errors_and_what_is_turned_round_errs_always():
    apart = Pairs(np.array([0.8, 0.9]), np.array([0.1, 0.2]))
    assert equal_error_rate(apart) == 0
    assert true_accepts(apart, 0.0) == 1
    assert equal_error_rate(Pairs(apart.impostor, apart.genuine)) == 1


similar = st.lists(st.integers(-9, 9), min_size=1, max_size=30).map(lambda found: np.array(found) / 10)


@given(similar, similar, st.floats(0, 1))
def test_the_threshold_lets_no_more_impostors_in_than_allowed_and_no_lower_one_would_do(genuine, impostor, allowed):
    found = Pairs(genuine, impostor)
    threshold = threshold_at(found, allowed)
    assert accepted(found, threshold)[1] <= allowed
    lower = impostor[impostor < threshold]
    if len(lower):
        assert accepted(found, lower.max())[1] > allowed
    assert 0 <= equal_error_rate(found) <= 1


@given(similar, similar)
def test_the_equal_error_rate_lies_between_the_two_rates_around_it(genuine, impostor):
    found = Pairs(genuine, impostor)
    rate = equal_error_rate(found)
    places = [accepted(found, place) for place in (*np.unique(np.concatenate(found)), 2.0)]
    assert min(max(wrong, 1 - right) for right, wrong in places) >= rate - 1e-12
    assert max(min(wrong, 1 - right) for right, wrong in places) <= rate + 1e-12


def test_pairs_are_those_that_a_slow_loop_finds():
    rng = np.random.default_rng(1)
    vectors, people = rng.normal(size=(9, 3)), np.array([0, 0, 1, 2, 2, 2, 3, 3, 1])
    found = pairs(similarities(vectors), people)
    same, other = [], []
    for i in range(9):
        for j in range(i):
            cosine = vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j])
            (same if people[i] == people[j] else other).append(cosine)
    assert sorted(found.genuine) == pytest.approx(sorted(same))
    assert sorted(found.impostor) == pytest.approx(sorted(other))


def test_recognition_is_certain_of_what_is_apart_and_chance_of_noise_and_heeds_no_rotation():
    rng, people = np.random.default_rng(2), np.repeat(np.arange(10), 6)
    apart = np.eye(10)[people] + 0.01 * rng.normal(size=(60, 10))
    assert np.array_equal(recognised(similarities(apart), people), np.ones(10))
    noise = rng.normal(size=(60, 10))
    found = recognised(similarities(noise), people, draws=200)
    assert found.mean() == pytest.approx(0.1, abs=0.04)
    turn = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    assert np.allclose(recognised(similarities(3 * noise @ turn), people, draws=200), found)
