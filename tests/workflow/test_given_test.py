"""A test set that lies apart: the verdict is about it and nothing else of it counts; what does not fit is named."""

import shutil

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart.data import check
from headstart.errors import UserError
from headstart.workflow.adapting.adaptation import learn_rows
from headstart.workflow.opening.sides import open_sides
from headstart.workflow.options import FitOptions

CHEAP = {"source": "headstart/glyphs", "method": "probe", "arms": "probe", "quiet": True}


def people(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    frame = pd.DataFrame(x, columns=["age", "height", "weight"])
    frame["colour"] = rng.choice(["red", "green"], size=n)
    return frame.assign(label=np.where(x[:, 0] + x[:, 1] > 0, "yes", "no"))


@pytest.fixture
def apart(digits_folder, tmp_path):
    """Two digits' training part and 6 of each for the test, in one folder and in two places."""
    for path in sorted(digits_folder.rglob("*.png")):
        if int(path.stem) < 11 and path.parent.name in {"1", "8"}:
            for root in (tmp_path / "whole", tmp_path):
                copy = root / path.relative_to(digits_folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
    return tmp_path


@pytest.mark.slow
def test_a_folder_beside_is_a_given_test_split_and_moves_nothing_that_is_learned(apart):
    whole = hs.fit(apart / "whole", **CHEAP, out=apart / "given")
    for old, new in (("1", "aside"), ("8", "1"), ("aside", "8")):
        shutil.move(apart / "test" / old, apart / "test" / new)
    run = hs.fit(apart / "train", test=apart / "test", **CHEAP, out=apart / "run")
    assert (run.path / "model/weights.safetensors").read_bytes() == (
        whole.path / "model/weights.safetensors"
    ).read_bytes()
    assert run.arms["probe"]["validation"] == whole.arms["probe"]["validation"]
    assert run.arms["probe"]["test"]["accuracy"] < whole.arms["probe"]["test"]["accuracy"]
    assert run.result["data"]["splits"] == whole.result["data"]["splits"] == {"train": 10, "validation": 0, "test": 12}
    assert run.result["arguments"]["test"] == str(apart / "test")
    for place in ("run.json", "report.html"):
        (run.path / place).unlink()
    shutil.move(apart / "test" / "1", apart / "aside")
    shutil.copytree(apart / "train" / "1", apart / "test" / "1")
    with pytest.raises(UserError, match=r"The test set .*test has changed"):
        hs.resume(run.path, quiet=True)
    shutil.rmtree(apart / "test" / "1")
    shutil.move(apart / "aside", apart / "test" / "1")
    assert hs.resume(run.path, quiet=True).arms["probe"]["test"] == run.arms["probe"]["test"]
    (run.path / "run.json").unlink()
    shutil.move(apart / "test", apart / "moved")
    with pytest.raises(UserError, match=r"--test: .*test does not exist"):
        hs.resume(run.path, quiet=True)


def as_csv(frame, path):
    frame.to_csv(path.with_suffix(".csv"), index=False)
    return path.with_suffix(".csv")


def as_parquet(frame, path):
    frame.to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def as_pair(frame, path):
    return frame.drop(columns="label"), frame.label


DOORS = {"csv": as_csv, "parquet": as_parquet, "DataFrame": lambda frame, path: frame, "pair": as_pair}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("beside", DOORS)
def test_tables_through_every_door(tmp_path, door, beside):
    data, test = DOORS[door](people(200, 1), tmp_path / "data"), DOORS[beside](people(40, 2), tmp_path / "test")
    label = None if "pair" in (door, beside) and door != beside else "label" if door != "pair" else None
    opened = hs.open(data, label=label, test=test)
    assert {name: len(rows) for name, rows in opened.splits.items()} == {"train": 200, "validation": 0, "test": 40}
    rows = opened.raw(opened.splits["test"])
    assert [row["age"] for row in rows] == pytest.approx(people(40, 2).age.tolist())
    assert [row["colour"] for row in rows] == people(40, 2).colour.tolist()
    names = [opened.task.classes[number] for number in opened.labels(opened.splits["test"])]
    assert names == people(40, 2).label.tolist()


def test_arrays_and_texts_and_what_open_returned():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), np.arange(30) % 3
    opened = hs.open((x, y), test=(x[:9] + 1, y[:9]))
    assert opened.raw([38])[0]["x3"] == pytest.approx(x[8, 3] + 1)
    texts = hs.open((["good film", "bad film"] * 6, ["+", "-"] * 6), test=(["a bad one", "a good one"], ["-", "+"]))
    assert texts.raw(texts.splits["test"]) == ["a bad one", "a good one"]
    assert [texts.task.classes[n] for n in texts.labels(texts.splits["test"])] == ["-", "+"]
    again = hs.open(hs.open((x, y)), test=(x[:9] + 1, y[:9]))
    assert again.fingerprint == opened.fingerprint


def test_given_validation_rows_validate(tmp_path):
    frame = people(60, 1).assign(split=["train"] * 40 + ["val"] * 20)
    opened = hs.open(frame, label="label", test=people(10, 2))
    assert {name: len(rows) for name, rows in opened.splits.items()} == {"train": 40, "validation": 20, "test": 10}


def test_copies_across_and_groups_on_both_sides_are_named():
    frame, beside = people(60, 1), people(20, 2)
    beside.iloc[3] = frame.iloc[7]
    _, checks = check(hs.open(frame, label="label", test=beside))
    assert checks.duplicates["n_across_splits"] == 1
    assert "row 8 (train) = row 4 (test)" in " ".join(checks.lines())
    groups = frame.assign(town=np.arange(60) // 6), people(20, 2).assign(town=5 + np.arange(20))
    with pytest.raises(UserError, match=r"5 groups of .* lie in more than one of its splits"):
        hs.open(groups[0], label="label", group="town", test=groups[1])


def unlike(tmp_path):
    frame, beside = people(60, 1), people(20, 2)
    as_csv(frame.drop(columns="label"), tmp_path / "bare")
    (tmp_path / "texts" / "yes").mkdir(parents=True)
    (tmp_path / "texts" / "yes" / "a.txt").write_text("a")
    return {
        "classes that the model does not know .*maybe": beside.assign(label="maybe"),
        "differ in the columns sport": beside.assign(sport=1),
        "differ in the columns age": beside.drop(columns="age"),
        "no column 'label'": tmp_path / "bare.csv",
        "The classes of .* differ between splits": beside[beside.label == "yes"],
        "holds texts, not tables": tmp_path / "texts",
        "brings a test split of its own": None,
        "names the data themselves": frame,
        "has splits of its own": beside.assign(split=["train", "test"] * 10),
        "is missing in 1 sample of 20 .row 1": beside.assign(label=[None, *beside.label[1:]]),
        "does not exist": tmp_path / "nowhere",
    }


@pytest.mark.parametrize("said", range(11))
def test_what_does_not_fit_is_one_sentence(tmp_path, said):
    words, beside = list(unlike(tmp_path).items())[said]
    frame = people(60, 1)
    if beside is None:
        frame, beside = frame.assign(split=["train", "test"] * 30), people(20, 2)
    if "themselves" in words:
        frame = beside
    with pytest.raises(UserError, match=words) as caught:
        hs.fit(frame, test=beside, source="headstart/tabular", out=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_across_domains_its_labels_evaluate_only():
    source, target, beside = people(80, 1), people(50, 2), people(20, 3)
    for said, learned in (("evaluate", 0), ("learn", 50), ("none", 0)):
        options = FitOptions(target_labels=said, label="label")
        sides = open_sides(target, [source], options, beside)
        assert len(sides.target.dataset) == 70
        chosen = learn_rows(sides, options, 0)
        assert len(chosen) == learned
        assert sides.to_evaluate(chosen).tolist() == list(range(50, 70))
        assert [sides.task.classes[n] for n in sides.target_labels[50:]] == beside.label.tolist()
        assert sides.notes == [
            "The 20 rows of the test set join the target as rows to adapt to; their labels evaluate only."
        ]
    with pytest.raises(UserError, match=r"--test .*: 1 of its 20 rows have no label, first row 1"):
        open_sides(target, [source], options, beside.assign(label=[None, *beside.label[1:]]))


def test_a_run_across_domains_is_judged_on_the_test_set(tmp_path):
    people(80, 1).to_csv(tmp_path / "source.csv", index=False)
    people(50, 2).drop(columns="label").to_csv(tmp_path / "target.csv", index=False)
    people(24, 3).to_csv(tmp_path / "beside.csv", index=False)
    run = hs.fit(
        tmp_path / "target.csv",
        source_data=str(tmp_path / "source.csv"),
        test=str(tmp_path / "beside.csv"),
        method="coral",
        label="label",
        quiet=True,
        out=tmp_path / "run",
    )
    assert run.result["verdict"]["n_test"] == 24
    assert "their labels evaluate only" in run.result["plan"]["reasons"][0]
    assert run.result["arguments"]["test"] == str(tmp_path / "beside.csv")
    (run.path / "run.json").unlink()
    people(24, 4).to_csv(tmp_path / "beside.csv", index=False)
    with pytest.raises(UserError, match=r"The (test set|data) .* has changed"):
        hs.resume(run.path, quiet=True)
