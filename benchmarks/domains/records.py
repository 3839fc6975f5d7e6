"""One record per cell in ``results/NAME``: what was measured, on what, and each test row's outcome."""

from __future__ import annotations

import base64
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, store

RESULTS = Path(__file__).resolve().parent / "results"
KEY = ("benchmark", "pair", "library", "method", "head", "labels", "seed")
Key = tuple[Any, ...]
Record = dict[str, Any]


def key(record: Record) -> Key:
    """Return what a cell is known by."""
    return tuple(record[name] for name in KEY)


def read(name: str, folder: Path = RESULTS) -> list[Record]:
    """Return the cells of one file; the last measurement of a cell counts."""
    found: dict[Key, Record] = {}
    for record in store.read(name, folder):
        found[key(record) if all(k in record for k in KEY) else (len(found),)] = record
    return list(found.values())


def append(name: str, record: Record, folder: Path = RESULTS) -> None:
    """Add one cell."""
    store.append(name, record, folder)


def pack(values: np.ndarray, kind: str) -> str:
    """Return each test row's outcome as text: hits as bits, absolute errors as half-precision numbers."""
    raw = np.packbits(values.astype(bool)) if kind == "classification" else values.astype("<f2")
    return base64.b64encode(raw.tobytes()).decode()


def unpack(record: Record) -> np.ndarray:
    """Return each test row's outcome [n_test]: 1 or 0, or the absolute error."""
    raw = base64.b64decode(record["rows"])
    if record["kind"] == "classification":
        return np.unpackbits(np.frombuffer(raw, np.uint8))[: record["n_test"]].astype(float)
    return np.frombuffer(raw, "<f2").astype(float)


def scores(truth: np.ndarray, predicted: np.ndarray, kind: str, *, rows: bool) -> Record:
    """Return accuracy, or mean absolute error and R2; with each row's outcome if asked."""
    if kind == "classification":
        each = np.asarray(predicted) == truth
        out: Record = {"accuracy": float(each.mean())}
    else:
        each = np.abs(np.asarray(predicted, dtype=float) - truth)
        unexplained = np.square(each).sum() / np.square(truth - truth.mean()).sum()
        out = {"mae": float(each.mean()), "r2": float(1 - unexplained)}
    return out | ({"rows": pack(each, kind)} if rows else {})


@cache
def about(*packages: str) -> Record:
    """Return date, machine, versions and commit."""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {**machine.describe(*packages), "commit": git.stdout.strip()}
