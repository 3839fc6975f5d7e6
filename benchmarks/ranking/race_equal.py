"""``python -m benchmarks.ranking.race_equal [--minutes M] [--draws N]``: a race of sources against fixed recipes.

Every cell has the same seconds: the race over all sources (`headstart fit` with several ``--source``), and each fixed
recipe, one source and one way for every target. One record a cell, resumable; needs HEADSTART_DATA.
"""

from __future__ import annotations

import argparse
import shutil
import time
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.ranking import pictures as sets
from benchmarks.ranking import zoo
from benchmarks.ranking.render import table
from headstart.storage import write_text

NAME, PAGE = "race_equal", Path(__file__).with_name("RACE.md")
WORK = Path("build/ranking/race")
SOURCES = ("cifar100", "omniglot", "letters")
"""Sets whose networks of the architecture of headstart/glyphs race; letters are headstart/glyphs itself."""
WAYS = {"probe": ("probe", "none"), "lp_ft": ("lp_ft", "all"), "finetune": ("finetune", "all")}
RECIPES = tuple(product(SOURCES, WAYS))
POPULAR = ("cifar100", "finetune")
"""The field's default: all stages of the source that most people would take, the one of most classes of photographs."""
TARGETS = zoo.TARGETS
SECONDS = 45
"""Of wall time for each cell; the CPU seconds that it took stand beside its accuracy."""
PRETRAIN = "40s"
RACE = "race"
RESAMPLES = 5000


def folder(x: np.ndarray, y: np.ndarray, path: Path) -> Path:
    """Write grey pictures as a user has them, a folder for each class; what is there stays."""
    if not path.is_dir():
        draft = path.with_name(f"{path.name}.part")
        shutil.rmtree(draft, ignore_errors=True)
        for number, (picture, label) in enumerate(zip(x[:, 0], y, strict=True)):
            place = draft / f"c{label:03}" / f"{number:04}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rint((picture + 1) * 127.5).astype(np.uint8)).save(place)
        draft.rename(path)
    return path


def source(name: str) -> str:
    """Return what is typed for a source; those that are no bundled one are trained once."""
    if name == "letters":
        return "headstart/glyphs"
    run = WORK / "runs" / name
    if not (run / "run.json").is_file():
        data = folder(*sets.pictures(name, zoo.SOURCE_ROWS), WORK / "sources" / name)
        hs.pretrain(data, network="headstart/glyphs", budget=PRETRAIN, out=run, quiet=True, force=True)
    return str(run)


@cache
def sides(target: str, draw: int) -> tuple[Path, Path]:
    """Return folders of the pictures to learn from, and of those that tell the truth: the zoo's draw."""
    rows = zoo.target(target, draw)
    place = WORK / "targets" / f"{target}-{draw}"
    place.mkdir(parents=True, exist_ok=True)
    return folder(rows.x, rows.y, place / "mine"), folder(rows.test_x, rows.test_y, place / "test")


def recipe_name(recipe: tuple[str, str]) -> str:
    return f"{recipe[0]}, {recipe[1]}"


CELLS = (RACE, *map(recipe_name, RECIPES))


def fitted(cell: str, mine: Path, test: Path, draw: int) -> dict[str, Any]:
    """Fit a cell and return what it cost and which of the test pictures it names rightly."""
    name, _, way = cell.partition(", ")
    asked: dict[str, Any] = {"source": [source(one) for one in SOURCES]}
    if cell != RACE:
        method, depth = WAYS[way]
        asked = {"source": source(name), "method": method, "depth": depth}
    began = time.process_time()
    run = hs.fit(
        mine, test=test, arms="chosen", budget=f"{SECONDS}s", seed=draw, out=WORK / "fit", quiet=True, force=True,
        device="cpu", **asked,
    )  # fmt: skip
    assert run is not None
    spent = time.process_time() - began
    told: Any = pd.read_parquet(run.path / "predictions.parquet").query("split == 'test'").sort_values("name")
    assert told["arm"].nunique() == 1
    right = (told["label"] == told["prediction"]).to_numpy()
    record = {"cpu": round(spent, 1), "right": "".join("01"[int(one)] for one in right), "arm": told["arm"].iloc[0]}
    if cell == RACE:
        record["trials"] = run.result["race"]["trials"]
        record["won"] = next(one for one in SOURCES if source(one) == run.result["race"]["winner"])
    return record


def measure(draws: int, seconds: float) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    done = {(r["target"], r["draw"], r["cell"]) for r in store.read(NAME, zoo.RESULTS)}
    for name in SOURCES:
        source(name)
    for draw, target, cell in product(range(draws), TARGETS, CELLS):
        if (target, draw, cell) in done or time.monotonic() > stop:
            continue
        record = {"target": target, "draw": draw, "cell": cell} | fitted(cell, *sides(target, draw), draw)
        store.append(NAME, record | about, zoo.RESULTS)
        said = f"{100 * record['right'].count('1') / len(record['right']):5.1f}%"
        print(f"{target:13} {draw} {cell:22} {said}  {record['cpu']} s {record.get('won', '')}", flush=True)


