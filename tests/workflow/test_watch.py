"""`headstart watch`: fine, look or adapt again, for every kind of run; and what it compares with is checked."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import headstart as hs
from headstart import cli
from headstart.errors import UserError
from headstart.kinds.class_sets import ClassSets
from headstart.kinds.one_class import OneClass
from headstart.kinds.values import Values
from headstart.models.watched import features_and_answers, few
from headstart.storage import load_tensors, save_tensors
from headstart.workflow.run import load
from headstart.workflow.watching.measure import decide, measure
from headstart.workflow.watching.reference import FILE, Reference, load_reference

SPACE = OneClass(("no", "yes"))


def drawn(n, seed, move=0.0):
    """Two classes along the first column, and the answers of the model that is right at no move."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    rows = rng.normal(size=(n, 3)) + 2.0 * np.eye(3)[0] * (2 * labels[:, None] - 1)
    rows = rows + np.array([0.0, move, 0.0])
    yes = 1 / (1 + np.exp(-3 * (rows[:, 0] - 1.2 * max(0.0, move) * rows[:, 2])))
    return rows.astype(np.float16), np.column_stack([1 - yes, yes]), labels


@pytest.fixture(scope="module")
def reference():
    features, answers, labels = drawn(120, 0)
    return Reference(features, answers.astype(np.float32), labels, 120, "held-out rows")


def test_three_verdicts(reference):
    features, answers, _ = drawn(100, 1)
    found = measure(reference, features, answers, SPACE, ["a", "b", "c"])
    assert decide(found, SPACE, 0)[0] == "fine"
    assert found.tests.p > 0.05
    assert found.expected.held > 0.9
    assert decide(found, SPACE, 1)[0] == "look"  # a column that cannot be meant is no matter of chance
    moved = features + np.float16(2) * np.eye(3, dtype=np.float16)[1]
    found = measure(reference, moved, answers, SPACE, ["a", "b", "c"])
    assert decide(found, SPACE, 0)[0] == "look"
    assert found.moved[0].feature == "b"
    features, answers, labels = drawn(100, 2, move=2.0)
    found = measure(reference, features, answers, SPACE, ["a", "b", "c"])
    truth = (answers.argmax(axis=1) == labels).mean()
    assert decide(found, SPACE, 0)[0] == "adapt"
    assert abs(found.expected.estimate - truth) < 0.15 < found.expected.held - truth


def test_shares_that_moved_are_told(reference):
    features, answers, labels = drawn(400, 3)
    rows = np.concatenate([(labels == 1).nonzero()[0][:90], (labels == 0).nonzero()[0][:10]])
    found = measure(reference, features[rows], answers[rows], SPACE)
    assert found.shares.moved
    assert abs(found.shares.estimate[1] - 0.9) < 0.1
    low, high = found.shares.interval[1]
    assert low < 0.9 < high
    same = measure(reference, features[:100], answers[:100], SPACE)
    assert not same.shares.moved


@pytest.mark.parametrize("space", [ClassSets(("a", "b")), Values(("x", "y"))])
def test_label_sets_and_values_are_watched(space):
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(160, 2))
    truth = (rows > 0).astype(float) if space.has_probabilities else rows
    answers = 1 / (1 + np.exp(-4 * rows)) if space.has_probabilities else rows + 0.1 * rng.normal(size=rows.shape)
    kept = Reference(rows[:90].astype(np.float16), answers[:90], truth[:90].astype(space.dtype), 90, "")
    found = measure(kept, rows[90:], answers[90:], space)
    assert decide(found, space, 0)[0] == "fine"
    assert not found.expected.lost(space)
    wrong = -answers[90:] if not space.has_probabilities else 1 - answers[90:]
    found = measure(kept, rows[90:] + 3, wrong, space)
    assert decide(found, space, 0)[0] == "adapt"


def test_no_score_below_chance_is_expected(reference):
    # Answers turned about contradict all neighbours; that they are worse than a draw is more than these can know.
    features, answers, _ = drawn(100, 1)
    turned = answers[:, ::-1]
    found = measure(reference, features, turned, SPACE).expected
    yes, own = (turned.argmax(axis=1) == 1).mean(), (reference.labels == 1).mean()
    chance = yes * own + (1 - yes) * (1 - own)
    assert 0.4 < chance < 0.6
    assert found.estimate == pytest.approx(chance)
    assert found.lost(SPACE)
    sets, labels = ClassSets(("a", "b")), np.tile(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]), (40, 1))
    kept = Reference(labels.astype(np.float16), 0.98 * labels + 0.01, labels, 120, "")
    found = measure(kept, labels, 0.99 - 0.98 * labels, sets).expected
    assert found.estimate == pytest.approx(4 / 9)  # each label is there in a third or two thirds, and said in the rest


