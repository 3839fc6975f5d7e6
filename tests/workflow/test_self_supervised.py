"""`pretrain UNLABELLED --method ...`: a source that needs no labels, from the command to a fit that starts from it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.data.blind import open_blind
from headstart.engine import Saving
from headstart.errors import UserError
from headstart.models.saved import BLIND
from headstart.networks import open_source
from headstart.storage import load_tensors
from headstart.workflow import export, predict
from headstart.workflow.evaluate import evaluate
from headstart.workflow.fit import fit
from headstart.workflow.pretrain import pretrain
from headstart.workflow.resume import resume
from headstart.workflow.run import load
from headstart.workflow.self_supervised import training


def table(n=80):
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(n, 2))
    frame = pd.DataFrame(hidden @ rng.normal(size=(2, 5)) + 0.05 * rng.normal(size=(n, 5)), columns=list("abcde"))
    return frame.assign(colour=np.where(hidden[:, 0] > 0, "red", "green"), label=np.where(hidden[:, 1] > 0, "x", "y"))


@pytest.fixture(scope="module")
def rows_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blind")
    table().to_csv(folder / "rows.csv", index=False)
    return pretrain(
        folder / "rows.csv",
        network="headstart/tabular",
        method="autoencoder",
        epochs=40,
        out=folder / "run",
        quiet=True,
    )


def test_a_table_gives_a_source_whose_errors_find_what_is_unlike(rows_run, tmp_path):
    result = rows_run.result
    assert result["task"] is None
    assert result["metric"] == "reconstruction_error"
    assert result["data"]["inferred"]["left out"] == "labels are not read: label"
    assert "label" not in rows_run.model.network.preprocess.columns
    odd = table(6).drop(columns="label")
    odd.loc[3:, list("abcde")] = [[9, -9, 9, -9, 9]] * 3
    out = tmp_path / "told.csv"
    odd.to_csv(tmp_path / "odd.csv", index=False)
    predict.predict_files(rows_run.path, [str(tmp_path / "odd.csv")], out=out)
    told = pd.read_csv(out)
    assert told["anomaly"][3:].min() > told["anomaly"][:3].max()
    assert told["share_below"][3:].eq(1.0).all()
    assert rows_run.predict(odd) == pytest.approx(told["anomaly"].tolist(), rel=1e-4)
    page = (rows_run.path / "report.html").read_text()
    assert "A source that needed no labels" in page
    assert "What is unusual" in page
    assert "Verdict" not in rows_run.lines()[0]


def test_it_is_a_source_and_answers_no_task(rows_run, tmp_path):
    source = open_source(str(rows_run.path))
    assert source.task is None
    assert len(source.reference()) == 8
    run = fit(table(60), source=str(rows_run.path), arms="scratch,probe", epochs=1, out=tmp_path / "run", quiet=True)
    right = {arm: one["test"]["accuracy"] for arm, one in run.arms.items()}
    assert run.verdict.gain == pytest.approx(right[run.verdict.arm] - right["scratch"])
    assert "without labels" in run.result["setting"]["reasons"]["scenario"]
    for ask in (
        lambda: evaluate(rows_run.path, table(20)),
        lambda: rows_run.model.classes,
    ):
        with pytest.raises(UserError, match="learned without labels"):
            ask()
    with pytest.raises(UserError, match="no task's head to export"):
        export.export(rows_run.path)


def test_pictures_in_any_folder_are_reconstructed_and_stopping_changes_no_bit(pictures, tmp_path, monkeypatch):
    options = {"network": "headstart/glyphs", "method": "denoising", "epochs": 1, "quiet": True}
    whole = pretrain(pictures, out=tmp_path / "whole", **options)
    (tmp_path / "loose").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "loose" / "one.png")
    with pytest.raises(UserError, match="has 1 samples; 10 or more"):
        pretrain(tmp_path / "loose", out=tmp_path / "few", **options)
    assert not (tmp_path / "few").exists()

    def interrupted(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "Saving", lambda path: Saving(path, every=0))
    with monkeypatch.context() as patch:
        patch.setattr("headstart.workflow.self_supervised.field.measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pretrain(pictures, out=tmp_path / "stopped", **options)
    again = resume(tmp_path / "stopped", quiet=True)
    for file in ("weights", "decoder"):
        first, second = (load_tensors(run.path / "model" / f"{file}.safetensors")[0] for run in (whole, again))
        assert all((first[name] == second[name]).all() for name in first)
    assert len(list((whole.path / "evidence").glob("samples-*-after.*"))) == 2  # all that are held out of 24
    assert "reconstructed" in (whole.path / "report.html").read_text()


def test_views_are_contrasted(pictures, tmp_path):
    run = pretrain(pictures, network="headstart/glyphs", method="vicreg", epochs=1, out=tmp_path / "run", quiet=True)
    assert run.result["metric"] == "training_loss"
    assert len(run.predict(sorted(pictures.glob("*/*.png"))[:2])[0]) == 256
    assert not (run.path / "model" / "decoder.safetensors").exists()


def test_what_is_held_out_is_drawn_by_the_seed_and_labels_are_left_out():
    frame = table(50)
    first, second, other = (open_blind(frame, seed=seed) for seed in (0, 0, 1))
    assert [len(first.splits[name]) for name in ("train", "validation", "test")] == [45, 0, 5]
    assert (first.splits["test"] == second.splits["test"]).all()
    assert (first.splits["test"] != other.splits["test"]).any()
    assert first.columns.names == (*"abcde", "colour")
    assert open_blind(frame, label=["label", "e"]).columns.names == (*"abcd", "colour")
    different = np.zeros((12, 8, 8), np.uint8) + np.arange(12, dtype=np.uint8)[:, None, None]
    arrays = open_blind((different, np.arange(12) % 2))
    assert (arrays.task, arrays.modality, len(arrays)) == (None, "image", 12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "denoise"}, "'denoise' makes no source|denoise makes no source"),
        ({"method": "finetune"}, "finetune makes no source"),
        ({"method": "simclr"}, "compares augmented views of pictures"),
        ({"method": "vicreg"}, "compares augmented views of pictures"),
        ({"method": "mae"}, "hides patches of pictures"),
        ({"method": "scarf", "network": "headstart/glyphs"}, "takes image input"),
        ({"method": "scarf", "group": "colour"}, "--group has no meaning with --method scarf"),
        ({"method": "scarf", "task": "regression"}, "--task has no meaning"),
        ({"method": "scarf", "patience": 3}, "--patience has no meaning"),
        ({"method": "scarf", "shots": 3}, "--shots has no meaning"),
        ({"method": "scarf", "label": "nobody"}, "no column 'nobody'"),
        ({"method": "scarf", "label": "a,b,c,d,e,colour,label"}, "no column beside"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_nothing(options, said, tmp_path):
    with pytest.raises(UserError, match=said):
        pretrain(table(), **({"network": "headstart/tabular"} | options), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_method_without_labels_is_no_arm_of_a_fit(tmp_path):
    with pytest.raises(UserError, match="makes a source"):
        fit(table(), method="simclr", out=tmp_path / "run", quiet=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 99}, "newer version"),
        ({"usual": [-1.0]}, "usual"),
        ({"decoder": {"kind": "song"}}, "does not know"),
        ({"decoder": {"kind": "table", "n_features": 3, "code": None, "numeric": 5, "sizes": [2]}}, "other features"),
        ({"decoder": {"kind": "table", "n_features": 128, "code": 2**20, "numeric": 5, "sizes": [2]}}, "decoder"),
    ],
)
def test_an_edited_model_is_refused(rows_run, tmp_path, change, said):
    from headstart.models.blind import load_blind

    model = tmp_path / "model"
    model.mkdir()
    for file in (rows_run.path / "model").iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    value = json.loads((model / BLIND).read_text())
    (model / BLIND).write_text(json.dumps(value | change))
    with pytest.raises(UserError, match=said):
        load_blind(model)
    assert load(rows_run.path).model.method == "autoencoder"
