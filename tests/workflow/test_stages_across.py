"""Stages of a pretrained network trained on two domains, on the whole road: kept, exported, edited, killed, resumed."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, PreTrainedTokenizerFast

from headstart.choice import Candidate, choosing
from headstart.choice.blend import Blend
from headstart.choice.joint import fitting, plan
from headstart.choice.joint.staged import StagedClassifier
from headstart.data import open_data
from headstart.engine import Saving
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.models.as_network import as_network
from headstart.models.encoder import Backbone
from headstart.models.network import NetworkModel
from headstart.networks import build, open_source
from headstart.networks.text_preprocess import TextPreprocess
from headstart.networks.transformers_family import transformers_spec
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.shallow.shells.adapted import Adapted
from headstart.workflow.adapting import stages
from headstart.workflow.adapting.adaptation import adapt
from headstart.workflow.adapting.plan import AcrossPlan, on_stages
from headstart.workflow.evaluate import evaluate
from headstart.workflow.export import export
from headstart.workflow.fit import fit
from headstart.workflow.opening.sides import open_sides
from headstart.workflow.options import FitOptions
from headstart.workflow.resume import resume
from headstart.workflow.run import load


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 5)
    monkeypatch.setattr(plan, "MOST_STEPS", 5)


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Digits as pictures, and others in reversed ink."""
    root = tmp_path_factory.mktemp("sides")
    images, labels = load_digits(return_X_y=True)
    for digit in (1, 2, 3):
        for number, picture in enumerate(images[labels == digit][:24].reshape(-1, 8, 8) * 255 / 16):
            folder = root / ("source" if number < 12 else "target") / str(digit)
            folder.mkdir(parents=True, exist_ok=True)
            pixels = picture if number < 12 else 255 - picture / 2
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return root


def adapted(sides, out, **options):
    given = {"method": "dann", "depth": 2, "device": "cpu", "out": out, "quiet": True} | options
    return fit(sides / "target", source_data=sides / "source", source="headstart/glyphs", **given)


