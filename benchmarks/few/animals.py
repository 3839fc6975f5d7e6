"""Zero-shot on animals of CIFAR-100 that AwA describes: ``python -m benchmarks.few.animals [--seeds 3]``.

Classes that both name, 70 pictures each (32 x 32), known by AwA's 85 attributes. Each seed sets another fifth of the
classes apart, which measure. Features of MobileNetV2 have seen most of these animals in ImageNet; pixels have seen
nothing. ``--known names`` needs a word of GloVe for every class with pictures, and lacks the chimpanzee's.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import WEIGHTS, data_folder

GLOVE = "weights/glove_twitter_25d_12k/glove_twitter_25d.npz"
SOURCES = {
    "mobilenet_v2": {"network": "torchvision/mobilenet_v2"},
    "pixels": {},
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
            if name in both or set(name.split()) & spelled:
                names.writerow([name])
    return len(both)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sources", nargs="*", default=list(SOURCES))
    parser.add_argument("--known", nargs="*", default=["attributes"])
    args = parser.parse_args()
    done = {(one["source"], one["known"], one["seed"]) for one in store.read("zero_shot") if one["data"] == "animals"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n = write(folder)
        for source in args.sources:
            for known in args.known:
                for seed in range(args.seeds):
                    if (source, known, seed) in done:
                        continue
                    spec = f"file:{data_folder() / WEIGHTS}" if source == "mobilenet_v2" else "headstart/pixels"
                    words = {"words": data_folder() / GLOVE} if known == "names" else {}
                    before = time.process_time()
                    run = hs.fit(
                        folder / "pictures", source=spec, seed=seed, out=folder / "run", force=True, quiet=True,
                        device="cpu", classes=folder / ("names.csv" if words else "classes.csv"), **words,
                        **SOURCES[source],
                    )  # fmt: skip
                    told = run.result["zero_shot"]
                    about = {"data": "animals", "source": source, "known": known, "seed": seed, "classes": n}
                    about |= {"kept": run.verdict.arm, "gain": run.verdict.gain, "interval": run.verdict.interval}
                    about |= {"cpu": round(time.process_time() - before, 1), "measured": told["measured"]}
                    record = about | {"accuracies": told["accuracies"]} | machine.describe("torch", "headstart")
                    store.append("zero_shot", record)
                    kept = told["accuracies"][run.verdict.arm]
                    print(
                        source,
                        known,
                        seed,
                        run.verdict.arm,
                        {k: kept[k] for k in ("seen", "unseen", "harmonic")},
                        flush=True,
                    )


if __name__ == "__main__":
    main()
