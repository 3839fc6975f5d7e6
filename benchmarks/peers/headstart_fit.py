"""Headstart, left to its own plan: `hs.fit` with nothing said but the source and the budget.

Its clock runs over checks, shift, plan, features and training; it stands still while the test split is predicted and
the report is written, as the other contenders' clocks do. The cache starts empty in every cell.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers.clock import Clock, cpu_seconds
from benchmarks.peers.tasks import Cell, Item, draw, encoder, weights


def lay_out(cell: Cell, folder: Path) -> None:
    """Write the cell as Headstart reads it: ``train|test/class/NUMBER.ext``, or ``train|test.jsonl``."""
    for part, items in (("train", cell.train), ("test", cell.data.test)):
        if cell.data.modality == "text":
            lines = [json.dumps({"text": item.x, "label": item.label}) + "\n" for item in items]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{part}.jsonl").write_text("".join(lines), encoding="utf-8")
        else:
            for number, item in enumerate(items):
                path = folder / part / item.label / f"{number:05d}{Path(item.x).suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(item.x, path)


def source(modality: str) -> dict[str, str]:
    """Return the options that name the pretrained network."""
    if modality == "text":
        return {"source": f"hf/{encoder()}"}
    return {"source": f"file:{weights()}", "network": "torchvision/mobilenet_v2"}


def stretch() -> float:
    """Return wall seconds per CPU second now: ``--budget`` is wall time, and other programs may be running."""
    import torch

    a, wall, cpu = torch.randn(400, 400), time.perf_counter(), cpu_seconds()
    while cpu_seconds() - cpu < 0.5:
        a = torch.tanh(a @ a)
    return max(1.0, (time.perf_counter() - wall) / (cpu_seconds() - cpu))


def answers(run: Any, arm: str, items: list[Item]) -> list[str]:
    """Return the arm's predicted class names, in the order of the test items."""
    import pyarrow.parquet as pq

    rows = [row for row in pq.read_table(run.path / "predictions.parquet").to_pylist() if row["arm"] == arm]
    if len(rows) != len(items):
        raise RuntimeError(f"{len(rows)} predictions for {len(items)} test items")
    if cell_is_text(rows):
        return [row["prediction"] for row in rows]
    numbered = {int(Path(row["name"]).stem): row["prediction"] for row in rows}
    return [numbered[i] for i in range(len(items))]


def cell_is_text(rows: list[dict[str, Any]]) -> bool:
    """Whether the names are rows of a file, which come in the file's order."""
    return ".jsonl" in rows[0]["name"]


def fit(cell: Cell, arms: tuple[str, ...], budget: float) -> dict[str, Any]:
    """Run `headstart.fit` on the cell with ``arms``; return predictions of the arm that stands for transfer."""
    import headstart
    from headstart.workflow import fit as road

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HEADSTART_CACHE"] = str(folder / "cache")
        lay_out(cell, folder / "data")
        wall = budget * stretch()
        clock = Clock()
        conclude = road.conclude
        road.conclude = _paused(clock, conclude)
        try:
            run = headstart.fit(
                str(folder / "data"),
                **source(cell.data.modality),
                budget=f"{wall:.1f}s",
                arms=arms,
                seed=cell.seed,
                out=folder / "run",
                device="cpu",
                quiet=True,
            )
        finally:
            road.conclude = conclude
        seconds, whole = clock.seconds, clock.seconds + clock.free
        return _outcome(run, cell, seconds, whole)


def _paused(clock: Clock, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*given: Any, **named: Any) -> Any:
        with clock.paused():
            return function(*given, **named)

    return wrapped


def _outcome(run: Any, cell: Cell, seconds: float, whole: float) -> dict[str, Any]:
    kept = run.result["guard"]["kept"]
    plan = run.result["plan"]
    arms = {name: {"test": arm["test"]["accuracy"], "seconds": arm["seconds"]} for name, arm in run.arms.items()}
    choice = {"method": plan["method"], "depth": plan["depth"], "kept": kept, "whole": round(whole, 2), "arms": arms}
    return {"predicted": answers(run, kept, cell.data.test), "seconds": seconds, "curve": [], "choice": choice}


def warm_up(cell: Cell) -> None:
    """Load the libraries, which import late, by a fit on a few samples that is not counted."""
    few = replace(cell.data, pool=draw(cell.data.pool, 3, 0), test=draw(cell.data.test, 2, 0))
    fit(Cell(few, "all", 0), ("chosen",), 1.0)


_warm: set[str] = set()


def measure(cell: Cell, arms: tuple[str, ...] = ("probe", "chosen"), shares: int = 1) -> dict[str, Any]:
    """Train the planned method and the probe, of which the guard hands back one: the comparable fit."""
    if cell.data.modality not in _warm:
        _warm.add(cell.data.modality)
        warm_up(cell)
    return fit(cell, arms, shares * cell.budget)
