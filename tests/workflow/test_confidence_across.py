"""Across domains: every labelled row teaches the model that is kept, and its confidence is set on held-out rows."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from headstart.choice.candidates import Candidate
from headstart.choice.choosing import race_and_select as choose_run
from headstart.choice.confidence import confidence_of
from headstart.choice.racing import fitted, outputs, settled
from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import held_out_steepness, sharpened
from headstart.shallow.domains import Domains
from headstart.workflow.fit import fit
from headstart.workflow.run import load


def frame(seed, shift, n, noise=1.6):
    """Three classes that overlap; the target's are moved."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    found = pd.DataFrame(rng.normal(size=(n, 4)) * noise + 2 * np.eye(4)[y] + shift, columns=list("abcd"))
    return found.assign(mood=np.array(["calm", "sad", "wild"])[y])


SOURCE, TARGET = frame(0, 0.0, 150), frame(1, 0.3, 120)


def made(tmp_path, name="run", source=SOURCE, target=TARGET, **options):
    given = {"method": "coral,easytl", "label": "mood", "quiet": True, "out": tmp_path / name}
    return fit(target, source_data=source, **(given | options))


@pytest.mark.parametrize("known", [0, 30])
@pytest.mark.parametrize("wanted", ["source_only", "coral"])
def test_what_is_handed_back_was_fitted_on_every_labelled_row(wanted, known):
    source, target = frame(0, 0.0, 90), frame(1, 0.3, 75)
    labels = np.arange(90) % 3
    given = np.where(np.arange(75) < known, np.arange(75) % 3, -1)
    X, Z = (one[list("abcd")].to_numpy() for one in (source, target))
    domains = Domains(X, labels, Z, given, np.ones(90, dtype=np.int64))
    selection = choose_run(domains, n_classes=3, candidates=["coral"])
    data = selection.data
    one = next(one for one in selection.finished if one.name == wanted)
    candidate = settled(Candidate(wanted), one.model)
    whole = fitted(Candidate(wanted), candidate.view(domains), data)
    assert np.allclose(outputs(whole, Z, data, is_source=False), one.target, atol=1e-9)
    rest = np.setdiff1d(np.arange(90), data.held)
    fewer = domains._replace(source=X[rest], labels=labels[rest], source_domain=domains.source_domain[rest])
    part = fitted(candidate, candidate.view(fewer), data)
    assert np.abs(outputs(part, Z, data, is_source=False) - one.target).max() > 1e-3
    if known:
        hidden = domains._replace(target_labels=np.full(75, -1))
        without = fitted(candidate, candidate.view(hidden), data)
        differs = np.abs(outputs(without, Z, data, is_source=False) - one.target).max() > 1e-3
        assert differs == (wanted != "source_only")  # which by its name learns from no target label


def test_the_temperature_is_that_of_held_out_source_rows_by_half(tmp_path):
    target = frame(1, 0.3, 120)
    run = made(tmp_path, target=target)
    found = run.result["calibration"]
    assert (found["on"], found["n"]) == ("source", run.result["across"]["n_held_out"])
    steepness = load(run.path).model.estimator.steepness
    assert found["temperature"] == pytest.approx(1 / steepness)
    assert steepness != 1.0
    kept = run.result["guard"]["kept"]
    table = pd.read_parquet(run.path / "predictions.parquet")
    told = np.stack(table[table.arm == kept]["probabilities"].to_list())
    answers = load(run.path).model.predict_proba(target)
    assert np.allclose(told, answers, atol=1e-6)
    labels = np.arange(120) % 3
    assert found["after"] == pytest.approx(calibration_error(*confidences(answers, labels, "softmax")))
    before = sharpened(answers, 1 / steepness, "softmax")
    assert found["before"] == pytest.approx(calibration_error(*confidences(before, labels, "softmax")))
    page = (run.path / "report.html").read_text()
    assert "held-out samples of the source (where they ask for more" in page
    assert "fitted on all 150 labelled source samples, the 30 that the evidence holds out" in page


