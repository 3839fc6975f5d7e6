import numpy as np
import pytest
from scipy import stats

from headstart.problem import Task
from headstart.workflow.verdict import guard, judge

CLASSES = Task("classification", ("a", "b"))
VALUES = Task("regression", targets=("y",))


def scores(*shares, n=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([(rng.random(n) < share).astype(float) for share in shares])


def test_a_clear_gain_is_positive_and_its_interval_holds_the_gain():
    transfer, scratch = scores(0.9, 0.9), scores(0.6, 0.6, seed=1)
    verdict = judge(CLASSES, "probe", transfer, scratch)
    assert verdict.kind == "positive"
    assert verdict.interval[0] < verdict.gain < verdict.interval[1]
    assert verdict.gain == pytest.approx((transfer - scratch).mean())
    assert verdict.p < 1e-6


def test_swapping_the_arms_swaps_the_verdict():
    transfer, scratch = scores(0.9), scores(0.6, seed=1)
    forward, back = judge(CLASSES, "probe", transfer, scratch), judge(CLASSES, "probe", scratch, transfer)
    assert back.kind == "negative"
    assert back.gain == pytest.approx(-forward.gain)
    assert back.p == pytest.approx(forward.p)


def test_equal_arms_have_no_measurable_difference():
    same = scores(0.7)
    verdict = judge(CLASSES, "probe", same, same)
    assert (verdict.kind, verdict.gain, verdict.p) == ("none", 0.0, 1.0)
    assert "no measurable difference" in str(verdict)


def test_one_seed_gives_the_exact_mcnemar_p():
    transfer, scratch = scores(0.8, n=60), scores(0.6, n=60, seed=3)
    only_transfer = int(((transfer == 1) & (scratch == 0)).sum())
    only_scratch = int(((transfer == 0) & (scratch == 1)).sum())
    expected = stats.binomtest(only_transfer, only_transfer + only_scratch).pvalue
    assert judge(CLASSES, "probe", transfer, scratch).p == pytest.approx(expected)


def test_without_scratch_nothing_is_claimed():
    verdict = judge(CLASSES, "probe", scores(0.9), None)
    assert (verdict.kind, verdict.gain, verdict.interval, verdict.p) == ("none", None, None, None)
    assert verdict.sentence.startswith("Not measured")


def test_regression_gain_is_counted_in_the_targets_units():
    errors = -np.abs(np.random.default_rng(0).normal(size=(1, 200)))
    verdict = judge(VALUES, "finetune", errors, errors - 0.5)
    assert verdict.gain == pytest.approx(0.5)
    assert "mae" in verdict.sentence


def test_the_guard_hands_back_the_best_on_validation():
    assert guard(CLASSES, "finetune", {"scratch": 0.9, "probe": 0.6, "finetune": 0.7}).kept == "scratch"
    assert guard(CLASSES, "finetune", {"scratch": 0.5, "probe": 0.8, "finetune": 0.7}).kept == "probe"
    assert guard(VALUES, "finetune", {"scratch": -2.0, "finetune": -1.0}).kept == "finetune"


def test_the_chosen_arm_wins_ties():
    assert guard(CLASSES, "finetune", {"scratch": 0.7, "probe": 0.7, "finetune": 0.7}).kept == "finetune"
