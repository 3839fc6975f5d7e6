"""`fit TARGET --source-data SOURCE`: the road across domains, on small tables, pictures and texts."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from headstart.cli import app
from headstart.errors import UserError
from headstart.problem import Task
from headstart.workflow.adapting.adaptation import learn_rows
from headstart.workflow.fit import fit
from headstart.workflow.options import FitOptions
from headstart.workflow.resume import resume
from headstart.workflow.run import load

METHOD = "coral,standardize"


def table(seed, shift, n=80, classes=("calm", "wild")):
    """Two classes in three numbers and a town; the target's numbers are moved and scaled."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % len(classes)
    X = rng.normal(size=(n, 3)) + 2.5 * np.eye(3)[y]
    frame = pd.DataFrame(X * (1 + shift) + 3 * shift, columns=list("abc"))
    frame["town"] = rng.choice(["Bonn", "Lyon", "Oslo"] if shift else ["Bonn", "Lyon"], n)
    frame.loc[frame.index[:3], "b"] = np.nan
    frame["mood"] = np.array(classes)[y]
    return frame


@pytest.fixture
def tables(tmp_path):
    return write_tables(tmp_path)


def write_tables(folder):
    paths = {}
    for name, frame in {"source": table(0, 0.0), "target": table(1, 1.0)}.items():
        paths[name] = folder / f"{name}.csv"
        frame.to_csv(paths[name], index=False)
    return paths


def fit_tables(tables, out):
    return fit(tables["target"], source_data=tables["source"], label="mood", method=METHOD, out=out, quiet=True)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    root = tmp_path_factory.mktemp("across")
    return fit_tables(write_tables(root), root / "run").path


@pytest.fixture
def run(fitted, tmp_path):
    return load(shutil.copytree(fitted, tmp_path / "run"))


def test_a_table_ends_in_a_verdict_a_report_and_a_model_that_predicts(run, tables):
    assert run.verdict.baseline == "source_only"
    assert run.verdict.n_test == 80
    assert set(run.arms) == {"source_only", "adapted"}
    assert {"source_only", *METHOD.split(","), "blend"} <= {one["name"] for one in run.result["across"]["candidates"]}
    page = (run.path / "report.html").read_text(encoding="utf-8")
    for words in ("The race, judged without target labels", "Both domains, before and after", "Class by class"):
        assert words in page
    assert run.result["across"]["validators"]["source_accuracy"] > 0
    assert "None" not in str(run.result["across"]["summary"])
    assert run.arms["source_only"]["papers"] == []
    assert run.arms["adapted"]["papers"]
    assert "80 labels serve to evaluate only" in run.result["setting"]["reasons"]["scenario"]
    assert "has no labels" not in page
    frame = pd.read_csv(tables["target"])
    kept = run.result["arms"][run.result["guard"]["kept"]]["test"]["accuracy"]
    assert np.mean(load(run.path).model.predict(frame) == frame["mood"]) == pytest.approx(kept)
    with pytest.raises(UserError, match="--adapt tent moves the normalisations of a network"):
        run.predict(frame, adapt="tent")


def test_a_run_that_keeps_a_model_of_rows_is_no_network_to_go_on_from(run, tables, tmp_path):
    with pytest.raises(UserError, match="keeps a model of rows, which is no network to go on from; `headstart predict"):
        fit(tables["target"], source=str(run.path), label="mood", out=tmp_path / "more", quiet=True)
    assert not (tmp_path / "more").exists()


def test_the_choice_is_the_same_whatever_the_target_labels_are(run, tables, tmp_path):
    frame = pd.read_csv(tables["target"])
    frame["mood"] = np.random.default_rng(0).permutation(frame["mood"])
    other = fit(frame, source_data=tables["source"], label="mood", method=METHOD, out=tmp_path / "other", quiet=True)
    for one, two in zip(run.result["across"]["candidates"], other.result["across"]["candidates"], strict=True):
        assert (one["name"], one["scores"], one["kept"]) == (two["name"], two["scores"], two["kept"])
    rows = frame.drop(columns="mood")
    assert np.array_equal(run.model.predict_proba(rows), other.model.predict_proba(rows))


