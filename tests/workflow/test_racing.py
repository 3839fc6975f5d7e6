"""Several sources race on training rows alone, and the ordinary road goes on with the winner."""

import json
import shutil
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import headstart as hs
from headstart.engine.progress import Progress
from headstart.report.html import write_report
from headstart.scores import COMBINED, Terms
from headstart.workflow.arms import one_fit
from headstart.workflow.opening.transfer import Given, open_transfer
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import Facts
from headstart.workflow.planning.plan import make_plan
from headstart.workflow.raced import Raced
from headstart.workflow.racing import heats, tuning
from headstart.workflow.racing.deciding import winner_of
from headstart.workflow.racing.field import RaceField
from headstart.workflow.racing.ground import Ground
from headstart.workflow.racing.record import NOT_BEGUN, Race, Standing, Trial, read_race
from headstart.workflow.racing.telling import coming_of

TWO = ["headstart/pixels", "headstart/glyphs"]
QUICK = {"budget": "1h", "trials": 2, "epochs": 1, "arms": "scratch,chosen", "device": "cpu", "quiet": True}


@pytest.fixture(scope="module")
def raced(few_digits, tmp_path_factory):
    return hs.fit(few_digits, source=TWO, out=tmp_path_factory.mktemp("raced") / "run", **QUICK)


def race_of(data, folder, **options):
    """Run a race alone, without the road behind it."""
    folder.mkdir(exist_ok=True)
    chosen = FitOptions(**{"sources": tuple(TWO), "device": "cpu"} | options)
    transfer = open_transfer("fit", Given(data), chosen, Progress(quiet=True), began=time.monotonic())
    field = RaceField(transfer)
    field._race(folder)
    return read_race(folder)


def test_the_winner_of_two_sources_walks_the_ordinary_road(raced):
    race = read_race(raced.path)
    assert race.winner.source == raced.result["source"]["spec"] == raced.result["arguments"]["source"]
    assert raced.result["arguments"]["sources"] == TWO
    assert [one.source for one in race.standings] == TWO
    assert raced.result["plan"]["reasons"][0].startswith("2 sources raced")
    assert raced.verdict is not None
    assert hs.load(raced.path).lines() == raced.lines()
    assert any("headstart/pixels" in line for line in raced.lines())
    page = (raced.path / "report.html").read_text(encoding="utf-8")
    assert "headstart/pixels" in page
    assert race.coming in page


def test_a_report_is_not_made_of_an_edited_race(raced, tmp_path):
    copy = shutil.copytree(raced.path, tmp_path / "copy")
    value = json.loads((copy / "race.json").read_text())
    value["standings"][0]["scores"] = ["high"]
    (copy / "race.json").write_text(json.dumps(value))
    with pytest.raises(hs.UserError, match=r"race\.json: standings\[0\]\.scores .* expected an object"):
        write_report(copy)


@pytest.mark.slow
def test_a_race_that_was_stopped_goes_on_and_decides_the_same(raced, few_digits, tmp_path, monkeypatch):
    calls, fit = [], tuning._fit

    def stopped(*given):
        calls.append(given)
        if len(calls) == 6:  # in the second fine-tuning: the first is made of four fits
            raise KeyboardInterrupt
        return fit(*given)

    monkeypatch.setattr(tuning, "_fit", stopped)
    with pytest.raises(KeyboardInterrupt, match="headstart resume"):
        hs.fit(few_digits, source=TWO, out=tmp_path / "run", **QUICK)
    begun = read_race(tmp_path / "run")
    assert (begun.winner, len(begun.trials)) == (None, 1)
    run = hs.resume(tmp_path / "run", quiet=True)
    assert without_times(read_race(run.path)) == without_times(read_race(raced.path))
    assert run.result["model"] == raced.result["model"]


def test_fine_tunings_begin_with_the_usual_recipe_of_every_source_and_climb_rungs(raced):
    race = read_race(raced.path)
    assert [one.source for one in race.trials[:2]] == TWO
    assert [one.settings["weight_decay"] for one in race.trials[:2]] == [0.01, 0.01]
    assert [rung.folds for rung in race.rungs] == [1, 1, 3]
    assert all(len(one.scores) == (3 if one.ended == "finished" else len(one.scores)) for one in race.trials)
    assert {one.ended for one in race.trials} <= {"finished", "dropped"}


