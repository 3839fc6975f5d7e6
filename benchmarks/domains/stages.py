"""Raw pictures, trained stages: ``python -m benchmarks.domains.stages [--pairs AW,WD] [--seeds 0,1,2] [--only ...]``.

Office-Caltech10 pictures (images_128) of one domain with labels to those of another without, through MobileNetV2 of
ImageNet. What ``headstart fit TARGET --source-data SOURCE --source file:... --depth 1`` races: source-only, the
standard field on features (ERM, MCC and SHOT among it), and those three with DANN on the network's last stage; the
choice sees no target label, which only scores. One record per candidate, and one of the choice; a seed that is there
is not run again. ``--only mcc,dann --norm domain`` races these alone, on stages with that batch norm.
"""

from __future__ import annotations

import argparse
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.domains import records
from benchmarks.domains.pairs import OFFICE, root
from benchmarks.render import table
from headstart.choice import Candidate
from headstart.choice.candidates import standard_field
from headstart.choice.choosing import race_and_select
from headstart.choice.joint.plan import Stages
from headstart.choice.racing import Result
from headstart.data import Dataset, open_data
from headstart.models.encoder import Backbone
from headstart.networks import open_source
from headstart.shallow.domains import Domains
from headstart.workflow.adapting.stages import NORM

NAME = "stages"
WEIGHTS = "weights/imagenet_mobilenet_v2/mobilenet_v2_torchvision_bn.safetensors"
ON_STAGES = ("mcc", "dann", "erm", "shot")
CHOICE = "choice"
UNPACKED = Path(__file__).resolve().parents[2] / "build" / "office_caltech10"


def pictures(letter: str) -> Dataset:
    """Return one domain's pictures as a folder opens."""
    if not UNPACKED.is_dir():
        with tarfile.open(root() / "office_caltech10/images_128.tar") as archive:
            archive.extractall(UNPACKED, filter="data")
    return open_data(UNPACKED / "images" / OFFICE[letter])


def field(options: Any) -> list[Candidate]:
    """Return what races."""
    stages = Stages(options.depth, options.norm) if options.depth else None
    staged = [Candidate(name, stages=stages) for name in (options.only or options.staged).split(",")]
    return staged if options.only else [*standard_field(), *staged]


def measure(pair: str, seed: int, options: Any) -> None:
    """Race on one pair and keep the cells."""
    source, target = (pictures(letter) for letter in pair)
    encoder = Backbone.open(open_source(f"file:{root() / WEIGHTS}", network="torchvision/mobilenet_v2"))
    rows = [encoder.features(dataset) for dataset in (source, target)]
    labels, truth = (dataset.labels(np.arange(len(dataset))) for dataset in (source, target))
    behind = encoder.behind([source, target], np.concatenate(rows), options.depth or 1, seed=seed)
    domains = Domains(rows[0], labels, rows[1], np.full(len(truth), -1), np.ones(len(labels), dtype=np.int64))
    began = time.process_time()
    about = {"benchmark": NAME, "pair": pair, "library": "headstart", "labels": 0, "seed": seed}
    about |= {"kind": "classification", "n_test": len(truth), "n_source": len(labels), "head": options.norm}

    def keep(method: str, one: Result, seconds: float) -> None:
        scored = records.scores(truth, np.asarray(one.target).argmax(axis=1), "classification", rows=True)
        said = {"method": method, "took": one.name, "seconds": round(seconds, 1)}
        records.append(NAME, about | said | scored | records.about("torch", "numpy"))
        print(f"{pair} seed {seed} {method}: {100 * scored['accuracy']:.1f}% ({one.name}, {seconds:.0f} s)", flush=True)

    clock = [began]

    def done(one: Result) -> None:
        clock.append(time.process_time())
        if one.note:
            print(f"{pair} seed {seed} {one.name}: {one.note}", flush=True)
        else:
            keep(one.name, one, clock[-1] - clock[-2])

    found = race_and_select(
        domains,
        n_classes=len(source.task.classes),  # type: ignore[union-attr]
        candidates=field(options),
        seed=seed,
        standardise=False,
        behind=behind,
        on_done=done,
    )
    if not options.only:
        spent = time.process_time() - began
        for one in found.finished[len([one for one in found.raced if not one.note]) :]:
            keep(one.name, one, 0.0)
        keep(CHOICE, found.finished[found.chosen], spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", default="AW,WD")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--depth", type=int, default=1, help="last stages that --staged or --only train; 0: features")
    parser.add_argument("--norm", default=NORM)
    parser.add_argument("--staged", default=",".join(ON_STAGES), help="methods on stages, beside the field")
    parser.add_argument("--only", default="", help="methods that race alone, on stages; their cells and no choice")
    options = parser.parse_args()
    there = {(r["pair"], r["seed"], r["head"], r["method"]) for r in records.read(NAME)}
    for seed in map(int, options.seeds.split(",")):
        for pair in options.pairs.split(","):
            last = options.only.split(",")[-1] if options.only else CHOICE
            last += f"@{options.depth}" if options.only and options.depth else ""
            if (pair, seed, options.norm, last) not in there:
                measure(pair, seed, options)


