"""A fit within its budget: equal caps, folds that keep to their own rows, cuts that are kept, and quiet."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from headstart.data import check, folds, open_data
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.storage import read_json
from headstart.workflow import arms
from headstart.workflow.arms import run_arm
from headstart.workflow.costs import Speed
from headstart.workflow.options import FitOptions
from headstart.workflow.plan import facts_of, make_plan
from headstart.workflow.timetable import Timetable
from headstart.workflow.workbench import Workbench, start_processes


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
    cut = run_arm(bench, plan, "scratch", 0, tmp_path / "one")
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
    plan, jobs, fit_once = plan_of(bench), [], arms.fit_once

    def watched(bench, plan, job):
        jobs.append(job)
        return fit_once(bench, plan, job)

    monkeypatch.setattr(arms, "fit_once", watched)
    run_arm(bench, plan, "lp_ft", 0, tmp_path / "arm")
    for fold, (rows, held_out) in enumerate(folds(bench.dataset, plan.folds, bench.options.seed)):
        mine = [job for job in jobs if job.fold == fold]
        assert [job.part for job in mine] == ["search", ""]
        assert len(mine[0].validation) > 0
        for job in mine:
            assert not np.isin(np.concatenate([job.rows, job.validation]), held_out).any()
        assert set(mine[1].rows) == set(rows)


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
