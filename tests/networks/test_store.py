"""Saved networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import ROWS, TABLE, text_spec
from text_models import tokenizer
from torch import nn

from headstart.errors import UserError
from headstart.networks import TextPreprocess, build, load_network, save_network
from headstart.networks.build import FAMILIES
from headstart.networks.expected import SPEC
from headstart.networks.glyphs import glyphs_spec
from headstart.networks.tabular import tabular_spec
from headstart.networks.timm_family import timm_spec
from headstart.problem import Task
from headstart.tasks import create_task

TASK = Task("classification", classes=("ants", "bees"))


def saved(directory: Path) -> Path:
    network = build(tabular_spec(TABLE, width=8, blocks=1))
    network.head = nn.Linear(8, 2)
    save_network(network, create_task(TASK), directory, "# The card\n")
    return directory


@pytest.mark.parametrize("kind", ["image", "text", "table", "glyphs"])
def test_a_network_and_its_task_come_back_as_they_were(kind: str, tmp_path: Path) -> None:
    if kind == "text":
        network = build(text_spec("bert"), TextPreprocess(tokenizer()))
    else:
        specs = {"image": timm_spec("resnet10t"), "glyphs": glyphs_spec(), "table": tabular_spec(TABLE)}
        network = build(specs[kind])
    network.head = nn.Linear(network.n_features, 2)
    size = getattr(network.preprocess, "size", 0)
    raws = {"text": ["a cat", "the mat ."], "table": ROWS}.get(kind, [np.zeros((size, size), np.uint8)] * 2)
    save_network(network, create_task(TASK), tmp_path / "model")
    before = torch.random.get_rng_state()
    loaded, logic = load_network(tmp_path / "model")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert logic is not None
    assert logic.task == TASK
    assert loaded.stage_names == network.stage_names
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(loaded.preprocess(raws)), network(network.preprocess(raws)))


def test_a_regressions_scale_comes_back(tmp_path: Path) -> None:
    task = Task("regression", targets=("price",))
    logic = create_task(task, np.array([[10.0], [30.0]]))
    network = build(tabular_spec(TABLE, width=8, blocks=1))
    save_network(network, logic, tmp_path)
    outputs = torch.tensor([[1.0]])
    assert load_network(tmp_path)[1].predict(outputs).item() == logic.predict(outputs).item() == 30.0


def test_without_a_task_and_with_a_card(tmp_path: Path) -> None:
    network = build(tabular_spec(TABLE, width=8, blocks=1))
    save_network(network, None, tmp_path)
    assert load_network(tmp_path)[1] is None
    assert (saved(tmp_path / "b") / "README.md").read_text() == "# The card\n"


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path) / "network.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    with pytest.raises(UserError, match=r"newer version.*schema 99.*update"):
        load_network(tmp_path)


@pytest.mark.parametrize("name", ["network.json", "weights.safetensors", "preprocess.json"])
def test_missing_files_are_named(name: str, tmp_path: Path) -> None:
    (saved(tmp_path) / name).unlink()
    with pytest.raises(UserError, match=name):
        load_network(tmp_path)


@pytest.mark.parametrize("name", ["network.json", "weights.safetensors", "preprocess.json"])
def test_damaged_files_are_named(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path) / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=name):
        load_network(tmp_path)


def test_files_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path) / "network.json"
    value = json.loads(path.read_text())
    value["spec"]["width"] = 16
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match="names other features than its network has"):
        load_network(tmp_path)


def test_an_unknown_family_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path) / "network.json"
    value = json.loads(path.read_text())
    value["spec"]["family"] = "tim"
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match="timm"):
        load_network(tmp_path)


@pytest.mark.parametrize(("what", "value"), [("mean", "NaN"), ("mean", "1e999"), ("std", "0"), ("std", "-Infinity")])
def test_statistics_that_are_no_numbers_are_named(what: str, value: str, tmp_path: Path) -> None:
    path = saved(tmp_path) / "preprocess.json"
    text = json.loads(path.read_text())
    column = next(iter(text[what]))
    text[what][column] = "HERE"
    path.write_text(json.dumps(text).replace('"HERE"', value))
    with pytest.raises(UserError, match="preprocess"):
        load_network(tmp_path)


def test_a_saved_tensor_that_is_not_finite_is_named(tmp_path: Path) -> None:
    network, logic = load_network(saved(tmp_path))
    with torch.no_grad():
        network.head.bias[1] = torch.nan
    save_network(network, logic, tmp_path)
    with pytest.raises(UserError, match=r"1 of the 2 values of the tensor 'head.bias'"):
        load_network(tmp_path)


def test_every_family_has_a_rule_for_what_its_files_say() -> None:
    assert set(SPEC) == set(FAMILIES)
