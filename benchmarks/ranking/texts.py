"""``python -m benchmarks.ranking.texts [--minutes M]``: `headstart rank` on texts, against what fine-tuning made.

Sources are a sentence encoder, a small language model, and runs of the latter on reviews of one kind of goods each (two
of them of shuffled labels); targets are reviews of four kinds of goods with few labels. One record a pair, resumable;
needs HEADSTART_DATA, and HEADSTART_SOURCES as `benchmarks.ranking.confirmed` does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import headstart as hs
from benchmarks import machine, store
from benchmarks.ranking import confirmed, tables, zoo
from headstart.storage import write_text

NAME, PAGE = "texts", Path(__file__).with_name("TEXTS.md")
WORK = Path("build/ranking/texts")
TARGETS = ("books", "dvd", "electronics", "kitchen")
SHOTS, DRAWS, EPOCHS, SECONDS = 20, 2, 6, "60s"


def learned(goods: str, *, shuffled: bool = False) -> str:
    """Return a run of the small language model on reviews of one kind of goods."""
    name = f"texts-{goods}{'-shuffled' if shuffled else ''}"
    data = partial(confirmed.reviews, goods, shuffled=shuffled)
    return confirmed.run(name, data, confirmed.stories(), method="finetune", depth="all", epochs=8)


SOURCES: dict[str, Callable[[], str]] = {
    "MiniLM": lambda: f"hf/{confirmed.given('all_minilm_l6_v2')}",
    "stories260K": confirmed.stories,
    **{f"stories260K on {goods}": partial(learned, goods) for goods in TARGETS},
    **{f"stories260K on {goods}, shuffled": partial(learned, goods, shuffled=True) for goods in TARGETS[:2]},
}
"""Six of them or seven serve each target: none that learned from its reviews."""


def fellow(target: str, name: str) -> bool:
    return name.removesuffix(", shuffled") != f"stories260K on {target}"


def measure(seconds: float) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    done = {(r["target"], r["source"]) for r in store.read(NAME, zoo.RESULTS)}
    for target in TARGETS:
        names = [name for name in SOURCES if fellow(target, name)]
        if time.monotonic() > stop or all((target, name) in done for name in names):
            continue
        specs = {name: SOURCES[name]() for name in names}
        data = confirmed.reviews(target)
        ranking = hs.rank(data, list(specs.values()), seed=0, quiet=True)
        at = {one.source.spec: (place, one) for place, one in enumerate(ranking.sources) if one.source is not None}
        for name in names:
            if (target, name) in done or time.monotonic() > stop:
                continue
            began, (place, one) = time.process_time(), at[specs[name]]
            run = hs.fit(
                data, source=specs[name], method="lp_ft", arms="scratch,chosen", shots=SHOTS, seeds=DRAWS,
                epochs=EPOCHS, views=1, budget=SECONDS, out=WORK / "fit", quiet=True, force=True,
            )  # fmt: skip
            assert run is not None
            assert run.verdict is not None
            values = {arm: run.arms[arm]["test"]["accuracy"] for arm in ("scratch", "lp_ft")}
            record: dict[str, Any] = {
                "target": target, "source": name, "accuracy": values["lp_ft"], "scratch": values["scratch"],
                "n_test": run.verdict.n_test, "place": place, "scores": tables.scored(one),
                "cpu": round(time.process_time() - began, 1),
            }  # fmt: skip
            store.append(NAME, record | about, zoo.RESULTS)
            print(target, name, {k: record[k] for k in ("accuracy", "scratch", "place", "cpu")}, flush=True)


TEXT = """# Which scores deserve trust on texts

`python -m benchmarks.ranking.texts`, measured {date} on {machine}, one thread, beside other work: {n} pairs of a
source and a target, {targets} targets.

Reviews of four kinds of goods, good or bad, the first 40 words of 200 each. Sources: MiniLM (22.6 million parameters,
sentences), stories260K (260 thousand, a language model of children's stories), and stories260K fine-tuned on reviews of
another kind of goods, of books and dvds also with shuffled labels. Scores read the target's training split, as
`headstart rank` does; the truth is the mean test accuracy of `lp_ft` on {shots} labels per class, two draws, within 60
seconds for both arms, on 40 test reviews: a standard error of 6 points and more, so that most differences between
sources are noise. Intervals: 95%, bootstrap over targets, of which there are few, and all of one kind.

{table}

{each}

*Harm*: more than 1 point below the same network from scratch.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    measure(60 * parser.parse_args().minutes)
    store.pack(NAME, zoo.RESULTS)
    records = store.read(NAME, zoo.RESULTS)
    write_text(PAGE, tables.page(records, TEXT, SHOTS))


if __name__ == "__main__":
    main()
