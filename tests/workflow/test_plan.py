from dataclasses import replace

import pytest

from headstart.workflow.options import FitOptions
from headstart.workflow.plan import Facts, make_plan

FACTS = Facts(
    n_train=1000,
    per_class=100,
    has_validation=True,
    parameters=20_000_000,
    n_stages=9,
    family="timm",
    forward_seconds=1e-4,
)
OPTIONS = FitOptions(source="timm/resnet18")


def test_more_labels_free_more_stages():
    depths = [make_plan(replace(FACTS, per_class=n), OPTIONS).depth for n in (5, 100, 1000)]
    assert depths == [0, 3, 9]


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
    plan = make_plan(replace(FACTS, forward_seconds=0.05), replace(OPTIONS, budget="5m"))
    assert 1 <= plan.epochs["scratch"] < 10
    assert any("--budget" in reason for reason in plan.reasons)


def test_arms_get_the_same_seconds_when_the_budget_binds():
    plan = make_plan(replace(FACTS, forward_seconds=0.05), replace(OPTIONS, budget="20m"))
    scratch, chosen = plan.seconds["scratch"], plan.seconds["lp_ft"]
    assert chosen <= 1.1 * 600
    assert scratch <= 1.1 * 600


def test_few_data_are_cross_validated():
    assert make_plan(replace(FACTS, has_validation=False), OPTIONS).folds == 3
    assert make_plan(FACTS, OPTIONS).folds == 0


def test_a_budget_too_small_for_all_stages_frees_fewer():
    much = replace(FACTS, per_class=1000, forward_seconds=0.02)
    ample, tight, tiny = (make_plan(much, replace(OPTIONS, budget=budget)) for budget in ("60m", "2m", "45s"))
    assert (ample.method, ample.depth) == ("finetune", 9)
    assert (tight.method, tight.depth) == ("lp_ft", 3)
    assert (tiny.method, tiny.depth) == ("probe", 0)
    assert any("fewer than" in reason for reason in tight.reasons)


def test_what_was_asked_for_is_not_made_shallower():
    much = replace(FACTS, per_class=1000, forward_seconds=0.02)
    assert make_plan(much, replace(OPTIONS, budget="2m", method="finetune", depth="all")).depth == 9
