"""Export to ONNX: preprocessing inside, the same predictions, refused otherwise."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.errors import UserError
from headstart.networks import build, load_network, save_network
from headstart.problem import Task
from headstart.report import export
from headstart.report.golden import golden
from headstart.tasks import create_task

onnxruntime = pytest.importorskip("onnxruntime")

TABLE = {
    "family": "tabular",
    "width": 8,
    "blocks": 1,
    "dropout": 0.0,
    "preprocess": {
        "modality": "table",
        "mean": {"a": 50.0, "b": -1.0},
        "std": {"a": 9.0, "b": 2.0},
        "categories": {"c": ["u", "v"]},
    },
}
TASKS = {
    "classification": Task("classification", ("ants", "bees", "日本語")),
    "multilabel": Task("multilabel", ("x", "y", "z")),
    "regression": Task("regression", (), ("price",)),
}


def saved(folder: Path, spec: dict[str, Any], kind: str) -> Path:
    torch.manual_seed(0)
    network, task = build(spec), TASKS[kind]
    logic = create_task(task, np.array([[100.0], [900.0]]) if kind == "regression" else None)
    network.head = logic.head(network.n_features)
    torch.nn.init.normal_(network.head.weight, 0, 0.3)  # type: ignore[arg-type]
    save_network(network, logic, folder / "model")
    return folder


def answers(path: Path, feed: dict[str, np.ndarray]) -> np.ndarray:
    return onnxruntime.InferenceSession(str(path)).run(["predictions"], feed)[0]


@pytest.mark.parametrize("kind", TASKS)
def test_a_table_takes_raw_numbers_and_gives_the_tasks_predictions(tmp_path: Path, kind: str) -> None:
    path = export.export_onnx(saved(tmp_path, TABLE, kind))
    rows = [{"a": 61.0, "b": None, "c": "v"}, {"a": 40.0, "b": 3.0, "c": "never seen"}]
    feed = {"numeric": np.array([[61.0, np.nan], [40.0, 3.0]]), "categorical": np.array([[2], [0]])}
    network, logic = load_network(tmp_path / "model")
    with torch.no_grad():
        want = logic.predict(network(network.preprocess(rows))).numpy()  # type: ignore[union-attr]
    assert np.allclose(answers(path, feed), want, atol=1e-3 if kind == "regression" else 1e-5)
    assert logging.root.manager.disable == logging.NOTSET  # what was silenced meanwhile speaks again


def test_an_image_of_any_size_goes_in_and_classes_come_with_the_model(tmp_path: Path) -> None:
    path = export.export_onnx(saved(tmp_path, {"family": "glyphs"}, "classification"), tmp_path / "out" / "m.onnx")
    network, logic = load_network(tmp_path / "model")
    for group in golden(tmp_path, network):
        feed = {"pixels": np.stack([np.asarray(image) for image in group])}
        with torch.no_grad():
            want = logic.predict(network(network.preprocess(group))).numpy()  # type: ignore[union-attr]
        assert np.abs(answers(path, feed) - want).max() < 1e-4
    found = onnxruntime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map
    assert json.loads(found["classes"]) == ["ants", "bees", "日本語"]
    card = json.loads((tmp_path / "out" / "m.onnx.json").read_text())
    assert card["inputs"]["pixels"]["shape"] == ["n", "height", "width", 3]
    assert card["parity"]["largest_difference"] < 1e-4


def test_a_model_that_differs_is_refused_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path, TABLE, "classification")
    monkeypatch.setattr(export, "TOLERANCE", 0.0)
    with pytest.raises(UserError, match="differs from the run"):
        export.export_onnx(folder)
    assert not (folder / "model" / "model.onnx").exists()


def test_the_difference_that_is_found_decides(tmp_path: Path) -> None:
    """A file that no longer answers as the network does is refused by the size of the difference found."""
    path = export.export_onnx(saved(tmp_path, TABLE, "classification"))
    network, logic = load_network(tmp_path / "model")
    assert logic is not None
    graph, samples = export.build_graph(network, logic), golden(tmp_path, network)
    assert export.parity(path, graph, network, logic, samples) < export.TOLERANCE
    with torch.no_grad():
        network.head.bias += torch.tensor([1.0, 0.0, 0.0])  # type: ignore[operator]
    with pytest.raises(UserError, match="differs from the run by"):
        export.parity(path, graph, network, logic, samples)


def test_a_network_without_a_task_is_refused(tmp_path: Path) -> None:
    save_network(build(TABLE), None, tmp_path / "model")
    with pytest.raises(UserError, match="no task's head"):
        export.export_onnx(tmp_path)


@pytest.mark.slow
def test_the_runtime_reports_to_nobody_and_leaves_no_file(tmp_path: Path) -> None:
    code = "import os; from headstart.report.export import quiet_runtime; before = dict(os.environ); "
    code += "print(quiet_runtime().__version__); assert dict(os.environ) == before"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment | {"TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_an_example_has_two_samples_at_least_so_that_no_one_is_taken_for_a_constant() -> None:
    for n, kept in ((1, 2), (2, 2), (5, 5)):
        array = np.arange(3.0 * n).reshape(n, 3)
        pair = export._pair(array)
        assert (len(pair), pair.flags["C_CONTIGUOUS"]) == (kept, True)
        np.testing.assert_array_equal(pair[:n], array)
        np.testing.assert_array_equal(pair[-n:], array)


class Unfit(torch.nn.Module):
    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError(self.words)


@pytest.mark.parametrize(
    ("words", "said"), [("no such layer\nin ONNX", "no such layer$"), ("", "NotImplementedError$")]
)
def test_a_network_that_cannot_be_exported_says_why_in_one_line(tmp_path: Path, words: str, said: str) -> None:
    network, logic = load_network(saved(tmp_path, TABLE, "classification") / "model")
    assert logic is not None
    graph = export.build_graph(network, logic)
    example = graph.feed(golden(tmp_path, network)[-1])
    with pytest.raises(UserError, match=f"cannot be exported to ONNX: {said}"):
        export._convert(replace(graph, module=Unfit(words)), example, tmp_path / "draft.onnx")
    assert logging.root.manager.disable == logging.NOTSET
    for before in ("1", None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ORT_DISABLE_TELEMETRY", "1") if before else patch.delenv("ORT_DISABLE_TELEMETRY", False)
            export.quiet_runtime()
            assert os.environ.get("ORT_DISABLE_TELEMETRY") == before


def test_a_tokenizer_lies_beside_the_model_but_once(tmp_path: Path) -> None:
    there, out = tmp_path / "there", tmp_path / "out"
    (there / "more").mkdir(parents=True)
    (there / "a.json").write_text("{}")
    (there / "more" / "b.txt").write_text("b")
    export._copy_tokenizer(there, out)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["a.json", "more/b.txt"]
    export._copy_tokenizer(there, there)
    assert (there / "a.json").read_text() == "{}"
    export._copy_tokenizer(tmp_path / "nowhere", tmp_path / "none")
    assert not (tmp_path / "none").exists()
