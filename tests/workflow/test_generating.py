"""`pretrain PICTURES --method dcgan`, and the same carried over to a few other pictures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from headstart.data.blind import open_blind
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.functional.kid import kid
from headstart.models.generating import FILE, load_generator
from headstart.networks import open_source
from headstart.storage import load_tensors
from headstart.workflow.arms.workbench import start_processes
from headstart.workflow.generating import training
from headstart.workflow.generating.field import _split, most_steps
from headstart.workflow.generating.judging import judge_arms
from headstart.workflow.options import FitOptions
from headstart.workflow.pretrain import pretrain
from headstart.workflow.resume import resume


def folder_of(place, n, seed=0):
    place.mkdir()
    rng = np.random.default_rng(seed)
    for i in range(n):
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(place / f"{i}.png")
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("gan")
    data = folder_of(place / "data", 20)
    return pretrain(data, network="headstart/dcgan", method="dcgan", epochs=1, out=place / "run", quiet=True)


def test_it_draws_and_is_a_source(run):
    (arm,) = run.arms
    assert arm == training.SCRATCH
    told = run.result["without_labels"]
    assert told["judge"] == "headstart/glyphs"
    names = [one["name"] for one in told["measured"]]
    assert names == ["KID, scratch", "nearer to a learned picture than a fresh one"]
    low, high = told["measured"][0]["interval"]
    assert low < run.arms[arm]["test"]["kid"] < high
    assert len(list((run.path / "evidence").glob("gallery-0-*"))) == 24
    page = (run.path / "report.html").read_text()
    assert "Drawn pictures" in page
    assert page.count("drawn, scratch, picture") == 24
    source = open_source(str(run.path))
    assert source.task is None
    assert source.build().n_features == 2048
    assert len(run.predict([Image.new("L", (8, 8))])[0]) == 2048


def test_the_verdict_speaks_of_the_kept_arm_and_counts_a_smaller_distance_as_a_gain():
    rng = np.random.default_rng(0)
    real, near, far = rng.normal(size=(60, 4)), rng.normal(size=(60, 4)), rng.normal(size=(60, 4)) + 2
    learned = rng.normal(size=(30, 4))
    found = judge_arms("all", {"scratch": far, "all": near}, real, learned, scratch="scratch").verdict("scratch")
    assert (found.kind, found.metric, found.n_test, found.interval_kind) == ("positive", "kid", 60, "jackknife")
    assert found.gain == pytest.approx(kid(real, far).value - kid(real, near).value)
    assert found.interval[0] < found.gain < found.interval[1]
    assert f"positive, +{found.gain:.3g} kid" in found.sentence
    worse = judge_arms("all", {"scratch": near, "all": far}, real, learned, scratch="scratch").verdict("scratch")
    assert worse.kind == "negative"
    same = judge_arms("scratch", {"scratch": near, "all": far}, real, learned, scratch="scratch").verdict("scratch")
    assert same.sentence == "nothing was gained: training from scratch is handed back"
    assert judge_arms("scratch", {"scratch": near}, real, learned, scratch="scratch").verdict("scratch") is None


def test_an_arm_makes_no_more_steps_than_one_before_it(tmp_path):
    data = folder_of(tmp_path / "data", 20)
    options = FitOptions(method="dcgan", source="headstart/dcgan", epochs=3)
    pictures = _split(open_blind(data, modality="image", seed=0), options)
    plan, place = training.plan_drawing(pictures, options, ("scratch",)), Progress(quiet=True)
    given = (pictures, open_source("headstart/dcgan"), None, plan, options)
    first = training.learn_arm("scratch", *given, tmp_path / "state", place, start_processes("cpu"), 1.0, 1)
    assert (plan.epochs, first.trained.steps) == (3, 1)
    assert most_steps({}) is None
    longer = replace(first, trained=replace(first.trained, steps=2))
    assert most_steps({"a": longer, "b": first}) == 1


@pytest.mark.slow
def test_carried_over_beside_scratch_and_stopping_changes_no_bit(run, tmp_path, monkeypatch):
    few, held = folder_of(tmp_path / "few", 20, 1), folder_of(tmp_path / "held", 12, 2)
    given = {"method": "dcgan", "source": str(run.path), "test": held, "epochs": 1, "quiet": True}

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    whole = pretrain(few, out=tmp_path / "whole", **given)
    assert list(whole.arms) == ["scratch", "all", "freezed", "scale_shift"]
    assert len({one["steps"] for one in whole.arms.values()}) == 1
    kept = whole.result["guard"]["kept"]
    lines = " ".join(whole.lines())
    assert (whole.verdict.metric, whole.verdict.n_test, whole.verdict.baseline) == ("kid", 12, "scratch")
    assert whole.verdict.arm == kept
    assert f"Verdict: {whole.verdict.sentence}" in lines
    assert whole.verdict.sentence in (whole.path / "report.html").read_text()
    assert f"{kept}: KID" in lines
    assert whole.result["arms"][kept]["n_test"] == 12
    monkeypatch.setattr(training, "Saving", lambda path: saving(path, every=0))
    with monkeypatch.context() as patch:
        patch.setattr("headstart.workflow.generating.field.judge_arms", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pretrain(few, out=tmp_path / "stopped", **given)
    again = resume(tmp_path / "stopped", quiet=True)
    for file in ("weights", "generator"):
        first, second = (load_tensors(one.path / "model" / f"{file}.safetensors")[0] for one in (whole, again))
        assert all((first[name] == second[name]).all() for name in first)


saving = training.Saving


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"network": None}, "No architecture was named"),
        ({"source": "runs/x"}, "brings its own network; leave --network"),
        ({"network": "headstart/tabular"}, "takes table input"),
        ({"network": "timm/resnet18"}, "at most 64 pixels"),
        ({"judge": "headstart/tabular"}, "--judge headstart/tabular reads table data"),
        ({"judge": "headstart/nothing"}, "no source 'headstart/nothing'"),
        ({"method": "simclr", "judge": "headstart/glyphs"}, "--judge in pretrain is for --method dcgan"),
        ({"method": None, "source": "runs/x", "network": None}, "--source in pretrain is for --method dcgan"),
        ({"test": "nowhere"}, "nowhere does not exist"),
        ({"n": 12}, "12 pictures; 20 or more"),
        ({"network": None, "source": "plain"}, "holds no generator"),
        ({"shots": 2}, "--shots has no meaning"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_nothing(run, more, said, tmp_path):
    data = folder_of(tmp_path / "data", more.pop("n", 20))
    if more.get("source") == "plain":
        shutil.copytree(run.path, tmp_path / "plain")
        (tmp_path / "plain" / "run.json").unlink()
        (tmp_path / "plain" / "model" / FILE).unlink()
        more["source"] = str(tmp_path / "plain")
    with pytest.raises(UserError, match=said):
        pretrain(data, out=tmp_path / "run", **({"network": "headstart/dcgan", "method": "dcgan"} | more), quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [({"noise": 0}, "noise"), ({"channels": 3}, "channels"), ({"width": 1024}, "larger|differ|size")],
)
def test_an_edited_generator_is_refused(run, tmp_path, change, said):
    shutil.copytree(run.path / "model", tmp_path / "model")
    path = tmp_path / "model" / FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=said):
        load_generator(tmp_path / "model")