@pytest.fixture(scope="module")
def run(sides, tmp_path_factory):
    """A run whose adapted model is kept, whatever the evidence says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "LEAST_STEPS", 5)
        patch.setattr(plan, "MOST_STEPS", 5)
        patch.setattr(choosing, "_guard", lambda data, finished, gains, chances, considered: (considered, "kept: so"))
        return adapted(sides, tmp_path_factory.mktemp("runs") / "run")


def test_it_says_what_was_trained_and_what_stood_still(run):
    value = json.loads((run.path / "run.json").read_text())
    assert value["across"]["kept"] == "dann@2"
    (told,) = value["across"]["stages"]
    assert told["trained"] == ["block3", "block4", "head"]
    assert told["frozen"] == ["stem", "block1", "block2"]
    assert all(part["unchanged"] and part["tensors"] > 0 for part in told["proof"])
    assert value["arms"]["adapted"]["title"].endswith("last 2 stages trained")
    assert any("Ganin" in paper for paper in value["arms"]["adapted"]["papers"])
    assert "block3, block4, head" in (run.path / "report.html").read_text()
    assert "block3, block4, head" in (run.path / "model" / "README.md").read_text()


def test_it_loads_answers_and_leaves_as_onnx_with_the_same_answers(run, sides, tmp_path):
    names = sorted((sides / "target").rglob("*.png"))
    again = load(run.path).model
    expected = run.model.predict_proba(names)
    assert np.array_equal(again.predict_proba(names), expected)
    assert np.allclose(again.predict_proba(names[:1]), expected[:1], atol=1e-5)
    frozen = again.encoder.features(again.open(names)) @ np.zeros(again.encoder.network.n_features)
    assert frozen.shape == (len(names),)
    measured = evaluate(run.path, sides / "target").to_json()
    assert measured["metrics"]["accuracy"] == pytest.approx(run.result["arms"]["adapted"]["test"]["accuracy"])
    others = [np.asarray(Image.open(name)) // 3 for name in names * 4]  # hardly any ink: less sure
    moved = again.adapted(others, "tent")
    assert np.array_equal(moved.before, again.predict_proba(others))
    assert np.abs(moved.after - moved.before).max() > 1e-5
    assert np.array_equal(again.predict_proba(names), expected)  # adapting moved a copy
    path = export(run.path, out=tmp_path / "model.onnx")
    card = json.loads(path.with_name("model.onnx.json").read_text())
    assert card["parity"]["largest_difference"] < 1e-4
    assert card["parity"]["samples"] > 0


def test_a_blend_with_trained_stages_is_a_network_whose_first_stages_run_once(run, sides):
    names = sorted((sides / "target").rglob("*.png"))
    model = load(run.path).model
    rows, labels = model.encoder.features(model.open(names)), (np.arange(len(names)) // 12 + 1) % 3
    linear = Adapted(estimator=TunedLogistic(strengths=(0.01,))).fit(*join(rows, labels, rows))
    kept = model.estimator
    blend = Blend((kept.model, linear, linear), (0.6, 0.1, 0.3))
    averaged = replace(model, estimator=replace(kept, model=blend))
    expected = averaged.predict_proba(names)
    assert np.abs(expected - model.predict_proba(names)).max() > 0.01
    network = as_network(averaged)
    assert list(network.stages) == ["stem", "block1", "block2", "branches"]
    found = NetworkModel(network, model.logic).predict_proba(names)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert as_network(replace(model, estimator=replace(kept, model=Blend((kept.model, object()), (0.5, 0.5))))) is None


@pytest.mark.parametrize(
    ("part", "edited"),
    [
        ("depth", 3), ("depth", 0), ("depth", "2"), ("depth", 99), ("norm", "mine"), ("norm", "shared"),
        ("weights_", None), ("weights_", {"head.bias": "head.weight"}), ("weights_", {"head.weight": "head.bias"}),
    ],
)  # fmt: skip
def test_an_edited_model_is_refused_in_a_sentence(run, tmp_path, part, edited):
    from shutil import copytree

    from headstart.models.arrays import load_arrays

    model = copytree(run.path / "model", tmp_path / "model")
    value = json.loads((model / "estimator.json").read_text())
    staged = next(node["values"] for node in value["nodes"] if str(node.get("class")).endswith("StagedClassifier"))
    if isinstance(edited, dict):
        items = value["nodes"][staged[part]["node"]]["items"]
        items |= {name: items[other] for name, other in edited.items()}
    else:
        staged[part] = edited
    (model / "estimator.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match="cannot be used"):
        load_arrays(model)


@pytest.mark.slow
def test_a_stack_of_both_kinds_of_rows_is_kept_where_target_labels_teach(sides, tmp_path):
    run = adapted(sides, tmp_path / "run", method="mcc", depth=1, target_labels="learn")
    assert run.result["across"]["kept"] == "stacked"
    names = sorted((sides / "target").rglob("*.png"))
    assert np.array_equal(load(run.path).model.predict_proba(names), run.model.predict_proba(names))


def test_the_plan_picks_a_depth_where_budget_and_data_pay(sides, monkeypatch):
    adaptation = adapt(*opened(sides, depth="auto", method="mcc,coral", budget="15m"))
    plan = AcrossPlan("mcc,coral", [Candidate("mcc"), Candidate("coral")], [])
    assert [one.name for one in on_stages(plan, adaptation).candidates] == ["mcc", "coral"]
    assert "36 and 36 rows are few" in on_stages(plan, adaptation).reasons[-1]
    monkeypatch.setattr(stages, "LEAST_ROWS", 30)
    found = on_stages(plan, adaptation)
    assert [one.name for one in found.candidates] == ["mcc@1", "coral"]
    assert found.candidates[0].stages.seconds > 0
    adaptation.options = replace(adaptation.options, budget="1s", method=None)
    monkeypatch.setattr(stages, "OPERATIONS", 1e6)
    assert "of the budget are for it" in on_stages(plan, adaptation).reasons[-1]
    monkeypatch.setattr(stages, "OPERATIONS", 1e15)
    assert [one.name for one in on_stages(plan, adaptation).candidates] == ["mcc", "coral", "mcc@1"]


def opened(sides, **options):
    """Return what `adapt` takes."""
    given = FitOptions(source="headstart/glyphs", source_data=(str(sides / "source"),), **options)
    data = open_sides(str(sides / "target"), [str(sides / "source")], given, None)
    return data, open_source("headstart/glyphs"), given, Progress(quiet=True)


def killed(sides, out):
    """Train, and be killed in the middle of the second fit."""
    real, trainings = fitting.train, []

    def stop(record):
        if len(trainings) == 2 and record["step"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    def train(method, *given, checkpoint, **options):
        trainings.append(method)
        return real(method, *given, **options, checkpoint=Saving(checkpoint.path, every=0), on_step=stop)

    fitting.train = train
    adapted(sides, out)


@pytest.mark.slow  # test_trained_across kills a race in a training; this one trains stages
def test_a_run_that_is_killed_in_a_training_goes_on_with_the_same_bits(sides, tmp_path):
    whole = adapted(sides, tmp_path / "whole")
    process = get_context("fork").Process(target=killed, args=(sides, tmp_path / "killed"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert list((tmp_path / "killed" / "state").rglob("dann@2/part/*.safetensors"))
    again = resume(tmp_path / "killed", quiet=True)
    first, second = (json.loads((one.path / "evidence" / "training.json").read_text()) for one in (whole, again))
    assert first == second
    names = ("estimator.safetensors", "estimator.json")
    assert all((whole.path / "model" / n).read_bytes() == (again.path / "model" / n).read_bytes() for n in names)


@pytest.mark.parametrize(("options", "said"), [
    ({"depth": 9}, "this network has 5 stages"),
    ({"norm": "domain", "depth": None}, "give --depth"),
    ({"norm": "mine"}, "--norm 'mine' is not known"),
    ({"method": "coral"}, "of coral nothing is trained"),
    ({"method": "cycada"}, "trains a network of its own"),
    ({"arms": "dann"}, "--arms compares ways of learning from one labelled target"),
    ({"source": "headstart/pixels"}, "the pixels of small pictures are the features"),
])  # fmt: skip
def test_what_cannot_be_trained_is_refused_before_anything_is_written(sides, tmp_path, options, said):
    given = {"source": "headstart/glyphs", "method": "mcc", "depth": 1} | options
    with pytest.raises(UserError, match=said):
        fit(sides / "target", source_data=sides / "source", out=tmp_path / "run", quiet=True, **given)
    assert not (tmp_path / "run").exists()


def text_backbone() -> Backbone:
    """Return a small network of texts, frozen."""
    pieces = ["[PAD]", "[UNK]", "a", "good", "bad", "book", "film", "long"]
    backend = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    config = BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)
    torch.manual_seed(0)
    network = build(transformers_spec(config), TextPreprocess(tokenizer, 16))
    network.head = torch.nn.Identity()
    return Backbone(network.freeze(len(network.stages)))


def test_texts_of_any_length_are_trained_from_their_states(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    encoder, rng = text_backbone(), np.random.default_rng(0)

    def texts(noun, n=24):
        words = [("good", "bad")[i % 2] + " a" * rng.integers(0, 9) + f" {noun}" for i in range(n)]
        return open_data(pd.DataFrame({"text": words, "tone": ["up", "down"] * (n // 2)}), label="tone")

    sides = [texts("book"), texts("film long")]
    rows = [encoder.features(one) for one in sides]
    behind = encoder.behind(sides, np.concatenate(rows), 1)
    mixed = behind.fetch(np.stack([rows[1][3], rows[0][2], rows[1][0]]))(np.arange(3), 0)
    again = encoder.network.run(mixed, len(encoder.network.stages) - 1).detach().numpy()
    assert np.allclose(again, [rows[1][3], rows[0][2], rows[1][0]], atol=1e-5)
    model = StagedClassifier(method="mcc")
    model.stand_on(behind)
    X, y, domain = join(rows[0], sides[0].labels(np.arange(24)), rows[1])
    model.fit(X, y, sample_domain=domain)
    assert model.proof[-1]["stages"] == encoder.network.stage_names[:-1]
    assert np.isfinite(model.predict_proba(rows[1])).all()
