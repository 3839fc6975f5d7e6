"""What the report shows beside numbers: a map of the features, the worst mistakes, saliency."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headstart.networks.network import Network
from headstart.report.feature_map import Encode, feature_map
from headstart.report.pictures import show
from headstart.report.saliency import saliency
from headstart.storage import write_json
from headstart.tasks import TaskLogic

MISTAKES = 12
EXPLAINED = 6
SHARES = {"mistakes": 0.1, "saliency": 0.35, "map": 0.55}
"""Parts by the share that each takes of the seconds expected of all."""


def collect(
    run_dir: str | Path,
    *,
    before: Network,
    after: Network,
    logic: TaskLogic,
    dataset: Any,
    rows: np.ndarray,
    predictions: np.ndarray,
    seed: int = 0,
    encode: Encode | None = None,
    spare: Callable[[], float] = lambda: math.inf,
    expected: float = 0.0,
) -> None:
    """Write ``evidence/map.json``, ``mistakes.json``, ``saliency.json`` and their pictures.

    A part that does not apply to this network, or fails, is left out with a note in its file: the report is worth
    less than the run, so nothing here may end it.

    Parameters
    ----------
    run_dir : the run folder.
    before : the source's network as it was before training.
    after : the network that was kept, with its head.
    logic : the task's torch side.
    dataset : the checked target, `headstart.data.Dataset`.
    rows : [n] row numbers of the test split.
    predictions : [n, k] what ``after`` predicts on ``rows``: probabilities, or values in the target's units.
    seed : chooses the subsample of the map and its layout.
    encode : features of the source's network, read from a cache where there is one.
    spare, expected : seconds that are left, and seconds that all parts are expected to take: what would not fit is left
        out.
    """
    folder = Path(run_dir) / "evidence"
    rows, of_rows = np.asarray(rows), np.ndim(predictions) == 2
    predictions = np.asarray(predictions, dtype=np.float64 if of_rows else None)
    labels = dataset.labels(rows)
    ranked = logic.ranked(predictions, labels)
    classes = logic.by_class(predictions, labels)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "mistakes": lambda: {"items": mistakes(folder, logic, dataset, rows, predictions, ranked)},
    }
    if classes is not None:
        parts["classes"] = lambda: classes
    if of_rows:  # an answer in space has no one output to explain, and no one label to colour a point by
        parts["saliency"] = lambda: saliency(folder, after, logic, dataset, _explained(rows, predictions, ranked))
        parts["map"] = lambda: feature_map(before, after, dataset, rows, seed, encode)
    for name, part in parts.items():
        started = time.perf_counter()
        try:
            value = part() if spare() >= SHARES.get(name, 0.0) * expected else {"note": LEFT_OUT}
        except Exception as error:
            value = {"note": f"This part could not be made ({type(error).__name__}: {error})."}
        write_json(folder / f"{name}.json", value | {"seconds": round(time.perf_counter() - started, 3)})


LEFT_OUT = "This part was left out, since the budget was spent before it; give more with --budget."


def mistakes(
    folder: Path,
    logic: TaskLogic,
    dataset: Any,
    rows: np.ndarray,
    predictions: np.ndarray,
    ranked: np.ndarray,
) -> list[dict[str, Any]]:
    """Return up to `MISTAKES` items: name, label, prediction, confidence, and the input as picture, text or row."""
    chosen = ranked[:MISTAKES]
    raws, names, labels = dataset.raw(rows[chosen]), dataset.names(rows[chosen]), dataset.labels(rows[chosen])
    return [
        {
            "name": names[i],
            **logic.told(predictions[at], labels[i]),
            **show(folder, f"mistake-{i:02d}", logic.shown(raws[i], predictions[at], labels[i]), logic.shown_side),
        }
        for i, at in enumerate(chosen)
    ]


def _explained(rows: np.ndarray, predictions: np.ndarray, ranked: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Choose test rows to explain: two of the worst mistakes, then evenly spread over the rest."""
    rest = np.setdiff1d(np.arange(len(rows)), ranked[:2])
    take = min(EXPLAINED - min(2, len(ranked)), len(rest))
    spread = rest[np.linspace(0, len(rest) - 1, take).round().astype(int)] if take else rest[:0]
    return [(int(rows[at]), predictions[at]) for at in [*spread, *ranked[:2]]]
