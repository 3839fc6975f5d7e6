"""A run folder as the report reads it: every part but run.json may be missing."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.foreign import refuse_links, unusable
from headstart.kinds import KINDS, LabelSpace
from headstart.report.expected import EVIDENCE, METRIC_LINE, PLAN, RACE, RUN
from headstart.schema import read_checked, require
from headstart.storage import read_json

SCHEMA = 1
COLUMNS = ["arm", "seed", "split", "name", "label", "probabilities"]
MOST_PICTURE = 2**25
"""Bytes of a picture that is drawn into the page."""
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
    race: dict[str, Any] | None = None

    def picture(self, name: Any) -> str | None:
        """Return a picture of the evidence folder as a data URI; None if there is no such picture."""
        if not isinstance(name, str) or Path(name).name != name:
            return None
        path = self.path / "evidence" / name
        media = _MEDIA.get(path.suffix.lower())
        if media is None or not path.is_file() or path.stat().st_size > MOST_PICTURE:
            return None
        return f"data:{media};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def read_folder(path: Path) -> RunFolder:
    """Read a finished run.

    Raises
    ------
    UserError
        If there is no run.json, it is of a newer schema than this version reads, a link leaves the folder, or a file
        holds something else than it should.
    """
    if not (path / "run.json").is_file():
        raise UserError(f"{path} holds no run.json: it is no finished run; give a run folder, or resume this one.")
    refuse_links(path)
    run = read_json(path / "run.json")
    if not isinstance(run, dict) or type(run.get("schema")) is not int:
        raise UserError(f"{path / 'run.json'} has no schema number; the file is damaged or is no run of Headstart.")
    if run["schema"] > SCHEMA:
        raise UserError(f"{path} was written by a newer Headstart (schema {run['schema']}); upgrade to read it.")
    require(run, RUN, path / "run.json")
    plan = read_checked(path / "plan.json", PLAN) if (path / "plan.json").is_file() else None
    race = read_checked(path / "race.json", RACE) if (path / "race.json").is_file() else None
    lines, predictions = _lines(path / "metrics.jsonl"), _predictions(path, run)
    return RunFolder(path, run, plan, lines, predictions, _evidence(path), race)


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    lines = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                value = json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                if os.fstat(file.fileno()).st_size == file.tell():  # a run that was killed may leave half a line
                    break
                raise UserError(f"{path}, line {number}, is no JSON; the file is damaged or was edited.") from None
            lines.append(require(value, METRIC_LINE, f"{path}, line {number}"))
    return lines


def _evidence(path: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for part, rule in EVIDENCE.items():
        file = path / "evidence" / f"{part}.json"
        if file.is_file():
            found[part] = read_checked(file, rule)
    return found


def _predictions(path: Path, run: dict[str, Any]) -> Predictions | None:
    file = path / "predictions.parquet"
    if not file.is_file():
        return None
    with unusable(file, "it is no table of predictions as a run writes it"):
        return _read_predictions(file, run)


def _read_predictions(file: Path, run: dict[str, Any]) -> Predictions | None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    arm = (run.get("guard") or {}).get("kept") or run.get("chosen")
    try:
        table = parquet.read_table(file, columns=COLUMNS, filters=[("arm", "=", arm), ("split", "=", "test")])
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error)) from error
    seeds = table.column("seed").to_pylist()
    if not seeds:
        return None
    wanted = (run.get("guard") or {}).get("seed", run.get("seed"))
    seed = wanted if wanted in seeds else seeds[0]
    rows = table.filter(np.array([s == seed for s in seeds])).to_pydict()
    space = space_of(run)
    values = np.array(rows["probabilities"], dtype=np.float64).reshape(len(rows["name"]), space.n_kept)
    if not np.isfinite(values).all():
        raise ValueError("probabilities that are not finite")
    return Predictions([str(n) for n in rows["name"]], space.read_answers(rows["label"]), values)


def space_of(run: dict[str, Any]) -> LabelSpace:
    """Return the label space of a run's task; a run that does not name its kind classifies."""
    task = run.get("task") or {}
    space = KINDS[task.get("kind") or "classification"]
    return space(tuple(task.get(space.names_in) or ()))
