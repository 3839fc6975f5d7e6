"""`pretrain PAIRS --method contrastive`: from a table of pairs to retrieval, and to a fit from either side."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.data.two_sides import _groups, contents, open_pairs
from headstart.errors import UserError
from headstart.models.pairs import load_pairs
from headstart.networks import list_sources, open_source
from headstart.networks.projection import PAIRS
from headstart.storage import load_tensors
from headstart.workflow import export, predict
from headstart.workflow.evaluate import evaluate
from headstart.workflow.fit import fit
from headstart.workflow.opening.fingerprint import absolute_name
from headstart.workflow.pairs import training
from headstart.workflow.pairs.retrieval import both_ways
from headstart.workflow.pretrain import pretrain
from headstart.workflow.resume import resume
from headstart.workflow.self_supervised import training as self_supervised

LEFT, RIGHT = "a,b,c", "d,e"


def table(n=120):
    """Two sides of one hidden place on a circle."""
    turn = np.random.default_rng(0).uniform(0, 2 * np.pi, n)
    left = np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn)], axis=1)
    frame = pd.DataFrame(left, columns=list("abc"))
    return frame.assign(d=np.sin(turn), e=np.cos(turn), label=np.where(np.sin(turn) > 0, "up", "down"))


def options(**more):
    return {"left": LEFT, "right": RIGHT, "network": "headstart/tabular", "quiet": True} | more


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    table().to_csv(folder / "pairs.csv", index=False)
    return pretrain(folder / "pairs.csv", method="contrastive", epochs=12, out=folder / "run", **options())


def test_partners_are_found_far_above_chance_and_the_page_says_so(run):
    there, back = run.result["without_labels"]["measured"]
    assert there["name"] == "a, b, c to d, e"
    assert back["name"] == "d, e to a, b, c"
    for one in (there, back):
        found = one["recall@5"]
        assert (one["n"], one["m"]) == (12, 12)
        assert found["chance"] == pytest.approx(5 / 12)
        assert found["value"] > 0.7
        assert found["interval"][0] < found["value"] <= found["interval"][1]
    assert run.result["task"] is None
    page = (run.path / "report.html").read_text()
    assert "12 samples held out" in page
    assert "recall@5" in page
    assert "Chance" in page


def test_either_side_is_a_source_by_name_and_gives_features(run, tmp_path, monkeypatch):
    rows = table(40)
    rows[["d", "e", "label"]].to_csv(tmp_path / "right.csv", index=False)
    found = fit(
        tmp_path / "right.csv",
        source=f"{run.path}/right",
        arms="probe",
        epochs=1,
        out=tmp_path / "fit",
        quiet=True,
    )
    assert found.arms["probe"]["test"]["accuracy"] > 0.8
    assert (found.verdict.arm, found.verdict.gain) == ("probe", None)  # nothing was trained from scratch
    with pytest.raises(UserError, match=r"Both sides of .* take table input; name one as .*/left"):
        open_source(str(run.path))
    assert open_source(f"{run.path}/left").domain.space == ("a", "b", "c")
    monkeypatch.chdir(run.path.parent)
    (run.path.parent / "bert").mkdir()
    assert absolute_name("run/right") == str(run.path / "right")
    assert absolute_name("hf/bert") == f"hf/{run.path.parent / 'bert'}"
    assert [absolute_name(name) for name in ("hf/gpt2", "timm/resnet18")] == ["hf/gpt2", "timm/resnet18"]
    listed = [row["spec"] for row in list_sources(run.path.parent) if row["kind"] == "run"]
    assert [open_source(spec).domain.space for spec in listed] == [("a", "b", "c"), ("d", "e")]
    predict.predict_files(run.path, [_csv(rows[list("abc")], tmp_path)], out=tmp_path / "told.csv")
    assert pd.read_csv(tmp_path / "told.csv").shape == (40, 1 + training.WIDTH)
    for ask in (lambda: evaluate(run.path, rows), lambda: run.model.classes):
        with pytest.raises(UserError, match="learned from pairs"):
            ask()
    with pytest.raises(UserError, match="has no task's head to export"):
        export.export(run.path)


def _csv(frame, folder):
    frame.to_csv(folder / "in.csv", index=False)
    return str(folder / "in.csv")


def test_pictures_and_words_meet_and_stopping_changes_no_bit(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for i in range(24):
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    names = [*(f"{i}.png" for i in range(24)), "gone.png"]
    frame = pd.DataFrame({"image": names, "word": [*["one", "two"] * 12, "one"]})
    frame.to_csv(tmp_path / "pairs.csv", index=False)
    given = {"method": "contrastive", "network": "headstart/glyphs,headstart/tabular", "epochs": 1, "quiet": True}
    whole = pretrain(tmp_path / "pairs.csv", out=tmp_path / "whole", **given)
    assert whole.result["warnings"][-1] == "1 of 25 pairs are left out, since a side cannot be read: gone.png."
    there, back = whole.result["without_labels"]["measured"]
    assert (there["m"], back["n"], back["m"]) == (2, 2, there["n"])
    assert back["recall@1"]["chance"] >= 0.5 or there["n"] > 2

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(self_supervised, "Saving", lambda path: type(whole_saving)(path, every=0))
    with monkeypatch.context() as patch:
        patch.setattr("headstart.workflow.pairs.field.features_of", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pretrain(tmp_path / "pairs.csv", out=tmp_path / "stopped", **given)
    again = resume(tmp_path / "stopped", quiet=True)
    for side in ("left", "right"):
        first, second = (load_tensors(one.path / "model" / side / "weights.safetensors")[0] for one in (whole, again))
        assert all((first[name] == second[name]).all() for name in first)
    assert open_source(str(whole.path)).facing("table").modality == "table"


whole_saving = self_supervised.Saving("unused")


def test_a_student_answers_the_teachers_task_from_the_other_side(tmp_path):
    rows = table()
    teacher = _teacher(rows, tmp_path)
    run = pretrain(
        rows.drop(columns="label"), method="crossmodal", teacher=str(teacher.path), epochs=12, out=tmp_path / "student",
        **options(),
    )  # fmt: skip
    (told,) = run.result["without_labels"]["measured"]
    assert told["value"] > told["chance"]
    fresh = table(200)[["d", "e", "label"]].iloc[120:]
    assert evaluate(run.path, fresh, label="label").metrics["accuracy"] > 0.8
    assert set(run.predict(fresh[["d", "e"]])) == {"up", "down"}


def _teacher(rows, tmp_path):
    return pretrain(
        rows[[*"abc", "label"]], network="headstart/tabular", epochs=8, out=tmp_path / "teacher", quiet=True
    )


def test_equal_contents_are_one_answer_and_all_of_its_partners_are_right():
    left = np.eye(4)
    right = np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
    there, back = both_ways(left, right, np.arange(4), np.array([0, 0, 1, 1]), ("picture", "word"))
    assert there.recall == {1: 1.0}
    assert (there.m, there.chance[1]) == (2, 0.5)
    assert (back.n, back.m, back.recall[1]) == (2, 4, 1.0)
    assert back.chance[1] == 0.5
    constant, _ = both_ways(np.ones((4, 2)), np.ones((4, 2)), np.arange(4), np.arange(4), ("a", "b"))
    assert constant.recall[1] == 0.0  # ties stand before the right one


def test_pairs_that_share_a_side_are_not_cut():
    assert len(set(_groups(np.repeat(np.arange(40), 2), np.arange(80)))) == 40  # captions of a picture
    assert len(set(_groups(np.arange(80), np.arange(80) % 10))) == 80  # ten words: by picture
    assert set(_groups(np.arange(6), np.zeros(6, int))) == set(range(6))
    captions = pd.DataFrame(
        {"picture": np.repeat(np.arange(30.0), 4), "caption": [f"said of it {i}" for i in range(120)]}
    )
    left, right, _ = open_pairs(captions, None, None)
    held = left.splits["test"]
    assert not set(contents(left)[held]) & set(contents(left)[left.splits["train"]])
    assert (right.splits["test"] == held).all()
    assert right.modality == "text"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"left": None}, "--right names one side of the pairs; name the other with --left"),
        ({"left": None, "right": None}, "has 5 columns beside labels .* name each side's with --left and --right"),
        ({"left": "a,x"}, "no column 'x', which --left names"),
        ({"right": "c,d"}, "'c' is named twice"),
        ({"label": "a"}, "'a' is named twice"),
        ({"text": "label"}, "--text label is a column of neither side"),
        ({"network": "headstart/glyphs"}, "The left side .a, b, c. holds table data, and headstart/glyphs takes image"),
        ({"network": "headstart/tabular,headstart/glyphs"}, "The right side"),
        ({"network": "a,b,c"}, "names no two networks"),
        ({"pretrained": "all"}, "--pretrained 'all' is not known"),
        ({"pretrained": "left"}, "architecture without weights"),
        ({"teacher": "runs/x"}, "--teacher is for --method crossmodal"),
        ({"method": "crossmodal"}, "needs who teaches"),
        ({"method": "crossmodal", "teacher": "headstart/glyphs"}, "holds table data|takes image"),
        ({"shots": 3}, "--shots has no meaning with --method contrastive"),
        ({"modality": "table"}, "--modality has no meaning"),
        ({"views": 3}, "--views has no meaning"),
        ({"rows": 12}, "12 pairs; 20 or more"),
        ({"same": True, "left": "a"}, "has the same in 'a' of all 30 pairs"),
        ({"empty": True, "left": "a"}, "has nothing in the column 'a'"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_nothing(more, said, tmp_path):
    rows = table(more.pop("rows", 30))
    if more.pop("empty", False):
        rows.loc[3, "a"] = np.nan
    if more.pop("same", False):
        rows["a"] = 1.5
    with pytest.raises(UserError, match=said):
        pretrain(rows, out=tmp_path / "run", **({"method": "contrastive"} | options(**more)))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [({"schema": 99}, "newer version"), ({"steepness": -1.0}, "steepness"), ({"columns": ["a"]}, "columns")],
)
def test_an_edited_model_is_refused(run, tmp_path, change, said):
    import shutil

    shutil.copytree(run.path / "model", tmp_path / "model")
    path = tmp_path / "model" / PAIRS
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=said):
        load_pairs(tmp_path / "model")
