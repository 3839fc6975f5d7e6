"""A fit within its budget: equal caps, folds that keep to their own rows, cuts that are kept, and quiet."""

from __future__ import annotations

import time
from itertools import count

import numpy as np
import pandas as pd
import pytest

from headstart.data import check, folds, open_data
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.report.evidence import LEFT_OUT, collect
from headstart.storage import read_json
from headstart.workflow.arms import fitting as arms
from headstart.workflow.arms.fitting import run_arm
from headstart.workflow.arms.refit import NO_TIME, REFIT, refit_arms
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.network_field import evidence_time, timetable_of
from headstart.workflow.network_record import cut_short, refit_warnings
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import facts_of
from headstart.workflow.planning.plan import make_plan
from headstart.workflow.planning.timetable import Timetable, began_at, counting_from


@pytest.fixture
def bench(digits_folder):
    options = FitOptions(source="headstart/glyphs", device="cpu", epochs=4, method="lp_ft")
    dataset, _ = check(open_data(digits_folder))
    return Workbench.create(
        dataset, open_source("headstart/glyphs"), options, start_processes("cpu"), Progress(quiet=True)
    )


def plan_of(bench):
    network = bench.network(pretrained=False, seed=0)
    return make_plan(facts_of(bench.dataset, network, Speed(0.0, 1e-4)), bench.options)


def weights(folder):
    return (folder / "model" / "weights.safetensors").read_bytes()


def test_a_cut_is_kept_as_a_step_and_a_run_without_a_clock_then_gives_the_same_bits(bench, tmp_path):
    plan, ticks = plan_of(bench), count()
    bench.timetable = Timetable(60.0, 0.0, plan.timetable, lambda: float(next(ticks)))
    began = time.perf_counter()
    cut = run_arm(bench, plan, "scratch", 0, tmp_path / "one")
    assert 0 < cut["seconds"] <= time.perf_counter() - began + 1e-3
    kept = sorted((tmp_path / "one").rglob("cut.json"))
    assert cut["stopped"] == "budget"
    assert all(1 <= read_json(path)["step"] < plan.steps for path in kept)
    bench.timetable = None
    for path in kept:
        copy = tmp_path / "two" / path.relative_to(tmp_path / "one")
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
    again = run_arm(bench, plan, "scratch", 0, tmp_path / "two")
    assert (again["stopped"], again["steps"], again["score"]) == (cut["stopped"], cut["steps"], cut["score"])
    assert weights(tmp_path / "one") == weights(tmp_path / "two")


def test_folds_neither_learn_from_nor_choose_on_the_rows_they_are_scored_on(bench, tmp_path, monkeypatch):
    plan, jobs, found, shown, fit_once = plan_of(bench), [], [], [], arms.fit_once

    def watched(bench, plan, job):
        jobs.append(job)
        found.append(fit_once(bench, plan, job))
        return found[-1]

    monkeypatch.setattr(arms, "fit_once", watched)
    monkeypatch.setattr("headstart.workflow.arms.one_fit._show_stages", lambda *found: shown.append(found))
    run_arm(bench, plan, "lp_ft", 0, tmp_path / "arm")
    for fold, (rows, held_out) in enumerate(folds(bench.dataset, plan.folds, bench.options.seed)):
        mine = [job for job in jobs if job.fold == fold]
        assert [job.part for job in mine] == ["search", ""]
        assert len(mine[0].validation) > 0
        assert not np.isin(mine[0].rows, mine[0].validation).any()
        for job in mine:
            assert not np.isin(np.concatenate([job.rows, job.validation]), held_out).any()
        assert set(mine[1].rows) == set(rows)
    assert jobs[-1].rounds == np.median([one.rounds for one, job in zip(found, jobs, strict=True) if job.part])
    assert len(shown) == 1  # what stands still and what learns is said once


def test_what_a_slow_fit_would_need_beyond_its_share_it_does_not_get():
    now = [0.0]
    table = Timetable(100.0, 10.0, {"a": 1.0, "b": 2.0, "c": 3.0}, lambda: now[0])
    assert table.share("a") == pytest.approx(15)
    now[0] = 5.0
    assert table.share("b") == pytest.approx(85 * 2 / 5)
    now[0] = 80.0
    assert table.share("c") == pytest.approx(10)
    assert table.share("something else") == pytest.approx(10)
    now[0] = 95.0
    assert table.share("c") == 0


