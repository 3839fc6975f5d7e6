"""Few labels, many tasks, none, at the command line: what has no meaning is one sentence, and leaves nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from calling import require_sentence

TASKS = ["--label", "kind", "--label", "size"]
LISTED = ["--label", "kind", "--classes", "classes.csv", "--source", "headstart/tabular"]
EPISODES = ["--label", "kind", "--network", "headstart/tabular", "--method", "protonet"]
BLIND = ["--network", "headstart/tabular", "--method", "scarf"]
PLAIN = ["--label", "kind", "--source", "headstart/tabular"]
HALF = [*PLAIN, "--unlabelled"]
CASES = {
    "a task twice": ["fit", "table.csv", "--label", "kind", "--label", "kind"],
    "a task that is no column": ["fit", "table.csv", *TASKS, "--label", "weight"],
    "a task of one class": ["fit", "table.csv", *TASKS, "--label", "same"],
    "a task with two labels": ["fit", "table.csv", *TASKS, "--label", "rare"],
    "a weighting that is not there": ["fit", "table.csv", *TASKS, "--method", "gradnrm"],
    "a method that weighs nothing": ["fit", "table.csv", *TASKS, "--method", "probe"],
    "a weighting of one task": ["fit", "table.csv", "--label", "kind", "--method", "gradnorm"],
    "tasks with shots": ["fit", "table.csv", *TASKS, "--shots", "2"],
    "tasks with another test set": ["fit", "table.csv", *TASKS, "--test", "table.csv"],
    "tasks from a source of pictures": ["fit", "table.csv", *TASKS, "--source", "headstart/glyphs"],
    "tasks of a file that is not there": ["fit", "nowhere.csv", *TASKS],
    "no list of classes": ["fit", "table.csv", *LISTED, "--classes", "nowhere.csv"],
    "a list that lacks a class": ["fit", "table.csv", *LISTED, "--classes", "short.csv"],
    "a list of words for numbers": ["fit", "table.csv", *LISTED, "--classes", "words.csv"],
    "a list of two that are alike": ["fit", "table.csv", *LISTED, "--classes", "alike.csv"],
    "a list that is a folder": ["fit", "table.csv", *LISTED, "--classes", "."],
    "a list for several tasks": ["fit", "table.csv", *LISTED, "--label", "size"],
    "a list for values": ["fit", "table.csv", "--label", "size", *LISTED[2:]],
    "tasks to be remembered": ["fit", "table.csv", *TASKS, "--remember"],
    "tasks with a head": ["fit", "table.csv", *TASKS, "--head", "unet"],
    "words without a list": ["fit", "table.csv", "--label", "kind", "--words", "words.npz"],
    "words that are not there": ["fit", "table.csv", *LISTED, "--words", "nowhere.npz"],
    "a list and another method": ["fit", "table.csv", *LISTED, "--method", "finetune"],
    "a list and shots": ["fit", "table.csv", *LISTED, "--shots", "1"],
    "too many ways": ["pretrain", "table.csv", *EPISODES, "--ways", "7"],
    "one way": ["pretrain", "table.csv", *EPISODES, "--ways", "1"],
    "no shot": ["pretrain", "table.csv", *EPISODES, "--shots", "0"],
    "as many shots as samples": ["pretrain", "table.csv", *EPISODES, "--ways", "2", "--shots", "10"],
    "episodes of values": ["pretrain", "table.csv", *EPISODES, "--label", "size"],
    "a method of episodes for a fit": ["fit", "table.csv", "--label", "kind", "--method", "maml"],
    "shots of values": ["fit", "table.csv", "--label", "size", "--source", "headstart/tabular", "--shots", "1"],
    "more shots than samples": ["fit", "table.csv", *PLAIN, "--shots", "99"],
    "no shots at all": ["fit", "table.csv", *PLAIN, "--shots", "0"],
    "one shot and a race": ["fit", "table.csv", *PLAIN, "--shots", "1", "--trials", "3"],
    "views of a table": ["pretrain", "table.csv", *BLIND, "--method", "simclr"],
    "patches of a table": ["pretrain", "table.csv", *BLIND, "--method", "mae"],
    "shots without labels": ["pretrain", "table.csv", *BLIND, "--shots", "3"],
    "a network of pictures for a table": ["pretrain", "table.csv", *BLIND, "--network", "headstart/glyphs"],
    "unlabelled rows that are not there": ["fit", "table.csv", *HALF, "nowhere.csv"],
    "unlabelled rows of other columns": ["fit", "table.csv", *HALF, "other.csv"],
    "every row has a label": ["fit", "table.csv", *HALF, "rows"],
    "half labelled without the other half": ["fit", "table.csv", "--label", "kind", "--method", "fixmatch"],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("few")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    table = pd.DataFrame(x, columns=list("abc")).assign(size=x[:, 0])
    table["kind"], table["same"] = [f"kind {number % 8}" for number in range(80)], "x"
    table["rare"] = [1.0, 2.0, *[None] * 78]
    table.to_csv(made / "table.csv", index=False)
    table.drop(columns=["a", "kind"]).to_csv(made / "other.csv", index=False)
    names = [f"kind {number}" for number in range(9)]
    listed = pd.DataFrame({"class": names, "u": np.arange(9.0), "v": rng.normal(size=9)})
    listed.to_csv(made / "classes.csv", index=False)
    listed[1:].to_csv(made / "short.csv", index=False)
    listed.assign(u=["big", *["1"] * 8]).to_csv(made / "words.csv", index=False)
    listed.assign(u=1, v=2).to_csv(made / "alike.csv", index=False)
    return made


@pytest.mark.parametrize("name", CASES)
def test_it_is_one_sentence_and_leaves_nothing(folder, name, monkeypatch):
    monkeypatch.chdir(folder)
    said = require_sentence([*CASES[name], "--out", str(folder / "run")], folder)
    assert said.code == 2, said
    assert "  " not in said.err.strip().splitlines()[-1]
    assert len(said.err.strip().splitlines()[-1]) < 500
