"""`fit DATA --label a --label b`: tasks together and alone, from the command to a report and predictions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from headstart.cli import app
from headstart.data.several import of_task, open_several
from headstart.errors import UserError
from headstart.networks import load_network, open_source
from headstart.networks.mixture import MixtureHead
from headstart.report.export import export_network
from headstart.tasks import create_task
from headstart.workflow.evaluate import evaluate
from headstart.workflow.export import export
from headstart.workflow.fit import fit
from headstart.workflow.multitask.judging import delta_m, is_better, lines, tell
from headstart.workflow.predict import predict_files
from headstart.workflow.resume import resume
from headstart.workflow.run import load


def table(n=90):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame["kind"] = np.where(x[:, 0] > 0, "ant", "bee")
    frame["size"] = 100 + 10 * x[:, 1]
    frame.loc[::3, "kind"] = None
    frame.loc[1::4, "size"] = np.nan
    return frame


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("several") / "table.csv"
    table().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(file, tmp_path_factory):
    out = tmp_path_factory.mktemp("several-run") / "run"
    options = ["--method", "equal,pcgrad", "--epochs", "2", "--out", str(out), "--quiet"]
    found = CliRunner().invoke(app, ["fit", str(file), "--label", "kind", "--label", "size", *options])
    assert found.exit_code == 0, found.output
    return load(out)


def test_each_task_has_its_gain_and_its_own_model(run, file, tmp_path):
    told = run.result["multitask"]
    assert run.result["task"] is None
    assert list(told["tasks"]) == ["kind", "size"]
    assert set(run.arms) == {"alone/kind", "alone/size", "equal", "pcgrad"}
    steps = {arm["epochs"] for arm in run.arms.values()}
    assert max(steps) < 6
    assert told["tasks"]["kind"]["task"]["classes"] == ["ant", "bee"]
    for one in told["tasks"].values():
        low, high = one["shared"]["interval"]
        assert low <= one["shared"]["gain"] <= high
        assert one["kept"] in ("alone", told["best"])
        assert one["handed"]["arm"] == one["kept"]
        assert list(one["arms"]) == ["equal", "pcgrad"]
        assert one["arms"][told["best"]] == one["shared"]
    page = (run.path / "report.html").read_text()
    assert "Task by task, the worst first" in page
    assert "What a step on one task does to another" in page
    measured = told["affinity"]
    assert sorted(name for group in measured["proposed"] for name in group) == ["kind", "size"]
    assert min(measured["mean"][0][0], measured["mean"][1][1]) > 0, "a step on a task lowers its own loss"
    assert told["lines"][-1].startswith(f"Affinity between tasks ({measured['n']} times measured) proposes: ")
    assert told["lines"][0] in run.lines()
    answers = run.predict(table(3).drop(columns=["kind", "size"]))
    assert [set(one) for one in answers] == [{"kind", "size"}] * 3
    predict_files(run.path, [str(file)], out=tmp_path / "told.csv")
    found = pd.read_csv(tmp_path / "told.csv")
    assert list(found.columns) == ["name", "kind", "kind p(ant)", "kind p(bee)", "size"]
    assert found["size"].between(0, 200).all()
    with pytest.raises(UserError, match="one is measured at a time: name it with --label"):
        evaluate(run.path, str(file))
    with pytest.raises(UserError, match="'sizes' is none of them"):
        evaluate(run.path, str(file), label="sizes")
    sized = table()[table()["size"].notna()]
    measured = evaluate(run.path, sized, label="size")
    wrong = [one["size"] for one in run.predict(sized.drop(columns=["kind", "size"]))] - sized["size"]
    assert measured.metrics["mae"] == pytest.approx(np.abs(wrong).mean(), rel=1e-5)
    assert open_source(str(run.path / "model" / "0")).task.classes == ("ant", "bee")


@pytest.mark.slow
def test_each_task_is_exported_to_a_file_of_its_own(run, tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="name a folder"):
        export(run.path, out=tmp_path / "file")
    assert export(run.path, out=tmp_path / "onnx") == tmp_path / "onnx"
    cards = [json.loads((tmp_path / "onnx" / str(n) / "model.onnx.json").read_text()) for n in range(2)]
    assert [card["label"] for card in cards] == ["kind", "size"]
    with pytest.raises(UserError, match="exists already"):
        export(run.path, out=tmp_path / "onnx")
    found, logic = load_network(run.path / "model" / "1")
    found.head = MixtureHead(found.n_features, [1], experts=3, hidden=4)
    torch.nn.init.normal_(found.head.up, generator=torch.Generator().manual_seed(0))
    written = export_network(found, logic, run.path, tmp_path / "mixed.onnx", tmp_path / "none")
    assert json.loads(written.with_name("mixed.onnx.json").read_text())["parity"]["largest_difference"] < 1e-4


def test_a_resumed_run_is_the_run_that_was_never_stopped(run, file, tmp_path, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    options = {"label": ["kind", "size"], "method": "equal,pcgrad", "epochs": 2, "quiet": True}
    with monkeypatch.context() as patch:
        patch.setattr("headstart.workflow.multitask.field.MultiTaskField.predict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(str(file), out=tmp_path / "run", **options)
    again = resume(tmp_path / "run", quiet=True)
    assert again.result["multitask"] == run.result["multitask"]


def test_labels_are_no_inputs_and_rows_without_one_are_left_to_the_other(file):
    base, labels = open_several(table(), ["kind", "size"], seed=0)
    assert base.columns.names == tuple("abcd")
    kind, size = (of_task(base, one) for one in labels.values())
    assert [len(base.splits[name]) for name in ("train", "validation", "test")] == [54, 18, 18]
    rows = kind.splits["train"]
    frame = table()
    assert not any(row % 3 == 0 for row in rows)
    assert [kind.task.classes[number] for number in kind.labels(rows)] == frame["kind"][rows].tolist()
    assert size.labels(size.splits["test"])[:, 0] == pytest.approx(frame["size"][size.splits["test"]].tolist())


def test_what_is_handed_back_and_what_is_told():
    alone = np.random.default_rng(1).normal(size=(2, 400))
    noise = np.random.default_rng(2).normal(size=(2, 400))
    assert is_better(alone + 0.2 + 0.1 * noise, alone)
    assert not is_better(alone - 0.2 + 0.1 * noise, alone)
    assert not is_better(alone, alone)
    assert not is_better(alone + noise - noise.mean() + 0.01, alone)  # better, by less than its standard error
    _, labels = open_several(table(), ["kind", "size"], seed=0)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    right, wrong = np.eye(2)[y], np.eye(2)[1 - y]
    mixed = np.where(rng.random(200)[:, None] < 0.9, right, wrong)
    values = {"alone": [right], "equal": [mixed]}
    logic = create_task(labels["kind"].task, y)
    harmed = tell("kind", logic, values, y, best="equal", kept="alone", alone="alone", seed=0)
    assert harmed.shared.kind == "negative"
    assert harmed.handed.gain == 0
    values = {"alone": [np.zeros((200, 1))], "equal": [y[:, None] * 0.5]}
    better = tell("size", create_task(labels["size"].task, y[:, None].astype(float)), values, y[:, None].astype(float),
                  best="equal", kept="equal", alone="alone", seed=0)  # fmt: skip
    assert better.relative == pytest.approx(0.5)
    assert delta_m([harmed, better]) == pytest.approx((harmed.relative + 0.5) / 2)
    said = lines([better, harmed], "equal")
    assert said[1].startswith("  kind: -")
    assert said[-1] == "Negative transfer between tasks: kind measurably worse together than alone."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": ["kind", "nobody"]}, "no column 'nobody'"),
        ({"label": ["kind", "kind"]}, "--label kind is given twice"),
        ({"label": ["kind", "few"]}, "'few' is given in 2 rows; 10 or more"),
        ({"label": ["kind", "same"]}, "'same'"),
        ({"method": "finetune"}, "finetune does not weigh several tasks"),
        ({"method": "equal,pcgrd"}, "pcgrd does not weigh several tasks"),
        ({"shots": 3}, "--shots has no meaning with several --label"),
        ({"depth": 1}, "--depth has no meaning"),
        ({"test": table()}, "--test has no meaning"),
        ({"unlabelled": table()}, "--unlabelled has no meaning"),
        ({"arms": "scratch"}, "--arms has no meaning"),
        ({"source_data": table()}, "one source network at most"),
        ({"source": "headstart/glyphs"}, "takes image input"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_nothing(options, said, tmp_path):
    data = table().assign(few=[1.0, 2.0] + [None] * 88, same="x")
    with pytest.raises(UserError, match=said):
        fit(data, **({"label": ["kind", "size"], "quiet": True} | options), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_weighting_of_one_task_and_labels_of_a_folder_are_refused(tmp_path, few_digits):
    with pytest.raises(UserError, match="pcgrad weighs several tasks; give every label column"):
        fit(table(), label="kind", method="pcgrad", source="headstart/tabular", out=tmp_path / "run", quiet=True)
    with pytest.raises(UserError, match="has no columns, and several --label"):
        fit(few_digits, label=["a", "b"], out=tmp_path / "run", quiet=True)


@pytest.mark.parametrize(("change", "said"), [({"tasks": []}, "tasks"), ({"schema": 9}, "newer version"),
                                              ({"tasks": ["a", "b", "c"]}, "2")])  # fmt: skip
def test_an_edited_model_is_refused(run, tmp_path, change, said):
    import shutil

    from headstart.models.several import load_several

    shutil.copytree(run.path / "model", tmp_path / "model")
    value = json.loads((tmp_path / "model" / "tasks.json").read_text())
    (tmp_path / "model" / "tasks.json").write_text(json.dumps(value | change))
    with pytest.raises(UserError, match=said):
        load_several(tmp_path / "model")
