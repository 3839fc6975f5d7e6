"""A source for classes to come: classes never straddle, figures have intervals, a stopped run ends as a whole one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import headstart as hs
from headstart.engine import Saving
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.report.format import percent
from headstart.storage import load_tensors
from headstart.workflow.few_shot import field as few_shot_field
from headstart.workflow.few_shot.classes import split_classes
from headstart.workflow.few_shot.field import prototype_head
from headstart.workflow.few_shot.measuring import Setting, by_nearest, episodes, settings_of, shares, told


@pytest.fixture(scope="module")
def classes_file(tmp_path_factory):
    """Fifteen classes of eight rows, blobs in six columns."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(15), 8)
    frame = pd.DataFrame(rng.normal(size=(15, 6))[y] * 2 + rng.normal(size=(len(y), 6)), columns=list("uvwxyz"))
    frame["kind"] = [f"class {number:02d}" for number in y]
    path = tmp_path_factory.mktemp("classes") / "classes.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(autouse=True)
def few_episodes(monkeypatch):
    monkeypatch.setattr(few_shot_field, "EPISODES", 40)
    monkeypatch.setattr(few_shot_field, "CHOOSING", 20)


OPTIONS = {"network": "headstart/tabular", "method": "protonet", "ways": 3, "shots": 2, "epochs": 3, "quiet": True}


@pytest.fixture(scope="module")
def source(classes_file, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_shot_field, "EPISODES", 40)
        patch.setattr(few_shot_field, "CHOOSING", 20)
        return hs.pretrain(classes_file, label="kind", out=tmp_path_factory.mktemp("few") / "run", **OPTIONS)


def test_no_class_straddles_and_groups_of_classes_stay_together(classes_file):
    whole = hs.open(classes_file, label="kind")
    family = whole.labels(np.arange(len(whole))) // 2
    for group in (None, family):
        data = replace(whole, group=group)
        split = split_classes(data, 3, 2, seed=1)
        parts = [set(split.labels(rows).tolist()) for rows in split.splits.values()]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 15
        assert all(len(part) >= 3 for part in parts)
        if group is not None:
            families = [set(split.group[rows].tolist()) for rows in split.splits.values()]
            assert sum(map(len, families)) == len(set.union(*families))
    assert any(
        split_classes(data, 3, 2, seed=seed).splits["test"].tolist() != split.splits["test"].tolist() for seed in (2, 3)
    )


def test_the_run_tells_each_arm_with_its_interval_and_serves_as_a_source(source):
    found = source.result["few_shot"]["accuracies"]
    assert list(found) == ["protonet", "classifier", "nearest"]
    for rows in found.values():
        assert (rows[0]["ways"], rows[0]["shots"], rows[0]["episodes"]) == (3, 2, 40)
        assert rows[0]["interval"][0] <= rows[0]["accuracy"] <= rows[0]["interval"][1]
    assert found["protonet"][0]["accuracy"] > 0.5
    gain = found[source.verdict.arm][0]["accuracy"] - found["classifier"][0]["accuracy"]
    assert source.verdict.gain == pytest.approx(gain)
    assert source.verdict.n_test == 40
    assert any("3 ways, 2 shots" in line for line in source.lines())
    answers = source.predict([dict.fromkeys("uvwxyz", 0.0)])
    assert answers[0] in {f"class {number:02d}" for number in range(15)}
    page = (source.path / "report.html").read_text()
    assert "New classes from a few samples" in page
    assert percent(found["nearest"][0]["accuracy"]) in page
    assert f"{percent(found['nearest'][0]['interval'][0])} to" in page
    kept = source.result["guard"]["kept"]
    scores = {arm: source.arms[arm]["validation"]["accuracy"] for arm in ("protonet", "classifier")}
    assert scores[kept] == max(scores.values())


@pytest.fixture(scope="module")
def new_classes(tmp_path_factory):
    """Four classes that the source never saw: a label each to learn from, 20 rows of each to judge."""
    rng = np.random.default_rng(7)
    y = np.repeat(np.arange(4), 21)
    frame = pd.DataFrame(rng.normal(size=(4, 6))[y] * 2 + rng.normal(size=(len(y), 6)), columns=list("uvwxyz"))
    frame["kind"], frame["split"] = [f"new {number}" for number in y], "test"
    frame.loc[::21, "split"] = "train"
    path = tmp_path_factory.mktemp("new") / "new.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_one_label_per_class_takes_the_way_that_the_source_was_measured_best_by(source, new_classes, tmp_path):
    way = source.result["few_shot"]["means"]
    found = source.result["few_shot"]["by_means"]
    assert found[way] == max(found.values())
    run = hs.fit(new_classes, label="kind", source=str(source.path), out=tmp_path / "run", epochs=2, quiet=True)
    assert set(run.arms) == {"scratch", "prototypes", "cosine"}
    assert run.result["guard"] == {
        "kept": way,
        "reason": "One label per class leaves nothing to compare arms by.",
        "seed": 0,
    }
    assert run.arms[way]["test"]["accuracy"] > 0.5
    frame = pd.read_csv(new_classes)
    answers = np.array(run.predict(frame[list("uvwxyz")]))
    right = (answers == frame["kind"])[frame["split"] == "test"].mean()
    assert right == pytest.approx(run.arms[way]["test"]["accuracy"])
    every = frame.assign(split=np.where(np.arange(len(frame)) % 3, "train", "test"))
    drawn = hs.fit(every, label="kind", source=str(source.path), shots=1, arms=("cosine",), method="cosine", quiet=True,
                   out=tmp_path / "drawn")  # fmt: skip
    assert drawn.result["guard"]["reason"] == run.result["guard"]["reason"]
    assert drawn.arms["cosine"]["test"]["accuracy"] > 0.5
    assert drawn.arms["cosine"]["settings"]["centre"] == "source"
    with pytest.raises(UserError, match="--shots is 1; at least 2 labels per class"):
        hs.fit(every, label="kind", source=str(source.path), shots=1, trials=3, quiet=True, out=tmp_path / "raced")
    with pytest.raises(UserError, match="one training label per class, and knn chooses on labels that are held out"):
        hs.fit(new_classes, label="kind", source=str(source.path), out=tmp_path / "other", arms=("knn",), quiet=True)
    assert not (tmp_path / "other" / "run.json").exists()


