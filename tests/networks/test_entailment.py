"""Texts told by entailment: the library's own zero-shot pipeline is the check, over kinds of models and wordings."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from small_networks import CONFIGS
from text_models import WORDS, save_model, tokenizer
from tokenizers import processors
from transformers import AutoConfig, AutoModelForSequenceClassification, pipeline

from headstart.errors import UserError
from headstart.networks import load_network, open_source, save_network
from headstart.shallow.zeroshot.predictor import ZeroShot
from headstart.workflow.fit import fit
from headstart.workflow.zero_shot.classes_file import read_classes

TEXTS = ["the small cat", "a mat", "sat on the mat . the cat sat", "cat"]
CLASSES = ["cat", "small mat", "on"]
LABELS = {0: "contradiction", 1: "neutral", 2: "ENTAILMENT"}


def pair_tokenizer(*, segments=True):
    """The tokenizer of `text_models`, which also knows how two texts stand together."""
    found = tokenizer()
    found.model_input_names = ["input_ids", *(["token_type_ids"] if segments else []), "attention_mask"]
    found.backend_tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    return found


def saved(directory, kind="bert", *, segments=True, **more):
    settings = CONFIGS[kind] | {"id2label": LABELS, "label2id": {v: k for k, v in LABELS.items()}} | more
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(kind, **settings)).eval()
    with torch.no_grad():
        for one in model.parameters():  # the library's own weights are so small that all texts are alike
            one.mul_(8)
    model.save_pretrained(directory)
    pair_tokenizer(segments=segments).save_pretrained(directory)
    return f"hf/{directory}"


@pytest.mark.parametrize(("kind", "segments"), [("bert", True), ("roberta", False)])
def test_probabilities_are_those_of_the_librarys_pipeline(tmp_path, kind, segments):
    spec = saved(tmp_path / "nli", kind, segments=segments)
    source = open_source(spec)
    network = source.entails([[f"the {name} ." for name in CLASSES]]).build()
    features = network.features(network.preprocess(TEXTS)).detach()
    assert features.shape == (4, 3 + 16)
    asked = pipeline("zero-shot-classification", model=str(tmp_path / "nli"), device=-1)
    for text, row in zip(TEXTS, features, strict=True):
        told = asked(text, CLASSES, hypothesis_template="the {} .")
        wanted = [told["scores"][told["labels"].index(name)] for name in CLASSES]
        assert row[:3].softmax(dim=0).tolist() == pytest.approx(wanted, abs=1e-5)
        assert max(wanted) - min(wanted) > 0.01, "the check tells something"
    plain = open_source(spec).build()
    hidden = plain.features(plain.preprocess(TEXTS))
    assert torch.allclose(features[:, 3:], hidden, atol=1e-5)


def test_wordings_are_averaged_long_texts_are_cut_and_a_saved_network_answers_alike(tmp_path):
    source = open_source(saved(tmp_path / "nli"))
    rows = [[f"{word} {name}" for name in CLASSES] for word in ("the", "a small")]
    both, first, second = (source.entails(part).build() for part in (rows, rows[:1], rows[1:]))
    with torch.no_grad():
        parts = [one.features(one.preprocess(TEXTS)) for one in (both, first, second)]
        assert torch.allclose(parts[0][:, :3], (parts[1][:, :3] + parts[2][:, :3]) / 2, atol=1e-5)
        alone = both.features(both.preprocess(TEXTS[1:2]))
        assert torch.allclose(alone, parts[0][1:2], atol=1e-5)  # padding is not looked at
        assert both.features(both.preprocess(["cat " * 500])).isfinite().all()
    save_network(both, None, tmp_path / "model")
    loaded, _ = load_network(tmp_path / "model")
    with torch.no_grad():
        assert torch.equal(loaded.features(loaded.preprocess(TEXTS)), parts[0])
    with pytest.raises(UserError, match=r"hypothesis has \d+ tokens, and .* reads \d+ with the text; shorten"):
        source.entails([["cat " * 300] * 3])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the tracer warns of shapes
def test_what_is_traced_for_export_takes_any_number_of_texts_of_any_length(tmp_path):
    network = open_source(saved(tmp_path / "nli")).entails([CLASSES]).build()
    with torch.no_grad():
        traced = torch.jit.trace(network.stages["entail"], (network.preprocess(TEXTS[:2]),), strict=False)
        x = network.preprocess(TEXTS)
        assert torch.allclose(traced(x), network.features(x), atol=1e-5)


def test_what_tells_no_entailment_is_none(tmp_path):
    save_model(tmp_path / "bert")
    assert open_source(f"hf/{tmp_path / 'bert'}").entails is None
    other = saved(tmp_path / "mood", id2label={0: "bad", 1: "good"}, label2id={"bad": 0, "good": 1})
    assert open_source(other).entails is None
    spec = saved(tmp_path / "nli")
    path = tmp_path / "nli" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 4}))
    with pytest.raises(UserError, match="weights of another architecture: 16 tensors are missing"):
        open_source(spec).entails([CLASSES]).build()


def test_an_edited_network_is_refused(tmp_path):
    network = open_source(saved(tmp_path / "nli")).entails([CLASSES]).build()
    save_network(network, None, tmp_path / "model")
    path = tmp_path / "model" / "network.json"
    value = json.loads(path.read_text())
    for change, said in (
        ({"entails": 7}, "no classifier of entailment"),
        ({"config": {"model_type": "gpt2"}}, "no classifier of entailment"),
        ({"templates": 0}, "templates"),
        ({"length": 99}, "stages.entail.tails"),
    ):
        path.write_text(json.dumps(value | {"spec": value["spec"] | change}))
        with pytest.raises(UserError, match=said):
            load_network(tmp_path / "model")


def test_a_list_of_names_leads_to_answers_by_entailment(tmp_path):
    names = [*WORDS[4:11]]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "said": [f"{name} {rng.choice(WORDS[4:])} {i}" for name in names[:6] for i in range(6)],
            "kind": np.repeat(names[:6], 6),
        }
    )
    (tmp_path / "names.csv").write_text("class\n" + "\n".join(names) + "\n")
    spec = saved(tmp_path / "nli")
    given = {"source": spec, "classes": tmp_path / "names.csv", "label": "kind", "text": "said", "quiet": True}
    run = fit(frame, prompts="the {} .", out=tmp_path / "run", **given)
    assert list(run.arms) == ["entailed", "seen_only"]
    assert run.result["zero_shot"]["classes"] == [names[6]]
    assert "each is a hypothesis" in run.result["plan"]["reasons"][0]
    assert set(run.predict(["the cat", "a mat"])) <= set(names)
    shutil.rmtree(tmp_path / "nli")
    assert set(run.predict(["the cat"])) <= set(names)


def test_lists_and_methods_that_have_no_meaning_are_one_sentence(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("class,description\nx,cat\ny,\nz,mat\n")
    with pytest.raises(UserError, match=r"row 3 has an empty 'description'; say what the class is"):
        read_classes(path, ("x", "y"), entails=True)
    path.write_text("class,description\nx,cat\ny,mat\nz,mat\n")
    with pytest.raises(UserError, match="nothing tells 'z' from 'y'"):
        read_classes(path, ("x", "y"), entails=True)
    path.write_text("class,description\nx,cat\ny,mat\nz,sat\n")
    assert read_classes(path, ("y", "x"), entails=True).texts == ("mat", "cat", "sat")
    with pytest.raises(UserError, match="features begin with one per class"):
        ZeroShot("entailed").fit(np.ones((4, 3)), np.array([0, 0, 1, 1]), np.eye(2))
