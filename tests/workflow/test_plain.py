"""What a person does in five lines stands in every race where it has a meaning."""

import numpy as np
import pandas as pd
import pytest
import torch

import headstart as hs
from headstart.data import open_data
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.networks.columns import build_columns
from headstart.networks.heads import answering
from headstart.problem import Task
from headstart.tasks import create_task
from headstart.workflow.arms.plain import OVERLAP, _columns, _source_rows, fit_plain, plain_arms
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.options import FitOptions


def people(n, seed, classes=("no", "yes")):
    """Classes told apart by the sign of a product: no linear model can, trees can."""
    x = np.random.default_rng(seed).normal(size=(n, 4))
    frame = pd.DataFrame(x, columns=list("abcd"))
    return frame.assign(label=np.where(x[:, 0] * x[:, 1] > 0, classes[1], classes[0]))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    people(200, 1).to_csv(folder / "source.csv", index=False)
    hs.pretrain(folder / "source.csv", network="headstart/tabular", out=folder / "run", epochs=2, quiet=True)
    return folder


def bench_of(frame, source):
    dataset = open_data(frame, label="label")
    chosen = FitOptions(source=str(source / "run"), device="cpu")
    return Workbench.create(dataset, open_source(chosen.source), chosen, start_processes("cpu"), Progress(quiet=True))


def test_trees_on_the_raw_columns_are_handed_back_where_they_are_best(source, tmp_path):
    people(520, 2).to_csv(tmp_path / "target.csv", index=False)
    run = hs.fit(
        tmp_path / "target.csv",
        source=str(source / "run"),
        arms="scratch,linear,trees,chosen",
        epochs=1,
        out=tmp_path / "out",
        quiet=True,
    )
    assert run.result["guard"]["kept"] == run.verdict.arm == "trees"
    assert not run.verdict.transfers
    assert run.verdict.best.baseline == "trees"
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Transfer helped" not in page
    new = people(200, 3)
    assert np.mean(np.array(hs.load(run.path).model.predict(new.drop(columns="label"))) == new.label) > 0.8


def test_every_simple_way_has_a_meaning_for_a_run_of_the_same_columns(source):
    assert plain_arms(bench_of(people(100, 2), source)) == ("source", "pooled", "linear", "trees")
    other = plain_arms(bench_of(people(100, 2).rename(columns={"a": "z"}), source))
    assert other == ("linear", "trees")


def test_pooled_data_that_changed_are_not_used(source, tmp_path):
    import shutil

    shutil.copytree(source / "run", tmp_path / "run")
    people(200, 1).to_csv(source / "source.csv", index=False)
    assert "pooled" in plain_arms(bench_of(people(100, 2), tmp_path))
    people(200, 9).to_csv(source / "source.csv", index=False)
    try:
        assert "pooled" not in plain_arms(bench_of(people(100, 2), tmp_path))
    finally:
        people(200, 1).to_csv(source / "source.csv", index=False)


def test_rows_of_the_target_never_come_back_with_the_sources(source):
    target = pd.concat([people(200, 1).head(60), people(60, 2)], ignore_index=True)
    bench = bench_of(target, source)
    assert "source" not in plain_arms(bench)
    assert any(OVERLAP in note for note in bench.notes)
    network = _columns(bench)
    features, labels = _source_rows(bench, network)
    assert len(features) == len(labels) == 140


def test_the_source_as_it_is_answers_in_the_targets_order(source):
    flipped = people(100, 2, classes=("yes", "no"))
    bench = bench_of(flipped, source)
    network, settings = fit_plain(bench, "source", bench.dataset.splits["train"], 0)
    rows = np.arange(len(bench.dataset))
    said = [bench.logic.task.classes[i] for i in bench.predict(network, rows).argmax(axis=1)]
    assert said == hs.load(source / "run").model.predict(flipped.drop(columns="label"))
    assert settings == {}


def test_classes_that_are_not_asked_for_are_left_out_and_units_are_brought_over():
    theirs = create_task(Task("classification", ("a", "b", "c")))
    network = build_columns(
        {"family": "columns", "preprocess": {"mean": {"x": 0.0}, "std": {"x": 1.0}, "categories": {}}}
    )
    network.head = torch.nn.Linear(2, 3)
    rows = network.preprocess([{"x": 1.5}, {"x": None}])
    before = network(rows)
    picked = answering(network, theirs, create_task(Task("classification", ("c", "a"))))
    torch.testing.assert_close(picked(rows), before[:, [2, 0]])
    assert answering(network, theirs, create_task(Task("classification", ("c", "z")))) is None
    one, other = (
        create_task(Task("regression", targets=("y",)), np.array(y)) for y in ([[0.0], [2.0]], [[10.0], [50.0]])
    )
    network.head = torch.nn.Linear(2, 1)
    values = one.predict(network(rows))
    torch.testing.assert_close(other.predict(answering(network, one, other)(rows)), values, rtol=1e-4, atol=1e-5)