def test_the_settings_that_won_train_the_arm_of_the_road():
    found = {"learning_rate": 0.02, "weight_decay": 0.5, "stage_decay": 0.7, "l2sp.alpha": 0.3, "views": 1}
    won = Raced("lp_ft+l2sp", 1, found, 10.0, 0.0, ("It won.",), {})
    options = won.options(FitOptions(source="headstart/glyphs", budget="100s"))
    assert (options.method, options.depth, options.budget) == ("lp_ft+l2sp", "1", "90.0s")
    facts = Facts(20, 10, False, 100_000, 5, "glyphs", Speed(1e-4, 1e-4, (1e-5,) * 5))
    plan = make_plan(facts, options, won)
    assert plan.learning_rate["lp_ft+l2sp"] == 0.02
    assert plan.learning_rate["scratch"] != 0.02
    method = one_fit._method(plan, "lp_ft+l2sp")
    assert (method.depth, method.stage_decay, method.penalties[0].alpha) == (1, 0.7, 0.3)
    plain = replace(plan, method="finetune", settings={"weight_decay": 0.5})
    assert one_fit._decay(plain, "finetune", one_fit._method(plain, "finetune")) == 0.5
    assert one_fit._decay(plain, "scratch", one_fit._method(plain, "scratch")) == one_fit.WEIGHT_DECAY
    assert "The method lp_ft+l2sp won the race." in plan.reasons


def trial(number, score, ended="finished"):
    return Trial(number, "a", "lp_ft", 1, {}, (score,), (1,), 20.0, ended)


def hits(n):
    return np.repeat([1.0, 0.0], [n, 40 - n])


def test_a_source_leaves_after_the_scores_where_it_is_clearly_behind_or_four_are_before_it():
    def left(**counts):
        terms = {name: [Terms(hits(n))] * len(COMBINED) for name, n in counts.items()}
        return [one.left for one in heats._ranked([Standing(name, "") for name in counts], terms, 0)]

    assert left(poor=20, good=40, near=39) == ["scores", None, None]
    assert left(a=40, b=40, c=40, d=40, e=40, f=40).count("scores") == 2


def test_a_source_leaves_after_the_probes_where_its_head_is_clearly_behind_or_three_are_before_it():
    def left(**counts):
        scores = {name: hits(n) for name, n in counts.items()}
        values = {name: (n / 40, 1.0) for name, n in counts.items()}
        ground = SimpleNamespace(options=FitOptions())
        return [heats._probed(Standing(name, ""), scores, values, ground).left for name in counts]

    assert left(poor=20, good=40, near=39) == ["probes", None, None]
    assert left(a=40, b=39, c=39, d=38) == [None, None, None, "probes"]


def test_a_race_has_half_of_what_is_left_of_the_budget_when_it_begins():
    began = time.monotonic() - 40
    transfer = SimpleNamespace(options=FitOptions(budget="100s"), began=began)
    ground = Ground(transfer, None, None)
    ground.begin()
    assert ground.limit == pytest.approx(70, abs=1)
    assert ground.left == pytest.approx(30, abs=1)


