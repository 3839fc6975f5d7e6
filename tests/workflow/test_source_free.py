"""`fit UNLABELLED --source RUN`: a run's model adapted without the data that it was trained on."""

from __future__ import annotations

import json
import os
import signal
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

from headstart.engine import Saving
from headstart.errors import UserError
from headstart.workflow.fit import fit
from headstart.workflow.pretrain import pretrain
from headstart.workflow.resume import resume
from headstart.workflow.run import load
from headstart.workflow.source_free import training


def table(seed, shift=0.0, n=60):
    """Three classes in four numbers; the target's are moved."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    frame = pd.DataFrame(rng.normal(size=(n, 4)) + 3 * np.eye(3, 4)[y] + shift, columns=list("abcd"))
    return frame.assign(kind=np.array(["ant", "bee", "wasp"])[y])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return pretrain(
        table(0, n=90),
        label="kind",
        network="headstart/tabular",
        epochs=6,
        out=tmp_path_factory.mktemp("source") / "run",
        quiet=True,
    ).path


def files(tmp_path):
    table(1, 1.0).drop(columns="kind").to_csv(tmp_path / "new.csv", index=False)
    table(1, 1.0).to_csv(tmp_path / "labelled.csv", index=False)
    return tmp_path / "new.csv", tmp_path / "labelled.csv"


def test_a_target_without_labels_gets_the_run_as_it_is_and_what_speaks_for_another(source, tmp_path):
    new, _ = files(tmp_path)
    run = fit(new, source=str(source), epochs=2, out=tmp_path / "run", quiet=True)
    assert run.verdict.gain is None
    guard = run.result["guard"]
    assert guard["kept"] == "source_only"
    assert "agreement with the target's clusters is" in guard["reason"]
    assert set(run.arms) == {"source_only", "shot", "aad"}
    frame = table(2, 1.0).drop(columns="kind")
    assert run.predict(frame) == load(source).predict(frame)
    assert "The run&#39;s network, trained on the target" in (run.path / "report.html").read_text()
    assert run.result["setting"]["scenario"] == "transductive"


def test_a_method_that_is_named_is_handed_back_and_labels_evaluate_only(source, tmp_path):
    new, labelled = files(tmp_path)
    runs = [
        fit(data, source=str(source), method="shot", epochs=3, out=tmp_path / f"{number}", quiet=True)
        for number, data in enumerate((new, labelled))
    ]
    frame = table(2, 1.0).drop(columns="kind")
    first, second = (run.model.predict_proba(frame) for run in runs)
    assert np.array_equal(first, second)  # the labels that one of them has taught nothing
    assert not np.allclose(first, load(source).model.predict_proba(frame), atol=1e-3)
    assert runs[0].verdict.gain is None
    verdict = runs[1].verdict
    assert (verdict.arm, verdict.baseline, verdict.n_test) == ("shot", "source_only", 60)
    assert runs[1].arms["shot"]["frozen"]["unchanged"] is True
    assert runs[1].result["guard"]["reason"].startswith("You asked for it")


def killed(source, data, out):
    real = training.train

    def stop(record):
        if record["step"] == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    def train(*given, checkpoint, on_step, **options):
        return real(*given, **options, checkpoint=Saving(checkpoint.path, every=0), on_step=stop)

    training.train = train
    fit(data, source=str(source), method="shot", epochs=6, out=out, quiet=True)


def test_an_adaptation_that_was_killed_goes_on_with_the_same_bits(source, tmp_path):
    new, _ = files(tmp_path)
    whole = fit(new, source=str(source), method="shot", epochs=6, out=tmp_path / "whole", quiet=True)
    process = get_context("fork").Process(target=killed, args=(source, new, tmp_path / "killed"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    again = resume(tmp_path / "killed", quiet=True)
    weights = [(run.path / "model" / "weights.safetensors").read_bytes() for run in (whole, again)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(("options", "said"), [
    ({"method": "shot"}, "give a run folder whose model is a network"),
    ({"method": "shot,dann"}, "with --source-data"),
    ({"method": "tent"}, "headstart predict RUN DATA --adapt tent"),
    ({"arms": "shot,probe"}, "stands by itself"),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence(options, said, tmp_path):
    table(1, 1.0).to_csv(tmp_path / "labelled.csv", index=False)
    with pytest.raises(UserError, match=said):
        fit(tmp_path / "labelled.csv", label="kind", source="headstart/tabular", out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_target_that_lacks_what_the_run_takes_is_refused_by_name(source, tmp_path):
    table(1).drop(columns=["kind", "c"]).to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(UserError, match=r"lacks 1 columns .*'c'"):
        fit(tmp_path / "less.csv", source=str(source), method="shot", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("options", "said"), [
    ({"shots": 2}, "--shots has no meaning where the run .* no label is learned from"),
    ({"target_labels": "learn"}, "--target-labels learn .* with --source-data"),
    ({"target_labels": "none"}, "--target-labels none .* with --source-data"),
    ({"class_weight": "balanced"}, "--class-weight has no meaning"),
    ({"metric": "macro_f1"}, "--metric has no meaning"),
    ({"patience": 2}, "--patience has no meaning"),
    ({"views": 2}, "--views has no meaning"),
    ({"precision": "no"}, "--precision has no meaning"),
])  # fmt: skip
@pytest.mark.parametrize("method", [None, "shot"])
def test_what_it_cannot_heed_is_refused_before_a_folder_is_made(source, tmp_path, options, said, method):
    new, _ = files(tmp_path)
    with pytest.raises(UserError, match=said):
        fit(new, source=str(source), method=method, out=tmp_path / "run", quiet=True, **options)
    assert not (tmp_path / "run").exists()


def test_labels_of_its_own_are_learned_from_as_ever(source, tmp_path):
    _, labelled = files(tmp_path)
    run = fit(labelled, label="kind", source=str(source), arms="probe", out=tmp_path / "run", quiet=True)
    assert "scratch" not in run.arms
    assert "probe" in run.arms
    assert json.loads((run.path / "run.json").read_text())["verb"] == "fit"


def test_a_run_of_values_and_a_test_set_are_refused_before_a_folder_is_made(source, tmp_path):
    new, labelled = files(tmp_path)
    values = table(0).assign(kind=np.linspace(0, 1, 60))
    of_values = pretrain(
        values, label="kind", network="headstart/tabular", epochs=1, out=tmp_path / "values", quiet=True
    ).path
    for options, said in (
        ({"source": str(of_values), "method": "shot"}, "one class per sample"),
        ({"source": str(source), "method": "shot", "test": labelled}, "leave --test out"),
    ):
        with pytest.raises(UserError, match=said):
            fit(new, out=tmp_path / "run", quiet=True, **options)
    with pytest.raises(UserError):
        fit(new, source=str(of_values), label="kind", out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