@pytest.mark.parametrize("kind", ["fitted", "adapted"])
def test_every_kind_of_run_is_watched(kind, request, pictures, tmp_path):
    run = load(request.getfixturevalue(kind))
    data = pictures if kind == "fitted" else run.path.parent / "target.csv"
    found = hs.watch(run, data if kind == "fitted" else pd.read_csv(data).drop(columns="label"))
    assert found.verdict == "fine"
    assert found.exit_code == 0
    assert found.adapt == []
    assert found.to_json() == json.loads(json.dumps(found.to_json()))
    assert any("learned from" in text or "seen by the run" in text for text in found.warnings)
    assert any("held-out rows" in text or "new rows" in text for text in found.warnings)  # few
    moved = np.zeros((40, 28, 28), np.uint8) if kind == "fitted" else pd.read_csv(data).assign(age=lambda f: f.age + 9)
    found = hs.watch(run, moved)
    assert found.verdict in ("look", "adapt")
    assert found.tests.p <= 0.05
    commands = [command for _, command in found.adapt]
    assert all(str(run.path) in command for command in commands)
    assert ("--source-data" in commands[0]) == (kind == "adapted")


def test_the_exit_code_tells_scripts(across, monkeypatch, capsys):
    frame = pd.read_csv(load(across).result["arguments"]["source_data"][0])
    frame.assign(age=frame.age + 7).to_csv(across.parent / "new.csv", index=False)
    monkeypatch.setattr(sys, "argv", ["headstart", "watch", str(across), str(across.parent / "new.csv"), "--json"])

    def code():
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code

    assert code() in (3, 4)
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] in (3, 4)
    assert told["adapt"][0]["command"].startswith(f"headstart fit {across.parent / 'new.csv'} --source-data")
    (across / FILE).unlink()
    assert code() == 2
    assert "earlier version" in capsys.readouterr().err


def broken(name):
    """Return what makes a reference another file."""

    def lack(tensors, about):
        del tensors["labels"]

    def wide(tensors, about):
        tensors["answers"] = torch.cat([tensors["answers"], tensors["answers"]], dim=1)

    def endless(tensors, about):
        tensors["features"][0, 0] = float("inf")

    def strange(tensors, about):
        tensors["labels"][0] = 7

    def more(tensors, about):
        about["shared"] = 10**6

    def newer(tensors, about):
        about["schema"] = 2

    return locals()[name]


@pytest.mark.parametrize("name", ["lack", "wide", "endless", "strange", "more", "newer"])
def test_what_is_compared_with_is_checked(across, name):
    tensors, about = load_tensors(across / FILE)
    broken(name)(tensors, about)
    save_tensors(across / FILE, tensors, about)
    with pytest.raises(UserError, match=r"watch\.safetensors"):
        load_reference(across, load(across).model.logic.task.label_space)


def test_rows_are_kept_in_no_order_and_answers_belong_to_them(adapted):
    model = load(adapted).model
    kept = load_reference(adapted, model.logic.task.label_space)
    frame = pd.read_csv(adapted.parent / "target.csv")
    ages = model.encoder.preprocess
    mine = ((frame["age"] - ages.mean["age"]) / ages.std["age"]).to_numpy()
    place = ages.numeric.index("age")
    where = np.array([np.abs(mine - value).argmin() for value in kept.features[:, place]])
    assert sorted(where) == list(range(30))
    assert (where != np.arange(30)).any()
    assert np.allclose(kept.answers, model.predict_proba(frame.iloc[where].drop(columns="label")), atol=1e-6)
    assert [model.classes[label] for label in kept.labels] == frame["label"].iloc[where].tolist()


def test_a_copy_elsewhere_is_watched(across, tmp_path):
    elsewhere = shutil.copytree(across, tmp_path / "elsewhere")
    frame = pd.DataFrame({"age": [1.0], "height": [1.0], "colour": ["red"]})
    assert hs.watch(elsewhere, frame).tests.auc is None


def test_kept_rows_and_new_rows_are_made_alike(fitted, pictures):
    # What the fit kept, from its cache, is what a pass over the same pictures gives; else every new row is an alarm.
    model = load(fitted).model
    kept = load_reference(fitted, model.logic.task.label_space)
    dataset = model.open(pictures)
    features, answers = features_and_answers(model, dataset)
    assert features.shape[1] == kept.features.shape[1] <= 128
    assert np.allclose(answers, model.predict_proba(dataset), atol=1e-5)
    apart = np.abs(kept.features.astype(float)[:, None] - features.astype(float)[None]).max(axis=2)
    assert apart.min(axis=1).max() < 0.01 < np.median(apart)
    where = apart.argmin(axis=1)
    assert len({*where}) == len(where)
    assert np.allclose(kept.answers, answers[where[: len(kept.answers)]], atol=1e-4)
    # Random signs keep distances, and are drawn without a look at the rows.
    rows = np.random.default_rng(0).normal(size=(20, 1000))
    assert np.array_equal(few(rows)[3:5], few(rows[3:5]))
    distances = [np.linalg.norm(one[:10] - one[10:], axis=1) for one in (rows, few(rows).astype(float))]
    assert np.abs(distances[1] / distances[0] - 1).max() < 0.25
