from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from headstart.problem import Task
from headstart.report.expected import VERDICT
from headstart.tasks import create_task
from headstart.workflow.conclude import complete
from headstart.workflow.judging.predictions import Predictions, plain, write_predictions
from headstart.workflow.judging.verdict import Verdict, compare, guard, judge, judge_kept
from headstart.workflow.network_field import best_index, planned_of, validation_of
from headstart.workflow.record import arm_record, constant_baseline, negative_transfer, title_of

CLASSES = Task("classification", ("a", "b"))
VALUES = Task("regression", targets=("y",))


def scores(*shares, n=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([(rng.random(n) < share).astype(float) for share in shares])


def test_every_part_of_a_verdict_is_checked_before_it_is_read():
    assert {part.name for part in fields(Verdict)} <= VERDICT.may.keys()


def test_a_measured_gain_below_what_one_decimal_shows_is_not_called_nothing():
    found = Verdict("negative", "accuracy", -0.00031, (-0.0006, -0.0001), 0.01, 90_000, "probe")
    assert "-0.03 points" in found.sentence
    assert "+0.0 points" in Verdict("none", "accuracy", 0.0, (-0.01, 0.01), 1.0, 90, "probe").sentence


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
    assert "from scratch was left out" in verdict.sentence
    assert "no label to evaluate with" in judge(CLASSES, "probe", scores(0.9), None, baseline="source_only").sentence


def test_regression_gain_is_counted_in_the_targets_units():
    errors = -np.abs(np.random.default_rng(0).normal(size=(1, 200)))
    verdict = judge(VALUES, "finetune", errors, errors - 0.5)
    assert verdict.gain == pytest.approx(0.5)
    assert "+0.5 mae (0.5 to 0.5) over" in verdict.sentence
    hits = np.ones((1, 200))
    shares = judge(CLASSES, "finetune", hits, hits * (np.arange(200) >= 50))
    low, high = shares.interval
    assert f"+25.0 points ({100 * low:.1f} to {100 * high:.1f}) over" in shares.sentence


def test_the_guard_hands_back_the_best_on_validation():
    assert guard(CLASSES, "finetune", {"scratch": 0.9, "probe": 0.6, "finetune": 0.7}).kept == "scratch"
    assert guard(CLASSES, "finetune", {"scratch": 0.5, "probe": 0.8, "finetune": 0.7}).kept == "probe"
    assert guard(VALUES, "finetune", {"scratch": -2.0, "finetune": -1.0}).kept == "finetune"


def test_the_chosen_arm_wins_ties():
    assert guard(CLASSES, "finetune", {"scratch": 0.7, "probe": 0.7, "finetune": 0.7}).kept == "finetune"


def test_the_guard_says_why_in_the_metrics_words():
    assert guard(CLASSES, "finetune", {"finetune": 0.7}).reason == "It is the only arm that was trained."
    planned = guard(CLASSES, "finetune", {"scratch": 0.5, "finetune": 0.75})
    assert planned.reason == "The planned arm is the best on validation: 75.0% against 50.0% for scratch."
    without = guard(VALUES, "finetune", {"scratch": -1.5, "finetune": -2.0}).reason
    assert "scratch scores mae 1.5 and the planned finetune mae 2: the source does not help here" in without
    assert "another arm does better, so probe" in guard(CLASSES, "finetune", {"probe": 0.8, "finetune": 0.7}).reason


def arms(**shares):
    return {name: scores(share, n=200, seed=number) for number, (name, share) in enumerate(shares.items())}


def test_the_verdict_is_of_the_arm_that_is_handed_back():
    found = arms(scratch=0.7, finetune=0.95, probe=0.75)
    verdict = judge_kept(CLASSES, found, kept="probe", planned="finetune")
    assert verdict.gain == pytest.approx((found["probe"] - found["scratch"]).mean())
    assert (verdict.arm, verdict.chosen, verdict.baseline) == ("probe", "finetune", "scratch")
    assert verdict.planned.gain == pytest.approx((found["finetune"] - found["scratch"]).mean())
    assert "by probe, which is handed back; the planned finetune would have been" in verdict.sentence


def test_where_the_baseline_is_handed_back_nothing_was_gained():
    found = arms(scratch=0.9, finetune=0.6)
    verdict = judge_kept(CLASSES, found, kept="scratch", planned="finetune")
    assert (verdict.kind, verdict.gain, verdict.interval, verdict.p) == ("none", 0.0, (0.0, 0.0), 1.0)
    assert verdict.planned.kind == "negative"
    assert verdict.sentence.startswith("nothing was gained: training from scratch is handed back; the planned finetune")
    assert verdict.note == ""
    assert [line.split(":")[0] for line in negative_transfer(verdict)] == ["Negative transfer"]
    assert "the planned finetune is worse" in negative_transfer(verdict)[0]


def test_what_is_handed_back_and_hurts_is_named_and_the_better_arm_with_it():
    found = arms(scratch=0.9, probe=0.6)
    verdict = judge_kept(CLASSES, found, kept="probe", planned="probe")
    assert verdict.kind == "negative"
    assert verdict.planned is None
    assert "which is handed back, is worse than training from scratch" in negative_transfer(verdict)[0]
    assert "scratch is measurably better than probe" in verdict.note


def test_a_visible_gap_that_is_not_measurable_is_said_as_such():
    found = {"scratch": scores(0.5, n=50)}
    found["probe"], found["finetune"] = found["scratch"].copy(), found["scratch"].copy()
    found["finetune"][0, np.flatnonzero(found["finetune"][0] == 0)[:2]] = 1
    note = judge_kept(CLASSES, found, kept="probe", planned="probe").note
    assert "finetune is better, though not measurably, than probe, by +4.0 points" in note
    assert judge_kept(CLASSES, found, kept="finetune", planned="finetune").note == ""
    assert judge_kept(CLASSES, {"probe": found["probe"]}, kept="probe", planned="probe").note == ""
    one = {"probe": scores(0.5, n=100)}
    one["finetune"] = one["probe"].copy()
    one["finetune"][0, np.flatnonzero(one["finetune"][0] == 0)[0]] = 1
    assert judge_kept(CLASSES, one, kept="probe", planned="probe").note == ""  # 1 point is not worth a sentence
    rng = np.random.default_rng(0)
    errors = -20 - np.abs(rng.normal(0, 6, size=(1, 40)))
    for share, said in ((0.04, False), (0.07, True)):  # nor is less than a twentieth of an error
        noise = rng.permutation(np.tile([-8.0, 8.0], 20))[None]
        note = judge_kept(
            VALUES, {"probe": errors, "finetune": (1 - share) * errors + noise}, kept="probe", planned="probe"
        ).note
        assert bool(note) == said


def test_the_kind_comes_from_the_interval_and_not_from_the_gain():
    """Five samples won and none lost is a gain, but the exact p is 0.06 and the interval holds 0."""
    scratch = np.zeros((1, 49))
    few, more = scratch.copy(), scratch.copy()
    few[0, :5], more[0, :6] = 1, 1
    assert (judge(CLASSES, "probe", few, scratch).kind, judge(CLASSES, "probe", more, scratch).kind) == (
        "none",
        "positive",
    )


def test_a_loss_that_may_be_luck_is_not_negative_transfer():
    scratch = np.ones((1, 49))
    few, more = scratch.copy(), scratch.copy()
    few[0, :5], more[0, :6] = 0, 0
    found = judge(CLASSES, "probe", few, scratch)
    assert (found.kind, judge(CLASSES, "probe", more, scratch).kind) == ("none", "negative")
    assert found.gain < 0


def test_an_error_that_shrinks_is_a_gain_with_an_interval_above_zero():
    rng = np.random.default_rng(0)
    scratch = -np.abs(rng.normal(2, 0.1, size=(1, 100)))
    verdict = judge(VALUES, "finetune", scratch + 0.5 + rng.normal(0, 0.1, size=(1, 100)), scratch)
    assert verdict.kind == "positive"
    assert 0.4 < verdict.interval[0] < verdict.gain < verdict.interval[1] < 0.6


def test_several_seeds_are_judged_over_all_of_them():
    found = {"scratch": scores(0.5, 0.5, 0.5, n=60), "probe": scores(0.9, 0.5, 0.9, n=60, seed=3)}
    verdict = judge_kept(CLASSES, found, kept="probe", planned="probe")
    assert verdict.gain == pytest.approx((found["probe"] - found["scratch"]).mean())


def test_a_metric_of_the_whole_split_is_bootstrapped_over_rows():
    transfer, scratch = scores(0.9, n=100), scores(0.6, n=100, seed=1)
    found = compare(
        CLASSES,
        "probe",
        transfer,
        "scratch",
        scratch,
        corpus=lambda rows: (float(np.median(transfer[0][rows])), float(scratch[0][rows].mean())),
    )
    assert found.gain == pytest.approx(1 - scratch.mean())
    assert found.interval[0] < found.gain < found.interval[1]


def test_a_verdict_reads_back_what_it_wrote_and_what_older_versions_wrote():
    verdict = judge_kept(CLASSES, arms(scratch=0.7, finetune=0.9, probe=0.8), kept="probe", planned="finetune")
    assert Verdict.from_json(verdict.to_json()) == verdict
    for half in ("gain", "interval"):
        with pytest.raises(ValueError, match="a gain without an interval, or an interval without a gain"):
            Verdict.from_json(verdict.to_json() | {half: None})
    old = {name: value for name, value in verdict.to_json().items() if name not in {"arm", "planned", "interval_kind"}}
    assert Verdict.from_json(old).arm == "finetune"


def test_the_best_simple_way_is_the_strongest_on_validation_and_not_on_the_test_split():
    found = arms(scratch=0.5, finetune=0.9, linear=0.8, trees=0.6)
    simple = {"trees": 0.85, "linear": 0.7}
    verdict = judge_kept(CLASSES, found, kept="finetune", planned="finetune", simple=simple)
    assert verdict.best.baseline == "trees"
    assert verdict.best.gain == pytest.approx((found["finetune"] - found["trees"]).mean())
    assert "over boosted trees on the raw columns, the best of the simple ways" in verdict.sentence


def test_a_simple_way_that_is_handed_back_is_no_transfer_and_gains_nothing_over_itself():
    found = arms(scratch=0.5, finetune=0.6, trees=0.9)
    verdict = judge_kept(CLASSES, found, kept="trees", planned="finetune", simple={"trees": 0.9})
    assert (verdict.kind, verdict.transfers) == ("positive", False)
    assert (verdict.best.baseline, verdict.best.gain) == ("trees", 0.0)
    assert "without the source" in verdict.sentence


def test_what_is_no_mean_of_scores_is_judged_by_its_measure_for_every_pair():
    found = arms(scratch=0.6, finetune=0.7, probe=0.8, trees=0.5)
    measures = {arm: lambda rows, one=one: float(one[0, rows].mean() ** 2) for arm, one in found.items()}
    gap = lambda arm, other: found[arm].mean() ** 2 - found[other].mean() ** 2  # noqa: E731
    judged = judge_kept(CLASSES, found, kept="probe", planned="finetune", simple={"trees": 0.5}, measures=measures)
    assert judged.gain == pytest.approx(gap("probe", "scratch"))
    assert judged.planned.gain == pytest.approx(gap("finetune", "scratch"))
    assert judged.best.gain == pytest.approx(gap("probe", "trees"))
    assert (judged.p, judged.planned.p, judged.best.p) == (None, None, None)


def test_a_simple_way_that_is_kept_is_the_best_of_equals():
    found = arms(scratch=0.5, trees=0.6, linear=0.9)
    for kept in ("trees", "linear"):
        verdict = judge_kept(CLASSES, found, kept=kept, planned=kept, simple={"linear": 0.8, "trees": 0.8})
        assert verdict.best.baseline == kept


def test_what_an_arm_says_is_the_mean_over_its_seeds():
    labels = np.arange(40) % 2
    right = lambda n: np.eye(2)[np.where(np.arange(40) < n, labels, 1 - labels)]  # noqa: E731
    logic = create_task(CLASSES)
    predictions = Predictions(np.arange(40), labels, [3, 4], {"probe": [right(30), right(20)]})
    parts = [{"seconds": s, "validation": {"accuracy": v}} for s, v in ((1.25, 0.5), (2.0, 0.7))]
    told = {"method": "probe", "title": "Probe", "papers": ["a paper"], "seed": 0}
    found = arm_record(logic, "probe", predictions, parts, **told)
    assert (found["seconds"], found["n_test"], found["interval_kind"]) == (3.25, 40, "bootstrap")
    assert found["validation"] == {"accuracy": pytest.approx(0.6)}
    assert found["test"]["accuracy"] == pytest.approx(0.625)
    assert found["interval"][0] < 0.625 < found["interval"][1]
    assert [(one["seed"], one["test"]["accuracy"], one["seconds"]) for one in found["seeds"]] == [
        (3, 0.75, 1.25),
        (4, 0.5, 2.0),
    ]
    nothing = Predictions(np.arange(0), labels[:0], [], {})
    found = arm_record(logic, "probe", nothing, parts, **told)
    assert (found["test"], found["interval"], found["seeds"], found["seconds"]) == ({}, None, [], 3.25)
    assert constant_baseline(logic, np.array([0, 0, 1]), nothing) == {}
    assert constant_baseline(logic, np.array([0, 0, 1]), predictions)["majority"]["accuracy"] == 0.5
    values = Predictions(np.arange(2), np.array([[1.0], [5.0]]), [0], {})
    assert constant_baseline(create_task(VALUES, values.labels), np.array([[2.0], [4.0]]), values)["mean"]["mae"] == 2.0


def test_an_arm_has_the_title_of_its_table_or_of_the_catalogue():
    assert title_of("scratch", {"scratch": "From scratch"}) == "From scratch"
    assert title_of("dann+vat", {}) == title_of("dann", {}) != "dann"
    assert title_of("unknown", {}) == "unknown"


def test_the_plan_stands_for_its_method_or_for_the_first_arm_that_uses_the_source():
    results = {"scratch": [{"score": 0.9}, {"score": 0.7}], "probe": [{"score": 0.5}], "finetune": [{"score": 0.6}]}
    assert planned_of(SimpleNamespace(method="finetune"), results) == "finetune"
    assert planned_of(SimpleNamespace(method="lp_ft"), results) == "probe"
    assert validation_of(results) == {"scratch": pytest.approx(0.8), "probe": 0.5, "finetune": 0.6}
    assert best_index([{"score": 0.5}, {"score": 0.9}, {"score": 0.9}]) == 1


def test_a_finished_run_keeps_its_report_and_loses_what_it_trained_by(tmp_path):
    (tmp_path / "state" / "probe" / "seed-0").mkdir(parents=True)
    (tmp_path / "state" / "arguments.json").write_text("{}")
    complete(tmp_path, {"verb": "pretrain"})  # a source has no report
    assert [path.name for path in tmp_path.rglob("*")] == ["state", "arguments.json"]
    (tmp_path / "report.html").write_text("as it was")
    complete(tmp_path, {"verb": "fit"})
    assert (tmp_path / "report.html").read_text() == "as it was"
    complete(tmp_path / "nowhere", {"verb": "pretrain"})


def test_the_table_of_predictions_has_a_row_for_every_arm_seed_and_sample(tmp_path):
    dataset = SimpleNamespace(names=lambda rows: [f"row {row}" for row in rows])
    one, two = np.array([[0.9, 0.1], [0.25, 0.75]]), np.array([[0.4, 0.6], [0.5, 0.5]])
    predictions = Predictions(np.array([7, 3]), np.array([0, 1]), [5, 6], {"probe": [one, two], "scratch": [two, one]})
    write_predictions(tmp_path / "p.parquet", dataset, create_task(CLASSES), predictions)
    found = pd.read_parquet(tmp_path / "p.parquet")
    assert found.arm.tolist() == ["probe"] * 4 + ["scratch"] * 4
    assert found.seed.tolist() == [5, 5, 6, 6] * 2
    assert found.split.tolist() == ["test"] * 8
    assert found.name.tolist() == ["row 7", "row 3"] * 4
    assert found.label.tolist() == ["a", "b"] * 4
    assert found.prediction.tolist() == ["a", "b", "b", "a", "b", "a", "a", "b"]
    assert found.confidence.tolist() == [0.9, 0.75, 0.6, 0.5, 0.6, 0.5, 0.9, 0.75]
    np.testing.assert_array_equal(np.stack(found.probabilities[:2]), one)
    assert [plain(value) for value in (["a", 1.5], 2.0, 3, "c")] == ["a|1.5", "2", "3", "c"]
