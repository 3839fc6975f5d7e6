"""Write docs/vision-benchmark.md: ``python -m benchmarks.vision.page``. What is lost is printed as lost."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import store
from benchmarks.render import table

Record = dict[str, Any]
PAGE = Path(__file__).resolve().parents[2] / "docs/vision-benchmark.md"
NAME = "vision"


class Part(NamedTuple):
    """A table of the page: its heading, the cells that it shows, the metrics, and what is said above it."""

    title: str
    cells: tuple[str, ...]
    metrics: tuple[str, ...]
    about: str


PARTS = (
    Part(
        "Blood cells", ("bccd/*",), ("map50", "map", "recall"),
        "BCCD, the repository's own split: 205 pictures to learn from (or 20, 80 of them), 87 to choose by, 72 "
        "measured. The one-stage detector on ImageNet's MobileNetV2, frozen up to stride 8; all else as "
        "`benchmarks.vision.cells` says it. Public, with a GPU: YOLOv7 reached mAP@.5 .906 on a split with 73 test "
        "pictures.",
    ),
    Part(
        "Retina", ("drive/*",), ("iou", "dice", "boundary_f1", "pixel_accuracy"),
        "DRIVE at 512 pixels, 20 to learn from (of which 4 choose) and 20 measured; U-Net, all stages learn. The naive "
        "way learns from single pixels on classic filters (`benchmarks.vision.naive`), with the same pictures.",
    ),
    Part(
        "Membranes", ("membrane/*",), ("iou", "dice", "boundary_f1", "pixel_accuracy"),
        "30 slices of a nerve cord in five blocks of neighbours: each block is measured once, the next one chooses, "
        "three teach. U-Net on whole slices of 512 pixels.",
    ),
    Part(
        "Faces", ("faces/*",), ("accuracy", "eer", "tar_at_far_0.01"),
        "ORL, 40 people: 12 to learn from, 8 to choose by, 20 measured, drawn anew for each seed. Recognition from one "
        "picture; eigenfaces (`pixels`) are the naive way.",
    ),
    Part(
        "Clips", ("clips/*",), ("accuracy",),
        "Moving digits from `recipes/moving_digits.py`; the source reads single frames, the head (`gru`, `mean`) all "
        "of them.",
    ),
)  # fmt: skip
PUBLISHED = (
    "Beside it: 0.944 of a ResNet-18 at 28 pixels and 0.962 of a ResNet-50 at 224, trained on the same split "
    "(Yang et al., MedMNIST v2, Scientific Data 10:41, 2023, their table of AUC and accuracy; no intervals there)."
)


def text(records: list[Record]) -> str:
    """Return the page."""
    found = {record["cell"]: record for record in records}
    dates = sorted({record["date"] for record in records})
    lines = [
        "# Benchmark of pictures whose answer is more than one label", "",
        "Made again with `make bench-vision` (`python -m benchmarks.vision`, then `python -m benchmarks.vision.page`); "
        f"{', '.join(dates)}, AMD EPYC, 2 cores, one thread a fit. All figures are of test pictures that nothing was "
        "chosen on; n is their number, intervals are 95%, a gain is over training from scratch by as many steps. One "
        "seed, unless a row says more. **Won** and **LOST** are aims that were set before.",
        "", "## Aims", "", table(["aim", "reached", ""], aims(found)),
    ]  # fmt: skip
    for part in PARTS:
        mine = {cell: one for cell, one in found.items() if any(fnmatch.fnmatch(cell, word) for word in part.cells)}
        lines += [f"## {part.title}", "", part.about, ""]
        lines += [table(["cell", "arm", *part.metrics, "gain", "n", "CPU s"], rows(mine, part.metrics))] if mine else [
            "Not measured yet.", ""
        ]  # fmt: skip
    return "\n".join([*lines, *diagnosis(found), *costs(found), *missing(found)]) + "\n"


def rows(cells: dict[str, Record], metrics: tuple[str, ...]) -> list[list[str]]:
    """Return a row per cell and arm."""
    made = []
    for cell, record in sorted(cells.items()):
        for arm, one in record["arms"].items():
            kept = arm == record.get("kept")
            rates = {name: rate["value"] for name, rate in record.get("rates", {}).get(arm, {}).items()}
            values = [_share({**rates, **one["test"]}.get(name)) for name in metrics]
            gain, n = (gain_of(record), str((record.get("verdict") or {}).get("n_test") or "")) if kept else ("", "")
            made.append([cell, f"**{arm}**" if kept else arm, *values, gain, n, _spent(record)])
    return made


def _spent(record: Record) -> str:
    """Return CPU seconds; of a fit that was stopped and resumed those of its last session."""
    return f"{record['cpu_seconds']:.0f}" + (" and those before it was resumed" if record.get("resumed") else "")


def gain_of(record: Record) -> str:
    """Return the gain over scratch with its interval; empty where nothing was compared."""
    verdict = record.get("verdict") or {}
    if not verdict.get("interval") or verdict.get("arm") == "scratch":
        return "none" if verdict.get("arm") == "scratch" else ""
    low, high = verdict["interval"]
    return f"{100 * verdict['gain']:+.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def aims(found: dict[str, Record]) -> list[list[str]]:
    """Return a row per aim: what, how far, and won, LOST or not measured."""
    gains = (_gains(found, "blood cells", "bccd/*"), _gains(found, "masks", "drive/*", "membrane/*"))
    return [_blood(found), *gains, _membrane(found), _against_pixels(found), _saved(found), _memory(found)]


def _outcome(won: bool) -> str:
    return "won" if won else "LOST"


def _blood(found: dict[str, Record]) -> list[str]:
    """The size counts that did best on the validation pictures; where one has no such figure, the finest."""
    aim = "blood cells, all labels: mAP@.5 at least 85"
    sides = {cell: found[cell] for cell in ("bccd/all/256", "bccd/all/320", "bccd/all/416") if cell in found}
    if not sides:
        return [aim, "", "not measured"]
    test, chosen = ({cell: _map50(one, part) for cell, one in sides.items()} for part in ("test", "validation"))
    best = list(sides)[-1] if None in chosen.values() else max(chosen, key=lambda cell: chosen[cell] or 0)
    said = ", ".join(
        f"{cell.split('/')[-1]} pixels {100 * (test[cell] or 0):.2f}"
        + (f" (validation {100 * value:.2f})" if (value := chosen[cell]) is not None else "")
        for cell in sides
    )
    return [aim, said, _outcome((test[best] or 0) >= 0.85)]


def _map50(record: Record, part: str) -> float | None:
    values = [arm[part]["map50"] for arm in record["arms"].values() if arm.get(part)]
    return max(values) if values else None


def _gains(found: dict[str, Record], what: str, *names: str) -> list[str]:
    mine = {cell: one for cell, one in found.items() if any(fnmatch.fnmatch(cell, name) for name in names)}
    cells = {cell: one for cell, one in mine.items() if "scratch" in one["arms"]}
    positive = [cell for cell, one in cells.items() if (one.get("verdict") or {}).get("kind") == "positive"]
    said = f"{len(positive)} of {len(cells)} cells"
    outcome = _outcome(len(positive) == len(cells)) if cells else "not measured"
    return [f"{what}: gain over scratch measurably positive in every cell", said, outcome]


def _folds(found: dict[str, Record], metric: str, words: str, arm: str | None = None) -> list[float]:
    cells = [one for cell, one in found.items() if fnmatch.fnmatch(cell, words)]
    return [one["arms"][arm or one["kept"]]["test"][metric] for one in cells]


def _membrane(found: dict[str, Record]) -> list[str]:
    values = _folds(found, "pixel_accuracy", "membrane/fold-*")
    aim = "membranes: pixel accuracy at least 93 (all foreground: 78)"
    if not values:
        return [aim, "", "not measured"]
    said = f"{100 * np.mean(values):.1f} (mean of {len(values)} of 5 blocks)"
    return [aim, said, _outcome(float(np.mean(values)) >= 0.93)]


def _against_pixels(found: dict[str, Record]) -> list[str]:
    aim, said, won = "masks: better than the pixel classifier (Dice)", [], []
    for name, ours, naive in (("retina", "drive/seed-*", "drive/pixels"), ("membranes", "membrane/fold-*",
                                                                         "membrane/pixels/*")):  # fmt: skip
        mine, theirs = _folds(found, "dice", ours), _folds(found, "dice", naive, "pixel classifier")
        if mine and theirs:
            said.append(f"{name} {100 * np.mean(mine):.1f} against {100 * np.mean(theirs):.1f}")
            won.append(np.mean(mine) > np.mean(theirs))
    return [aim, "; ".join(said), _outcome(all(won)) if won else "not measured"]


def _saved(found: dict[str, Record]) -> list[str]:
    aim = "a cached prefix saves at least 90% of its forward time per step"
    value = found.get("cost", {}).get("figures", {}).get("saved_of_prefix")
    return [aim, *(["", "not measured"] if value is None else [f"{100 * value:.0f}%", _outcome(value >= 0.9)])]


def _memory(found: dict[str, Record]) -> list[str]:
    figures = found.get("cost", {}).get("figures", {})
    few, many = figures.get("held_mb_1000"), figures.get("held_mb_5000")
    aim = "memory between batches flat over 5,000 pictures (at most 5% above that of 1,000)"
    if few is None or many is None:
        return [aim, "", "not measured"]
    return [aim, f"{few:.0f} and {many:.0f} MB", _outcome(many <= 1.05 * few)]


def diagnosis(found: dict[str, Record]) -> list[str]:
    lines = ["## A diagnosis", "", "PneumoniaMNIST, X-rays of 28 pixels in their own split (4,708, 524, 624): the head "
             "alone learns, on features of MobileNetV2.", ""]  # fmt: skip
    for cell, one in found.items():
        if cell.startswith("pneumonia"):
            said = [f"{name} {one[key]['value']:.3f} ({one[key]['interval'][0]:.3f} to {one[key]['interval'][1]:.3f})"
                    for name, key in (("AUC", "auc"), ("sensitivity at 95% specificity", "sensitivity"))]  # fmt: skip
            lines += [f"{cell}: {', '.join(said)}, n = {one['auc']['n']}, {one['cpu_seconds']:.0f} CPU s.", ""]
    return [*lines, *([] if any("AUC" in line for line in lines) else ["Not measured yet.", ""]), PUBLISHED, ""]


def costs(found: dict[str, Record]) -> list[str]:
    figures = found.get("cost", {}).get("figures")
    if figures is None:
        return []
    return ["## Costs", "", table(["what", "value"], [[name, f"{value:.3g}"] for name, value in figures.items()])]


def missing(found: dict[str, Record]) -> list[str]:
    from benchmarks.vision.cells import table as cells

    lacking = [cell for cell in cells() if cell not in found]
    return ["## Not measured yet", "", ", ".join(f"`{cell}`" for cell in lacking) + "."] if lacking else []


if __name__ == "__main__":
    PAGE.write_text(text(store.read(NAME)), encoding="utf-8")
