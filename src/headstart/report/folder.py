"""A run folder as the report reads it: every part but run.json may be missing."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.storage import read_json

SCHEMA = 1
_MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@dataclass(frozen=True)
class Predictions:
    """Test predictions of one arm and one seed.

    ``values`` [n, k] are probabilities, or values in the target's units; ``labels`` are int64 [n] for one class
    of several, float64 [n, k] otherwise.
    """

    names: list[str]
    labels: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class RunFolder:
    """What `read_folder` found."""

    path: Path
    run: dict[str, Any]
    plan: dict[str, Any] | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    predictions: Predictions | None = None
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)

    def picture(self, name: Any) -> str | None:
        """Return a picture of the evidence folder as a data URI; None if there is no such picture."""
        if not isinstance(name, str) or Path(name).name != name:
            return None
        path = self.path / "evidence" / name
        media = _MEDIA.get(path.suffix.lower())
        if media is None or not path.is_file():
            return None
        return f"data:{media};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def read_folder(path: Path) -> RunFolder:
    """Read a finished run.

    Raises
    ------
    UserError
        If there is no run.json, or it is of a newer schema than this version reads.
    """
    if not (path / "run.json").is_file():
        raise UserError(f"{path} holds no run.json: it is no finished run; give a run folder, or resume this one.")
    run = read_json(path / "run.json")
    if not isinstance(run, dict) or not isinstance(run.get("schema"), int):
        raise UserError(f"{path / 'run.json'} has no schema number; the file is damaged or is no run of Headstart.")
    if run["schema"] > SCHEMA:
        raise UserError(f"{path} was written by a newer Headstart (schema {run['schema']}); upgrade to read it.")
    plan = read_json(path / "plan.json") if (path / "plan.json").is_file() else None
    return RunFolder(path, run, plan, _lines(path / "metrics.jsonl"), _predictions(path, run), _evidence(path))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:  # a run that was killed may have left half a line
            continue
    return [line for line in lines if isinstance(line, dict)]


def _evidence(path: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for part in ("map", "mistakes", "saliency", "domains"):
        file = path / "evidence" / f"{part}.json"
        if file.is_file():
            found[part] = read_json(file)
    return found


def _predictions(path: Path, run: dict[str, Any]) -> Predictions | None:
    file = path / "predictions.parquet"
    if not file.is_file():
        return None
    import pyarrow.parquet as parquet

    arm = (run.get("guard") or {}).get("kept") or run.get("chosen")
    table = parquet.read_table(file, filters=[("arm", "=", arm), ("split", "=", "test")])
    seeds = table.column("seed").to_pylist()
    if not seeds:
        return None
    wanted = (run.get("guard") or {}).get("seed", run.get("seed"))
    seed = wanted if wanted in seeds else seeds[0]
    rows = table.filter(np.array([s == seed for s in seeds])).to_pydict()
    values = np.array(rows["probabilities"], dtype=np.float64).reshape(len(rows["name"]), -1)
    return Predictions([str(n) for n in rows["name"]], _labels(rows["label"], run["task"]), values)


def _labels(column: list[Any], task: dict[str, Any]) -> np.ndarray:
    """Read labels as the run writes them: a class name, names or values with a bar between, or numbers."""
    classes = list(task.get("classes", []))
    if task["kind"] == "classification":
        return np.array([classes.index(v) if v in classes else int(v) for v in column], dtype=np.int64)
    if task["kind"] == "multilabel":
        return np.array([_indicator(_parts(value), classes) for value in column], dtype=np.float64)
    return np.array([[float(v) for v in _parts(value)] for value in column], dtype=np.float64)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part for part in value.split("|") if part]
    return list(value) if isinstance(value, list | tuple) else [value]


def _indicator(parts: list[Any], classes: list[str]) -> list[float]:
    if any(isinstance(part, str) for part in parts) or len(parts) != len(classes):
        return [float(name in parts) for name in classes]
    return [float(part) for part in parts]
