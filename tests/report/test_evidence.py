"""What `collect` computes from two networks and a test split."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.networks import build
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.problem import Task
from headstart.report.evidence import collect
from headstart.report.feature_map import agreement, layout
from headstart.tasks import create_task


@dataclass
class Samples:
    """The part of a dataset that evidence reads."""

    raws: list[Any]
    y: np.ndarray

    def raw(self, rows: np.ndarray) -> list[Any]:
        return [self.raws[row] for row in rows]

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return self.y[rows]

    def names(self, rows: np.ndarray) -> list[str]:
        return [f"row {row}" for row in rows]


CLASSES = Task("classification", ("left", "right"))
TABLE = {
    "family": "tabular",
    "width": 8,
    "blocks": 1,
    "dropout": 0.0,
    "preprocess": {
        "modality": "table",
        "mean": {"a": 0.0, "b": 0.0},
        "std": {"a": 1.0, "b": 1.0},
        "categories": {"c": ["u", "v"]},
    },
}


def pictures(n: int = 24) -> Samples:
    """Black squares with one white half."""
    y, raws = np.arange(n) % 2, []
    for i, label in enumerate(y):
        pixels = np.full((16, 16), i, dtype=np.uint8)
        pixels[:, 8 * label : 8 * label + 8] = 255
        raws.append(Image.fromarray(pixels))
    return Samples(raws, y)


def table(n: int = 24) -> Samples:
    rng = np.random.default_rng(0)
    raws = [{"a": float(rng.normal()), "b": float(rng.normal()), "c": "uv"[i % 2]} for i in range(n)]
    return Samples(raws, (np.array([raw["a"] for raw in raws]) > 0).astype(np.int64))


def network_with_head(spec: dict[str, Any], task: Task) -> Network:
    torch.manual_seed(0)
    network = build(spec)
    network.head = create_task(task).head(network.n_features)
    torch.nn.init.normal_(network.head.weight, 0, 0.1)  # type: ignore[arg-type]
    return network


def gather(folder: Path, spec: dict[str, Any], samples: Samples, network: Network | None = None) -> dict[str, Any]:
    network = network or network_with_head(spec, CLASSES)
    rows, logic = np.arange(len(samples.y)), create_task(CLASSES)
    predictions = np.tile([0.3, 0.7], (len(rows), 1)) + np.linspace(0, 0.2, len(rows))[:, None] * [-1, 1]
    collect(folder, before=build(spec), after=network, logic=logic, dataset=samples, rows=rows, predictions=predictions)
    return {
        name: json.loads((folder / "evidence" / f"{name}.json").read_text()) for name in ("map", "mistakes", "saliency")
    }


def test_mistakes_are_the_wrong_ones_the_surest_first(tmp_path: Path) -> None:
    found = gather(tmp_path, {"family": "glyphs"}, pictures())["mistakes"]["items"]
    assert [item["name"] for item in found] == [f"row {row}" for row in range(22, -1, -2)]
    assert all(item["label"] == "left" and item["prediction"] == "right" for item in found)
    confidences = [item["confidence"] for item in found]
    assert confidences == sorted(confidences, reverse=True)
    with Image.open(tmp_path / "evidence" / found[0]["picture"]) as image:
        assert image.size == (160, 160)


def test_the_map_holds_both_networks_features_of_the_same_samples(tmp_path: Path) -> None:
    found = gather(tmp_path, {"family": "glyphs"}, pictures())["map"]
    assert found["n"] == len(found["labels"]) == len(found["points"]["before"]) == len(found["points"]["after"]) == 24
    assert found["agreement"]["after"] == 1.0  # halves that are white lie apart in any convolution's features


def test_image_saliency_lies_beside_the_input(tmp_path: Path) -> None:
    found = gather(tmp_path, {"family": "glyphs"}, pictures())["saliency"]
    assert found["method"].startswith("integrated gradients on the pixels")
    assert len(found["items"]) == 6
    for item in found["items"]:
        for part in ("picture", "overlay"):
            assert (tmp_path / "evidence" / item[part]).is_file()


def test_a_column_that_the_network_ignores_has_no_weight(tmp_path: Path) -> None:
    network = network_with_head(TABLE, CLASSES)
    columns = network.stages["columns"]
    with torch.no_grad():
        columns.weight[1] = 0.0  # type: ignore[index]
        columns.missing[1] = 0.0  # type: ignore[index]
    items = gather(tmp_path, TABLE, table(), network)["saliency"]["items"]
    weights = [dict(item["weights"]) for item in items]
    assert [list(row) for row in weights] == [["a", "b", "c"]] * 6
    assert all(row["b"] == pytest.approx(0, abs=1e-6) for row in weights)
    assert max(abs(row["a"]) for row in weights) > 1e-3


def test_words_carry_weights_and_word_pieces_are_joined(tmp_path: Path) -> None:
    network, task = text_network(), CLASSES
    network.head = create_task(task).head(network.n_features)
    torch.nn.init.normal_(network.head.weight, 0, 1.0)  # type: ignore[arg-type]
    texts = ["a good good book", "a bad booking"] * 4
    samples = Samples(texts, np.array([1, 0] * 4))
    predictions = np.tile([0.4, 0.6], (8, 1))
    rows = np.arange(8)
    collect(
        tmp_path,
        before=network,
        after=network,
        logic=create_task(task),
        dataset=samples,
        rows=rows,
        predictions=predictions,
    )
    found = json.loads((tmp_path / "evidence" / "saliency.json").read_text())
    words = {tuple(word for word, _ in item["words"]) for item in found["items"]}
    assert words == {("a", "good", "good", "book"), ("a", "bad", "booking")}
    assert all(max(abs(weight) for _, weight in item["words"]) == 1.0 for item in found["items"])


def text_network() -> Network:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, PreTrainedTokenizerFast

    from headstart.networks.text_preprocess import TextPreprocess
    from headstart.networks.transformers_family import transformers_spec

    pieces = ["[PAD]", "[UNK]", "a", "good", "bad", "book", "##ing"]
    backend = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    config = BertConfig(vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    torch.manual_seed(0)
    return build(transformers_spec(config), TextPreprocess(tokenizer, 16))


def test_the_networks_are_left_as_they_were(tmp_path: Path) -> None:
    network = network_with_head({"family": "glyphs"}, CLASSES).train()
    network.freeze(2)
    asked = [p.requires_grad for p in network.parameters()]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    gather(tmp_path, {"family": "glyphs"}, pictures(), network)
    assert network.training
    assert network.frozen == 2
    assert [p.requires_grad for p in network.parameters()] == asked
    assert all(p.grad is None for p in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_part_that_fails_leaves_a_note_and_the_others(tmp_path: Path) -> None:
    network = network_with_head({"family": "glyphs"}, CLASSES)
    network.head = torch.nn.Linear(3, 2)  # does not fit: saliency needs the head, the map does not
    found = gather(tmp_path, {"family": "glyphs"}, pictures(), network)
    assert "could not be made" in found["saliency"]["note"]
    assert found["map"]["n"] == 24


def test_worst_by_task() -> None:
    several = create_task(Task("multilabel", ("a", "b")))
    sets = np.array([[0.9, 0.1], [0.8, 0.9], [0.6, 0.2]])
    assert several.ranked(sets, np.array([[0, 0], [1, 0], [1, 0]])).tolist() == [0, 1]
    values = create_task(Task("regression", (), ("y",)), np.array([[0.0], [1.0]]))
    assert values.ranked(np.array([[1.0], [2.0], [9.0]]), np.array([[1.0], [0.0], [5.0]])).tolist() == [2, 1]


@pytest.mark.parametrize("count", [1, 2, 5, 12, 40])
def test_layout_of_any_number_of_points_is_finite(count: int) -> None:
    points = layout(np.random.default_rng(0).normal(size=(count, 7)), 0)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


def test_layout_of_equal_points_is_the_origin() -> None:
    assert (layout(np.ones((20, 3)), 0) == 0).all()


def test_agreement_is_one_for_separate_classes_and_absent_for_values() -> None:
    features = (
        np.concatenate([np.zeros((8, 2)), np.full((8, 2), 9.0)]) + np.random.default_rng(0).normal(size=(16, 2)) / 10
    )
    assert agreement(features, np.repeat([0, 1], 8)) == 1.0
    assert agreement(features, np.zeros((16, 1))) is None


class Patches(torch.nn.Module):
    """An image [n, 3, 64, 64] to 64 patch tokens [n, 64, 4] behind one class token that sees their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Conv2d(3, 4, 8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        return torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)


