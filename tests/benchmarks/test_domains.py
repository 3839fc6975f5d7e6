"""The benchmark across domains on made pairs: encoding, cells, resuming, judging, the pages."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.domains import judging, records, render
from benchmarks.domains.contenders import contenders, entries
from benchmarks.domains.measure import cell, measure
from benchmarks.domains.pairs import Column, Pair, crossed, encode, standard, unit
from benchmarks.domains.peers import LIBRARIES
from benchmarks.domains.scale import made
from benchmarks.domains.tasks import Contender, task
from benchmarks.domains.trial import attempt
from headstart.choice.joint import plan


def pair(kind: str = "classification", benchmark: str = "heart", n: int = 60) -> Pair:
    rng = np.random.default_rng(0)
    x, moved = rng.normal(size=(2, n, 3))
    if kind == "regression":
        return Pair(benchmark, "a->b", x, x[:, 0], moved, moved, moved[:, 0], kind)
    labels = np.arange(n) % 2
    x, moved = x + 3 * labels[:, None], moved + 3 * labels[:, None] + 0.3
    return Pair(benchmark, "a->b", x, labels, moved, moved, labels, kind)


def run(contender: str, given):
    return next(one for one in contenders(given.pair, len(given.known)) if one.method == contender).run(given)


def test_a_table_becomes_numbers_by_the_sources_medians_and_both_sides_categories():
    source = [["1", "x"], ["3", "y"], ["?", "x"], ["5", "x"]]
    target = [["?", "z"], ["3", "?"]]
    first, second = encode(source, target, [Column("n", False), Column("c", True)])
    assert first.shape == (4, 6)  # the number, its indicator, and x, y, z, ?
    assert first[2, 0] == first[1, 0] == second[0, 0] == 0  # the median, which is the mean here
    assert first[:, 1].tolist() == [0, 0, 1, 0]
    assert second[:, 1].tolist() == [1, 0]
    assert (first[:, 2:].sum(axis=1) == 1).all()


def test_rows_of_length_one_and_columns_of_deviation_one():
    x = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 0.0]])
    assert np.allclose(np.linalg.norm(unit(x), axis=1), [1, 0, 1])
    assert np.allclose(standard(x).std(axis=0, ddof=1), 1)


def test_every_ordered_pair_is_transductive():
    one = pair()
    domain = type("D", (), {"x": one.source_x, "y": one.source_y})
    found = list(crossed("surf", {"A": domain, "B": domain, "C": domain}))
    assert [p.name for p in found] == ["A->B", "A->C", "B->A", "B->C", "C->A", "C->B"]
    assert all(p.transductive for p in found)


def test_target_labels_that_are_not_known_are_masked_and_known_rows_are_not_scored():
    given = task(pair(n=300), labels=20, seed=1)
    _, y, domain = given.joined(as_sparse=False)
    shown = np.flatnonzero(y[domain < 0] != -1)
    assert shown.tolist() == given.known.tolist()
    assert len(given.test) == 200
    assert not set(given.test) & set(given.known)
    fewer = task(pair(n=300), labels=5, seed=1)
    assert set(fewer.known) <= set(given.known)
    assert fewer.test.tolist() == given.test.tolist()


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_no_contender_without_target_labels_sees_one(kind):
    """Scrambling the labels that are scored changes no answer but the ceiling's."""
    one = pair(kind)
    other = one._replace(test_y=np.random.default_rng(5).permutation(one.test_y))
    checked = ("source_only", "coral", "tca", "easytl", "kmm")
    for name in {c.method for c in contenders(one)} & set(checked):
        assert np.array_equal(run(name, task(one)), run(name, task(other)))


def test_cells_are_written_once_and_a_failure_is_a_cell(tmp_path, monkeypatch):
    def broken(given):
        raise ValueError("no way")

    pool = [Contender("good", "own", lambda given: given.truth), Contender("bad", "own", broken)]
    monkeypatch.setattr("benchmarks.domains.contenders.contenders", lambda *_: iter(pool))
    for _ in range(2):
        measure([pair()], 0, [0], name="heart", folder=tmp_path)
    good, bad = records.read("heart", tmp_path)
    assert len((tmp_path / "heart.jsonl").read_text().splitlines()) == 2
    assert good["accuracy"] == 1
    assert records.unpack(good).tolist() == [1.0] * 60
    assert bad["failed"] == "ValueError: no way"


