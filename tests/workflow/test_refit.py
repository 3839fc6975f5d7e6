"""After the choice: the kept arm learns from the validation rows too, and its confidence is set on held-out rows."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

import headstart as hs
from headstart.data import check, open_data
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import held_out_steepness, sharpened
from headstart.networks import load_network, open_source
from headstart.workflow.arms.fitting import run_arm
from headstart.workflow.arms.refit import _more
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.effort import may_go_on
from headstart.workflow.planning.facts import facts_of
from headstart.workflow.planning.plan import make_plan
from headstart.workflow.watching.reference import load_reference


def people(n, seed):
    x = np.random.default_rng(seed).normal(size=(n, 4))
    noise = np.random.default_rng(seed + 1).normal(size=n)
    frame = pd.DataFrame(x, columns=list("abcd"))
    return frame.assign(label=np.where(x[:, 0] + x[:, 1] + noise > 0, "yes", "no"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("refit")
    people(120, 1).to_csv(root / "source.csv", index=False)
    people(520, 2).to_csv(root / "target.csv", index=False)
    hs.pretrain(root / "source.csv", network="headstart/tabular", out=root / "source", epochs=1, quiet=True)
    return root


@pytest.fixture(scope="module")
def run(folder):
    return fit(folder, "run", arms="scratch,linear,lp_ft")


def fit(folder, out, **options):
    settings = {"epochs": 2, "method": "lp_ft", "quiet": True, "out": folder / out} | options
    return hs.fit(folder / "target.csv", source=str(folder / "source"), **settings)


def test_the_kept_arm_and_its_baselines_learn_from_the_validation_rows_too(run):
    splits = run.result["data"]["splits"]
    assert splits["validation"] >= 100
    for arm in {run.verdict.arm, "scratch", "linear"}:
        assert run.arms[arm]["refit"]["rows"] == splits["train"] + splits["validation"]
    assert run.arms["scratch"]["refit"]["rounds"] < 2.1  # whole steps


def test_few_held_out_rows_are_filled_up_where_no_feature_is_trained(run):
    # A table's features are its columns: training rows serve to compare inputs, never answers or labels.
    kept, splits = load_reference(run.path, run.model.logic.task.label_space), run.result["data"]["splits"]
    assert len(kept.features) == 500 < sum(splits.values())
    assert len(kept.answers) == len(kept.labels) == kept.shared == splits["test"]
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "it was fitted again on all" in page


@pytest.mark.parametrize("again", [False, True])
def test_labels_that_score_an_arm_neither_teach_it_nor_stop_it(folder, tmp_path, again):
    """Whatever the labels of the validation split say, rounds, records and weights stay, bit for bit."""
    frame = pd.read_csv(folder / "target.csv").assign(split=["train"] * 300 + ["val"] * 120 + ["test"] * 100)
    turned = frame.assign(label=frame.label.where(frame.split != "val", frame.label.map({"yes": "no", "no": "yes"})))
    found = []
    for number, data in enumerate((frame, turned)):
        options = FitOptions(source=str(folder / "source"), device="cpu", epochs=6, patience=2, method="lp_ft")
        dataset, _ = check(open_data(data))
        source, processes = open_source(options.source), start_processes("cpu")
        bench = Workbench.create(dataset, source, options, processes, Progress(quiet=True))
        facts = facts_of(dataset, bench.network(pretrained=False, seed=0), Speed(0.0, 1e-4))
        plan = make_plan(facts, options)
        assert (plan.again, facts.inner) == (True, 50)
        result = run_arm(bench, replace(plan, again=again), "scratch", 0, tmp_path / str(number))
        assert [*plan.timetable][:2] == ["scratch/seed-0/search", "scratch/seed-0"]
        curve = [{key: value for key, value in line.items() if key != "seconds"} for line in result["history"]]
        weights = (tmp_path / str(number) / "model" / "weights.safetensors").read_bytes()
        found.append((result["rounds"], result["steps"], curve, weights, result["score"]))
    assert found[0][:4] == found[1][:4]
    assert found[0][4] != found[1][4]
    assert any(line["validation_loss"] for line in found[0][2])


@pytest.mark.parametrize("rate", [0.0, pytest.param(0.1, marks=pytest.mark.slow)])
def test_a_large_network_goes_on_from_the_weights_found(folder, monkeypatch, rate):
    """Trained anew it would take its time twice. At a rate of 0 the weights found come back, for every trained arm."""
    import headstart.workflow.arms.refit as module
    from headstart.networks import load_network

    alike, original = {}, module._fit

    def fit_again(bench, plan, job, part, more):
        fitted = original(bench, plan, job, part, more)
        found = load_network(job.folder.parent / "model")[0].state_dict()
        state = fitted.network.state_dict()
        alike[job.arm] = all(torch.equal(found[name], state[name]) for name in found), fitted.steps
        return fitted

    monkeypatch.setattr(module, "_fit", fit_again)
    monkeypatch.setattr("headstart.workflow.planning.effort.SMALL_NETWORK", 0)
    monkeypatch.setattr("headstart.workflow.arms.one_fit.MORE_RATE", rate)
    found = fit(folder, f"more-{rate}", arms="scratch,linear,lp_ft", epochs=5, patience=2)
    trained = ["scratch", *({"lp_ft"} & {found.verdict.arm})]
    assert [alike[arm][0] for arm in trained] == [rate == 0] * len(trained)
    again = {arm: found.arms[arm]["refit"] for arm in (*trained, "linear")}
    assert {arm: (one["goes_on"], one["rounds"]) for arm, one in again.items() if one["goes_on"]} == dict.fromkeys(
        trained, (True, 3.0)
    )
    rows = again["scratch"]["rows"]
    batch = json.loads((found.path / "run.json").read_text())["plan"]["batch_size"]
    assert alike["scratch"][1] == round(3 * rows / batch)
    assert "scratch" in (page := (found.path / "report.html").read_text(encoding="utf-8"))
    said = f"({', '.join(trained)}) went on from the weights found for 3 more epochs of all these samples, "
    assert said + "at 0.3 of the learning rate" in page


def test_what_carries_more_than_its_network_is_trained_anew_and_so_is_what_it_is_compared_with():
    assert may_go_on("scratch", 2_000_000)
    assert not may_go_on("scratch", 1_000_000)
    assert not may_go_on("finetune+l2sp", 2_000_000)  # the penalty is the distance from the source's weights
    plan = SimpleNamespace(steps=100, per_epoch=10.0)
    parts = [{"parameters": 2_000_000}]
    assert _more(plan, {"scratch": parts, "lp_ft": parts}) == 3
    assert _more(plan, {"scratch": parts, "finetune+l2sp": parts}) is None
    assert _more(SimpleNamespace(steps=15, per_epoch=10.0), {"scratch": parts}) == 1.5


def test_what_is_handed_back_is_what_was_measured(run, folder):
    frame = pq.read_table(run.path / "predictions.parquet").to_pandas()
    kept = frame[frame.arm == run.verdict.arm]
    data = pd.read_csv(folder / "target.csv")
    rows = [int(name.rsplit(" ", 1)[1]) for name in kept.name]
    shift = 1 if (data.label[np.array(rows) - 1].to_numpy() == kept.label.to_numpy()).all() else 2
    probabilities = hs.load(run.path).model.predict_proba(data.drop(columns="label").iloc[np.array(rows) - shift])
    np.testing.assert_allclose(probabilities, np.stack(kept.probabilities), atol=1e-5)


@pytest.mark.slow
def test_a_run_stopped_while_fitting_again_ends_in_the_same_bits(folder, run, monkeypatch):
    import shutil

    import headstart.workflow.arms.refit as module

    fitted = []

    def stop(*args):
        if fitted:
            raise KeyboardInterrupt
        fitted.append(args)
        return original(*args)

    original = module._fit
    monkeypatch.setattr(module, "_fit", stop)
    with pytest.raises(KeyboardInterrupt):
        fit(folder, "again", arms="scratch,linear,lp_ft")
    monkeypatch.undo()
    again = hs.resume(folder / "again", quiet=True)
    for name in ("model/weights.safetensors", "predictions.parquet"):
        assert (again.path / name).read_bytes() == (run.path / name).read_bytes()
    shutil.rmtree(again.path)


def test_the_temperature_is_set_on_held_out_rows_and_the_answers_stay(run):
    found = json.loads((run.path / "run.json").read_text())["calibration"]
    assert found["n"] == run.result["data"]["splits"]["validation"]
    assert found["temperature"] > 0
    frame = pq.read_table(run.path / "predictions.parquet").to_pandas()
    kept = frame[frame.arm == run.verdict.arm]
    values, labels = np.stack(kept.probabilities), np.array([run.model.classes.index(name) for name in kept.label])
    assert found["after"] == pytest.approx(calibration_error(*confidences(values, labels, "softmax")))
    before = sharpened(values, found["temperature"], "softmax")
    np.testing.assert_array_equal(before.argmax(axis=1), values.argmax(axis=1))
    assert found["before"] == pytest.approx(calibration_error(*confidences(before, labels, "softmax")), abs=1e-6)


def test_a_network_that_is_too_sure_becomes_as_sure_as_it_is_right():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 3)) * 2
    labels = np.array(
        [rng.choice(3, p=row) for row in sharpened(np.exp(logits) / np.exp(logits).sum(1)[:, None], 1.0, "softmax")]
    )
    sure = sharpened(np.exp(logits) / np.exp(logits).sum(1)[:, None], 4.0, "softmax")
    steepness = held_out_steepness(sure, labels, "softmax")
    assert steepness == pytest.approx(0.25, rel=0.15)
    before, after = (
        calibration_error(*confidences(p, labels, "softmax")) for p in (sure, sharpened(sure, steepness, "softmax"))
    )
    assert after < 0.03 < 0.1 < before


def test_a_few_rows_that_are_all_right_do_not_ask_for_certainty():
    found = held_out_steepness(np.array([[0.7, 0.3]] * 20), np.zeros(20, dtype=int), "softmax")
    assert 1 < found < 8


def test_label_sets_have_one_temperature_for_all_labels():
    rng = np.random.default_rng(0)
    truth = 1 / (1 + np.exp(-rng.normal(size=(1500, 4)) * 2))
    labels = (rng.random(truth.shape) < truth).astype(float)
    assert held_out_steepness(sharpened(truth, 3.0, "sigmoid"), labels, "sigmoid") == pytest.approx(1 / 3, rel=0.15)


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_answers_that_are_certain_stay_finite(link):
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = sharpened(certain, 2.0, link)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, certain, atol=1e-6)
    assert np.isfinite(
        held_out_steepness(
            np.tile(certain, (20, 1)), np.arange(40) % 2 if link == "softmax" else np.tile(certain, (20, 1)), link
        )
    )


def test_what_watched_rows_settle_holds_where_all_rows_teach(folder, monkeypatch):
    from headstart.deep.finetune.wise_ft import WiseFT

    monkeypatch.setattr(WiseFT, "chosen", lambda self, nets, score: {"mix": 0.0 if score(nets.start)[0] >= 0 else 1.0})
    run = fit(folder, "mixed", method="wise_ft", arms="wise_ft", learning_rate=0.5, forgetting=True)
    assert run.arms["wise_ft"]["settings"]["settled"] == {"mix": 0.0}
    assert run.arms["wise_ft"]["refit"]["rows"] == 416
    # At 0 no stage has moved from the source, whatever was trained; at the default of 1/2 every stage would have.
    kept, start = (load_network(one / "model")[0].stages.state_dict() for one in (run.path, folder / "source"))
    assert all(torch.equal(tensor, start[name]) for name, tensor in kept.items() if "block" in name)
    # Neither has it forgotten anything then.
    told = run.result["forgetting"]
    assert (told["change"], told["after"]) == (0.0, told["before"])
    assert told["n"] == 24
    assert told["words"] in run.lines()


def test_what_stages_have_forgotten_is_measured_on_rows_that_the_source_had_not_seen(folder):
    from headstart.workflow.arms.forgetting import forgetting, source_at_hand

    run = source_at_hand(str(folder / "source"), "run")
    spoiled = load_network(folder / "source" / "model")[0]
    for parameter in spoiled.stages.parameters():
        parameter.data.zero_()
    told = forgetting(run, spoiled, "cpu", 0)
    assert told["before"] == run.arms["scratch"]["test"]["accuracy"]  # its own test rows, which it never saw
    assert told["after"] < told["before"]
    assert told["interval"][0] <= told["change"] <= told["interval"][1]
    with pytest.raises(UserError, match="must be a run"):
        source_at_hand("headstart/glyphs", "bundled")
    with pytest.raises(UserError, match="leave it out with"):
        hs.fit(folder / "target.csv", source_data=folder / "source.csv", forgetting=True)
