"""Across domains the baseline is the best model that does not adapt, and nothing that was learned from is evaluated."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from headstart.choice import Candidate
from headstart.functional.bootstrap import corpus_interval
from headstart.problem import Task
from headstart.tasks import create_task
from headstart.workflow.adapting.field import judge_arms
from headstart.workflow.adapting.race import ADAPTED, race_seed
from headstart.workflow.judging.predictions import Predictions

TASK = Task("classification", ("a", "b"))
LABELS = np.arange(200) % 2


def answers(share, seed=0):
    """Probabilities [200, 2] that are right for a share of the rows."""
    right = np.random.default_rng(seed).permutation(200) < share * 200
    return np.eye(2)[np.where(right, LABELS, 1 - LABELS)]


def judged(kept="adapted", seeds=1, **shares):
    """The verdict where each arm answers this share of the rows rightly."""
    adaptation = SimpleNamespace(task=TASK, logic=create_task(TASK), options=SimpleNamespace(seed=0))
    values = {arm: [answers(share, seed) for seed in range(seeds)] for arm, share in shares.items()}
    return judge_arms(adaptation, Predictions(np.arange(200), LABELS, list(range(seeds)), values), kept)


def test_the_baseline_is_the_strongest_model_that_does_not_adapt():
    found = judged(source_only=0.6, target_only=0.8, pooled=0.7, adapted=0.9)
    assert (found.baseline, found.arm, found.chosen) == ("target_only", "adapted", "adapted")
    assert found.gain == pytest.approx(0.1)


def test_an_adapted_model_below_pooled_is_no_gain():
    found = judged(source_only=0.3, pooled=0.9, adapted=0.7)
    assert (found.baseline, found.kind) == ("pooled", "negative")
    assert found.gain == pytest.approx(-0.2)


def test_the_adapted_model_is_never_its_own_baseline():
    found = judged(source_only=0.5, adapted=0.95)
    assert (found.baseline, found.kind) == ("source_only", "positive")


def test_a_baseline_that_is_kept_gains_nothing_over_itself_and_the_adapted_model_is_told_beside_it():
    found = judged(kept="source_only", source_only=0.8, adapted=0.6)
    assert (found.arm, found.baseline, found.gain) == ("source_only", "source_only", 0.0)
    assert found.planned.gain == pytest.approx(-0.2)


def test_an_arm_that_some_seed_lacks_is_no_baseline():
    adaptation = SimpleNamespace(task=TASK, logic=create_task(TASK), options=SimpleNamespace(seed=0))
    values = {"source_only": [answers(0.6), answers(0.6, 1)], "adapted": [answers(0.9), answers(0.9, 1)]}
    values["pooled"] = [answers(1.0)]
    found = judge_arms(adaptation, Predictions(np.arange(200), LABELS, [0, 1], values), "adapted")
    assert found.baseline == "source_only"


def test_a_race_tells_a_line_per_candidate_and_keeps_what_stands_for_adaptation():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    source, target = (rng.normal(size=(60, 4)) + 2 * np.eye(4)[labels] + shift for shift in (0, 0.5))
    known = np.where(np.arange(60) == 1, 1, -1)
    lines: list[str] = []
    candidates = [Candidate("source_only"), Candidate("pooled"), Candidate("coral"), Candidate("jgsa", {"n_what": 1})]
    found = race_seed(
        source, labels, np.ones(60, dtype=int), target, known, candidates,
        budget=1e6, seed=0, standardise=True, on_done=lines.append,
    )  # fmt: skip
    assert [line.split()[0] for line in lines] == [one.name for one in found.selection.raced]
    failed = {one.name for one in found.selection.raced if one.note}
    assert failed == {"target_only", "jgsa"}  # one label of the target is one class
    assert all((" s  source_accuracy" in line) != (line.split()[0] in failed) for line in lines)
    assert "TypeError" in next(line for line in lines if "jgsa" in line)
    assert found.selection.data.n_classes == 3
    assert set(found.arms) == {"source_only", "pooled", ADAPTED}
    assert found.adapted is found.arms[ADAPTED] is found.selection.finished[found.selection.considered]
    assert found.kept_arm == (found.kept.name if found.kept.name in ("source_only", "pooled") else ADAPTED)
    assert found.seconds > 0
    alone = race_seed(
        source, labels[:60] * 1.5, np.ones(60, dtype=int), target, np.full(60, np.nan), candidates[:1],
        budget=1e6, seed=0, standardise=True, on_done=lines.append,
    )  # fmt: skip
    assert (alone.adapted, alone.kept_arm, set(alone.arms)) == (None, "source_only", {"source_only"})
    assert alone.selection.data.regression


def test_nothing_is_measured_without_labels_and_equal_baselines_are_one():
    adaptation = SimpleNamespace(task=TASK, logic=create_task(TASK), options=SimpleNamespace(seed=0))
    empty = Predictions(np.arange(0), LABELS[:0], [0], {"source_only": [np.zeros((0, 2))]})
    found = judge_arms(adaptation, empty, "source_only")
    assert (found.kind, found.gain, found.n_test, found.arm, found.chosen) == (
        "none",
        None,
        0,
        "source_only",
        "source_only",
    )
    half = Predictions(np.arange(200), LABELS, [0, 1], {"source_only": [answers(0.6)] * 2, "adapted": [answers(0.9)]})
    assert judge_arms(adaptation, half, "adapted").gain is None  # one of two seeds has no such arm
    for kept in ("source_only", "pooled"):
        found = judged(kept, source_only=0.7, pooled=0.7, adapted=0.9)
        assert (found.baseline, found.gain) == (kept, 0.0)
        assert found.planned.arm == "adapted"


def test_a_metric_of_all_rows_is_compared_as_such_across_domains(monkeypatch):
    few = partial(corpus_interval, draws=20)  # of the rows; a thousand take seconds
    monkeypatch.setattr("headstart.workflow.judging.verdict.corpus_interval", few)
    task = Task("classification", ("a", "b"), primary="macro_f1")
    adaptation = SimpleNamespace(task=task, logic=create_task(task), options=SimpleNamespace(seed=0))
    ones = np.tile([0.1, 0.9], (200, 1))
    values = {"source_only": [ones], "pooled": [answers(0.45)], "adapted": [answers(0.9)]}
    found = judge_arms(adaptation, Predictions(np.arange(200), LABELS, [0], values), "adapted")
    assert found.baseline == "pooled"  # right more seldom, and better by F1 of both classes
    score = adaptation.logic.score
    assert found.gain == pytest.approx(score(answers(0.9), LABELS) - score(answers(0.45), LABELS))
