"""From what is typed after --source to a network."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from small_networks import ROWS, TABLE
from text_models import save_model
from torch import nn

from headstart.errors import UserError
from headstart.networks import TablePreprocess, build, list_sources, open_source, save_network, sized
from headstart.networks.pixels import grid_of
from headstart.networks.tabular import tabular_spec
from headstart.networks.timm_family import create_timm, timm_spec
from headstart.networks.torchvision_family import create_torchvision, torchvision_spec
from headstart.problem import Task
from headstart.storage import save_tensors
from headstart.tasks import create_task

TINY = "timm/resnet10t"


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("timm/resnet181", "did you mean 'resnet18'"),
        ("timm/resnet18.a1_in2k", "did you mean 'a1_in1k'"),
        ("timm/swin_tiny_patch4_window7_224", "family 'swin_transformer'"),
        ("torchvision/mobilnet_v2", "did you mean 'mobilenet_v2'"),
        ("torchvision/swin_t", "no architecture 'swin_t'"),
        ("headstart/glyph", "did you mean 'glyphs'"),
        ("tabular", "did you mean 'headstart/tabular'"),
        ("resnet18", "did you mean 'timm/resnet18'"),
        ("mobilenet_v2", "did you mean 'torchvision/mobilenet_v2'"),
        ("weights.pth", "file:weights.pth"),
        ("runs/none", "a run folder"),
        ("hf/./nowhere", "does not exist"),
        ("file:none.safetensors", "does not exist"),
    ],
)
def test_unknown_sources_get_the_nearest_names(spec: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        open_source(spec)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("spec", ["timm/resnet18", "torchvision/squeezenet1_1"])
def test_weights_that_are_not_at_hand_are_said_with_the_place_to_put_them(spec: str, tmp_path: Path) -> None:
    source = open_source(spec)
    with pytest.raises(UserError) as error:
        source.build()
    message = str(error.value)
    assert f"The weights file of {spec} is not on this machine" in message
    assert str(tmp_path) in message
    assert "--source file:" in message


def test_weights_in_the_hubs_cache_are_used(tmp_path: Path) -> None:
    model = create_timm(timm_spec("resnet10t")).eval()
    snapshot = tmp_path / "hub" / "models--timm--resnet10t.c3_in1k" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("abc")
    state = {**model.state_dict(), "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    save_file(state, snapshot / "model.safetensors")
    x = torch.randn(1, 3, 64, 64)
    for spec in (TINY, f"{TINY}.c3_in1k"):
        with torch.no_grad():
            assert torch.equal(open_source(spec).build()(x), model(x))
    assert {row["spec"]: row["at_hand"] for row in list_sources()}[f"{TINY}.c3_in1k"]


def test_weights_in_torchs_cache_are_used(tmp_path: Path) -> None:
    model = create_torchvision(torchvision_spec("squeezenet1_1")).eval()
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(model.state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
    network = open_source("torchvision/squeezenet1_1").build()
    assert torch.equal(network.stages["stem"][0].weight, model.features[0].weight)


def test_a_text_model_in_the_hubs_cache_is_used(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("abc")
    model = save_model(snapshot)
    network = open_source("hf/owner/name").build()
    state = network.preprocess(["a cat"])
    with torch.no_grad():
        torch.testing.assert_close(network(state)[0], model(**state).last_hidden_state[0].mean(dim=0))
    assert {row["spec"]: row["at_hand"] for row in list_sources()}["hf/owner/name"]


def test_a_hub_text_model_that_is_not_at_hand(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"hf/owner/name is not on this machine.*hf/DIRECTORY"):
        open_source("hf/owner/name")


def test_random_weights_follow_the_seed_and_leave_torchs_generator_alone() -> None:
    source = open_source(TINY)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    a, b, c = (source.build(pretrained=False, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


@pytest.mark.parametrize("classes", [1000, 7, None])
@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_weights_file_of_the_architecture(library: str, classes: int | None, tmp_path: Path) -> None:
    if library == "timm":
        name, model = "resnet10t", create_timm(timm_spec("resnet10t"))
        heads = {} if classes is None else {"fc.weight": torch.zeros(classes, 512), "fc.bias": torch.zeros(classes)}
    else:
        name, model = "squeezenet1_1", create_torchvision(torchvision_spec("squeezenet1_1"))
        heads = {} if classes is None else {"classifier.1.weight": torch.zeros(classes, 512, 1, 1)}
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("classifier")}
    save_file({**state, **heads}, tmp_path / "w.safetensors")
    source = open_source(f"file:{tmp_path / 'w.safetensors'}", network=f"{library}/{name}")
    network = source.build()
    x = torch.randn(1, 3, 64, 64)
    model.eval()
    with torch.no_grad():
        if library == "timm":
            assert torch.equal(network(x), model(x))
        else:
            torch.testing.assert_close(network(x), model.features(x).mean(dim=(2, 3)))
    assert (source.kind, source.modality) == ("file", "image")


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(3)}, tmp_path / "w.safetensors")
    source = open_source(f"file:{tmp_path / 'w.safetensors'}", network=TINY)
    with pytest.raises(UserError, match=r"another architecture.*tensors differ.*more"):
        source.build()
    source.build(pretrained=False)


def test_a_weights_file_needs_its_architecture_and_only_it(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "w.safetensors")
    for network, words in ((None, "--network"), ("headstart/glyphs", "timm/NAME"), ("timm/resnet1", "resnet")):
        with pytest.raises(UserError, match=words):
            open_source(f"file:{tmp_path / 'w.safetensors'}", network=network)
    with pytest.raises(UserError, match="--network"):
        open_source("headstart/glyphs", network=TINY)


@pytest.mark.parametrize(("kind", "pooling"), [("bert", "mean"), ("gpt2", "last")])
def test_a_local_directory_of_transformers_layout(kind: str, pooling: str, tmp_path: Path) -> None:
    model = save_model(tmp_path, kind)
    network = open_source(f"hf/{tmp_path}").build()
    state = network.preprocess(["the small cat sat on a mat .", "a cat"])
    with torch.no_grad():
        hidden = model(**state).last_hidden_state
        features = network(state)
    assert network.spec["pooling"] == pooling
    for i, mask in enumerate(state["attention_mask"].bool()):
        expected = hidden[i][mask].mean(dim=0) if pooling == "mean" else hidden[i][mask][-1]
        torch.testing.assert_close(features[i], expected)
    scratch = open_source(f"hf/{tmp_path}").build(pretrained=False, seed=9)
    assert scratch.preprocess.to_json() == network.preprocess.to_json()
    assert not torch.equal(scratch(state), features)


def test_a_text_models_length_and_pooling_come_from_its_files(tmp_path: Path) -> None:
    save_model(tmp_path)
    assert open_source(f"hf/{tmp_path}").build(pretrained=False).preprocess.max_length == 40
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    network = open_source(f"hf/{tmp_path}").build(pretrained=False)
    assert network.preprocess.max_length == 12
    assert network.spec["pooling"] == "first"


def test_text_directories_that_cannot_be_used(tmp_path: Path) -> None:
    save_model(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "kept")
    with pytest.raises(UserError, match=r"no \*.safetensors"):
        open_source(f"hf/{tmp_path}").build()
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="another architecture"):
        open_source(f"hf/{tmp_path}").build()
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "kept").read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be loaded"):
        open_source(f"hf/{tmp_path}").build()
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "vit"}))
    with pytest.raises(UserError, match="kind 'vit'"):
        open_source(f"hf/{tmp_path}")
    (tmp_path / "config.json").unlink()
    with pytest.raises(UserError, match=r"no config.json"):
        open_source(f"hf/{tmp_path}")


def table_run(folder: Path) -> Path:
    torch.manual_seed(1)
    network = build(tabular_spec(TABLE, width=8, blocks=2))
    network.head = nn.Linear(8, 2)
    save_network(network, create_task(Task("classification", classes=("no", "yes"))), folder / "model")
    save_tensors(folder / "model" / "reference.safetensors", {"features": torch.ones(4, 8)})
    return folder


def test_a_run_is_a_source_without_its_head(tmp_path: Path) -> None:
    source = open_source(str(table_run(tmp_path / "run")))
    assert source.task == Task("classification", classes=("no", "yes"))
    assert source.domain.space == ("age", "income.net", "city", "keys")
    assert (source.kind, source.modality) == ("run", "table")
    network = source.build()
    assert isinstance(network.head, nn.Identity)
    assert network(network.preprocess(ROWS)).shape == (3, 8)
    assert torch.equal(source.reference(), torch.ones(4, 8))


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    run = table_run(tmp_path / "run")
    (run / "run.json").write_text('{"schema": 9}')
    with pytest.raises(UserError, match="newer version"):
        open_source(str(run))


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run"):
        open_source(str(tmp_path))


def test_columns_of_the_same_name_keep_their_weights(tmp_path: Path) -> None:
    source = open_source(str(table_run(tmp_path / "run")))
    columns = SimpleNamespace(numeric=("height", "age"), categorical={"city": ("Bonn", "Kiel")})
    target = TablePreprocess({"height": 1.8, "age": 99.0}, {"height": 0.1, "age": 1.0}, columns.categorical)
    old, new = source.build(), source.build(columns=columns, statistics=target)
    before, after = old.stages["columns"], new.stages["columns"]
    assert torch.equal(after.weight[1], before.weight[0])
    assert torch.equal(after.missing[1], before.missing[0])
    assert torch.equal(after.category[0], before.category[0]), "the embedding of unknown cities"
    assert torch.equal(after.category[1], before.category[2]), "Bonn, second there and first here"
    assert after.category.shape == (3, 8)
    assert torch.equal(new.stages["block2"].outer.weight, old.stages["block2"].outer.weight)
    assert new.preprocess.mean == {"height": 1.8, "age": 40.0}, "a known column keeps the source's units"
    assert new.preprocess.categories == columns.categorical
    again = source.build(columns=columns, statistics=target)
    assert all(torch.equal(p, q) for p, q in zip(new.parameters(), again.parameters(), strict=True))
    scratch = source.build(pretrained=False, columns=columns, statistics=target)
    assert scratch.preprocess == target
    assert not torch.equal(scratch.stages["columns"].weight[1], before.weight[0])


def test_the_same_columns_give_the_same_network(tmp_path: Path) -> None:
    source = open_source(str(table_run(tmp_path / "run")))
    columns = SimpleNamespace(numeric=tuple(TABLE.mean), categorical=TABLE.categories)
    network, carried = source.build(), source.build(columns=columns)
    assert torch.equal(network(network.preprocess(ROWS)), carried(carried.preprocess(ROWS)))


def test_pixels_are_the_picture_itself():
    network = open_source("headstart/pixels").build()
    picture = np.random.default_rng(0).integers(0, 256, size=(28, 28), dtype=np.uint8)
    found = network.features(network.preprocess([Image.fromarray(picture)])).detach().numpy()
    np.testing.assert_allclose(found[0], picture.reshape(-1) / 255, atol=1e-6)
    assert grid_of(network) == (1, 28, 28)
    assert grid_of(open_source("headstart/glyphs").build()) is None


def test_the_tabular_architecture_has_no_weights() -> None:
    source = open_source("headstart/tabular")
    columns = SimpleNamespace(numeric=("a", "b"), categorical={"c": ("x", "y")})
    with pytest.raises(UserError, match="without weights"):
        source.build(columns=columns)
    with pytest.raises(UserError, match="columns"):
        source.build(pretrained=False)
    network = source.build(pretrained=False, columns=columns)
    assert network(network.preprocess([{"a": 1, "b": 2, "c": "y"}])).shape == (1, network.n_features)


def test_the_list_names_what_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table_run(tmp_path / "runs" / "heart")
    rows = list_sources()
    by_spec = {row["spec"]: row for row in rows}
    assert by_spec["headstart/glyphs"]["at_hand"]
    assert by_spec["runs/heart"]["modality"] == "table"
    assert {row["modality"] for row in rows} == {"image", "text", "table"}
    assert not by_spec["timm/resnet18.a1_in1k"]["at_hand"]
    for row in rows:
        if row["kind"] != "hf":
            assert open_source(row["spec"]).modality == row["modality"]


def test_a_text_models_configuration_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sized, "MOST_TENSORS", 1000)
    save_model(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 10**9}))
    with pytest.raises(UserError, match=r"config\.json asks for a network of more than"):
        open_source(f"hf/{tmp_path}").build(pretrained=True)
