"""How orders of sources are judged, on cases counted by hand; and what the command says of it is what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import rare, store
from benchmarks.ranking import confirmed, first_guess, judge, race_equal, tables, texts, ways, zoo
from headstart.storage import read_json
from headstart.workflow.planning.first_guess import TABLE
from headstart.workflow.ranking import measured


def case(target, accuracy, **scores):
    values = {name: np.array(value, float) for name, value in scores.items()}
    n = len(accuracy)
    return judge.Case(target, np.array(accuracy), values, np.full(n, 0.5), np.linspace(0, 1, n))


def test_regret_and_hits_of_a_pick():
    one = case("a", [0.9, 0.8, 0.7, 0.6], good=[4, 3, 2, 1], bad=[1, 2, 3, 4], some=[np.nan, 1, 2, 3])
    assert judge.judged(one, one.scores["good"]) == pytest.approx({"tau": 1, "regret": 0, "top1": 1, "top3": 1})
    bad = judge.judged(one, one.scores["bad"])
    assert bad["tau"] == pytest.approx(-1)
    assert bad["regret"] == pytest.approx(0.3)
    assert (bad["top1"], bad["top3"]) == (0, 0)
    # What a score says nothing of is no pick of its, but the best of all is what it missed.
    assert judge.judged(one, one.scores["some"])["regret"] == pytest.approx(0.3)
    assert judge.by_chance(one)["regret"] == pytest.approx(0.15)


def test_a_combination_is_chosen_without_the_target_that_judges_it():
    known = [case(t, [0.9, 0.5, 0.4], x=[3, 2, 1], y=[1, 2, 3]) for t in "abc"]
    known.append(case("d", [0.9, 0.5, 0.4], x=[1, 2, 3], y=[3, 2, 1]))
    found, picks = judge.chosen_elsewhere(known, ("x", "y"), most=1)
    assert picks == [("x",)] * 4
    assert [one["regret"] for one in found] == pytest.approx([0, 0, 0, 0.5])


def test_draws_of_a_target_count_as_one():
    found = [{"regret": 0.0}, {"regret": 0.0}, {"regret": 0.3}]
    assert judge.over_targets(found, ["a", "a", "b"])["regret"][0] == pytest.approx(0.15)


def test_alarms_are_counted():
    known = [case("a", [0.4, 0.6, 0.4, 0.7], x=[0, 0, 0, 0])]  # before: 0, 1/3, 2/3, 1; scratch 0.5
    known.append(known[0]._replace(target="b"))
    assert judge.foreseen(known)["plain"] == {"harms": 4, "foreseen": 2, "harmless": 4, "false": 2}


def test_what_the_command_says_is_what_was_measured():
    known = judge.cases(store.read(zoo.NAME, zoo.RESULTS))
    targets = [one.target for one in known]
    orders = [judge.judged(one, judge.value_of(one, judge.SHIPPED)) for one in known]
    assert sum(len(one.accuracy) for one in known) == measured.PAIRS
    assert len(set(targets)) == measured.TARGETS
    assert round(100 * judge.over_targets(orders, targets)["regret"][0], 1) == measured.REGRET
    chance = judge.over_targets([judge.by_chance(one) for one in known], targets)
    assert round(100 * chance["regret"][0], 1) == measured.CHANCE
    for name, said in ((tables.NAME, measured.TABLES), (texts.NAME, measured.TEXTS)):
        others = tables.cases(store.read(name, zoo.RESULTS))
        places = [one.target for one in others]
        orders = [judge.judged(one, one.scores["order"]) for one in others]
        chance = [judge.by_chance(one) for one in others]
        found = [judge.over_targets(some, places)["regret"][0] for some in (orders, chance)]
        assert tuple(round(100 * value, 1) for value in found) == said
    alarms = judge.foreseen(known)["plain"]
    assert alarms["foreseen"] == measured.TRUE_ALARMS
    assert alarms["foreseen"] + alarms["false"] == measured.ALARMS
    assert alarms["harms"] == measured.HARMS


def test_the_plans_table_and_its_page_are_those_of_the_records():
    records = store.read(ways.NAME, zoo.RESULTS)
    assert read_json(TABLE) == first_guess.made(records)
    assert first_guess.PAGE.read_text() == first_guess.page(records)


def test_a_way_is_chosen_by_its_mean_regret_over_targets_and_judged_on_the_one_left_out():
    def case(target, head, every):
        return {
            "target": target,
            "accuracy": dict.fromkeys(first_guess.NAMES, 0.0) | {"head": head, "all lp_ft": every},
        }

    # Two cases of one target count as one target: by cases the head would lead.
    records = [case("a", 0.9, 0.6), case("a", 0.9, 0.6), case("b", 0.5, 0.9), case("c", 0.6, 0.7)]
    found = first_guess.regrets(records)
    assert found["a"]["all lp_ft"] == pytest.approx(0.3)
    assert first_guess.mean(found)["head"] == pytest.approx(0.5 / 3)
    assert first_guess.best(found) == "all lp_ft"
    assert first_guess.elsewhere(found) == pytest.approx((0.3 + 0.4 + 0.0) / 3)


def test_pairs_that_a_ranking_is_sure_of_are_held_against_fine_tuning():
    before = [[0.5, 0.96, 0.99, 0.5], [0.04, 0.5, 0.97, 0.5], [0.01, 0.03, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]]
    said = {"candidates": [{"name": name} for name in ("a", "b", "c", "raw")], "before": before}
    found = confirmed.told_apart(said, {"a": 0.80, "b": 0.82, "c": 0.95}, 100)
    # a lies a little below b, and c far above both; what was not fine-tuned is no pair.
    assert found == {"sure": 3, "confirmed": 0, "level": 1, "contradicted": 2}
    assert confirmed.told_apart(said, {"a": 0.9, "b": 0.8, "c": 0.7}, 100)["confirmed"] == 3


def test_a_guess_is_judged_on_the_target_that_did_not_make_it():
    ways = ("head", "last lp_ft", "all lp_ft", "all finetune")
    best = {"one": "head", "two": "all lp_ft", "three": "all lp_ft"}
    records = [
        {"target": name, "size": 8, "accuracy": {way: 0.9 if way == mine else 0.5 for way in ways}}
        for name, mine in best.items()
    ]
    found = {target: regret for target, regret, _ in first_guess.left_out(records)}
    assert found == pytest.approx({"one": 0.4, "two": 0.4, "three": 0.4})  # "two" and "three" each meet a tie: the head
    records.append({"target": "four", "size": 4, "accuracy": records[1]["accuracy"]})
    found = {target: regret for target, regret, _ in first_guess.left_out(records)}
    assert found == pytest.approx({"one": 0.4, "two": 0.0, "three": 0.0, "four": 0.0})


def raced(target, rights):
    """Return records of one draw of a target: so many of 100 pictures right in each cell, the first ones."""
    return [
        {"target": target, "draw": 0, "cell": cell, "right": "1" * n + "0" * (100 - n), "cpu": 1.0, "won": "letters",
         "date": "2026-11-28", "machine": "one"}
        for cell, n in zip(race_equal.CELLS, rights, strict=True)
    ]  # fmt: skip


def test_a_race_is_held_against_the_recipe_that_is_best_over_all_targets_and_loses_by_one_target_below_it():
    others = [50] * (len(race_equal.RECIPES) - 1)
    won = race_equal.page(raced("a", [90, 80, *others]) + raced("b", [80, 80, *others]))
    assert "**won**: against the best fixed recipe (cifar100, probe) +5.0 points (0.0 to +10.0)" in won.replace(
        "+0.0", "0.0"
    )
    lost = race_equal.page(raced("a", [90, 80, *others]) + raced("b", [60, 80, *others]))
    assert "**lost**" in lost
    assert "1 targets wholly below 0" in lost
    unfinished = raced("a", [90, 80, *others])[:-1]
    assert "Not measured yet" in race_equal.page(unfinished)


def test_no_source_of_texts_or_tables_has_learned_from_the_target():
    for target in texts.TARGETS:
        names = [name for name in texts.SOURCES if texts.fellow(target, name)]
        assert not any(f"on {target}" in name for name in names)
        assert len(names) >= 6
    assert not any(tables.fellow(name.split()[0], name) for name in tables.SOURCES)


def test_rows_that_learn_and_test_have_few_positives_and_none_in_common():
    x, y = np.arange(4000.0)[:, None], np.arange(4000) % 3 // 2
    rng = np.random.default_rng(0)
    mine = rare.few_positives((x, y), 0.02, 500, rng, np.empty(0, int))
    test = rare.few_positives((x, y), 0.02, 1500, rng, mine)
    assert (y[mine].sum(), y[test].sum(), len(mine), len(test)) == (10, 30, 500, 1500)
    assert not set(mine) & set(test)