class Mix(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x) + x.mean(dim=1, keepdim=True)


class First(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


@pytest.mark.parametrize("kind", ["maps", "tokens"])
def test_photographs_are_explained_on_maps_or_on_patches(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    mean = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    stages = {"one": torch.nn.Conv2d(3, 4, 8, 8)} if kind == "maps" else {"one": Patches(), "two": Mix()}
    pool = mean if kind == "maps" else First()
    network = Network(stages, pool, 4, ImagePreprocess(64), {})
    network.head = create_task(CLASSES).head(4)
    torch.nn.init.normal_(network.head.weight, 0, 1.0)  # type: ignore[arg-type]
    network.freeze(1)
    samples, rows = pictures(8), np.arange(8)
    predictions, logic = np.tile([0.4, 0.6], (8, 1)), create_task(CLASSES)
    collect(tmp_path, before=network, after=network, logic=logic, dataset=samples, rows=rows, predictions=predictions)
    found = json.loads((tmp_path / "evidence" / "saliency.json").read_text())
    assert found["method"].startswith("Grad-CAM" if kind == "maps" else "gradient times activation of the patches")
    overlays = [tmp_path / "evidence" / item["overlay"] for item in found["items"]]
    assert any(np.ptp(np.asarray(Image.open(path), dtype=float), axis=2).max() > 30 for path in overlays)
