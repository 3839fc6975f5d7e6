"""The statistics of the comparison, the cells, and the page."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import render
from benchmarks.compare import bootstrap, compare, group
from benchmarks.peers.clock import Clock, affordable
from benchmarks.peers.tasks import Cell, Data, Item, draw


def record(contender, seed, marks, **more):
    about = {"data": "d", "shots": "5", "seed": seed, "contender": contender, "correct": marks}
    choice = {"method": "probe", "depth": 0, "kept": "probe", "whole": 3.0, "arms": {}}
    accuracy = sum(map(int, marks)) / len(marks)
    machine = {"date": "2026-01-01", "machine": "m", "python": "3.11", "versions": {"torch": "2"}}
    return (
        about
        | machine
        | {"n_train": 10, "budget": 20.0, "seconds": 2.0, "accuracy": accuracy, "curve": [], "choice": choice}
        | more
    )


def test_a_contender_that_is_right_everywhere_wins_and_the_other_way_round_loses():
    right = [record("a", seed, "1" * 40) for seed in range(3)]
    wrong = [record("b", seed, "0" * 40) for seed in range(3)]
    assert compare(right, wrong).outcome == "won"
    assert compare(wrong, right).outcome == "LOST"
    assert compare(right, right).outcome == "tie"


def test_pairs_are_of_the_same_seed():
    first = [record("a", 0, "11110000"), record("a", 1, "00001111")]
    second = [record("b", 1, "00001111"), record("b", 2, "11111111")]
    difference = compare(first, second)
    assert difference.gain == 0
    assert difference.interval == (0, 0)
    assert compare(first[:1], second) is None


def test_the_interval_covers_the_mean_of_a_binomial():
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(60):
        low, high = bootstrap((random.random((1, 100)) < 0.7).astype(float), seed=trial)
        hits += low <= 0.7 <= high
    assert hits >= 50


def test_the_last_measurement_of_a_cell_counts():
    cells = group([record("a", 0, "0000"), record("a", 0, "1111")])
    assert [found["correct"] for found in cells["d", "5"]["a"]] == ["1111"]


def test_a_subset_has_so_many_of_each_class_and_depends_on_the_seed():
    pool = [Item(f"{label}{i}", label) for label in "ab" for i in range(30)]
    first, again, other = draw(pool, 5, 0), draw(pool, 5, 0), draw(pool, 5, 1)
    assert first == again != other
    assert [item.label for item in first] == ["a"] * 5 + ["b"] * 5
    assert Cell(Data("d", "text", "", pool, []), "all", 3).train == pool


@pytest.mark.parametrize(("budget", "epochs"), [(0.0, 1), (10.0, 4), (1000.0, 20)])
def test_epochs_fit_the_budget(budget, epochs):
    assert affordable(budget, 2.0, 2.0, 20) == epochs


def test_the_clock_stands_still_in_a_pause():
    clock = Clock()
    with clock.paused():
        sum(i * i for i in range(2_000_000))
    assert clock.seconds < clock.free


def test_every_measured_cell_is_on_the_page_with_its_loss():
    ours = [record("headstart", seed, "0" * 20) for seed in range(3)]
    theirs = [record("linear", seed, "1" * 20) for seed in range(3)]
    page = "\n".join(render.peers_part(ours + theirs))
    assert "LOST -100.0 (-100.0 to -100.0)" in page
    assert "against logistic regression: won 0, tie 0, LOST 1 of 1 cells" in page