class Watch:
    """A clock that only work moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def on_the_clock(budget):
    watch = Watch()
    transfer = SimpleNamespace(options=FitOptions(budget=budget), began=0.0)
    return Ground(transfer, None, None, limit=seconds_of(budget), clock=watch), watch


@pytest.mark.parametrize(
    ("costs", "budget", "begun"),
    [
        ((10, 10, 10), "30s", "ab"),  # after two, nothing is left beyond what the third is expected to take
        ((10, 10, 10), "31s", "abc"),
        ((90, 10, 10), "30s", "a"),  # one always runs
        ((1, 40, 1), "30s", "ab"),
    ],
)
def test_what_is_not_expected_to_fit_into_the_time_left_is_not_begun(costs, budget, begun):
    ground, watch = on_the_clock(budget)
    found = []
    for name in ground.while_time(dict.fromkeys("abc", 1.0), found):
        watch.now += costs["abc".index(name)]
        found.append(name)
    assert "".join(found) == begun


def test_a_dear_one_is_foreseen_and_one_that_failed_does_not_count_as_the_one_that_always_runs():
    ground, watch = on_the_clock("30s")
    found = []
    for name in ground.while_time({"cheap": 1.0, "dear": 5.0}, found):
        watch.now += 10
        found.append(name)
    assert found == ["cheap"]
    ground, watch = on_the_clock("30s")
    begun = []
    for name in ground.while_time({"broken": 1.0, "good": 1.0, "more": 1.0}, found := []):
        watch.now += 40
        begun.append(name)
        found += [name] * (name == "good")
    assert begun == ["broken", "good"]


def test_a_race_without_time_scores_and_probes_one_source_and_names_the_others(few_digits, tmp_path):
    watch = Watch()
    options = FitOptions(sources=(*TWO, "headstart/conv4"), device="cpu", budget="1h")
    transfer = open_transfer("fit", Given(few_digits), options, Progress(quiet=True), began=0.0)
    ground = Ground(transfer, tmp_path, "cpu", limit=100.0, clock=watch)
    score = heats._terms

    def slow(*given):
        watch.now += 45
        return score(*given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(heats, "_terms", slow)
        race = heats.score_sources(ground, Race(tuple(ground.sources), 1, "accuracy", 100.0))
    assert [one.why == NOT_BEGUN for one in race.standings] == [False, False, True]
    watch.now = 100.0
    race = tuning.tune(ground, heats.probe_sources(ground, race))
    probed = [one.source for one in race.standings if one.probe is not None]
    assert probed == [min(race.standings[:2], key=lambda one: one.rank).source]
    assert race.trials == ()
    other = next(one for one in TWO if one not in probed)
    assert race.notes[0] == "For want of time headstart/conv4 was not scored; give more with --budget."
    assert race.notes[1] == f"For want of time {other} was not cross-validated; give more with --budget."
    assert race.notes[2] == tuning.NO_TIME
    assert "gone to" in coming_of(race)
    assert key(winner_of(race)) == (probed[0], None, None)


def key(winner):
    return winner.source, winner.method, winner.depth


def test_a_fine_tuning_wins_where_it_beats_every_head_and_may_not_where_none_ran_to_the_end():
    heads = (Standing("a", "", probe=0.8), Standing("b", "", probe=0.9))
    race = Race(("a", "b"), 10, "accuracy", 1.0, standings=heads)
    assert key(winner_of(race)) == ("b", None, None)
    assert winner_of(replace(race, trials=(trial(0, 0.95, "dropped"),))).source == "b"
    level = replace(race, trials=(trial(0, 0.9), trial(1, 0.7)))
    assert key(winner_of(level)) == ("b", "probe", 0)
    assert key(winner_of(level, free=False)) == ("a", "lp_ft", 1)
    assert winner_of(replace(race, trials=(trial(0, 0.91), trial(1, 0.95)))).trial == 1


def test_the_next_minute_is_told_from_the_trials_so_far():
    race = Race(("a",), 10, "accuracy", 1.0, trials=(trial(0, 0.90), trial(1, 0.86), trial(2, 0.5)))
    assert "3 more fine-tunings" in coming_of(race)
    assert "chance of 50%, by about 4.0 points" in coming_of(race)
    assert "nothing that shows" in coming_of(replace(race, trials=(trial(0, 1.0),)))


@pytest.mark.slow
def test_machines_that_share_a_study_share_its_trials(few_digits, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    found = [
        race_of(few_digits, tmp_path / name, trials=trials, epochs=1, study=url)
        for name, trials in (("first", 2), ("second", 3))
    ]
    assert [one.number for one in found[1].trials] == [0, 1, 2]
    assert found[1].trials[:2] == found[0].trials


def test_a_race_reads_no_row_of_the_verdict(few_digits, tmp_path):
    dataset = hs.open(few_digits)
    rows = dataset.splits["test"]
    targets = dataset.targets.copy()
    targets[dataset.stored(rows)] = 1 - targets[dataset.stored(rows)]
    found = [
        race_of(data, tmp_path / name, method="probe")
        for name, data in (("plain", dataset), ("turned", replace(dataset, targets=targets)))
    ]
    assert without_times(found[0]) == without_times(found[1])


def without_times(race):
    standings = tuple(replace(one, seconds=0.0) for one in race.standings)
    trials = tuple(replace(one, seconds=0.0) for one in race.trials)
    winner = replace(race.winner, why="")
    return replace(race, seconds=0.0, limit=0.0, standings=standings, trials=trials, coming="", winner=winner)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"source": ["headstart/glyphs", "headstart/glyphs"]}, r"--source headstart/glyphs is given 2 times"),
        ({"source": ["headstart/glyphs", "headstart/tabular"]}, r"headstart/tabular takes table input"),
        ({"source": TWO, "trials": 0}, r"--trials is 0; expected a whole number from 1"),
        ({"source": TWO, "source_data": ["a.csv"]}, r"with --source-data name one network"),
        ({"source": "headstart/glyphs", "study": "sqlite:///a.db"}, r"--study shares the trials of a race"),
        ({"source": TWO, "study": "nowhere"}, r"--study nowhere cannot be opened"),
        ({"source": TWO, "study": "postgresql://me:word@host/db"}, r"--study holds a password"),
        ({"source": TWO, "method": "tent"}, r"--method tent adapts at prediction"),
        ({"source": TWO, "method": "shot"}, r"--method shot learns without"),
        ({"source": TWO, "shots": 2, "seeds": 2}, r"--seeds 2 draws others"),
        ({"source": TWO, "depth": "4"}, r"--depth '4' is not a depth"),
    ],
)
def test_what_cannot_race_is_refused_in_a_sentence_and_nothing_is_left(options, said, few_digits, tmp_path):
    with pytest.raises(hs.UserError, match=said) as caught:
        hs.fit(few_digits, out=tmp_path / "run", quiet=True, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda race: race | {"winner": None}, "has no winner"),
        (lambda race: race | {"winner": race["winner"] | {"source": "timm/resnet18"}}, "none of its sources"),
        (lambda race: race | {"seconds": "long"}, "expected a number"),
        (lambda race: race | {"more": 1}, "no key of it"),
    ],
)
def test_an_edited_race_is_refused_in_a_sentence(change, said, raced, tmp_path):
    value = json.loads((raced.path / "race.json").read_text())
    (tmp_path / "race.json").write_text(json.dumps(change(value)))
    with pytest.raises(hs.UserError, match=said):
        read_race(tmp_path)
