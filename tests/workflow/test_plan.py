from dataclasses import replace

import pytest

from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import Facts
from headstart.workflow.planning.plan import make_plan
from headstart.workflow.planning.timetable import Timetable

FACTS = Facts(
    n_train=1000,
    per_class=100,
    has_validation=True,
    parameters=20_000_000,
    n_stages=9,
    family="timm",
    speed=Speed(0.0, 1e-4),
)
OPTIONS = FitOptions(source="timm/resnet18")


def test_more_labels_free_more_stages():
    depths = [make_plan(replace(FACTS, per_class=n), OPTIONS).depth for n in (5, 100, 1000)]
    assert depths == [0, 3, 9]


def test_where_names_are_a_head_fine_tuning_starts_from_it():
    named = replace(FACTS, named=True)
    for labels in (5, 100, 1000):
        plan = make_plan(replace(named, per_class=labels), OPTIONS)
        assert (plan.method, plan.depth > 0) == ("wise_ft", True)
    assert make_plan(named, replace(OPTIONS, method="probe")).method == "probe"
    assert make_plan(replace(named, single=True), OPTIONS).method == "cosine"


SMALL = replace(FACTS, parameters=150_000, modality="image", n_stages=4, family="headstart")


def test_what_was_measured_speaks_for_what_it_covers_and_says_from_how_many_targets(monkeypatch):
    from headstart.workflow.planning import first_guess

    cells = first_guess.measured()["cells"]
    few = next(cell for cell in cells if cell["labels"][0] <= 8 <= cell["labels"][1])
    plan = make_plan(replace(SMALL, per_class=8), OPTIONS)
    assert f"Measured on {len(few['targets'])} targets" in " ".join(plan.reasons)
    assert (plan.method, plan.depth) == (few["method"], round(4 * few["share"]))
    head = {"labels": [2, 12], "targets": list("abcde"), "cases": 5, "method": "probe", "share": 0.0,
            "regret": {"head": 0.0, "all": 0.1}, "left_out": None}  # fmt: skip
    third = head | {"labels": [13, 35], "method": "lp_ft", "share": 0.333}
    anecdote = third | {"labels": [36, 90], "targets": list("abcd")}
    table = first_guess.measured() | {"cells": [head, third, anecdote]}
    monkeypatch.setattr(first_guess, "measured", lambda: table)
    made = [make_plan(replace(SMALL, per_class=n), OPTIONS) for n in (8, 20, 60, 150)]
    # Four targets are too few, and of 150 labels none was measured: a small network is then trained whole.
    assert [(plan.method, plan.depth) for plan in made] == [("probe", 0), ("lp_ft", 1), ("lp_ft", 4), ("lp_ft", 4)]
    assert "the next one 10.0" in " ".join(made[0].reasons)
    assert ["4 targets were" in " ".join(made[2].reasons), "0 targets were" in " ".join(made[3].reasons)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("other", [{"modality": "text"}, {"modality": ""}, {"parameters": 20_000_000}])
def test_what_was_not_measured_is_left_to_the_fields_thresholds(other):
    plan = make_plan(replace(SMALL, per_class=8, **other), OPTIONS)
    assert "The field's thresholds decide" in " ".join(plan.reasons)
    assert plan.method == ("probe" if "parameters" in other else "lp_ft")


def test_the_policys_methods_and_reasons():
    methods = [make_plan(replace(FACTS, per_class=n), OPTIONS) for n in (5, 100, 1000)]
    assert [plan.method for plan in methods] == ["probe", "lp_ft", "finetune"]
    assert "little data" in methods[0].reasons[0]
    assert "much data" in methods[2].reasons[0]


def test_a_far_source_frees_more_stages():
    near, far = (make_plan(replace(FACTS, shift_auc=auc), OPTIONS).depth for auc in (0.6, 0.99))
    assert far > near


def test_options_win_over_the_policy():
    plan = make_plan(FACTS, replace(OPTIONS, method="gradual", depth="all", epochs=3, learning_rate=0.01, batch_size=7))
    assert (plan.method, plan.depth, plan.epochs["gradual"], plan.batch_size) == ("gradual", 9, 3, 7)
    assert set(plan.learning_rate.values()) == {0.01}
    assert "gradual" in plan.arms


def test_a_depth_alone_decides_the_method():
    assert make_plan(FACTS, replace(OPTIONS, depth="none")).method == "probe"
    few = replace(FACTS, per_class=5)
    assert make_plan(few, replace(OPTIONS, depth="2")).method == "lp_ft"


@pytest.mark.parametrize("depth", ["none", "2", "all"])
def test_the_depth_asked_for_is_the_depth_planned(depth):
    asked = {"none": 0, "2": 2, "all": 9}[depth]
    assert make_plan(FACTS, replace(OPTIONS, method="finetune", depth=depth)).depth == asked


def test_a_small_budget_cuts_epochs_and_says_so():
    plan = make_plan(replace(FACTS, speed=Speed(0.0, 0.05)), replace(OPTIONS, budget="5m"))
    assert 1 <= plan.epochs["scratch"] < 10
    assert any("--budget" in reason for reason in plan.reasons)


def test_trained_arms_get_the_same_most_steps_whatever_a_step_costs():
    for budget in ("20m", "2m", "10s"):
        plan = make_plan(replace(FACTS, speed=Speed(0.01, 0.05)), replace(OPTIONS, budget=budget, method="lp_ft"))
        assert plan.epochs["scratch"] == plan.epochs["lp_ft"]
        assert plan.seconds["scratch"] > 2 * plan.seconds["lp_ft"]
        assert any(f"At most {plan.steps} steps" in reason for reason in plan.reasons)


def test_the_expected_total_is_within_the_budget_and_said():
    plan = make_plan(
        replace(FACTS, speed=Speed(0.0, 0.01), n_validation=200, n_test=200), replace(OPTIONS, budget="5m")
    )
    assert 200 < sum(plan.expected.values()) <= 300
    assert any(reason.startswith("Expected: at most ") and "5 min" in reason for reason in plan.reasons)


def test_fitting_again_takes_no_more_of_a_small_budget_than_training():
    """It goes on for three rounds at the most, and for no more than were made: else it would leave one step."""
    facts = replace(FACTS, speed=Speed(0.0, 0.01), n_validation=200, n_test=0)
    options = replace(OPTIONS, budget="100s", method="finetune", depth="all", arms=("scratch", "chosen"))
    plan = make_plan(facts, options)
    trained = plan.expected["scratch"] + plan.expected["finetune"]
    assert 0 < plan.expected["refit"] < 1.3 * trained
    assert 60 < trained + plan.expected["refit"] < 100
    ample = make_plan(facts, replace(options, budget="20m"))
    assert ample.expected["refit"] < 0.5 * (ample.expected["scratch"] + ample.expected["finetune"])


def test_large_networks_get_ten_epochs_and_small_ones_more():
    few = replace(FACTS, n_train=25, per_class=5, has_validation=False, speed=Speed(0.0, 1e-6))
    large, small = (make_plan(replace(few, flops=flops), OPTIONS) for flops in (600e6, 5e6))
    assert large.epochs["scratch"] == 10
    assert small.epochs["scratch"] == 60
    longer = make_plan(replace(few, flops=600e6), replace(OPTIONS, budget="60m"))
    assert longer.epochs["scratch"] > 10


def test_the_timetable_names_every_fit_and_adds_up():
    few = replace(FACTS, n_train=25, per_class=5, has_validation=False)
    plan = make_plan(few, replace(OPTIONS, method="lp_ft", seeds=2))
    assert sum("scratch/" in name and "score" not in name for name in plan.timetable) == 2 * (plan.folds + 1)
    assert sum("scratch/" in name and "/score" in name for name in plan.timetable) == 2 * plan.folds
    with_validation = make_plan(replace(FACTS, inner=50), replace(OPTIONS, method="lp_ft"))
    named = ["scratch/seed-0/search", "scratch/seed-0/score"]
    assert [name for name in with_validation.timetable if "scratch/" in name] == named
    twice = make_plan(replace(FACTS, inner=50, parameters=1000), replace(OPTIONS, method="lp_ft"))
    assert [name for name in twice.timetable if "scratch/" in name] == [named[0], "scratch/seed-0", named[1]]
    again = make_plan(replace(few, parameters=1000), replace(OPTIONS, method="lp_ft", seeds=2))
    assert sum("scratch/" in name and "score" not in name for name in again.timetable) == 2 * (2 * plan.folds + 1)
    trained = sum(plan.expected.values()) - plan.expected["test"] - plan.expected["report"]
    assert sum(plan.timetable.values()) == pytest.approx(trained, rel=0.2)


def test_what_scores_a_fit_is_planned_for_and_kept_back_while_it_goes_on():
    slow = replace(FACTS, n_train=300, has_validation=False, speed=Speed(0.0, 0.02))
    plan = make_plan(slow, replace(OPTIONS, method="probe", arms=("scratch", "probe"), budget="90s"))
    assert plan.expected["scores"] == pytest.approx(300 * 0.02)
    assert sum(plan.expected.values()) <= 90
    scores = [plan.timetable[f"scratch/seed-0/fold-{fold}/score"] for fold in range(3)]
    assert sum(scores) == pytest.approx(6.0)
    table = Timetable(90.0, plan.reserve, plan.timetable, lambda: 0.0)
    first = plan.timetable["scratch/seed-0/fold-0/search"]
    assert table.share("scratch/seed-0/fold-0/search") == pytest.approx(
        table.left * first / sum(plan.timetable.values())
    )


def test_few_data_are_cross_validated():
    assert make_plan(replace(FACTS, has_validation=False), OPTIONS).folds == 3
    assert make_plan(FACTS, OPTIONS).folds == 0


def test_a_budget_too_small_for_all_stages_frees_fewer():
    much = replace(FACTS, per_class=1000, speed=Speed(0.0, 0.02))
    ample, tight, tiny = (make_plan(much, replace(OPTIONS, budget=budget)) for budget in ("90m", "2m", "45s"))
    assert (ample.method, ample.depth) == ("finetune", 9)
    assert (tight.method, tight.depth) == ("lp_ft", 3)
    assert (tiny.method, tiny.depth) == ("probe", 0)
    assert any("fewer than" in reason for reason in tight.reasons)


def test_what_was_asked_for_is_not_made_shallower():
    much = replace(FACTS, per_class=1000, speed=Speed(0.0, 0.02))
    assert make_plan(much, replace(OPTIONS, budget="2m", method="finetune", depth="all")).depth == 9


def test_a_head_in_space_is_paid_for_beside_the_stages_that_learn():
    speed = Speed(decode=0.1, forward=1.0, stages=(0.5, 0.3, 0.2), ratio=3.0, head=2.0)
    assert speed.step(1, 3) == pytest.approx(3 * (0.2 + 2.0))
    assert speed.step(3, 3) == pytest.approx(0.1 + 3 * (1.0 + 2.0))
    assert (speed.answer(1, 3), speed.answer(3, 3)) == (pytest.approx(2.2), pytest.approx(3.1))
    assert speed.encode == pytest.approx(1.1)  # cached prefixes do without the head
    plain = make_plan(replace(FACTS, dense=True, solvable=False), OPTIONS)
    dear = make_plan(replace(FACTS, dense=True, solvable=False, speed=Speed(0.0, 1e-4, head=1e-2)), OPTIONS)
    assert sum(dear.expected.values()) > 10 * sum(plain.expected.values())
    assert (plain.batch_size, make_plan(FACTS, OPTIONS).batch_size) == (4, 16)
