"""Plausible run folders of every task, written as docs/run.md says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

DIGITS = [str(i) for i in range(10)]
ARMS = {
    "scratch": ("From scratch", 0.77, 30, 92_000, ["He et al., Deep Residual Learning, CVPR 2016, arXiv:1512.03385"]),
    "probe": (
        "Probe on frozen features",
        0.90,
        0,
        650,
        ["Alain and Bengio, Understanding intermediate layers, arXiv:1610.01644"],
    ),
    "lp_ft": (
        "LP-FT: head first, then the last stages",
        0.94,
        30,
        61_000,
        ["Kumar et al., Fine-Tuning can Distort, ICLR 2022, arXiv:2202.10054"],
    ),
}


def fake_run(
    path: Path,
    kind: str = "classification",
    modality: str = "image",
    classes: list[str] | None = None,
    *,
    verdict: str = "positive",
    seeds: tuple[int, ...] = (0, 1, 2),
    n: int = 300,
) -> Path:
    """Write a finished run and return its folder."""
    path.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    classes = DIGITS if classes is None else classes
    task = {
        "kind": kind,
        "classes": [] if kind == "regression" else classes,
        "targets": ["price"] if kind == "regression" else [],
    }
    run = record(task, modality, verdict, seeds, n)
    labels, values = predictions(rng, task, n)
    write_parquet(path / "predictions.parquet", run, labels, values, n)
    write_evidence(path / "evidence", rng, task, modality, labels, values)
    (path / "metrics.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in curves(rng, seeds, -1 if kind == "regression" else 1))
    )
    (path / "plan.json").write_text(json.dumps(run["plan"], ensure_ascii=False))
    (path / "run.json").write_text(json.dumps(run, ensure_ascii=False))
    return path


def record(task: dict[str, Any], modality: str, verdict: str, seeds: tuple[int, ...], n: int) -> dict[str, Any]:
    metric = {"classification": "accuracy", "multilabel": "samples_f1", "regression": "mae"}[task["kind"]]
    shares = metric != "mae"
    swap = {"positive": 1, "none": 0.02, "negative": -1}[verdict]
    tests = {name: 0.77 + (score - 0.77) * swap if name != "scratch" else 0.77 for name, (_, score, *_) in ARMS.items()}
    gain = tests["lp_ft"] - 0.77
    if not shares:
        tests = {name: 4.1 * (1.3 - value) for name, value in tests.items()}
        gain = tests["scratch"] - tests["lp_ft"]
    half = 0.02 if shares else 0.11
    arms = {
        name: {
            "method": name,
            "title": title,
            "papers": papers,
            "validation": {metric: tests[name] + 0.004},
            "test": {
                metric: tests[name],
                **({"macro_f1": tests[name] - 0.01, "ece": 0.041} if shares else {"rmse": 1.4}),
            },
            "interval": [tests[name] - half, min(tests[name] + half, 1) if shares else tests[name] + half],
            "seconds": 3.2 + epochs * 0.9,
            "epochs": epochs,
            "depth": 2,
            "trainable_parameters": trainable,
            "parameters": 92_650,
            "frozen": {"stages": ["stem"] if name == "lp_ft" else [], "unchanged": True},
            "seeds": [
                {
                    "seed": s,
                    "validation": {metric: tests[name]},
                    "test": {metric: tests[name] + 0.003 * s},
                    "seconds": 9.0,
                }
                for s in seeds
            ],
        }
        for name, (title, _, epochs, trainable, papers) in ARMS.items()
    }
    counts = dict.fromkeys(task["classes"], 5) or {"rows": 50}
    tests_per = {name: n // len(counts) for name in counts}
    kept = "scratch" if verdict == "negative" else "lp_ft"
    ps = {"positive": 1e-9, "none": 0.61, "negative": 0.002}
    found = {"kind": verdict, "gain": gain, "interval": [gain - half, gain + half], "p": ps[verdict]}
    found |= {"arm": "lp_ft", "baseline": "scratch", "interval_kind": "bootstrap"}
    same = {"kind": "none", "gain": 0.0, "interval": [0.0, 0.0], "p": 1.0, "arm": "scratch", "interval_kind": "same"}
    return {
        "schema": 1,
        "headstart": "0.1.0",
        "created": "2026-11-20T12:00:00+00:00",
        "seconds": 41.2,
        "command": ["fit", "digits and more/", "--source", "headstart/glyphs", "--seeds", str(len(seeds))],
        "arguments": {"source": "headstart/glyphs", "seed": 0, "budget": None},
        "seed": 0,
        "seeds": list(seeds),
        "versions": {"python": "3.11.7", "torch": "2.15.0", "scikit-learn": "1.9.1"},
        "device": "cpu",
        "precision": "no",
        "task": task,
        "modality": modality,
        "source": {
            "spec": "headstart/glyphs",
            "kind": "bundled",
            "title": "letters in printed fonts",
            "licence": "Apache-2.0",
        },
        "setting": {
            "scenario": "inductive",
            "space": "homogeneous",
            "carries": "parameters",
            "reasons": {
                "scenario": "The tasks differ (letters against digits) and the target is labelled.",
                "space": "Both are images, brought into one space by the source's preprocessing.",
                "carries": "The network's weights are the start of training.",
            },
        },
        "shift": {
            "auc": 0.98,
            "interval": [0.97, 0.99],
            "mmd": 0.21,
            "p": 0.01,
            "n_source": 256,
            "n_target": 244,
            "words": "far apart",
        },
        "data": {
            "name": "Handwritten digits",
            "origin": "digits/",
            "fingerprint": "b2:5a1f09c27d3e44c0",
            "counts": {"train": counts, "validation": dict.fromkeys(counts, 4), "test": tests_per},
            "splits": {"train": sum(counts.values()), "validation": 4 * len(counts), "test": n},
            "imbalance": 1.0,
            "damaged": [{"name": "3/broken.jpg", "reason": "the file ends early"}],
            "odd": [{"name": "7/cmyk.jpg", "what": "CMYK, converted to RGB"}],
            "duplicates": {
                "exact": [["1/a.png", "1/b.png"]],
                "near": [],
                "across_splits": [],
                "n_exact": 1,
                "n_near": 0,
                "n_across_splits": 0,
            },
            "selection": "validation split",
        },
        "plan": {
            "method": "lp_ft",
            "depth": 2,
            "epochs": {"scratch": 30, "lp_ft": 30},
            "learning_rate": {"scratch": 0.002, "lp_ft": 0.001},
            "batch_size": 16,
            "folds": 0,
            "arms": list(ARMS),
            "reasons": [
                "There are about 5 training labels per class, and the network is small (92,650 parameters), so it is "
                "cheap to train: all stages learn, after the head (LP-FT).",
                "Arms are compared on the validation split; the test split is touched once, by the verdict.",
            ],
        },
        "chosen": "lp_ft",
        "arms": arms,
        "baselines": {"majority": {metric: 0.1}} if task["kind"] == "classification" else {},
        "verdict": found
        | {"planned": None, "transfers": True}
        | (same | {"planned": found, "transfers": False} if kept == "scratch" else {})
        | {"metric": metric, "n_test": n, "chosen": "lp_ft", "note": "", "sentence": "written by the run"},
        "guard": {"kept": kept, "reason": f"{kept} was best on the validation split (94.4% against 77.4%)."},
        "warnings": ["The test split has only 49 samples, so the interval is wide."],
    }


def predictions(rng: np.random.Generator, task: dict[str, Any], n: int) -> tuple[Any, np.ndarray]:
    if task["kind"] == "regression":
        true = rng.gamma(4, 3, (n, 1))
        return true, true + rng.normal(0, 1.2, (n, 1))
    k = len(task["classes"])
    if task["kind"] == "multilabel":
        true = (rng.random((n, k)) < 0.3).astype(float)
        return true, 1 / (1 + np.exp(-(4 * true - 2 + rng.normal(0, 1.4, (n, k)))))
    true = rng.integers(0, k, n)
    logits = rng.normal(0, 1.0, (n, k)) + 4.2 * np.eye(k)[true]
    return true, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def told(task: dict[str, Any], label: Any) -> str:
    if task["kind"] == "classification":
        return task["classes"][int(label)]
    if task["kind"] == "multilabel":
        return "|".join(name for name, on in zip(task["classes"], label, strict=True) if on)
    return "|".join(f"{value:.6g}" for value in label)


def write_parquet(path: Path, run: dict[str, Any], labels: Any, values: np.ndarray, n: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "arm": arm,
            "seed": seed,
            "split": "test",
            "name": f"test/{i}.png",
            "label": told(run["task"], labels[i]),
            "prediction": "",
            "confidence": None,
            "probabilities": values[i].tolist(),
        }
        for arm in run["arms"]
        for seed in run["seeds"]
        for i in range(n)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)


def curves(rng: np.random.Generator, seeds: tuple[int, ...], sign: int) -> list[dict[str, Any]]:
    lines = []
    for arm, (_, top, epochs, *_) in ARMS.items():
        for seed in seeds:
            for epoch in range(1, epochs + 1):
                head = arm == "lp_ft" and epoch <= 8
                start = 0.88 if arm == "lp_ft" else 0.15
                score = start + (top - start) * (1 - np.exp(-epoch / 7)) + rng.normal(0, 0.006)
                lines.append(
                    {
                        "arm": arm,
                        "seed": seed,
                        "fold": None,
                        "stage": "train the head" if head else "fine-tune",
                        "step": epoch * 4,
                        "epoch": float(epoch if head or arm == "scratch" else epoch - 8),
                        "train_loss": float(2.3 * np.exp(-epoch / 6)),
                        "validation_loss": float(0.3 + 2 * np.exp(-epoch / 6)),
                        "validation_score": float(score if sign > 0 else score - 2),
                        "learning_rate": 1e-3,
                        "seconds": 0.4 * epoch,
                    }
                )
            if not epochs:
                lines.append(
                    {
                        "arm": arm,
                        "seed": seed,
                        "fold": None,
                        "stage": "train the head",
                        "step": 0,
                        "epoch": 0,
                        "train_loss": None,
                        "validation_loss": 0.41,
                        "validation_score": top,
                        "seconds": 0.2,
                    }
                )
    return lines


def write_evidence(
    folder: Path, rng: np.random.Generator, task: dict[str, Any], modality: str, labels: Any, values: Any
) -> None:
    folder.mkdir()
    shown = [raw(folder, rng, modality, i) for i in range(12)]
    names = [told(task, label).split("|") for label in labels]
    one = task["kind"] == "classification"
    items = [
        {
            "name": f"test/{i}.png",
            "label": names[i][0] if one else names[i],
            "confidence": 0.98 - i / 40,
            "prediction": task["classes"][0] if task["classes"] else [float(values[i][0])],
            **shown[i],
        }
        for i in range(12)
    ]
    if task["kind"] == "regression":
        for i, item in enumerate(items):
            item.pop("confidence")
            item["label"] = [float(labels[i][0])]
    count = min(len(labels), 200)
    points = {}
    for when, pull in (("before", 1.2), ("after", 6.0)):
        centre = np.array([[np.cos(i * 0.7), np.sin(i * 0.7)] for i in range(max(len(task["classes"]), 1))])
        which = np.asarray(labels[:count]) if one else np.zeros(count, dtype=int)
        points[when] = (centre[which] * pull + rng.normal(0, 1.0, (count, 2))).tolist()
    write(
        folder / "map.json",
        {
            "layout": "t-SNE",
            "n": count,
            "n_test": len(labels),
            "points": points,
            "agreement": {"before": 0.71, "after": 0.93} if one else {"before": None, "after": None},
            "labels": np.asarray(labels[:count]).tolist(),
            "names": [f"test/{i}.png" for i in range(count)],
        },
    )
    write(folder / "mistakes.json", {"items": items})
    write(folder / "saliency.json", saliency(folder, rng, modality, task))


def raw(folder: Path, rng: np.random.Generator, modality: str, i: int) -> dict[str, Any]:
    if modality == "image":
        name = f"mistake-{i:02d}.png"
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).resize((160, 160), Image.Resampling.NEAREST).save(
            folder / name
        )
        return {"picture": name}
    if modality == "text":
        return {
            "text": "I wanted to like this book, and the first chapter is lovely; but the rest never gets going. " * 4
        }
    return {"row": {"age": 41, "height": 1.8, "city": "Zürich", "score": None}}


def saliency(folder: Path, rng: np.random.Generator, modality: str, task: dict[str, Any]) -> dict[str, Any]:
    about = (task["classes"] or task["targets"])[0]
    if modality == "text":
        words = [
            ["I", 0.1],
            ["wanted", -0.3],
            ["to", 0.0],
            ["love", 1.0],
            ["this", 0.05],
            ["dull", -0.8],
            ["book", 0.4],
        ]
        return {
            "modality": "text",
            "method": "integrated gradients on the word embeddings",
            "items": [{"name": "row 3", "about": about, "words": words * 5}] * 2,
        }
    if modality == "table":
        weights = [["age", 0.8], ["height", -0.4], ["city", 0.02]]
        return {
            "modality": "table",
            "method": "feature ablation",
            "items": [{"name": "row 3", "about": about, "weights": weights}] * 2,
        }
    items = []
    for i in range(6):
        for stem in (f"saliency-{i}", f"saliency-{i}-input"):
            Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).resize((192, 192)).save(
                folder / f"{stem}.png"
            )
        items.append(
            {
                "name": f"test/{i}.png",
                "about": about,
                "picture": f"saliency-{i}-input.png",
                "overlay": f"saliency-{i}.png",
            }
        )
    return {"modality": "image", "method": "integrated gradients on the pixels", "items": items}


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False))


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    return lambda *args, **options: fake_run(tmp_path / "run", *args, **options)
