"""CLIP's layout: both sides give the library's own embeddings, as sources, and name classes that nobody has seen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from text_models import tokenizer
from transformers import CLIPConfig, CLIPModel

import headstart as hs
from headstart.deep.finetune.wise_ft import WiseFT
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks import load_network, open_source, save_network
from headstart.shallow.zeroshot.predictor import ZeroShot
from headstart.workflow.arms.names import fit_names, reads_names
from headstart.workflow.arms.one_fit import PROBED, Job, _begun
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.describe import describe
from headstart.workflow.fit import fit
from headstart.workflow.network_field import named_arms
from headstart.workflow.opening.names import prompts_of
from headstart.workflow.opening.transfer import Given, open_transfer
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import Facts
from headstart.workflow.planning.plan import make_plan
from headstart.workflow.ranking.naming import named_sources
from headstart.workflow.zero_shot.classes_file import read_classes

TEXTS = ["the small cat", "a mat", "sat on the mat . the cat sat"]
SMALL = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}


def pictures(n=3):
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (20, 24, 3), dtype=np.uint8)) for _ in range(n)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A tiny random CLIP as a directory, and the library's model."""
    directory = tmp_path_factory.mktemp("clip")
    config = CLIPConfig(
        text_config={**SMALL, "vocab_size": 12, "max_position_embeddings": 16, "eos_token_id": 3, "bos_token_id": 2,
                     "pad_token_id": 0},
        vision_config={**SMALL, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )  # fmt: skip
    torch.manual_seed(0)
    model = CLIPModel(config).eval()
    model.save_pretrained(directory)
    tokenizer().save_pretrained(directory)
    return directory, model


def test_both_sides_give_the_librarys_embeddings(clip, tmp_path):
    directory, model = clip
    source = open_source(f"hf/{directory}")
    text = source.facing("text")
    assert (source.modality, text.modality) == ("image", "text")
    assert text.facing("image").modality == "image"
    seen, read = source.build(), text.build()
    x, tokens = seen.preprocess(pictures()), read.preprocess(TEXTS)
    with torch.no_grad():
        wanted = model.visual_projection(model.vision_model(pixel_values=x).pooler_output)
        assert torch.allclose(seen.features(x), wanted, atol=1e-5)
        wanted = model.text_projection(model.text_model(**tokens).pooler_output)
        assert torch.allclose(read.features(tokens), wanted, atol=1e-5)
        alone = read.features(read.preprocess(TEXTS[1:2]))
        assert torch.allclose(alone, wanted[1:2], atol=1e-5)  # padding is not looked at
    assert x.shape == (3, 3, 16, 16)
    for name, network, inputs in (("seen", seen, x), ("read", read, tokens)):
        save_network(network, None, tmp_path / name)
        loaded, _ = load_network(tmp_path / name)
        with torch.no_grad():
            assert torch.equal(loaded.features(inputs), network.features(inputs))
        assert loaded.stage_names == ["embed", "block1", "block2", "project"]
    other = source.build(pretrained=False)
    assert not torch.equal(other.stages["project"].projection.weight, seen.stages["project"].projection.weight)


def test_the_side_that_reads_the_data_serves_wherever_sources_are_named(clip):
    rows = pd.DataFrame({"said": [f"{text} {i}" for i in range(12) for text in TEXTS[:2]], "label": ["a", "b"] * 12})
    named, texts = f"hf/{clip[0]}", hs.open(rows, text="said", label="label")
    assert describe(rows, text="said", label="label", source=named).source.modality == "text"
    assert [one.modality for one in named_sources(texts, [named], None, None)] == ["text"]
    options = FitOptions(sources=(named, named), text="said", label="label")
    opened = open_transfer("fit", Given(rows), options, Progress(quiet=True), began=0.0)
    assert [one.modality for one in opened.sources] == ["text", "text"]


def test_an_edited_side_is_refused(clip, tmp_path):
    network = open_source(f"hf/{clip[0]}").build()
    save_network(network, None, tmp_path / "model")
    path = tmp_path / "model" / "network.json"
    value = json.loads(path.read_text())
    for change, said in (
        ({"side": "sound"}, "side"),
        ({"config": value["spec"]["config"] | {"num_hidden_layers": 0}}, "num_hidden_layers"),
        ({"config": value["spec"]["config"] | {"attn_implementation": "kernel"}}, "attn_implementation"),
    ):
        path.write_text(json.dumps(value | {"spec": value["spec"] | change}))
        with pytest.raises(UserError, match=said):
            load_network(tmp_path / "model")


def test_weights_of_another_architecture_are_refused(clip, tmp_path):
    shutil.copytree(clip[0], tmp_path / "clip")
    path = tmp_path / "clip" / "config.json"
    value = json.loads(path.read_text())
    value["vision_config"]["num_hidden_layers"] = 3
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match="weights of another architecture: 16 tensors are missing"):
        open_source(f"hf/{tmp_path / 'clip'}").build()


