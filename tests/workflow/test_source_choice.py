"""No source was named: what is at hand is tried by a quick probe, which never reads a row of the verdict."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart.engine.progress import Progress
from headstart.workflow.opening.source_choice import at_hand, choose_source


def table(path, rows, seed, flip=False):
    """A label told by one of ten columns, among rows of noise; ``flip`` shuffles it away."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6))
    label = (np.sin(2 * x[:, 0]) + x[:, 1] > 0).astype(int)
    frame = pd.DataFrame(x, columns=list("abcdef"))
    frame["label"] = rng.permutation(label) if flip else label
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A useful earlier run and one that learned from shuffled labels."""
    root = tmp_path_factory.mktemp("learned")
    for name, flip, epochs in (("a_noise", True, 1), ("b_useful", False, 15)):
        data = table(root / f"{name}.csv", 600, 1, flip)
        hs.pretrain(data, network="headstart/tabular", out=root / "runs" / name, epochs=epochs, quiet=True)
    return root


@pytest.fixture
def runs(learned, monkeypatch):
    """The folder in which the command looks for runs."""
    monkeypatch.chdir(learned)
    return learned


@pytest.mark.slow
def test_the_better_source_at_hand_is_chosen_and_the_reason_is_kept(runs, tmp_path):
    run = hs.fit(table(runs / "mine.csv", 160, 2), out=tmp_path / "out", arms="scratch,probe", epochs=2, quiet=True)
    assert run.result["source"]["spec"] == "runs/b_useful"
    reason = run.result["plan"]["reasons"][0]
    assert "of 2 at hand runs/b_useful has the best probe" in reason
    assert json.loads((tmp_path / "out" / "state" / "arguments.json").read_text())["notes"] == [reason]


def test_neither_validation_nor_test_rows_are_read(runs):
    dataset = hs.open(table(runs / "mine.csv", 160, 2))
    rows = np.concatenate([dataset.splits["validation"], dataset.splits["test"]])
    targets = dataset.targets.copy()
    targets[dataset.stored(rows)] = 1 - targets[dataset.stored(rows)]
    chosen, reason = choose_source(dataset, Progress(quiet=True))
    turned = choose_source(replace(dataset, targets=targets), Progress(quiet=True))
    assert turned[0].spec == chosen.spec
    assert turned[1] == reason


def test_a_run_on_these_very_data_is_no_source_for_them(runs):
    own = hs.open(runs / "b_useful.csv")
    assert [source.spec for source in at_hand(own)] == ["runs/a_noise"]


def test_nothing_at_hand_is_one_sentence_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hs.UserError, match=r"none is at hand for table data; learn one .*headstart pretrain"):
        hs.fit(table(tmp_path / "mine.csv", 60, 0), out=tmp_path / "out", quiet=True)
    assert not (tmp_path / "out").exists()


def test_pictures_have_the_bundled_source(few_digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = hs.fit(few_digits, out=tmp_path / "out", arms="probe", quiet=True)
    assert run.result["source"]["spec"] == "headstart/glyphs"
    assert "the only one at hand" in run.result["plan"]["reasons"][0]
