"""Open sets on the whole road: unknown is an answer, in the race, the verdict, the report and in predictions."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.choice.joint import plan
from headstart.data import open_counterpart, open_data
from headstart.errors import UserError
from headstart.workflow.evaluate import evaluate
from headstart.workflow.fit import fit
from headstart.workflow.resume import resume
from headstart.workflow.run import load

PLACES = {"calm": (0, 0, 0), "wild": (4, 0, 0), "odd": (0, 7, 0), "rare": (0, 0, 7)}


def table(seed, classes, n=80, **names):
    rng = np.random.default_rng(seed)
    moods = np.array(classes)[np.arange(n) % len(classes)]
    rows = rng.normal(size=(n, 3)) + np.array([PLACES[mood] for mood in moods]) + 0.3 * seed
    return pd.DataFrame(rows, columns=list("abc")).assign(mood=[names.get(mood, mood) for mood in moods])


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 60)
    monkeypatch.setattr(plan, "MOST_STEPS", 60)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LEAST_STEPS", "MOST_STEPS"):
            patch.setattr(plan, name, 60)
        folder = tmp_path_factory.mktemp("open")
        paths = [folder / "target.csv", folder / "source.csv"]
        table(1, ("calm", "wild", "odd", "rare")).to_csv(paths[0], index=False)
        table(0, ("calm", "wild")).to_csv(paths[1], index=False)
        return fit(str(paths[0]), source_data=str(paths[1]), label="mood", method="separate,erm", out=folder / "run",
                   quiet=True)  # fmt: skip


def test_unknown_is_counted_and_judged(run):
    told = json.loads((run.path / "run.json").read_text())
    assert told["task"]["classes"] == ["calm", "wild", "unknown"]
    across = told["across"]
    assert across["kept"] == "separate"
    assert "can answer unknown" in told["guard"]["reason"]
    assert 20 <= across["unknown"]["answered"] <= 60
    assert across["unknown"]["rows"] == 80
    row = next(one for one in across["per_class"] if one["class"] == "unknown")
    assert row["n"] == 40
    assert row["source_only"] == 0
    assert row["adapted"] > 0.7
    assert run.verdict.kind == "positive"
    notes = {one["name"]: one["note"] for one in across["candidates"] if one["name"] != "separate"}
    assert all("nothing is predicted" in note for note in notes.values())
    assert {"erm", "source_only", "rejecting"} <= set(notes)
    assert "rejecting" in told["guard"]["reason"]
    reached = {name: arm["test"]["accuracy"] for name, arm in told["arms"].items()}
    assert told["verdict"]["baseline"] == max(("rejecting", "source_only"), key=reached.__getitem__)
    page = (run.path / "report.html").read_text()
    assert "Target rows answered unknown" in page
    assert "Source only, unknown where it is not certain" in page


def test_new_rows_are_answered_unknown_and_evaluated(run):
    far = pd.DataFrame([[0.0, 8.0, 0.3]], columns=list("abc"))
    assert list(load(run.path).model.predict(far)) == ["unknown"]
    labelled = table(1, ("calm", "wild", "odd"), odd="unknown")
    assert evaluate(run.path, labelled, label="mood").metrics["accuracy"] > 0.7


def test_a_finished_run_resumes_to_itself(run):
    assert resume(run.path).result["across"]["kept"] == "separate"


@pytest.mark.slow
def test_learning_from_target_labels_teaches_the_unknown_class(tmp_path):
    run = fit(table(1, ("calm", "wild", "odd")), source_data=table(0, ("calm", "wild")), label="mood",
              method="separate", target_labels="learn", out=tmp_path / "run", quiet=True)  # fmt: skip
    told = json.loads((run.path / "run.json").read_text())["across"]
    assert told["kept"] == "separate"
    assert told["n_learned"] > 0


def test_a_class_of_that_name_and_classes_that_no_method_answers_are_refused(tmp_path):
    where = {"label": "mood", "out": tmp_path / "run", "quiet": True}
    with pytest.raises(UserError, match=r"'unknown' where a row is of no class of .* rename it"):
        fit(
            table(1, ("calm", "wild")),
            source_data=table(0, ("calm", "wild"), wild="unknown"),
            method="separate",
            **where,
        )
    with pytest.raises(UserError, match="2 classes that the source data do not have"):
        fit(table(1, ("calm", "odd", "rare")), source_data=table(0, ("calm", "wild")), method="erm", **where)
    assert not (tmp_path / "run").exists()


def test_folders_of_other_names_are_unknown(tmp_path):
    for side, names in (("source", ("cat", "dog")), ("target", ("cat", "dog", "owl", "fox"))):
        for name in names:
            (tmp_path / side / name).mkdir(parents=True)
            for i in range(2):
                Image.new("RGB", (4, 4), (40 * i, 0, len(name))).save(tmp_path / side / name / f"{name}{i}.png")
    Image.new("RGB", (4, 4), (9, 9, 9)).save(tmp_path / "target" / "loose.png")
    source = open_data(tmp_path / "source")
    like = replace(source, task=replace(source.task, classes=("cat", "dog", "unknown")))
    found = open_counterpart(tmp_path / "target", like, others="unknown")
    names = [str(name) for name in found.dataset.names(np.arange(9))]
    told = dict(zip(names, found.labels.tolist(), strict=True))
    assert sorted(told.values()) == [-1, 0, 0, 1, 1, 2, 2, 2, 2]
    assert all(label == -1 for name, label in told.items() if "loose" in name)
    with pytest.raises(UserError, match="folders that are no class"):
        open_counterpart(tmp_path / "target", source)
