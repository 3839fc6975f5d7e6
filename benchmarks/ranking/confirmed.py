"""``python -m benchmarks.ranking.confirmed [--minutes M] [--case C]``: does fine-tuning confirm a ranking?

Three targets as a user has them: ants and bees, reviews of kitchen things, hearts of one hospital; for each at least
six sources: real weights, the bundled one, own runs, random weights. `headstart rank` orders them on the training
samples, then each is fine-tuned and tested. One record a source, resumable; needs HEADSTART_DATA, and in
HEADSTART_SOURCES a folder with ``efficientnet_lite0.safetensors``, ``all_minilm_l6_v2`` and ``stories260k``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import weightedtau

import headstart as hs
from benchmarks import machine, store
from benchmarks.ranking import tables, zoo
from benchmarks.ranking.pictures import data
from benchmarks.ranking.render import table
from headstart.storage import write_text
from headstart.workflow.ranking.ranking import SURE

NAME, PAGE = "confirmed", Path(__file__).with_name("CONFIRMED.md")
WORK = Path("build/ranking/confirmed")
WORDS, REVIEWS = 40, 200
"""Words of a review that are read, and reviews of each kind of goods that are drawn, half of them good."""
SECONDS = "90s"


class Case(NamedTuple):
    """A target, its own test data where it has some, its sources by name, and how all of them are fine-tuned."""

    target: Callable[[], Path]
    test: Callable[[], Path] | None
    sources: dict[str, Callable[[], str]]
    settings: dict[str, Any]


def given(name: str) -> Path:
    return Path(os.environ["HEADSTART_SOURCES"]) / name


def weights(path: Path, network: str) -> str:
    return f"file:{path} {network}"


def made(name: str, make: Callable[[Path], Any]) -> Path:
    """Make a folder or file of the work once."""
    path = WORK / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)
    return path


def insects(part: str) -> Path:
    def unpack(folder: Path) -> None:
        with tarfile.open(data() / "hymenoptera/hymenoptera_256.tar") as archive:
            archive.extractall(folder, filter="data")

    return made("insects", unpack) / "hymenoptera_data" / part


def office() -> Path:
    """Return things of a shop as a folder of pictures: 30 of each of 10 classes."""

    def unpack(folder: Path) -> None:
        with tarfile.open(data() / "office_caltech10/images_128.tar") as archive:
            names = [m for m in archive.getmembers() if m.isfile() and "/amazon/" in f"/{m.name}"]
            for kind in sorted({Path(m.name).parent.name for m in names}):
                for one in [m for m in names if Path(m.name).parent.name == kind][:30]:
                    path = folder / kind / Path(one.name).name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive.extractfile(one).read())  # type: ignore[union-attr]

    return made("office", unpack)


def reviews(goods: str, shuffled: bool = False) -> Path:
    """Return the first words of reviews of one kind of goods."""

    def write(path: Path) -> None:
        with gzip.open(data() / "amazon_reviews/amazon_raw_4domains.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [row for row in map(json.loads, file) if row["domain"] == goods]
        frame = pd.DataFrame({"text": [" ".join(r["text"].split()[:WORDS]) for r in rows],
                              "label": ["good" if int(r["label"]) else "bad" for r in rows]})  # fmt: skip
        frame = frame[frame["text"].str.len() > 0].drop_duplicates("text")
        frame = frame.groupby("label").sample(REVIEWS // 2, random_state=0).sample(frac=1, random_state=0)
        if shuffled:
            frame["label"] = frame["label"].sample(frac=1, random_state=1).to_numpy()
        frame.to_csv(path, index=False)

    return made(f"{goods}{'-shuffled' if shuffled else ''}.csv", write)


def run(name: str, target: Callable[[], Path], source: str, **settings: Any) -> str:
    """Return a run of the user's own, trained once."""
    spec, _, network = source.partition(" ")

    path = WORK / "runs" / name
    if not (path / "run.json").is_file():
        hs.fit(target(), source=spec, network=network or None, out=path, arms="chosen", budget=SECONDS, quiet=True,
               views=1, force=True, **settings)  # fmt: skip
    return str(path)


def squeezenet() -> str:
    return weights(
        data() / "weights/imagenet_squeezenet/squeezenet1_0_torchvision.safetensors", "torchvision/squeezenet1_0"
    )


def stories() -> str:
    return f"hf/{given('stories260k')}"


