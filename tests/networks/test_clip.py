"""CLIP's layout: both sides give the library's own embeddings, as sources, and name classes that nobody has seen."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from text_models import tokenizer
from transformers import CLIPConfig, CLIPModel

from headstart.errors import UserError
from headstart.networks import load_network, open_source, save_network
from headstart.shallow.zeroshot.predictor import ZeroShot
from headstart.workflow.fit import fit
from headstart.workflow.zero_shot.classes_file import prompts_of, read_classes

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


def test_from_a_list_of_names_to_a_verdict(clip, tmp_path):
    names = ["the", "small", "cat", "sat", "on", "a", "mat"]
    rng = np.random.default_rng(0)
    for k, name in enumerate(names[:6]):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(6):
            pixels = np.clip(40 * k + rng.integers(0, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i}.png")
    (tmp_path / "names.csv").write_text("class\n" + "\n".join(names) + "\n")
    given = {"source": f"hf/{clip[0]}", "classes": tmp_path / "names.csv", "quiet": True}
    run = fit(tmp_path / "data", prompts="the {} .", method="aligned", out=tmp_path / "run", **given)
    assert set(run.arms) == {"aligned", "seen_only"}
    assert (run.verdict.arm, run.verdict.baseline) == (run.result["guard"]["kept"], "seen_only")
    assert run.result["zero_shot"]["classes"] == ["mat"]
    with pytest.raises(UserError, match="--prompts says how the names of --classes are read"):
        fit(tmp_path / "data", source=given["source"], prompts="the {}", out=tmp_path / "none", quiet=True)