def test_a_run_that_was_stopped_ends_with_the_same_bits(classes_file, source, tmp_path, monkeypatch):
    def stop(self, record):
        if record["step"] == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "step", stop)
        patch.setattr("headstart.workflow.few_shot.training.Saving", lambda path: Saving(path, every=0))
        with pytest.raises(KeyboardInterrupt):
            hs.pretrain(classes_file, label="kind", out=tmp_path / "run", **OPTIONS)
    assert not (tmp_path / "run" / "run.json").exists()
    run = hs.resume(tmp_path / "run", quiet=True)
    first, second = (load_tensors(one.path / "model" / "weights.safetensors")[0] for one in (source, run))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert run.result["few_shot"]["accuracies"] == source.result["few_shot"]["accuracies"]


def test_shares_of_episodes_are_those_of_counting(classes_file):
    data = hs.open(classes_file, label="kind")
    rows = np.flatnonzero(data.labels(np.arange(len(data))) < 6)
    inputs = torch.tensor([[raw[name] for name in "uvwxyz"] for raw in data.raw(rows)])
    stream = episodes(lambda at, view: inputs[at], data, rows, Setting(3, 2, 4), seed=5)
    found = shares(by_nearest, stream, 3)
    episode = stream.batch(2).episode
    distances = torch.cdist(episode.query.x, episode.support.x)
    right = episode.support.y[distances.argmin(dim=1)] == episode.query.y
    assert found[2] == pytest.approx(float(right.float().mean()))
    assert told(np.array([0.5, 1.0] * 20), Setting(3, 2, 4))["accuracy"] == 0.75
    assert [one[:2] for one in settings_of(data, rows, Setting(3, 2, 4))] == [(3, 2), (5, 1), (5, 5)]


def test_a_prototype_head_is_the_nearest_mean():
    class Logic:
        class task:
            n_outputs = 3

    x, y = torch.randn(9, 4), torch.arange(9) % 3
    head, new = prototype_head(x, y, Logic), torch.randn(5, 4)
    means = torch.stack([x[y == k].mean(dim=0) for k in range(3)])
    expected = -torch.cdist(new, means).square() + new.square().sum(dim=1)[:, None]
    torch.testing.assert_close(head(new), expected, rtol=1e-4, atol=1e-4)


BAD = {
    "ways more than a third of the classes": ({"ways": 6}, "--ways 6 needs 18 classes.*has 15; give at most --ways 5"),
    "shots as many as samples": ({"shots": 8}, "--shots 8 leaves nothing to ask about.*give at most 7"),
    "one way": ({"ways": 1}, "--ways is 1; expected a whole number from 2"),
    "no shot": ({"shots": 0}, "--shots is 0; expected"),
    "a method that makes no source": ({"method": "finetune"}, "--method finetune makes no source"),
    "a method that is not there": (
        {"method": "protonets"},
        "--method protonets makes no source; did you mean 'protonet'",
    ),
    "ways without a method": ({"method": None}, "--ways 3 is for few-shot episodes; name a method"),
    "values instead of classes": ({"label": "u"}, "Episodes are of classes, and .* has a regression task"),
    "groups": ({"group": "family"}, "--group keeps samples together, and here whole classes are"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_episodes_is_one_sentence(classes_file, tmp_path, name):
    options, message = BAD[name]
    frame = pd.read_csv(classes_file)
    with pytest.raises(UserError, match=message) as caught:
        hs.pretrain(frame, out=tmp_path / "run", **({"label": "kind"} | OPTIONS | options))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_groups_that_leave_too_few_classes_are_refused(classes_file):
    data = hs.open(classes_file, label="kind")
    with pytest.raises(UserError, match="fewer than --ways 3 are left"):
        split_classes(replace(data, group=data.labels(np.arange(len(data))) // 7), 3, 2, seed=0)


def test_a_fit_says_where_a_method_of_episodes_belongs(classes_file, tmp_path):
    with pytest.raises(UserError, match="protonet makes a source; `headstart pretrain DATA --method protonet"):
        hs.fit(classes_file, label="kind", method="protonet", out=tmp_path / "run")


def test_the_plan_is_kept(source):
    plan = json.loads((source.path / "plan.json").read_text())
    assert (plan["ways"], plan["shots"], plan["queries"]) == (3, 2, 6)
    assert plan["steps"] == 3 * -(-9 * 8 // (3 * 8))