PICTURES: dict[str, Callable[[], str]] = {
    "MobileNetV2": lambda: weights(
        data() / "weights/imagenet_mobilenet_v2/mobilenet_v2_torchvision_bn.safetensors", "torchvision/mobilenet_v2"
    ),
    "EfficientNet-Lite 0": lambda: weights(given("efficientnet_lite0.safetensors"), "timm/tf_efficientnet_lite0"),
    "SqueezeNet 1.0": squeezenet,
    "SqueezeNet 1.1": lambda: weights(
        data() / "weights/imagenet_squeezenet/squeezenet1_1_features_only.safetensors", "torchvision/squeezenet1_1"
    ),
    "own run: SqueezeNet 1.0 on things of a shop": lambda: run(
        "office", office, squeezenet(), method="lp_ft", depth=4, epochs=5
    ),
    "headstart/glyphs": lambda: "headstart/glyphs",
}
TEXTS: dict[str, Callable[[], str]] = {
    "MiniLM": lambda: f"hf/{given('all_minilm_l6_v2')}",
    "stories260K": stories,
    "own run: stories260K on electronics": lambda: run(
        "electronics", lambda: reviews("electronics"), stories(), method="finetune", depth="all", epochs=8
    ),
    "own run: stories260K on books": lambda: run(
        "books", lambda: reviews("books"), stories(), method="finetune", depth="all", epochs=8
    ),
    "own run: MiniLM on electronics": lambda: run(
        "minilm-electronics", lambda: reviews("electronics"), f"hf/{given('all_minilm_l6_v2')}", method="lp_ft",
        depth=1, epochs=5
    ),
    "own run: stories260K on shuffled labels": lambda: run(
        "shuffled", lambda: reviews("electronics", shuffled=True), stories(), method="finetune", depth="all", epochs=8
    ),
}  # fmt: skip
TABLES: dict[str, Callable[[], str]] = {
    f"own run: {name}": lambda name=name: str(tables.source(name))
    for name in tables.SOURCES if tables.fellow("cleveland", name)
}  # fmt: skip
TRANSFER: dict[str, Any] = {"method": "lp_ft", "epochs": 6, "views": 1}
CASES = {
    "ants and bees": Case(lambda: insects("train"), lambda: insects("val"), PICTURES, TRANSFER),
    "reviews of kitchen things": Case(lambda: reviews("kitchen"), None, TEXTS, TRANSFER),
    "hearts of Cleveland": Case(
        lambda: tables.written("cleveland"), None, TABLES, {"method": "finetune", "epochs": 20, "shots": 20, "seeds": 3}
    ),
}


def ranked(name: str, case: Case) -> dict[str, Any]:
    """Rank the sources as a user would, write the ranking's files, and return its JSON with names for people."""
    sources = {title: make() for title, make in case.sources.items()}
    began = time.process_time()
    found = hs.rank(case.target(), list(sources.values()), seed=0, out=WORK / f"ranking-{name.split()[0]}", quiet=True)
    print(*found.lines(), sep="\n", flush=True)
    specs = {line.partition(" ")[0]: title for title, line in sources.items()}
    said = found.to_json()
    for one in said["candidates"]:
        one["name"] = specs.get(one["spec"], one["name"] if one["kind"] == "plain" else "random weights of the first")
    return {"case": name, "what": "ranking", "cpu": round(time.process_time() - began, 1)} | {
        key: said[key] for key in ("n", "candidates", "before")
    }


def tuned(name: str, case: Case, title: str) -> dict[str, Any]:
    """Fine-tune one source and return its test accuracy with the number of test samples."""
    spec, _, network = case.sources[title]().partition(" ")
    began = time.process_time()
    found = hs.fit(
        case.target(), source=spec, network=network or None, test=None if case.test is None else case.test(),
        arms="scratch,chosen" if case.test is None else "chosen", budget=SECONDS, quiet=True, force=True,
        out=WORK / "fits" / f"{name} {title}".replace(" ", "_").replace(":", ""), **case.settings,
    )  # fmt: skip
    assert found is not None
    arm = found.arms[case.settings["method"]]["test"]
    seconds = round(time.process_time() - began, 1)
    tested = found.result["data"]["splits"]["test"]
    record = {"case": name, "what": "source", "source": title, "accuracy": arm["accuracy"], "n": tested, "cpu": seconds}
    if "scratch" in found.arms:
        record["scratch"] = found.arms["scratch"]["test"]["accuracy"]
    return record


def measure(seconds: float, only: str | None) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    done = {(r["case"], r.get("source")) for r in store.read(NAME, zoo.RESULTS)}
    for name, case in reversed(CASES.items()):
        if only not in (None, name):
            continue
        if (name, None) not in done:
            store.append(NAME, ranked(name, case) | about, zoo.RESULTS)
        for title in case.sources:
            if (name, title) in done or time.monotonic() > stop:
                continue
            record = tuned(name, case, title)
            store.append(NAME, record | about, zoo.RESULTS)
            print(name, title, record["accuracy"], record["cpu"], flush=True)


