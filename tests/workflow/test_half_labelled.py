"""`fit DATA --unlabelled MORE`: methods that learn from unlabelled samples too race beside the labels alone."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from headstart.data import open_data
from headstart.data.half import open_half
from headstart.deep.selftrain.mean_teacher import MeanTeacher
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks import open_source
from headstart.storage import save_tensors
from headstart.workflow.arm import BESIDE, arm_of
from headstart.workflow.arms.unlabelled_gain import beyond_chance
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.fit import fit
from headstart.workflow.judging.verdict import Guard
from headstart.workflow.opening.beside import open_beside
from headstart.workflow.options import FitOptions
from headstart.workflow.pretrain import pretrain
from headstart.workflow.resume import resume


@pytest.fixture(scope="module")
def more(few_digits, tmp_path_factory):
    """Loose digits without labels, and beside them all that the test split holds."""
    root = tmp_path_factory.mktemp("more")
    images, labels = load_digits(return_X_y=True)
    for number, picture in enumerate(images[np.isin(labels, (1, 2))][60:84].reshape(-1, 8, 8)):
        Image.fromarray((picture * 255 / 16).astype(np.uint8)).save(root / f"{number}.png")
    for number, path in enumerate(sorted(few_digits.glob("test/*/*.png"))):
        shutil.copy(path, root / f"tested-{number}.png")
    return root


def test_what_judges_is_left_out_of_what_teaches(few_digits, more):
    target = open_data(few_digits)
    found = open_beside(more, target, FitOptions())
    assert len(found.dataset) == 24
    assert found.dataset.task is None
    assert found.notes[0] == "24 samples without labels stand beside the labelled ones."
    assert found.notes[1].startswith("12 of the unlabelled samples are those that choose or judge")


@pytest.mark.slow
def test_they_race_beside_the_labels_alone_with_labelled_rows_in_the_sources_place(
    few_digits, more, tmp_path, monkeypatch
):
    options = {"source": "headstart/glyphs", "epochs": 1, "quiet": True, "unlabelled": more}
    options |= {"arms": "scratch,probe,mean_teacher", "depth": 1}
    seen, whole = [], MeanTeacher.loss

    def loss(self, nets, batch, progress):
        seen.append((batch.source.names, batch.source.y, batch.target.names, batch.target.y, len(batch.target.views)))
        return whole(self, nets, batch, progress)

    monkeypatch.setattr(MeanTeacher, "loss", loss)

    def interrupted(*given, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("headstart.workflow.network_field.NetworkField.predict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(few_digits, out=tmp_path / "run", **options)
    arguments = json.loads((tmp_path / "run" / "state" / "arguments.json").read_text())
    assert arguments["unlabelled"] == str(more)
    run = resume(tmp_path / "run", quiet=True)
    assert set(run.arms) == {"scratch", "probe", "mean_teacher"}
    told = run.result["half_labelled"]
    assert told["n"] == 24
    assert told["comparison"]["arm"] == "mean_teacher"
    assert told["comparison"]["baseline"] == "probe"
    assert told["lines"][0] in run.lines()
    assert "Unlabelled samples (24)" in (run.path / "report.html").read_text()
    assert run.predict(more / "0.png")[0] in ("1", "2")
    assert seen
    for labelled, y, blind, none, views in seen:
        assert all(name.startswith("train/") for name in labelled)
        assert [name.split("/")[1] for name in labelled] == [str(1 + number) for number in y.tolist()]
        assert not any("tested" in name for name in blind)
        assert none is None
        assert views == 2


def test_an_arm_says_that_it_learns_from_unlabelled_samples():
    assert [arm_of(name).half_labelled for name in ("fixmatch", "self_taught", "probe")] == [True, True, False]
    assert BESIDE == ("self_taught", "pseudo_labels", "mean_teacher", "fixmatch")
    assert not arm_of("self_taught").trains
    assert arm_of("fixmatch").trains


def rows(n=40):
    x = np.random.default_rng(0).normal(size=(n, 3))
    return pd.DataFrame(x, columns=list("abc")).assign(label=np.where(x[:, 0] > 0, "yes", "no"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"arms": "scratch,mean_teacher"}, "mean_teacher also learns from samples without labels; give those"),
        ({"method": "self_taught"}, "self_taught also learns from samples without labels"),
        ({"method": "fixmatch"}, "fixmatch also learns from samples without labels"),
        ({"unlabelled": ""}, "--unlabelled is empty"),
        ({"unlabelled": "nowhere.csv"}, "--unlabelled: nowhere.csv does not exist"),
        ({"unlabelled": rows(5).drop(columns=["a", "label"])}, "--unlabelled: .* 'a'"),
        ({"unlabelled": rows(40), "source_data": rows(30)}, "does not go with --source-data"),
        ({"unlabelled": rows(40), "trials": 3}, "does not go with a race of sources"),
        ({"unlabelled": rows(40), "task": "regression", "label": "c"}, "is for regression; leave it out"),
        ({"unlabelled": "."}, "is a folder, and"),
        ({"unlabelled": "rows"}, "Every row of"),
        ({"unlabelled": "rows", "test": rows(30)}, "makes its own splits of the labelled rows; leave --test out"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_nothing(options, said, tmp_path):
    with pytest.raises(UserError, match=said):
        fit(rows(), **({"source": "headstart/tabular"} | options), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_too_few_unlabelled_samples_are_refused():
    target = open_data(rows(60), seed=0)
    judged = rows(60).iloc[target.splits["test"]].drop(columns="label")
    with pytest.raises(UserError, match="leaves 0 samples that are not tested on"):
        open_beside(judged, target, FitOptions())


def test_rows_of_the_table_itself_may_have_no_label(tmp_path):
    frame = rows(60)
    frame.loc[::2, "label"] = None
    frame.to_csv(tmp_path / "half.csv", index=False)
    known, rest = open_half(tmp_path / "half.csv")
    assert (len(known), len(rest)) == (30, 30)
    assert known.names([0]) == ["half.csv row 3"]
    assert rest.names([0]) == ["half.csv row 2"]
    told = [known.task.classes[number] for number in known.labels(range(30))]
    assert told == frame["label"].dropna().tolist()
    assert sorted(np.concatenate([*known.splits.values()])) == list(range(30))
    assert known.columns.names == rest.columns.names == ("a", "b", "c")
    with pytest.raises(UserError, match=r"Every row of .* has the label"):
        open_half(rows(30))
    with pytest.raises(UserError, match="is no table, in which rows may lack a label"):
        open_half(tmp_path)


@pytest.mark.slow  # its trainings are resumed as those of any arm
def test_a_fit_on_half_labelled_rows_is_resumed(tmp_path, monkeypatch):
    frame = rows(60)
    frame.loc[::2, "label"] = None
    frame.to_csv(tmp_path / "half.csv", index=False)
    source = pretrain(
        rows(60), network="headstart/tabular", method="scarf", epochs=1, out=tmp_path / "source", quiet=True
    )

    def interrupted(*given, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("headstart.workflow.network_field.NetworkField.predict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(
                str(tmp_path / "half.csv"),
                unlabelled="rows",
                source=str(source.path),
                arms="scratch,probe,self_taught,pseudo_labels",
                epochs=1,
                out=tmp_path / "run",
                quiet=True,
            )
    run = resume(tmp_path / "run", quiet=True)
    assert run.result["half_labelled"]["n"] == 30
    assert run.arms["self_taught"]["settings"]["size"] >= 1
    assert run.result["data"]["splits"]["test"] == 6


def test_a_half_labelled_arm_is_kept_only_beyond_chance(few_digits, tmp_path):
    """Of 20 rows that chose the labels alone get 10 right; an arm that gets 16 of them is kept, one with 14 is not."""
    bench = Workbench.create(
        open_data(few_digits), open_source("headstart/glyphs"), FitOptions(source="headstart/glyphs"),
        start_processes("cpu"), Progress(quiet=True),
    )  # fmt: skip
    rows = np.arange(20)
    labels = bench.dataset.labels(rows)
    right, wrong = np.eye(bench.logic.task.n_outputs)[labels], np.eye(bench.logic.task.n_outputs)[1 - labels]

    def keep(arm, hits):
        found = np.where(np.isin(rows, hits)[:, None], right, wrong)[::-1].copy()
        held = {"rows": torch.as_tensor(rows[::-1].copy()), "predictions": torch.as_tensor(found)}
        save_tensors(tmp_path / "state" / arm / "seed-0" / "held-out.safetensors", held)

    keep("probe", range(10))
    validation = {"probe": 0.5, "fixmatch": 0.8}
    keep("fixmatch", range(16))
    chosen = Guard("fixmatch", "best")
    assert beyond_chance(bench, tmp_path, chosen, validation) is chosen
    keep("fixmatch", range(14))  # four won and none lost: p = 0.02, enough for one arm and not for the best of four
    assert beyond_chance(bench, tmp_path, chosen, validation) is chosen
    others = dict.fromkeys(("self_taught", "pseudo_labels", "mean_teacher"), 0.5)
    assert beyond_chance(bench, tmp_path, chosen, validation | others).kept == "probe"
    keep("fixmatch", range(2, 16))  # 14 right: six won and two lost, 1.5 standard errors
    handed = beyond_chance(bench, tmp_path, chosen, validation)
    assert handed.kept == "probe"
    assert "does not beat probe on the labels alone" in handed.reason
    keep("probe", [])
    keep("fixmatch", range(8))  # eight won and none lost, and yet worse than always the same answer
    assert beyond_chance(bench, tmp_path, chosen, validation).kept == "probe"
    alone = Guard("probe", "best")
    assert beyond_chance(bench, tmp_path, alone, validation) is alone
    assert beyond_chance(bench, tmp_path, chosen, {"fixmatch": 0.8}) is chosen
