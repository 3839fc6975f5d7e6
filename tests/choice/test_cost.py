"""Cheap candidates race first, by the size of the data alone; a budget leaves out what is not expected to fit."""

from __future__ import annotations

import numpy as np
import pytest

from headstart import catalogue
from headstart.choice import Candidate, standard_field
from headstart.choice.cost import beyond, cheapest_first, expected_seconds
from headstart.choice.heads import Heads
from headstart.choice.racing import prepare, race
from headstart.errors import check_names
from headstart.shallow.domains import Domains
from headstart.workflow.adapting.plan import FIRST

BASE = [Candidate("source_only")]


def _domains(n, d):
    rows = np.zeros((n, d))
    return Domains(rows, np.zeros(n, dtype=np.int64), rows, np.full(n, -1), np.ones(n, dtype=np.int64))


def test_the_slow_one_runs_last_and_source_only_first():
    wide = cheapest_first([*BASE, *standard_field()], _domains(1000, 1280), 10)
    assert (wide[0].name, wide[-1].name) == ("source_only", "jgsa")
    assert sorted(one.name for one in wide) == sorted(one.name for one in [*BASE, *standard_field()])
    long = cheapest_first([*BASE, *standard_field()], _domains(4000, 10), 2)
    assert long[-1].name in ("artl", "meda")


def test_what_is_not_expected_to_fit_is_left_out_whatever_the_clock_says():
    domains = _domains(1000, 1280)
    racing = cheapest_first([*BASE, *standard_field()], domains, 10)
    assert beyond(racing, domains, 10, None) == {}
    left = [beyond(racing, domains, 10, budget) for budget in (0.0, 20.0, 40.0, 1e6)]
    assert [len(one) for one in left] == sorted((len(one) for one in left), reverse=True)
    assert set(left[0]) == set(range(1, len(racing)))
    assert "jgsa" in {racing[number].name for number in left[2]}
    assert left[3] == {}
    spent = sum(expected_seconds(one, domains, 10) for i, one in enumerate(racing) if i not in left[2])
    assert spent <= 40


def test_many_rows_cost_in_proportion_so_that_a_budget_leaves_a_field():
    field = [one for one in [*BASE, *standard_field()] if one.name not in ("erm", "mcc", "shot")]
    for one in field:
        small, large = (expected_seconds(one, _domains(n, 64), 10) for n in (10_000, 100_000))
        assert 5 * small < large <= 10 * small, one.name
    racing, domains = cheapest_first([*BASE, *standard_field()], _domains(30_000, 64), 10), _domains(30_000, 64)
    left = {racing[number].name for number in beyond(racing, domains, 10, 300.0)}
    assert {"coral", "mcc", "self_training"}.isdisjoint(left)


def test_pictures_that_are_convolved_cost_more_and_only_what_is_trained_does():
    domains = _domains(1000, 256)
    for name, more in (("mcc", True), ("coral", False)):
        plain, convolved = (expected_seconds(Candidate(name), domains, 10, Heads(grid=g)) for g in (None, (1, 16, 16)))
        assert (convolved > 2 * plain) == more
        assert more or convolved == plain


def test_a_race_says_why_a_candidate_was_left_out():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(40, 4)), np.arange(40) % 2
    domains = Domains(rows, labels, rows + 1, np.full(40, -1), np.ones(40, dtype=np.int64))
    found = race(prepare(domains, n_classes=2), [*BASE, Candidate("coral"), Candidate("msda")], budget=5.0)
    assert [bool(one.note) for one in found] == [False, False, True]
    assert "about 9 s expected" in found[2].note
    assert "of 5 s" in found[2].note


def test_names_that_select_nothing_are_refused_where_their_table_is():
    with pytest.raises(ValueError, match="FIRST names 'standardise', which does not exist; did you mean 'standardize'"):
        check_names(["standardise"], catalogue.names(), "FIRST")
    assert "standardize" in FIRST["none"]