def test_the_nearest_name_answers_and_nothing_is_learned_from_labels():
    rng = np.random.default_rng(0)
    names = rng.normal(size=(6, 5))
    labels = np.repeat(np.arange(4), 5)
    x = names[labels] + 0.05 * rng.normal(size=(20, 5))
    first = ZeroShot("aligned").fit(x, labels, names)
    other = ZeroShot("aligned").fit(x, (labels + 1) % 4, names)
    assert np.array_equal(first.coef_, other.coef_)
    assert (first.predict(names[4:]) == [4, 5]).all()
    cosines = x @ (names / np.linalg.norm(names, axis=1, keepdims=True)).T
    assert (first.predict(x) == cosines.argmax(axis=1)).all()
    with pytest.raises(UserError, match="aligned compares 5 features with 3 attributes"):
        ZeroShot("aligned").fit(x, labels, names[:, :3])


def test_names_are_read_by_the_sources_own_side_in_every_prompt(clip, tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("class\ncat\nmat\nsmall\n")
    reader = open_source(f"hf/{clip[0]}").facing("text")
    plain = read_classes(path, ("cat", "mat"), reader=reader)
    both = read_classes(path, ("cat", "mat"), reader=reader, prompts=("the {}", "a {} ."))
    assert plain.aligned
    assert both.classes == ("cat", "mat", "small")
    network = reader.build()
    with torch.no_grad():
        parts = [
            network.features(network.preprocess([p.format("mat")])).double().numpy()[0] for p in ("the {}", "a {} .")
        ]
    assert np.allclose(both.attributes[1], sum(part / np.linalg.norm(part) for part in parts) / 2)
    path.write_text("class,legs\ncat,4\nmat,0\nsmall,1\n")
    assert not read_classes(path, ("cat", "mat"), reader=reader).aligned
    with pytest.raises(UserError, match=r"needs one .* where the class's name goes"):
        prompts_of("a photo|a {}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of six classes, and a list of these and a seventh."""
    folder = tmp_path_factory.mktemp("named")
    names = ["the", "small", "cat", "sat", "on", "a", "mat"]
    rng = np.random.default_rng(0)
    for k, name in enumerate(names[:6]):
        (folder / "data" / name).mkdir(parents=True)
        for i in range(6):
            pixels = np.clip(40 * k + rng.integers(0, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "data" / name / f"{i}.png")
    (folder / "names.csv").write_text("class\n" + "\n".join(names) + "\n")
    return folder


def test_from_a_list_of_names_to_a_verdict(clip, folder, tmp_path):
    given = {"source": f"hf/{clip[0]}", "classes": folder / "names.csv", "quiet": True}
    run = fit(folder / "data", prompts="the {} .", method="aligned", out=tmp_path / "run", **given)
    assert set(run.arms) == {"aligned", "seen_only"}
    assert (run.verdict.arm, run.verdict.baseline) == (run.result["guard"]["kept"], "seen_only")
    assert run.result["zero_shot"]["classes"] == ["mat"]


def test_the_head_of_names_answers_as_the_librarys_clip_and_training_begins_with_it(clip, folder):
    directory, model = clip
    source = open_source(f"hf/{directory}")
    options = FitOptions(source=source.spec, prompts="a {} .")
    data = hs.open(folder / "data")
    bench = Workbench.create(data, source, options, start_processes("cpu"), Progress(quiet=True))
    assert "aligned" in named_arms(bench).arms
    rows, network = np.arange(len(data)), bench.network(pretrained=True, seed=0)
    found = fit_names(bench, network, rows, None)
    x = network.preprocess(data.raw(rows))
    tokens = source.facing("text").build().preprocess([f"a {name} ." for name in bench.logic.task.classes])
    with torch.no_grad():
        wanted = model(pixel_values=x, **tokens).logits_per_image
        norms = network.features(x).norm(dim=1, keepdim=True)
        scale = found["steepness"] / model.logit_scale.exp()
        assert torch.allclose(network(x) / norms, scale * wanted, rtol=1e-3, atol=1e-6)
    facts = Facts(30, 5, False, 10_000, 4, "clip", Speed(0.0, 1e-4), named=True)
    job = Job("wise_ft", 0, rows[:20], rows[20:], folder, settings={PROBED: {"steepness": 3.0}})
    begun, kept = _begun(bench, make_plan(facts, options), job, WiseFT())
    assert kept == {PROBED: {"steepness": 3.0}}
    assert torch.allclose(begun.head.weight.norm(dim=1), torch.tensor(3.0))
    assert not reads_names(replace(bench, options=replace(options, prompts=None)))


@pytest.mark.slow
def test_fine_tuning_starts_from_the_names_and_ends_between(clip, folder, tmp_path):
    """With a rate that moves nothing, WiSE-FT answers as the names alone."""
    run = fit(
        folder / "data", source=f"hf/{clip[0]}", prompts="a {} .", arms="chosen,aligned", epochs=1, views=1,
        learning_rate=1e-12, depth="1", out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    assert run.result["plan"]["method"] == "wise_ft"
    assert "fine-tuning starts from the head that they make" in " ".join(run.result["plan"]["reasons"])
    moved, named = run.arms["wise_ft"]["test"], run.arms["aligned"]["test"]
    assert moved["accuracy"] == named["accuracy"]
    assert moved["log_loss"] == pytest.approx(named["log_loss"], abs=1e-3)
