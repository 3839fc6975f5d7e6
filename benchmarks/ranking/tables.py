"""``python -m benchmarks.ranking.tables [--minutes M]``: `headstart rank` on tables, against what fine-tuning made.

Sources learned the hearts of one hospital or the incomes of one kind of employer each (some of them shuffled labels,
some were stopped after an epoch), targets are the others with few labels. One record a pair, resumable;
needs HEADSTART_DATA.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import headstart as hs
from benchmarks import machine, store
from benchmarks.ranking import judge, zoo
from benchmarks.ranking.pictures import data
from benchmarks.ranking.render import table
from headstart.scores import SCORES
from headstart.storage import write_text

NAME, PAGE = "tables", Path(__file__).with_name("TABLES.md")
WORK = Path("build/ranking/tables")
HEARTS = (
    "age",
    "sex",
    "cp",
    "trestbps",
    "chol",
    "fbs",
    "restecg",
    "thalach",
    "exang",
    "oldpeak",
    "slope",
    "ca",
    "thal",
)
ADULT = ("age", "workclass", "fnlwgt", "education", "years", "married", "occupation", "relationship", "race", "sex",
         "gain", "loss", "hours", "country")  # fmt: skip
EMPLOYERS = {"private": ("Private",), "self": ("Self-emp-not-inc", "Self-emp-inc"),
             "state": ("Local-gov", "State-gov", "Federal-gov")}  # fmt: skip
ADULTS = 1500
"""Rows of the incomes that one kind of employer gives, drawn once."""
EPOCHS, SHORT, SHOTS = 30, 1, 10
WHOLE = ("cleveland", "hungarian", "switzerland", "va", *EMPLOYERS)
TARGETS = ("cleveland", "hungarian", "va", *EMPLOYERS)
"""Of the fourth hospital only eight are well."""
SOURCES = (*WHOLE, *(f"{name} {worse}" for worse in ("shuffled", "short") for name in TARGETS))
TITLES = {"order": "**the order of `headstart rank`**", "static": "static (held-out accuracy)"} | {
    name: SCORES[name].title for name in judge.ALONE if name in SCORES
}


def hearts(hospital: str) -> pd.DataFrame:
    path = data() / f"tabular/heart_disease/processed.{hospital}.data"
    frame = pd.read_csv(path, names=[*HEARTS, "num"], na_values="?")
    return frame[list(HEARTS)].astype(float).assign(label=np.where(frame["num"] > 0, "yes", "no"))


def incomes(employer: str) -> pd.DataFrame:
    frame = pd.read_csv(
        data() / "tabular/adult/adult-train.csv.gz", names=[*ADULT, "label"], skipinitialspace=True, na_values="?"
    )
    mine = frame[frame["workclass"].isin(EMPLOYERS[employer])].drop(columns=["workclass", "fnlwgt"])
    return mine.sample(ADULTS, random_state=0)


def fellow(target: str, name: str) -> bool:
    """Return whether a source learned the target's columns, and not the target itself."""
    first = name.split()[0]
    return first != target and (first in EMPLOYERS) == (target in EMPLOYERS)


def written(name: str) -> Path:
    """Write a table once; of a shuffled source the labels have nothing to do with the rows."""
    path = WORK / f"{name.replace(' ', '_')}.csv"
    if not path.is_file():
        part, _, worse = name.partition(" ")
        frame = incomes(part) if part in EMPLOYERS else hearts(part)
        if worse == "shuffled":
            frame["label"] = frame["label"].sample(frac=1, random_state=0).to_numpy()
        WORK.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False)
    return path


def source(name: str) -> Path:
    run = WORK / "runs" / name.replace(" ", "_")
    if not (run / "run.json").is_file():
        epochs = SHORT if name.endswith("short") else EPOCHS
        hs.pretrain(written(name), network="headstart/tabular", epochs=epochs, out=run, quiet=True, force=True)
    return run


