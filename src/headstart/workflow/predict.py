"""Predict new samples with a run's model."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from headstart.console import speaks_utf8
from headstart.data import Dataset
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.models.saved import SavedModel
from headstart.models.verification import VerificationModel
from headstart.storage import atomic_write, write_text
from headstart.workflow.cells import is_formula, protected
from headstart.workflow.judging.predictions import plain
from headstart.workflow.run import load

ENDINGS = (".csv", ".json", ".jsonl", ".parquet")
NAMED = ("name", "prediction", "nearest", "unadapted")
"""Columns that hold names; the others hold numbers."""


@isolate
def predict_files(
    run: str | Path,
    files: list[str],
    *,
    out: Path | None = None,
    device: str | None = None,
    as_json: bool = False,
    raw_cells: bool = False,
    adapt: str | None = None,
    gallery: Any = None,
    flips: bool = False,
) -> None:
    """Predict files, folders, tables or standard input (``-``), and write CSV, JSON, JSON lines or Parquet.

    Without ``out`` the result goes to standard output: CSV, or one JSON array with ``as_json``. In CSV, a name or a
    class that a spreadsheet would run as a formula gets an apostrophe in front unless ``raw_cells``; numbers do not.
    With ``adapt``, a method at test time, the answers are those of the model adapted to these samples; the others stand
    beside them in columns whose names begin with ``unadapted``. With ``gallery``, labelled samples of known people, a
    verification says who is who. ``flips`` averages over each picture and its mirror image.
    """
    model = load(run).model
    if flips:
        model.logic.flipped()
    if not model.writes:
        refuse_ending(out)
    dataset = model.open_files(files)
    if gallery is not None or isinstance(model, VerificationModel):
        records = recognised_records(run, model, dataset, gallery, device=device)
    elif adapt is None:
        values = model.predict_proba(dataset, device=device)
        if model.written(dataset, values, out):
            return
        refuse_ending(out)
        records = _records(model, dataset, values)
    else:
        records = adapted_records(model, dataset, adapt, device=device)
    for text in dataset.warnings:
        sys.stderr.write(f"Warning: {text}\n")
    in_csv = out.suffix.lower() == ".csv" if out is not None else not as_json
    if in_csv and not raw_cells:
        records = _safe(records)
    if out is None:
        sys.stdout.write(_array(records, plain_ascii=not speaks_utf8(sys.stdout)) if as_json else _csv(records))
    elif out.suffix.lower() == ".parquet":
        _write_parquet(out, records)
    else:
        write_text(out, WRITERS[out.suffix.lower()](records))


def refuse_ending(out: Path | None) -> None:
    """Refuse a file whose ending says no form that a table is written in."""
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise UserError(f"--out {out} has no known ending; expected one of {', '.join(ENDINGS)}.")


def predict_records(model: SavedModel, dataset: Dataset, *, device: str | None = None) -> list[dict[str, Any]]:
    """Return one record per sample: name, prediction, and a probability (or value) per class (or target)."""
    return _records(model, dataset, model.predict_proba(dataset, device=device))


def _records(model: SavedModel, dataset: Dataset, values: np.ndarray) -> list[dict[str, Any]]:
    names = dataset.names(np.arange(len(dataset)))
    return [{"name": name, **record} for name, record in zip(names, model.records(dataset, values), strict=True)]


def recognised_records(
    run: str | Path, model: SavedModel, dataset: Dataset, gallery: Any, *, device: str | None = None
) -> list[dict[str, Any]]:
    """Return one record per sample: its name, who of the gallery it shows, and how similar both are."""
    if not isinstance(model, VerificationModel):
        raise UserError(
            f"--gallery names known people, and {run} answers with classes of its own; leave it out, or fit with "
            "--task verification."
        )
    if gallery is None:
        raise UserError(
            f"{run} says who is who; give the people that are known with --gallery, such as a folder per person."
        )
    names = dataset.names(np.arange(len(dataset)))
    found = model.recognise(dataset, gallery, device=device)
    return [{"name": name, **record} for name, record in zip(names, found, strict=True)]


def adapted_records(
    model: SavedModel, dataset: Dataset, adapt: str, *, device: str | None = None
) -> list[dict[str, Any]]:
    """Return records of the adapted model with the un-adapted answers beside; say on standard error what changed."""
    names = dataset.names(np.arange(len(dataset)))
    found = model.adapted(dataset, adapt, device=device)
    share = f"{found.changed} of {len(names)} answers ({found.changed / len(names):.1%})"
    print(f"headstart: --adapt {adapt} changed {share}.", file=sys.stderr)
    for text in found.warnings:
        sys.stderr.write(f"Warning: {text}\n")
    records = []
    for name, new, old in zip(names, model.told(found.after), model.told(found.before), strict=True):
        prediction = old.pop("prediction")
        beside = {"unadapted": prediction, **{f"unadapted {key}": value for key, value in old.items()}}
        records.append({"name": name, **new, **beside})
    return records


def _safe(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Protect names, classes and headers, and say so where that changed something."""
    named = [key for key in NAMED if records and key in records[0]]
    found = [
        {protected(key): protected(item) if key in named else item for key, item in record.items()}
        for record in records
    ]
    changed = sum(is_formula(plain(record[key])) for record in records for key in named)
    if changed:
        print(
            f"headstart: cells that begin with =, +, -, @ or a control character: {changed}; they have an apostrophe "
            "in front, so that no spreadsheet runs them, and --raw-cells leaves them as they are.",
            file=sys.stderr,
        )
    return found


def _csv(records: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]) if records else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(record | {key: plain(record[key]) for key in NAMED if key in record} for record in records)
    return text.getvalue()


def _lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _array(records: list[dict[str, Any]], *, plain_ascii: bool = False) -> str:
    return json.dumps(records, ensure_ascii=plain_ascii, indent=1) + "\n"


WRITERS = {".csv": _csv, ".json": _array, ".jsonl": _lines}


def _write_parquet(path: Path, records: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(records)
    atomic_write(path, lambda temporary: _write_table(table, temporary))


def _write_table(table: Any, path: Path) -> None:
    import pyarrow.parquet as pq

    with path.open("wb") as file:  # pyarrow takes no path that is not UTF-8
        pq.write_table(table, file)
