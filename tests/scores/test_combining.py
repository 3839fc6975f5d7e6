"""The order of several candidates, and how sure it is."""

import numpy as np
import pytest

from headstart.scores import Terms
from headstart.scores.combining import combine


def terms(*means, n=200, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return [[Terms(mean + spread * rng.normal(size=n)) for _ in range(3)] for mean in means]


def test_the_better_comes_first_in_all_resamples_and_equals_in_half():
    found = combine(terms(0.0, 2.0))
    assert found.order.tolist() == [1, 0]
    assert found.ranks.tolist() == [2, 1]
    assert found.before[1, 0] == 1
    assert found.places.tolist() == [[2, 2], [1, 1]]
    same = terms(0.0)
    assert combine(same * 2).before[0, 1] == 0.5


def test_before_is_the_share_by_a_plain_bootstrap():
    made = terms(0.0, 0.06, 0.1)
    values = np.array([[one.per_sample for one in row] for row in made])
    rng, wins = np.random.default_rng(1), []
    for _ in range(2000):
        means = values[:, :, rng.integers(200, size=200)].mean(axis=2)
        places = (-means).argsort(axis=0).argsort(axis=0).mean(axis=1)
        wins.append((places[:, None] < places) + (places[:, None] == places) / 2)
    assert combine(made, resamples=2000).before == pytest.approx(np.mean(wins, axis=0), abs=0.05)


def test_scores_weigh_alike_whatever_their_unit():
    one, other = terms(0.0, 1.0)
    huge = [[row[0], row[1], Terms(1e6 * row[2].per_sample)] for row in (one, other)]
    assert combine(huge).ranks.tolist() == combine([one, other]).ranks.tolist()


def test_the_seed_decides_and_shares_add_up():
    made = terms(0.0, 0.05, 0.1, spread=2.0)
    first, again, other = combine(made), combine(made), combine(made, seed=1)
    assert (first.before == again.before).all()
    assert (first.before != other.before).any()
    assert first.before + first.before.T == pytest.approx(np.ones((3, 3)))