def bits(record: dict[str, Any]) -> np.ndarray:
    return np.array([one == "1" for one in record["right"]], float)


def complete(records: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """Return the right answers of every target and draw whose cells are all measured."""
    found: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    for record in records:
        found.setdefault((record["target"], record["draw"]), {})[record["cell"]] = bits(record)
    return {key: cells for key, cells in found.items() if set(cells) >= set(CELLS)}


def gain(held: dict[tuple[str, int], dict[str, np.ndarray]], target: str, cell: str, seed: int = 0) -> np.ndarray:
    """Return how far the race lies above a recipe on a target, in points: mean and 95% over the test pictures."""
    parts = [100 * (cells[RACE] - cells[cell]) for (name, _), cells in held.items() if name == target]
    random = np.random.default_rng(seed)
    drawn = [part[random.integers(len(part), size=(RESAMPLES, len(part)))].mean(axis=1) for part in parts]
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    return np.array([np.mean([part.mean() for part in parts]), low, high])


def means(held: dict[tuple[str, int], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return every cell's accuracy in points by target."""
    targets = dict.fromkeys(name for name, _ in held)
    return {
        cell: np.array([
            100 * np.mean([cells[cell].mean() for (name, _), cells in held.items() if name == target])
            for target in targets
        ])
        for cell in CELLS
    }  # fmt: skip


def over_targets(values: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    drawn = values[np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    return float(values.mean()), float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def page(records: list[dict[str, Any]]) -> str:
    held = complete(records)
    if not held:
        return "# A race of sources against fixed recipes\n\nNot measured yet.\n"
    targets, by_cell = list(dict.fromkeys(name for name, _ in held)), means(held)
    recipes = [cell for cell in CELLS if cell != RACE]
    # The harshest rival: the recipe that is the best on average, known afterwards.
    best, popular = max(recipes, key=lambda cell: by_cell[cell].mean()), recipe_name(POPULAR)
    cpu = {cell: np.mean([r["cpu"] for r in records if r["cell"] == cell]) for cell in CELLS}
    rows, below = [], 0
    for number, target in enumerate(targets):
        against = [gain(held, target, cell) for cell in (best, popular)]
        below += against[0][2] < 0
        won = [r["won"] for r in records if r["cell"] == RACE and r["target"] == target]
        top = max(recipes, key=lambda cell: by_cell[cell][number])
        rows.append([
            target, *(f"{by_cell[cell][number]:.1f}" for cell in (RACE, best, popular)),
            *(f"{mean:+.1f} ({low:+.1f} to {high:+.1f})" for mean, low, high in against),
            f"{by_cell[top][number]:.1f} ({top})", ", ".join(won),
        ])  # fmt: skip
    differences = [over_targets(by_cell[RACE] - by_cell[cell]) for cell in (best, popular)]
    said = [f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})" for mean, low, high in differences]
    each = [
        [cell, f"{by_cell[cell].mean():.1f}", f"{cpu[cell]:.0f}"]
        for cell in sorted(CELLS, key=lambda c: -by_cell[c].mean())
    ]
    verdict = "won" if not below and differences[1][0] > 0 else "lost"
    head = ["target", "race", f"best fixed: {best}", f"default: {popular}", "race − best fixed", "race − default",
            "best of all recipes here", "source that won"]  # fmt: skip
    return TEXT.format(
        date=records[-1]["date"], machine=records[-1]["machine"], n=len(held), targets=len(targets), seconds=SECONDS,
        per=zoo.PER_CLASS, sources=", ".join(SOURCES), table=table(head, rows), best=best, popular=popular,
        against_best=said[0], against_popular=said[1], below=below, verdict=verdict,
        each=table(["cell", "mean accuracy", "CPU s"], each),
    )  # fmt: skip


TEXT = """# A race of sources against fixed recipes

`python -m benchmarks.ranking.race_equal`, measured {date} on {machine}, one thread, beside other work: {targets}
targets, {n} draws of labels in all.

Networks of the architecture of `headstart/glyphs` (272 thousand parameters, grey pictures of 32 x 32) that learned
{sources}; {per} labels per class; truth is the accuracy on at most 500 other pictures. The race is `headstart fit` with
all three `--source`, a fixed recipe one source and one way for every target, as `headstart fit` trains it; each has
{seconds} seconds of wall time, arms but the chosen one left out. The *best fixed recipe* is known afterwards, by its
mean over these targets; the *default* is full fine-tuning of the source of most classes of photographs. Intervals: 95%,
bootstrap over test pictures for a target, over targets for a mean. The race's own numbers (half of the budget, 5%,
thirds) were not settled here; the way that the plan takes for few labels was learned on draws of the same sets.

**{verdict}**: against the best fixed recipe ({best}) {against_best}, {below} targets wholly below 0 (aim: none);
against the default ({popular}) {against_popular} (aim: above 0).

{table}

{each}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--draws", type=int, default=1)
    asked = parser.parse_args()
    measure(asked.draws, 60 * asked.minutes)
    store.pack(NAME, zoo.RESULTS)
    write_text(PAGE, page(store.read(NAME, zoo.RESULTS)))


if __name__ == "__main__":
    main()