def test_without_target_labels_nothing_is_measured_and_a_model_is_kept(tables, tmp_path):
    frame = pd.read_csv(tables["target"]).drop(columns="mood")
    blind = fit(frame, source_data=tables["source"], label="mood", method="coral", out=tmp_path / "b", quiet=True)
    assert blind.verdict.gain is None
    assert "no label to evaluate with" in str(blind.verdict)
    assert not (blind.path / "predictions.parquet").exists()
    assert len(blind.model.predict(frame)) == len(frame)
    assert "Not measured" in (blind.path / "report.html").read_text(encoding="utf-8")


def test_labels_to_learn_from_are_never_evaluated(tables, tmp_path):
    run = fit(
        tables["target"],
        source_data=tables["source"],
        label="mood",
        method="coral",
        target_labels="learn",
        shots=5,
        out=tmp_path / "learn",
        quiet=True,
    )
    assert set(run.arms) == {"source_only", "target_only", "pooled", "adapted"}
    across = run.result["across"]
    assert (across["n_learned"], across["n_evaluated"]) == (10, 70)


def test_what_any_seed_learned_from_is_evaluated_for_none(tables, tmp_path):
    options = {"source_data": tables["source"], "label": "mood", "method": "standardize", "quiet": True}
    run = fit(tables["target"], target_labels="learn", shots=5, seeds=2, out=tmp_path / "learn", **options)
    sides = SimpleNamespace(
        labelled=np.arange(80),
        target_labels=np.arange(80) % 2,
        task=Task("classification", ("calm", "wild")),
        tested=np.arange(0),
    )
    learned = [learn_rows(sides, FitOptions(target_labels="learn", shots=5), seed) for seed in (0, 1)]
    assert len(np.union1d(*learned)) > 10
    assert run.result["across"]["n_evaluated"] == 80 - len(np.union1d(*learned))
    assert run.verdict.n_test == 80 - len(np.union1d(*learned))


def test_several_sources_and_regression(tmp_path):
    def priced(seed, shift):
        frame = table(seed, shift).drop(columns="mood")
        return frame.assign(price=2 * frame["a"] + frame["c"])

    about = {"source_data": [priced(0, 0.0), priced(1, 0.1)], "label": "price", "out": tmp_path / "r", "quiet": True}
    for named, wrong in (("mcc", "mcc"), ("coral,mlls", "mlls")):
        with pytest.raises(UserError, match=f"--method {wrong} serves classification, and this task is"):
            fit(priced(2, 0.3), method=named, **about)
    assert not (tmp_path / "r").exists()
    run = fit(priced(2, 0.3), method="coral", **about)
    assert run.result["metric"] == "mae"
    assert run.result["across"]["n_source"] == 160
    assert run.result["arms"]["source_only"]["test"]["mae"] < 2.0
    for arm in run.result["arms"].values():
        assert 0 < arm["interval"][0] < arm["test"]["mae"] < arm["interval"][1]


def test_a_stopped_run_is_finished_and_changed_data_are_refused(tables, tmp_path):
    run = fit_tables(tables, tmp_path / "run")
    before = run.result["across"]["candidates"]
    (run.path / "run.json").unlink()
    again = resume(run.path, quiet=True)
    assert again is not None
    assert [one["scores"] for one in again.result["across"]["candidates"]] == [one["scores"] for one in before]
    (run.path / "run.json").unlink()
    table(5, 1.0).to_csv(tables["target"], index=False)
    with pytest.raises(UserError, match="has changed"):
        resume(run.path, quiet=True)


def without_digests(run):
    """Make the run one of before `run.json` held the digests of its model's files."""
    path = run.path / "run.json"
    value = json.loads(path.read_text())
    del value["model"]
    path.write_text(json.dumps(value))