def test_on_a_busy_machine_more_is_kept_back_for_what_comes_after():
    now, used = [0.0], [0.0]
    table = Timetable(100.0, 10.0, {"a": 1.0}, lambda: now[0], cpu=lambda: used[0])
    now[0] = used[0] = 20.0
    assert (table.pace, table.left, table.spare) == (1.0, 70.0, 80.0)
    used[0] = 5.0
    assert (table.pace, table.left, table.spare) == (4.0, 40.0, 20.0)
    now[0] = 99.0
    assert table.left == 0


def test_a_command_counts_its_imports():
    with counting_from(5.0):
        assert began_at() == 5.0
    assert began_at() > 5.0


@pytest.mark.parametrize(("seconds", "left_out"), [(1e9, []), (6.0, ["map"]), (0.0, ["map", "mistakes", "saliency"])])
def test_evidence_that_does_not_fit_into_the_budget_is_left_out_and_says_so(bench, tmp_path, seconds, left_out):
    network = bench.network(pretrained=True, seed=0)
    rows = bench.dataset.splits["test"][:8]
    collect(
        tmp_path,
        before=network,
        after=network,
        logic=bench.logic,
        dataset=bench.dataset,
        rows=rows,
        predictions=np.full((8, 5), 0.2),
        spare=lambda: seconds,
        expected=15.0,
    )
    notes = {path.stem: read_json(path).get("note") for path in (tmp_path / "evidence").glob("*.json")}
    assert sorted(name for name, note in notes.items() if note == LEFT_OUT) == left_out


def test_evidence_gets_what_the_timetable_has_to_spare(bench, tmp_path):
    assert evidence_time(bench, {}) == {}
    bench.timetable = Timetable(100.0, 10.0, {"a": 1.0}, lambda: 20.0)
    found = evidence_time(bench, {"expected": {"report": 7.0}})
    assert found["spare"]() == bench.timetable.spare > 0
    assert found["expected"] == 7.0
    assert timetable_of(bench, plan_of(bench), tmp_path).cpu is time.process_time


@pytest.fixture
def halved(table_file):
    """A table with given validation and test rows, and a small network."""
    frame = pd.read_csv(table_file).assign(split=["train"] * 120 + ["val"] * 60 + ["test"] * 60)
    options = FitOptions(source="headstart/tabular", device="cpu", epochs=3, arms=("scratch", "linear"))
    dataset, _ = check(open_data(frame, label="label"))
    source, processes = open_source("headstart/tabular"), start_processes("cpu")
    return Workbench.create(dataset, source, options, processes, Progress(quiet=True))


@pytest.mark.parametrize("budget", [1e6, 1e-6])
def test_where_no_time_is_left_nothing_is_fitted_again_and_a_resumed_run_keeps_to_that(halved, tmp_path, budget):
    plan = plan_of(halved)
    results = {
        arm: [run_arm(halved, plan, arm, 0, tmp_path / "state" / arm / "seed-0")] for arm in ("scratch", "linear")
    }
    halved.timetable = Timetable(budget, 0.0, plan.timetable, lambda: 0.0)
    found = refit_arms(halved, plan, results, "linear", tmp_path)
    assert {part.get(REFIT) is not None for parts in found.values() for part in parts} == {budget > 1}
    halved.timetable = Timetable(1e6, 0.0, plan.timetable, lambda: 0.0)
    again = refit_arms(halved, plan, results, "linear", tmp_path)
    assert again == found
    assert [text == NO_TIME for text in refit_warnings(halved, plan, again, "linear")] == [True] * (budget < 1)


def test_seconds_of_former_sessions_count(tmp_path):
    now = [0.0]
    first = Timetable(100.0, 0.0, {"a": 1.0, "b": 1.0}, lambda: now[0], path=tmp_path / "clock.json")
    now[0] = 40.0
    first.share("b")
    second = Timetable(100.0, 0.0, {"a": 1.0, "b": 1.0}, lambda: now[0], began=40.0, path=tmp_path / "clock.json")
    assert second.share("b") == pytest.approx(60)


def test_quiet_prints_the_result_and_nothing_else(few_digits, tmp_path):
    from typer.testing import CliRunner

    from headstart.cli import app

    asked = [
        "fit",
        str(few_digits),
        "--source",
        "headstart/glyphs",
        "--method",
        "probe",
        "--arms",
        "probe",
        "--quiet",
    ]
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith("Verdict:")


def test_what_the_budget_cut_is_said_as_it_was():
    assert "(30 steps on all rows, of at most 40)" in cut_short("scratch", 30, 40)
    assert cut_short("scratch", 40, 40).startswith("The budget cut folds of scratch short")
