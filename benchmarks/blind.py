"""README's three targets once more, on draws that nobody has looked at: ``python -m benchmarks.blind [NAME ...]``.

Digits of `headstart demo`, ants and bees, and book reviews, each pooled and drawn anew by `SEED`, which nothing was
settled on; all else is the default of ``headstart fit`` for anybody who types it. Resumable; ants and bees and reviews
need HEADSTART_DATA, reviews HEADSTART_SOURCES with ``all_minilm_l6_v2`` too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import WEIGHTS, data_folder
from headstart.data.demo import write_demo

NAME, SEED = "blind", 2026
WORDS, LEARNED, TESTED = 100, 1200, 400


def digits(place: Path) -> tuple[Path, dict[str, Any]]:
    """Return the demo's own data with another pool of 85 of each, and the demo's own settings."""
    write_demo(place / "digits", seed=SEED, per_class=85)
    return place / "digits", {"source": "headstart/glyphs", "shots": 5, "epochs": 30, "seeds": 3}


def insects(place: Path) -> tuple[Path, dict[str, Any]]:
    """Return ants and bees, 244 to learn from and 153 to test on as in their own split, but others."""
    with tarfile.open(data_folder() / "hymenoptera/hymenoptera_256.tar") as archive:
        archive.extractall(place / "whole", filter="data")
    files = sorted((place / "whole").glob("*/*/*/*.*"))
    order = np.random.default_rng(SEED).permutation(len(files))
    for number, row in enumerate(order.tolist()):
        part = "train" if number < 244 else "test"
        path = place / "insects" / part / files[row].parent.name / f"{row}{files[row].suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        files[row].rename(path)
    weights = {"source": f"file:{data_folder() / WEIGHTS}", "network": "torchvision/mobilenet_v2"}
    return place / "insects", weights


def reviews(place: Path) -> tuple[Path, dict[str, Any]]:
    """Return reviews of books, their first 100 words, 1,200 to learn from and 400 to test on."""
    with gzip.open(data_folder() / "amazon_reviews/amazon_raw_4domains.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["domain"] == "books"]
    frame = pd.DataFrame({"text": [" ".join(f"{row['title']}. {row['text']}".split()[:WORDS]) for row in rows],
                          "label": ["good" if int(row["label"]) else "bad" for row in rows]})  # fmt: skip
    frame = frame.drop_duplicates("text").sample(LEARNED + TESTED, random_state=SEED)
    frame["split"] = ["train"] * LEARNED + ["test"] * TESTED
    frame.to_csv(place / "reviews.csv", index=False)
    return place / "reviews.csv", {
        "source": f"hf/{Path(os.environ['HEADSTART_SOURCES']) / 'all_minilm_l6_v2'}", "budget": "15m",
    }  # fmt: skip


TARGETS: dict[str, Callable[[Path], tuple[Path, dict[str, Any]]]] = {
    "digits": digits,
    "ants and bees": insects,
    "book reviews": reviews,
}


def measure(name: str) -> dict[str, Any]:
    """Fit once; return what the run says."""
    with tempfile.TemporaryDirectory() as place:
        data, settings = TARGETS[name](Path(place))
        before = resource.getrusage(resource.RUSAGE_SELF)
        run = hs.fit(data, seed=SEED, out=Path(place) / "run", **settings)
        after = resource.getrusage(resource.RUSAGE_SELF)
        assert run is not None
        assert run.verdict is not None
        arms = {arm: {"test": found["test"], "steps": found.get("steps")} for arm, found in run.arms.items()}
        said = run.verdict.to_json()
        told = {key: value for key, value in settings.items() if key not in ("source", "network")}
        return {
            "target": name, "seed": SEED, "options": told, "arms": arms, "lines": run.lines(),
            "verdict": {key: said[key] for key in ("kind", "gain", "interval", "n_test", "arm", "chosen", "planned")},
            "cpu": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*TARGETS, []])
    asked = parser.parse_args()
    done = {record["target"]: record for record in store.read(NAME)}
    for name in asked.names or TARGETS:
        if name not in done:
            done[name] = measure(name) | machine.describe("torch", "headstart")
            store.append(NAME, done[name])
        print(name, *done[name]["lines"], sep="\n  ", flush=True)
    store.pack(NAME)


if __name__ == "__main__":
    main()