def page() -> list[str]:
    """Return the part of the results: every candidate, with its gain over source-only, won or lost."""
    found = records.read(NAME)
    if not found:
        return []
    at: dict[tuple[str, str, str], list[records.Record]] = {}
    for one in found:
        at.setdefault((one["pair"], one["head"], one["method"]), []).append(one)
    lines = []
    for (pair, norm, method), cells in sorted(at.items(), key=_place):
        base = {r["seed"]: r for r in at.get((pair, NORM, "source_only"), [])}
        name = f"**{method}**, took {', '.join(sorted({r['took'] for r in cells}))}" if method == CHOICE else method
        shown = name if "@" not in method or norm == NORM else f"{name}, batch norm {norm}"
        accuracy = f"{100 * np.mean([r['accuracy'] for r in cells]):.1f}"
        taken = [r["seconds"] for r in cells if "seconds" in r]  # cells of before a clock of the processor have none
        seconds = f"{np.mean(taken):.0f}" if taken else ""
        lines.append([_called(pair), shown, str(len(cells)), accuracy, *_gain(cells, base), seconds])
    head = ["pair (n)", "candidate", "seeds", "accuracy %", "gain over source-only", "", "CPU s"]
    counts = {r["pair"]: r["n_test"] for r in found}
    words = (
        "Office-Caltech10, raw pictures through MobileNetV2 of ImageNet; all of the source labelled, no label of the "
        f"target ({', '.join(f'{_called(p)} {n}' for p, n in counts.items())} pictures). A name with @1 trains the "
        "network's last stage; others learn on its frozen features. Gains in points with 95% intervals, test rows "
        "drawn again (2,000 times), mean over seeds. CPU seconds are of two fits (the evidence holds a fifth of the "
        "source out of the second); the choice's are those of its whole race. "
        f"{found[-1]['date']}, {found[-1]['machine']}.\n"
    )
    return ["## Raw pictures, trained stages\n", words, table(head, lines), _against_features(at)]


def _against_features(at: dict[tuple[str, str, str], list[records.Record]]) -> str:
    """Say what a method gains on the stage over itself on features."""
    said = []
    for (pair, norm, method), cells in sorted(at.items(), key=_place):
        same = {r["seed"]: r for r in at.get((pair, norm, method.partition("@")[0]), [])}
        if "@" in method and same:
            said.append(f"{_called(pair)} {method} {' '.join(_gain(cells, same))}")
    return f"On the stage less the same on features, in points: {'; '.join(said)}.\n" if said else ""


def _place(item: tuple[tuple[str, str, str], Any]) -> tuple[Any, ...]:
    """Return what sorts cells: by pair, source-only first, the choice last, a method's stages behind its features."""
    pair, norm, method = item[0]
    return pair, method == CHOICE, method != "source_only", "@" in method, method, norm


def _called(pair: str) -> str:
    return f"{OFFICE[pair[0]]} to {OFFICE[pair[1]]}"


def _gain(cells: list[records.Record], base: dict[int, records.Record]) -> list[str]:
    """Return the gain over source-only of the same seeds with its interval, and what it comes to."""
    each = [records.unpack(r) - records.unpack(base[r["seed"]]) for r in cells if r["seed"] in base]
    if not each or cells[0]["method"] == "source_only":
        return ["", ""]
    gain, rng = np.mean(each, axis=0), np.random.default_rng(0)
    drawn = [100 * gain[rng.integers(len(gain), size=len(gain))].mean() for _ in range(2000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    said = "won" if low > 0 else "**LOST**" if high < 0 else "no difference"
    return [f"{100 * gain.mean():+.1f} ({low:+.1f} to {high:+.1f})", said]


if __name__ == "__main__":
    main()