def told_apart(said: dict[str, Any], truth: dict[str, float], n: int) -> dict[str, int]:
    """Return how many pairs the ranking calls sure, and how many of these fine-tuning confirms or clearly contradicts.

    A pair contradicts clearly where the later source is better by more than two standard errors of a difference of
    two independent shares.
    """
    names, before = [one["name"] for one in said["candidates"]], np.array(said["before"])
    found = {"sure": 0, "confirmed": 0, "level": 0, "contradicted": 0}
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            if first not in truth or second not in truth or before[i, j] < 0.95:
                continue
            gain = truth[first] - truth[second]
            error = 2 * np.sqrt((truth[first] * (1 - truth[first]) + truth[second] * (1 - truth[second])) / n)
            found["sure"] += 1
            found["confirmed" if gain > 0 else "contradicted" if gain < -error else "level"] += 1
    return found


def worth(said: dict[str, Any]) -> str:
    """Return what the ranking says of training from scratch, by the shares of resamples on record."""
    kinds, before = [one["kind"] for one in said["candidates"]], np.array(said["before"])
    shares = [before[kinds.index("source"), place] for place, kind in enumerate(kinds) if kind != "source"]
    if min(shares) >= SURE:
        return "that at least one is expected to beat training from scratch"
    if min(shares) < 0.5:
        return "that none is expected to beat training from scratch"
    return "that these samples do not tell whether one beats training from scratch"


def section(name: str, records: list[dict[str, Any]]) -> str:
    said = next(r for r in records if r["what"] == "ranking")
    fits = {r["source"]: r for r in records if r["what"] == "source"}
    truth = {title: r["accuracy"] for title, r in fits.items()}
    order = [one["name"] for one in said["candidates"] if one["name"] in truth]
    rows = []
    for number, one in enumerate(said["candidates"]):
        cells = [f"{100 * one['scores'][s]:.1f}" for s in ("knn", "linear_probe")] + [f"{one['scores']['logme']:.3f}"]
        nexts = said["before"][number][number + 1] if number + 1 < len(said["candidates"]) else None
        rows.append([
            str(order.index(one["name"]) + 1) if one["name"] in order else "-", one["name"], *cells,
            "" if nexts is None else f"{100 * nexts:.0f}%",
            f"{100 * truth[one['name']]:.1f}" if one["name"] in truth else "",
        ])  # fmt: skip
    values = np.array([truth[one] for one in order])
    tau = float(weightedtau(values, -np.arange(len(values))).statistic)
    n = next(iter(fits.values()))["n"]
    scratch = [r["scratch"] for r in fits.values() if "scratch" in r]
    beside = f" Scratch beside them: {100 * np.mean(scratch):.1f}." if scratch else ""
    pairs = told_apart(said, truth, n)
    head = ["place", "candidate", "k-NN", "probe", "LogME", "before next", "fine-tuned"]
    return (
        f"## {name[0].upper()}{name[1:]}\n\n{table(head, rows)}\n\nFirst pick {100 * (values.max() - values[0]):.1f} "
        f"points below the best, a pick by chance {100 * (values.max() - values.mean()):.1f}; weighted τ {tau:.2f}; "
        f"n = {n} test samples. Of {pairs['sure']} pairs that the ranking calls sure (95% of resamples) fine-tuning "
        "has "
        f"{pairs['confirmed']} in the same order, {pairs['level']} level or turned within two standard errors, "
        f"{pairs['contradicted']} clearly turned. The ranking said "
        f"{worth(said)}.{beside}\n"
    )  # fmt: skip


def page(records: list[dict[str, Any]]) -> str:
    parts = []
    for name in CASES:
        mine = [r for r in records if r["case"] == name]
        if {r["what"] for r in mine} == {"ranking", "source"}:
            parts.append(section(name, mine))
    missing = [name for name in CASES if not any(r["case"] == name for r in records)]
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.\n")
    return TEXT.format(date=records[-1]["date"], machine=records[-1]["machine"], parts="\n".join(parts))


TEXT = """# Does fine-tuning confirm the ranking?

`python -m benchmarks.ranking.confirmed`, measured {date} on {machine}, one thread, beside other work. Three targets as
a user has them; `headstart rank` reads training samples only, then every source is fine-tuned the same way (`lp_ft` for
6 epochs without augmentation at the plan's depth; tables `finetune` for 20 on 20 labels per class, three draws) and
tested on samples that neither has read. One seed but for tables: figures of a hundred samples are rough.

{parts}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--case", choices=tuple(CASES))
    asked = parser.parse_args()
    measure(60 * asked.minutes, asked.case)
    store.pack(NAME, zoo.RESULTS)
    write_text(PAGE, page(store.read(NAME, zoo.RESULTS)))


if __name__ == "__main__":
    main()
