"""`fit A B`: data sets of one kind of input that share a body, each with tasks of its own."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from headstart.cli import app
from headstart.data.joined import open_joined
from headstart.data.several import of_task
from headstart.errors import UserError
from headstart.workflow.fit import fit
from headstart.workflow.resume import resume
from headstart.workflow.run import load


def insects(n=60, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return pd.DataFrame(x, columns=["a", "b", "c"])


@pytest.fixture
def files(tmp_path):
    """Kinds of some insects and sizes of others; each table has a column of its own beside the shared ones, and the
    first one the second's label."""
    first, second = insects(), insects(50, 1)
    first.assign(class_=np.where(first["a"] > 0, "ant", "bee")).rename(columns={"class_": "class"}).to_csv(
        tmp_path / "kinds.csv", index=False
    )
    second.assign(size=10 * second["b"], d=1.5).to_csv(tmp_path / "sizes.csv", index=False)
    return [str(tmp_path / "kinds.csv"), str(tmp_path / "sizes.csv")]


def test_two_tables_go_from_the_command_to_a_verdict_per_task_and_answers_of_both(files, tmp_path):
    named = ["--label", "class", "--label", "size"]
    options = ["--method", "equal", "--epochs", "1", "--out", str(tmp_path / "run"), "--quiet"]
    found = CliRunner().invoke(app, ["fit", *files, *named, *options])
    assert found.exit_code == 0, found.output
    run = load(tmp_path / "run")
    assert list(run.result["multitask"]["tasks"]) == ["class", "size"]
    saved = json.loads((run.path / "state" / "arguments.json").read_text())
    assert saved["data"] == files
    answers = run.predict(insects(4, 2))
    assert [set(one) for one in answers] == [{"class", "size"}] * 4
    assert resume(run.path, quiet=True).result == run.result


def test_each_row_has_the_labels_of_its_own_data_set_and_the_columns_of_all(files):
    base, labels = open_joined(files, ["class", "size"])
    assert base.columns.names == ("a", "b", "c"), "neither a label nor what one table alone has"
    assert base.name == "kinds+sizes"
    assert {name: int(one.given.sum()) for name, one in labels.items()} == {"class": 60, "size": 50}
    size = of_task(base, labels["size"])
    rows = np.concatenate(list(size.splits.values()))
    assert sorted(rows.tolist()) == list(range(60, 110))
    raw = size.raw(rows)
    assert size.labels(rows)[:, 0].tolist() == pytest.approx([10 * one["b"] for one in raw])
    assert base.names(np.array([0, 60])) == ["kinds: kinds.csv row 2", "sizes: sizes.csv row 2"]
    named = open_joined([pd.read_csv(files[0]).assign(size=1.0 * np.arange(60)), files[1]], ["class", "size"])[1]
    assert int(named["size"].given.sum()) == 110, "one name and one task: rows of both"


def test_without_label_a_task_is_called_as_its_data_set_is(tmp_path):
    for name, pair in (("pets", ("cat", "dog")), ("trees", ("ash", "oak"))):
        for place, kind in enumerate(pair):
            (tmp_path / name / kind).mkdir(parents=True)
            for number in range(8):
                picture = np.full((8, 8), 20 * number + 100 * place, dtype=np.uint8)
                Image.fromarray(picture).save(tmp_path / name / kind / f"{number}.png")
    base, labels = open_joined([tmp_path / "pets", tmp_path / "trees"], [])
    assert {name: one.task.classes for name, one in labels.items()} == {"pets": ("cat", "dog"), "trees": ("ash", "oak")}
    trees = of_task(base, labels["trees"])
    for row in np.concatenate(list(trees.splits.values())):
        assert f"/{trees.task.classes[int(trees.labels([row])[0])]}/" in f"/{trees.names(np.array([row]))[0][7:]}"
    assert base.modality == "image"
    with pytest.raises(UserError, match="need a network to share; name it with --source"):
        fit([tmp_path / "pets", tmp_path / "trees"], out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
    rows = insects().assign(label="x")
    rows.loc[::2, "label"] = "y"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(UserError, match="pets holds image data and rows table data"):
        open_joined([tmp_path / "pets", tmp_path / "rows.csv"], [])


def kinds(**more):
    return insects().assign(**{"kind": np.tile(["ant", "bee"], 30)} | more)


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        ([kinds(), insects(50, 1)], {"label": ["kind"]}, "has none of the columns that --label names"),
        ([kinds(), kinds()], {"label": ["kind"]}, "have one task, kind"),
        ([kinds(), kinds()], {"label": ["kind", "size"]}, "has a column 'size', which --label names"),
        ([kinds(), kinds(kind=np.tile(["oak", "ash"], 30))], {"label": ["kind"]}, "classes ant, bee in .* oak"),
        ([kinds(), kinds(kind=np.linspace(0, 9.5, 60))], {"label": ["kind"]}, "classification in .* regression in"),
        ([kinds(), insects().add_prefix("z").assign(size=np.linspace(0, 1, 60))], {"label": ["kind", "size"]},
         "share no column"),
        ([kinds(), insects().assign(a="word", size=np.linspace(0, 1, 60))], {"label": ["kind", "size"]},
         "'a' holds numbers in .* words in"),
        ([kinds(), kinds()], {}, "no column called label"),
        ([kinds().rename(columns={"kind": "y"}), kinds(kind=0).assign(y=np.tile(["oak", "elm"], 30))], {},
         "Two data sets are called DataFrame"),
        ([kinds(), "nowhere.csv"], {"label": ["kind"]}, "nowhere.csv does not exist"),
        ([kinds(), kinds()], {"label": ["kind", "c"], "test": kinds()}, "--test has no meaning with several --label"),
        ([kinds(), kinds()], {"shots": 3}, "--shots has no meaning with several data sets"),
        ([kinds(), kinds()], {"source_data": kinds()}, "one source network at most"),
    ],
)  # fmt: skip
def test_bad_data_sets_are_refused_in_one_sentence_and_leave_nothing(data, options, said, tmp_path):
    with pytest.raises(UserError, match=said) as caught:
        fit(data, out=tmp_path / "run", quiet=True, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