@pytest.mark.parametrize(("power", "believed"), [(0.4, 0.5), (3.0, 1.0)])
def test_source_rows_are_believed_wholly_where_they_ask_for_less_confidence_and_else_by_half(power, believed):
    rng = np.random.default_rng(0)
    true = rng.dirichlet(np.ones(3), 300)
    labels = np.array([rng.choice(3, p=row) for row in true])
    held = sharpened(true, power, "softmax")  # too modest below 1, too sure above
    data = SimpleNamespace(domains=Domains(None, labels, None, np.full(4, -1), None), held=np.arange(300))
    found = confidence_of(data, SimpleNamespace(held=held, crossed=None), "softmax")
    whole = held_out_steepness(held, labels, "softmax")
    assert (whole < 1) == (power > 1)
    assert found.steepness == pytest.approx(whole**believed)


@pytest.mark.slow
def test_evaluation_labels_do_not_reach_the_temperature_and_labels_to_learn_do(tmp_path):
    target = frame(1, 0.3, 120)
    first = made(tmp_path, "one", target=target, method="coral")
    other = made(tmp_path, "two", target=target.assign(mood=target.mood.to_numpy()[::-1]), method="coral")
    assert first.result["calibration"]["temperature"] == other.result["calibration"]["temperature"]
    taught = made(tmp_path, "three", target=target, target_labels="learn", method="coral")
    found = taught.result["calibration"]
    assert (found["on"], found["n"]) == ("target", taught.result["across"]["n_learned"])
    assert "and on all 60 target labels" in (taught.path / "report.html").read_text()


@pytest.mark.slow
def test_a_few_labels_are_too_few_for_the_temperature(tmp_path):
    target = frame(1, 0.3, 120)
    few = made(tmp_path, "four", target=target, target_labels="learn", shots=3, method="coral").result["calibration"]
    assert few["on"] == "source"


def test_the_stacks_out_of_fold_answers_saw_no_label_that_they_are_for():
    """Labels of the target that are noise cannot be told out of fold, however well they are learned by heart."""
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(90, 3)), rng.normal(size=(80, 3))
    labels, noise = np.arange(90) % 2, rng.permutation(np.arange(80) % 2)
    selection = choose_run(
        Domains(X, labels, Z, noise, np.ones(90, dtype=np.int64)), n_classes=2, candidates=["easytl"]
    )
    one = selection.finished[selection.chosen]
    assert one.name == "stacked"
    assert one.crossed.shape == (80, 2)
    assert np.allclose(one.crossed.sum(axis=1), 1)
    assert (one.crossed.argmax(axis=1) == noise).mean() < 0.7
    assert np.abs(one.crossed - one.target).max() > 0.01  # answers of models that saw the labels
    assert held_out_steepness(one.crossed, noise, "softmax") < 1.0


def test_too_few_held_out_rows_say_why_no_temperature_is_set(tmp_path):
    run = made(tmp_path, source=frame(0, 0.0, 60))
    found = run.result["calibration"]
    assert "temperature" not in found
    assert found["why"] == "No temperature was set: only 12 labelled rows were held out, and it takes 20."
    assert load(run.path).model.estimator.steepness == 1.0
    assert found["why"] in (run.path / "report.html").read_text()


def test_values_have_none(tmp_path):
    source, target = (frame(seed, 0.0, 90).drop(columns="mood").assign(y=np.arange(90.0)) for seed in (0, 1))
    assert made(tmp_path, source=source, target=target, label="y", method="coral").result["calibration"] is None


def test_a_model_of_before_temperatures_opens_and_answers_as_it_did(tmp_path):
    target = frame(1, 0.3, 120)
    run = made(tmp_path, target=target)
    answers = load(run.path).model.predict_proba(target)
    path = run.path / "model" / "estimator.json"
    value = json.loads(path.read_text())
    del value["nodes"][-1]["values"]["steepness"]
    path.write_text(json.dumps(value))
    record = json.loads((run.path / "run.json").read_text())
    steepness = 1 / record["calibration"]["temperature"]
    del record["model"]
    (run.path / "run.json").write_text(json.dumps(record))
    plain = load(run.path).model.predict_proba(target)
    assert not np.allclose(plain, answers, atol=1e-3)
    assert np.allclose(sharpened(plain, steepness, "softmax"), answers, atol=1e-6)