@pytest.mark.slow
def test_what_does_not_end_is_stopped():
    def forever():
        while True:
            pass

    assert "not finished in 1 CPU s" in attempt(forever, 1)["failed"]


def record(method: str, hits: str, name: str = "a->b", head: str = "tuned", library: str = "headstart") -> dict:
    values = np.array([int(hit) for hit in hits])
    about = dict(zip(records.KEY, ("surf", name, library, method, head, 0, 0), strict=True))
    about |= {"kind": "classification", "n_source": 9, "n_target": len(hits), "n_test": len(hits), "seconds": 1.0}
    about |= {"date": "2026-01-01", "machine": "m", "python": "3.11", "versions": {"numpy": "2"}}
    return about | {"accuracy": float(values.mean()), "rows": records.pack(values, "classification")}


def test_gain_and_harm_of_known_outcomes():
    source, worse, better = record("source_only", "1" * 50 + "0" * 50), record("w", "0" * 100), record("b", "1" * 100)
    assert judging.gain(source, source) == (0, 0, 0)
    mean, low, high = judging.gain(worse, source)
    assert mean == -50
    assert low < -50 < high < 0
    harm = judging.harm([judging.gain(worse, source), judging.gain(better, source)])
    assert (harm["half"], harm["two"], harm["noise"], harm["worst"]) == (50, 50, 50, -50)


def test_the_interval_over_drawn_hits_is_that_over_drawn_rows():
    one = record("m", "1" * 140 + "0" * 60)
    low, high = judging.interval(one)
    values, rng = records.unpack(one), np.random.default_rng(1)
    means = [100 * rng.choice(values, size=200).mean() for _ in range(2000)]
    assert np.allclose([low, high], np.quantile(means, (0.025, 0.975)), atol=1.0)


def test_regression_outcomes_keep_each_rows_error():
    found = records.scores(np.array([1.0, 2.0]), np.array([1.5, 2.0]), "regression", rows=True)
    assert found["mae"] == 0.25
    assert records.unpack(found | {"kind": "regression"}).tolist() == [0.5, 0.0]


def test_a_validators_regret_is_the_gap_to_the_best_of_the_race():
    raced = [{"name": "x", "accuracy": 0.5, "scores": {"v": 1.0}}, {"name": "y", "accuracy": 0.8, "scores": {"v": 0.0}}]
    assert judging.regrets({"raced": raced}) == pytest.approx({"v": 30.0})


@pytest.mark.slow
def test_the_pages_print_every_cell_and_a_loss_as_lost(tmp_path):
    auto = record("auto", "1" * 40 + "0" * 60, head="own")
    auto |= {"unguarded": {"accuracy": 0.4, "rows": auto["rows"]}, "kept": "coral", "reason": ""}
    auto["raced"] = [
        {"name": n, "accuracy": a, "scores": {"v": 0.0}} for n, a in (("source_only", 0.5), ("coral", 0.4))
    ]
    stopped = {k: v for k, v in record("tca", "1", library="skada").items() if k not in ("accuracy", "rows", "seconds")}
    for one in (record("source_only", "1" * 50 + "0" * 50), auto):
        records.append("surf", one, tmp_path)
    records.append("peers", stopped | {"failed": "not finished in 60 CPU s"}, tmp_path)
    page, cells = render.page(tmp_path)
    assert "| **LOST** | surf: automatic choice at least 52.7 on average | 40.0 (40.0 to 40.0 over pairs) |" in page
    assert "not finished in 60 CPU s" in page
    assert "| auto | 40.0 (30.0 to 50.0) |" in cells
    assert "| skada: tca + tuned | not finished |" in cells


def test_the_automatic_choice_is_measured_with_what_it_chose_from(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 10)
    monkeypatch.setattr(plan, "MOST_STEPS", 10)
    one = pair()
    chosen = cell(next(c for c in contenders(one) if c.method == "auto"), task(one), seed=0)
    assert chosen["accuracy"] > 0.9
    assert {"source_only"} <= {raced["name"] for raced in chosen["raced"]}
    assert "accuracy" in chosen["unguarded"]


def test_every_method_that_applies_answers_on_a_made_pair():
    small = made(60, features=5, classes=3)
    names = {entry.name for entry in entries(small, 0)}
    assert names
    for contender in contenders(small):
        if contender.method in {"coral", "jda", "ulsif"} & names:
            assert len(contender.run(task(small))) == 60


def test_peers_are_named():
    assert set(LIBRARIES) == {"skada", "adapt"}
