"""Export to ONNX with preprocessing and probabilities inside, checked against the run."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.errors import UserError
from headstart.networks import load_network
from headstart.networks.network import Network
from headstart.report.golden import golden
from headstart.report.graph import Graph, build_graph
from headstart.scratch import scratch_folder
from headstart.storage import atomic_write, write_json
from headstart.tasks import TaskLogic

TOLERANCE = 1e-4
OPSET = 18


def export_onnx(run_dir: str | Path, out: str | Path | None = None) -> Path:
    """Write a run's model as one ONNX file, and ``<out>.json`` that says what a caller must do.

    Inputs are what is at hand: decoded pixels of any size, token numbers (the tokenizer is copied beside the model),
    raw numbers and category numbers; everything after that, down to probabilities or values in the target's units,
    lies inside. The file is only written if its predictions differ from the run's by less than `TOLERANCE` on golden
    samples (for values: relative to the target's scale; for boxes: to the canvas).

    Raises
    ------
    UserError
        If onnx or onnxruntime is not installed, the network cannot be exported, or the predictions differ.
    """
    _require()
    run_dir = Path(run_dir)
    out = run_dir / "model" / "model.onnx" if out is None else Path(out)
    network, logic = load_network(run_dir / "model")
    if logic is None:
        raise UserError(f"{run_dir / 'model'} has no task's head to export; export a run that `fit` has finished.")
    return export_network(network, logic, run_dir, out, run_dir / "model" / "tokenizer")


def export_network(network: Network, logic: TaskLogic, run_dir: Path, out: Path, tokenizer: Path) -> Path:
    """Write a network with its task as `export_onnx` does.

    Parameters
    ----------
    tokenizer : folder that texts need beside the model; copied where it is there.
    """
    _require()
    network.eval().requires_grad_(False)
    graph, samples = build_graph(network, logic), golden(run_dir, network)
    with scratch_folder() as temporary:
        draft = temporary / "model.onnx"
        _convert(graph, graph.feed(samples[-1]), draft, alone=logic.one_by_one)
        worst = parity(draft, graph, network, logic, samples)
        card = describe(network, logic, graph, worst, sum(len(group) for group in samples))
        _label(draft, card)
        write_json(out.with_name(out.name + ".json"), card)
        _copy_tokenizer(tokenizer, out.parent / "tokenizer")
        # Last, so that a model that is there has all that belongs to it.
        atomic_write(out, lambda part: _copy(draft, part))
    return out


def _require() -> None:
    try:
        import onnx

        quiet_runtime()
    except ImportError as error:
        raise UserError(
            f"Exporting needs {error.name}, which is not installed; run `pip install 'headstart[export]'`."
        ) from error
    del onnx


def quiet_runtime() -> Any:
    """Import onnxruntime with its telemetry off: it would report home, and leave ``.ses`` where temporary files go."""
    name = "ORT_DISABLE_TELEMETRY"
    before = os.environ.get(name)
    os.environ[name] = before or "1"
    try:
        import onnxruntime
    finally:
        if before is None:
            del os.environ[name]
    return onnxruntime


def _convert(graph: Graph, example: dict[str, np.ndarray], path: Path, *, alone: bool = False) -> None:
    arguments = tuple(torch.from_numpy(array[:1] if alone else _pair(array)) for array in example.values())
    axes = graph.axes | {"predictions": {0: "n"}}
    if alone:
        axes = {name: {place: word for place, word in free.items() if place} for name, free in graph.axes.items()}
    with _quiet():
        try:
            torch.onnx.export(
                graph.module.eval(),
                arguments,
                str(path),
                dynamo=False,
                input_names=list(example),
                output_names=["predictions"],
                dynamic_axes=axes,
                opset_version=OPSET,
            )
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(f"This network cannot be exported to ONNX: {reason}") from error


def _pair(array: np.ndarray) -> np.ndarray:
    """Return at least two samples, so that no size of 1 is taken for a constant."""
    return np.ascontiguousarray(np.concatenate([array, array]) if len(array) == 1 else array)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def parity(path: Path, graph: Graph, network: Network, logic: TaskLogic, samples: list[list[Any]]) -> float:
    """Return the largest difference between the exported model and the run's own path; refuse one that is too large."""
    onnxruntime = quiet_runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for group in samples:
        with torch.no_grad():
            want = logic.exported(network(network.preprocess(group))).double().numpy()
        got = np.asarray(session.run(["predictions"], graph.feed(group))[0], dtype=np.float64)
        worst = max(worst, logic.apart(got, want))
    if not worst < TOLERANCE:
        raise UserError(
            f"The exported model differs from the run by {worst:.2g} on golden samples, over the {TOLERANCE:g} "
            "allowed; nothing was written."
        )
    return worst


def describe(network: Network, logic: TaskLogic, graph: Graph, worst: float, count: int) -> dict[str, Any]:
    """Return what a caller must know: inputs, output, classes, preprocessing, and the parity that was measured."""
    space = logic.task.label_space
    return {
        "schema": 1,
        "task": logic.task.to_json(),
        "inputs": graph.inputs,
        "output": {
            "name": "predictions",
            "type": "float32",
            "shape": [1 if logic.one_by_one else "n", *logic.answer_shape],
            "names": list(space.names),
            "meaning": logic.meaning,
        },
        "preprocess": network.preprocess.to_json(),
        "parity": {"largest_difference": worst, "allowed": TOLERANCE, "samples": count},
        "opset": OPSET,
    }


def _label(path: Path, card: dict[str, Any]) -> None:
    import onnx

    model = onnx.load(str(path))
    for name, value in (("headstart", card), ("classes", card["output"]["names"])):
        entry = model.metadata_props.add()
        entry.key, entry.value = name, json.dumps(value, ensure_ascii=False)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _copy_tokenizer(source: Path, target: Path) -> None:
    if not source.is_dir() or source.resolve() == target.resolve():
        return
    for file in sorted(source.rglob("*")):
        if file.is_file():
            atomic_write(target / file.relative_to(source), lambda part, file=file: _copy(file, part))