def test_a_model_of_other_classes_or_of_an_earlier_version_is_not_loaded(run, tables):
    without_digests(run)
    path = run.path / "model" / "estimator.json"
    whole = path.read_text()
    path.write_text(whole.replace("headstart.choice.kept:Kept", "os:system"))
    with pytest.raises(UserError, match="none of those that models are made of"):
        load(run.path).model.predict(pd.read_csv(tables["target"]))
    path.rename(path.with_suffix(".skops"))
    with pytest.raises(UserError, match=r"earlier version .* fit the run again with this version, from the data"):
        load(run.path).model.predict(pd.read_csv(tables["target"]))
    value = json.loads((run.path / "run.json").read_text())
    value["command"] = ["fit", "my rows.csv", "--source-data", "theirs.csv"]
    (run.path / "run.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match=r"recorded: headstart fit 'my rows.csv' --source-data theirs.csv\.$"):
        load(run.path).model.predict(pd.read_csv(tables["target"]))


def test_a_model_whose_parts_do_not_fit_together_is_one_sentence(run, tables):
    without_digests(run)
    path = run.path / "model" / "estimator.json"
    value = json.loads(path.read_text())
    value["nodes"][-1]["values"]["model"] = 3
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match=r"cannot be used .* fit the run again"):
        load(run.path).model.predict(pd.read_csv(tables["target"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "3"], "--epochs has no meaning with --source-data"),
        (["--method", "finetune"], "does not work across domains"),
        (["--shots", "3"], "--target-labels learn"),
        (["--target-labels", "peek"], "--target-labels 'peek' is not known"),
        (["--source", "headstart/glyphs"], "leave --source out"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(options, words, tables, tmp_path, capsys, monkeypatch):
    import sys

    from headstart.cli import main

    arguments = ["fit", str(tables["target"]), "--source-data", str(tables["source"]), "--label", "mood"]
    monkeypatch.setattr(sys, "argv", ["headstart", *arguments, "--out", str(tmp_path / "no"), *options])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert words in capsys.readouterr().err


def test_pictures_and_texts_need_a_backbone(tmp_path):
    texts = pd.DataFrame({"text": [f"a longer text number {i}" for i in range(40)], "tone": ["good", "bad"] * 20})
    with pytest.raises(UserError, match="none is at hand for text data; name one with --source"):
        fit(texts, source_data=texts, label="tone", out=tmp_path / "t", quiet=True)


def test_pictures_through_a_backbone(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for side, level in (("s", 0), ("t", 60)):
        for place in range(24):
            kind = ("flat", "striped")[place % 2]
            pixels = rng.integers(level, level + 60, (28, 28)).astype(np.uint8)
            if kind == "striped":
                pixels[:, ::4] += 120
            path = tmp_path / side / kind / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    run = fit(
        tmp_path / "t",
        source_data=tmp_path / "s",
        source="headstart/glyphs",
        method="coral",
        out=tmp_path / "run",
        quiet=True,
    )
    assert run.result["source"]["backbone"] == "headstart/glyphs"
    assert run.verdict.n_test == 24
    picture = tmp_path / "t" / "striped" / "1.png"
    assert load(run.path).model.predict([str(picture)])[0] in ("flat", "striped")


def test_json_on_standard_output(tables, tmp_path):
    arguments = ["fit", str(tables["target"]), "--source-data", str(tables["source"]), "--label", "mood"]
    arguments += ["--method", "coral", "--out", str(tmp_path / "j"), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["verb"] == "adapt"


def test_the_plan_races_first_what_fits_the_shift_and_the_number_of_sources():

    from headstart.shallow.diagnose import diagnose
    from headstart.workflow.adapting.plan import make_across_plan

    rng = np.random.default_rng(0)
    y, z = (rng.uniform(size=(2, 300)) < [[0.5], [0.9]]).astype(int)
    shift = diagnose(rng.normal(size=(300, 4)) + 3 * y[:, None], y, rng.normal(size=(300, 4)) + 3 * z[:, None])
    options, task = FitOptions(source_data=("a.csv",)), Task("classification", ("no", "yes"))
    assert shift.kind == "label"
    assert make_across_plan(task, shift, options, 0).candidates[0].name == "mlls"
    names = [one.name for one in make_across_plan(task, shift, options, 12, n_sources=2).candidates]
    assert names[0] == "weighted_sources"
    assert "towards_source" in names


def test_a_plan_offers_no_method_against_which_something_was_measured(monkeypatch):
    from headstart import catalogue
    from headstart.workflow.adapting.plan import make_across_plan

    task, shift = Task("classification", ("no", "yes")), SimpleNamespace(kind="subspace")

    def planned(method=None):
        return [one.name for one in make_across_plan(task, shift, FitOptions(method=method), 0).candidates]

    assert {"tca", "mcc"} <= {*planned()}
    assert "dann" in planned("trained")
    told = {"tca": {"unoffered": "lost 3 points", "raced": ()}, "dann": {"unoffered": "lost 3 points", "raced": ()}}
    changed = tuple(replace(entry, **told.get(entry.name, {})) for entry in catalogue.METHODS)
    monkeypatch.setattr(catalogue, "METHODS", changed)
    assert "tca" not in planned()
    assert "dann" not in planned("trained")
    assert planned("tca") == ["tca"]  # whoever names it has it
