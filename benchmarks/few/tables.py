"""Several tasks, and half-labelled targets, on small tables: ``python -m benchmarks.few.tables DATA WHAT [--seed N]``.

``tasks``: 3,000 rows (adult, bike; wine has 3,000 too); every task alone and all together, 10 epochs.
``half``: adult, 20 labels per class and 2,000 rows without labels: a source learned without labels (SCARF) from those
rows, then the labels alone and every half-labelled method, on 1,000 test rows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import data_folder

ROWS, EPOCHS = 3000, 10
METHODS = "equal,uncertainty,rlw,pcgrad,nash_mtl"
ADULT = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
]  # fmt: skip
WINE = [
    "fixed", "volatile", "citric", "sugar", "chlorides", "free", "total", "density", "ph", "sulphates", "alcohol",
    "quality",
]  # fmt: skip


def table(name: str, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Return rows drawn by the seed, and the label columns."""
    root = data_folder() / "tabular"
    if name == "adult":
        path = root / "adult" / "adult-train.csv.gz"
        first = pd.read_csv(path, nrows=1, header=None)
        header = 0 if "income" in {str(cell).strip().lower() for cell in first.iloc[0]} else None
        frame = pd.read_csv(path, header=header, names=ADULT, skipinitialspace=True)
        frame, labels = frame.drop(columns=["fnlwgt", "education"]), ["income", "hours_per_week", "education_num"]
    elif name == "bike":
        frame = pd.read_csv(root / "bike_sharing" / "hour.csv")
        frame = frame.drop(columns=["instant", "dteday", "cnt", "time_segment", "day_type"])
        labels = ["casual", "registered"]
    else:
        white = pd.read_csv(root / "wine_quality" / "winequality-white.csv", header=None, names=WINE)
        frame, labels = white.astype(float), ["quality", "alcohol", "density"]
    return frame.sample(min(ROWS, len(frame)), random_state=seed).reset_index(drop=True), labels


def tasks(name: str, seed: int, folder: Path, methods: str) -> None:
    frame, labels = table(name, seed)
    before = time.process_time()
    run = hs.fit(
        frame, label=labels, method=methods, epochs=EPOCHS, seed=seed, budget="20m", out=folder / name, quiet=True
    )
    assert run is not None
    found = run.result["multitask"]
    about = {"data": name, "seed": seed, "best": found["best"], "delta_m": found["delta_m"], "tasks": found["tasks"]}
    about |= {"methods": methods} if methods != METHODS else {}
    record("tasks", about | {"rows": len(frame), "cpu": round(time.process_time() - before, 1)})
    print("\n".join(found["lines"]), flush=True)


def half(name: str, seed: int, folder: Path) -> None:
    frame, labels = table(name, seed)
    frame = frame.rename(columns={labels[0]: "label"})
    test, blind = frame[:1000], frame[1000:].drop(columns="label")
    known = frame[1000:].groupby("label").head(25)  # the split leaves 20 or so to learn from
    before = time.process_time()
    source = hs.pretrain(
        blind, network="headstart/tabular", method="scarf", seed=seed, epochs=10, out=folder / "source", quiet=True
    )
    assert source is not None
    run = hs.fit(
        known, source=str(source.path), test=test, unlabelled=blind, label="label", seed=seed, budget="20m",
        out=folder / name, quiet=True,
    )  # fmt: skip
    assert run is not None
    arms = {arm: value["test"]["accuracy"] for arm, value in run.arms.items()}
    kept = run.result["guard"]["kept"]
    about = {"data": name, "seed": seed, "labels": len(known), "unlabelled": run.result["half_labelled"]["n"]}
    told = {"arms": arms, "kept": kept, "comparison": run.result["half_labelled"]["comparison"], "n": len(test)}
    record("half", about | told | {"cpu": round(time.process_time() - before, 1)})


def record(what: str, about: dict[str, Any]) -> None:
    store.append("few_tables", {"what": what} | about | machine.describe("torch", "headstart"))
    print(what, {key: value for key, value in about.items() if key != "tasks"}, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", choices=("adult", "bike", "wine"))
    parser.add_argument("what", choices=("tasks", "half"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", default=METHODS, help="of tasks together")
    args = parser.parse_args()
    cell = {"what": args.what, "data": args.data, "seed": args.seed}
    done = [one for one in store.read("few_tables") if cell.items() <= one.items()]
    if any(args.what == "half" or one.get("methods", METHODS) == args.methods for one in done):
        return
    with tempfile.TemporaryDirectory() as folder:
        if args.what == "tasks":
            tasks(args.data, args.seed, Path(folder), args.methods)
        else:
            half(args.data, args.seed, Path(folder))


if __name__ == "__main__":
    main()