def measure(seconds: float) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    done = {(r["target"], r["source"]) for r in store.read(NAME, zoo.RESULTS)}
    for target in TARGETS:
        names = [name for name in SOURCES if fellow(target, name)]
        if all((target, name) in done for name in names):
            continue
        ranking = hs.rank(written(target), [source(name) for name in names], seed=0, quiet=True)
        at = {Path(one.source.spec).name: one for one in ranking.sources if one.source is not None}
        rank = {name: place for place, one in enumerate(ranking.sources) for name in names
                if one.source is not None and Path(one.source.spec).name == name.replace(" ", "_")}  # fmt: skip
        for name in names:
            if (target, name) in done or time.monotonic() > stop:
                continue
            began = time.process_time()
            run = hs.fit(
                written(target), source=source(name), method="finetune", arms="scratch,chosen", shots=SHOTS, seeds=3,
                epochs=20, out=WORK / "fits" / f"{target}-{name.replace(' ', '_')}", quiet=True, force=True,
            )  # fmt: skip
            assert run is not None
            values = {arm: run.arms[arm]["test"]["accuracy"] for arm in ("scratch", "finetune")}
            one = at[name.replace(" ", "_")]
            record: dict[str, Any] = {
                "target": target, "source": name, "accuracy": values["finetune"], "scratch": values["scratch"],
                "n_test": run.verdict.n_test, "place": rank[name], "scores": scored(one),
                "cpu": round(time.process_time() - began, 1),
            }  # fmt: skip
            store.append(NAME, record | about, zoo.RESULTS)
            print(target, name, {k: record[k] for k in ("accuracy", "scratch", "place", "cpu")}, flush=True)


def scored(one: Any) -> dict[str, float]:
    """Return everything that a ranking knows of a source, by the score's name."""
    found = {name: terms.value for name, terms in one.terms.items()} | one.scores
    return {name: round(float(value), 5) for name, value in found.items()}


def cases(records: list[dict[str, Any]]) -> list[judge.Case]:
    found = []
    for target in dict.fromkeys(r["target"] for r in records):
        part = [r for r in records if r["target"] == target]
        scores = {name: np.array([r["scores"].get(name, np.nan) for r in part], float) for name in TITLES}
        scores |= {"order": -np.array([r["place"] for r in part], float)}
        arrays = (np.array([r["accuracy"] for r in part]), scores, np.array([r["scratch"] for r in part]))
        found.append(judge.Case(target, *arrays, np.full(len(part), np.nan)))
    return found


def page(records: list[dict[str, Any]], text: str, shots: int) -> str:
    known, header = cases(records), records[-1]
    targets, rows = [case.target for case in known], []
    for name, title in TITLES.items():
        if not all(np.isfinite(case.scores[name]).sum() > 1 for case in known):
            continue
        said = judge.over_targets([judge.judged(case, case.scores[name]) for case in known], targets)
        rows.append([title, *_figures(said)])
    rows.append(["a pick by chance", *_figures(judge.over_targets([judge.by_chance(c) for c in known], targets))])
    each = [
        [
            c.target,
            str(len(c.accuracy)),
            *map(_share, (c.accuracy.max(), c.accuracy.min(), c.scratch.mean())),
            str(int(c.harms.sum())),
        ]
        for c in known
    ]
    return text.format(
        date=header["date"], machine=header["machine"], n=len(records), targets=len(known), shots=shots,
        table=table(["order by", "weighted τ", "regret, points", "best picked", "of the best 3"], rows),
        each=table(["target", "sources", "best", "worst", "scratch", "harms"], each),
    )  # fmt: skip


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _figures(found: dict[str, tuple[float, float, float]]) -> list[str]:
    tau, regret = found["tau"], [100 * value for value in found["regret"]]
    return [
        f"{tau[0]:.2f} ({tau[1]:.2f} to {tau[2]:.2f})",
        f"{regret[0]:.1f} ({regret[1]:.1f} to {regret[2]:.1f})",
        f"{100 * found['top1'][0]:.0f}%",
        f"{100 * found['top3'][0]:.0f}%",
    ]


TEXT = """# Which scores deserve trust on tables

`python -m benchmarks.ranking.tables`, measured {date} on {machine}, one thread, beside other work: {n} pairs of a
source and a target, {targets} targets.

Hearts of four hospitals (13 columns, ill or not), of which three are targets too (in the fourth only eight are well),
and incomes above 50,000 dollars (12 columns) by three kinds of employer, 1,500 people each. Sources:
`headstart/tabular` trained on one of them each, and for every target one on shuffled labels and one stopped after an
epoch; none meets its own target, and none the other kind of columns. Scores read the target's training split, as
`headstart rank` does; the truth is the mean test accuracy of fine-tuning all stages on {shots} labels per class, three
draws. Intervals: 95%, bootstrap over targets, of which there are few, and of two kinds.

{table}

{each}

*Harm*: more than 1 point below the same network from scratch.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    measure(60 * parser.parse_args().minutes)
    store.pack(NAME, zoo.RESULTS)
    write_text(PAGE, page(store.read(NAME, zoo.RESULTS), TEXT, SHOTS))


if __name__ == "__main__":
    main()
