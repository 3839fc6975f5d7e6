"""Zero-shot on animals of CIFAR-100 that AwA describes: ``python -m benchmarks.few.animals [--seeds 3]``.

Classes that both name, 70 pictures each (32 x 32), known by AwA's 85 attributes. Each seed sets another fifth of the
classes apart, which measure. ``--listed 50`` has all of AwA's animals answer, ``17`` those that have pictures: three of
them, drawn by the seed, are then kept from the fit, and the model that is handed back is measured on them. Features of
MobileNetV2 have seen most of these animals in ImageNet (`benchmarks.few.other_classes.SYNSETS`); pixels have seen
nothing, and ``other_classes`` is a network that learned CIFAR-100's other 83 classes alone. ``--known names`` tells a
class by GloVe's vectors of its name; the seven whose names GloVe lacks are then left out.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.few.other_classes import of_other_classes
from benchmarks.views import WEIGHTS, data_folder
from headstart.workflow.zero_shot.choosing import harmonic

GLOVE = "weights/glove_twitter_25d_12k/glove_twitter_25d.npz"
SOURCES = {
    "mobilenet_v2": {"network": "torchvision/mobilenet_v2"},
    "pixels": {},
    "other_classes": {},
}


def write(folder: Path) -> int:
    """Write the pictures, ``classes.csv`` with attributes and ``names.csv``; return how many classes have pictures."""
    with np.load(data_folder() / "cifar100" / "cifar100_small.npz", allow_pickle=False) as file:
        parts = [(file[f"x_{part}"], file[f"y_{part}"]) for part in ("train", "test")]
        fine = [str(name) for name in file["classes"]]
    with np.load(data_folder() / "awa2_attributes" / "awa2_attributes.npz", allow_pickle=True) as file:
        animals = [str(name).replace("+", " ") for name in file["classes"]]
        table, predicates = file["att_continuous"], [str(name) for name in file["predicates"]]
    both = sorted(set(animals) & {name.replace("_", " ") for name in fine})
    for part, (pictures, labels) in zip(("train", "test"), parts, strict=True):
        for number, (picture, label) in enumerate(zip(pictures, labels.ravel(), strict=True)):
            name = fine[int(label)].replace("_", " ")
            if name in both:
                path = folder / "pictures" / part / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.asarray(picture, dtype=np.uint8)).save(path)
    spelled = {word.lower() for word in np.load(data_folder() / GLOVE, allow_pickle=False)["words"].tolist()}
    with (folder / "classes.csv").open("w", newline="") as file, (folder / "names.csv").open("w", newline="") as other:
        rows, names = csv.writer(file), csv.writer(other)
        rows.writerow(["class", *predicates])
        names.writerow(["class"])
        for name, values in zip(animals, table, strict=True):
            rows.writerow([name, *values.tolist()])
            if set(name.split()) & spelled:
                names.writerow([name])
    return len(both)


def without(folder: Path, out: Path, seed: int, *, left_out: int, listed_in: str) -> list[str]:
    """Write the pictures of listed classes but for those of some, which are returned; list the classes with pictures.

    Parameters
    ----------
    left_out : how many classes are kept from the fit. listed_in : ``classes`` or ``names``.
    """
    known = {row.split(",")[0] for row in (folder / f"{listed_in}.csv").read_text().splitlines()[1:]}
    names = sorted(path.name for path in (folder / "pictures/train").iterdir() if path.name in known)
    left = sorted(np.random.default_rng([seed, 17]).permutation(names)[:left_out].tolist())
    for part in ("train", "test"):
        (out / part).mkdir(parents=True)
        for name in names:
            if name not in left:
                (out / part / name).symlink_to(folder / "pictures" / part / name)
    header, *rows = (folder / f"{listed_in}.csv").read_text().splitlines()
    kept = [row for row in rows if row.split(",")[0] in names or not left_out]
    (out.parent / f"{listed_in}.csv").write_text("\n".join([header, *kept]) + "\n")
    return left


def judged(run: hs.Run, folder: Path, left: list[str]) -> dict[str, float]:
    """Return what the model that is handed back gets right of test pictures, per class, on both sides."""
    shares: dict[bool, list[float]] = {True: [], False: []}
    answered = set(run.model.logic.task.classes)
    for path in sorted(one for one in (folder / "pictures/test").iterdir() if one.name in answered):
        answers = run.predict([str(one) for one in sorted(path.iterdir())])
        shares[path.name in left].append(float(np.mean([answer == path.name for answer in answers])))
    seen, unseen = float(np.mean(shares[False])), float(np.mean(shares[True]))
    return {"seen": seen, "unseen": unseen, "harmonic": harmonic(seen, unseen)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sources", nargs="*", default=list(SOURCES))
    parser.add_argument("--known", nargs="*", default=["attributes"])
    parser.add_argument("--listed", nargs="*", type=int, default=[17, 50])
    parser.add_argument("--methods", help="all unless some are named")
    args = parser.parse_args()
    cells = ("source", "known", "listed", "seed", "methods")
    done = [tuple(one.get(name) for name in cells) for one in store.read("zero_shot") if one["data"] == "animals"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n = write(folder)
        for cell in itertools.product(args.sources, args.known, args.listed, range(args.seeds), [args.methods]):
            if cell not in done:
                _measure(folder, dict(zip(cells, cell, strict=True)), n)


def _measure(folder: Path, cell: dict[str, Any], n: int) -> None:
    specs = {"mobilenet_v2": f"file:{data_folder() / WEIGHTS}", "pixels": "headstart/pixels"}
    spec = specs.get(cell["source"]) or str(of_other_classes())
    words = {"words": data_folder() / GLOVE} if cell["known"] == "names" else {}
    before = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        pictures, lists = Path(name) / "pictures", Path(name)
        listed_in, left_out = "names" if words else "classes", 3 if cell["listed"] == 17 else 0
        left = without(folder, pictures, cell["seed"], left_out=left_out, listed_in=listed_in)
        run = hs.fit(
            pictures, source=spec, seed=cell["seed"], out=Path(name) / "run", quiet=True, device="cpu",
            classes=lists / f"{listed_in}.csv", method=cell["methods"], **words,
            **SOURCES[cell["source"]],
        )  # fmt: skip
        told = run.result["zero_shot"]
        about = {"data": "animals", "classes": n} | cell
        about |= {"kept": run.verdict.arm, "gain": run.verdict.gain, "interval": run.verdict.interval}
        if cell["source"] == "other_classes":
            taught = hs.load(spec).result["arms"]["scratch"]
            about |= {"taught": {"epochs": taught["epochs"], "accuracy": taught["test"]["accuracy"]}}
        about |= {"left": left, "judged": judged(run, folder, left) if left else None}
    about |= {"cpu": round(time.process_time() - before, 1), "measured": told["measured"]}
    more = {"accuracies": told["accuracies"], "settings": told["settings"]}
    store.append("zero_shot", about | more | machine.describe("torch", "headstart"))
    kept = told["accuracies"][run.verdict.arm]
    shown = {name: round(kept[name], 3) for name in ("seen", "unseen", "harmonic")}
    print(*cell.values(), run.verdict.arm, run.verdict.sentence, shown, about["judged"], about["cpu"], flush=True)


if __name__ == "__main__":
    main()
