"""Domain generalisation: Office-Caltech10, each domain left out, from MobileNetV2 features of its pictures.

``python -m benchmarks.domains.unseen``: three labelled domains teach, the fourth only scores. Every method of the kind
is fitted; the choice among them and source-only leaves each of the three out in turn and never sees a row of the
fourth. A cell that is there is not measured again.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.domains import records
from benchmarks.domains.pairs import OFFICE, Domain, _office, unit
from benchmarks.render import table
from headstart.choice import Candidate
from headstart.choice.racing import prepare
from headstart.choice.unseen import LEFT_OUT, choose_unseen
from headstart.shallow.domains import Domains

NAME = "unseen"
METHODS = ("erm", "irm", "vrex", "group_dro", "mixstyle", "weight_averaging")
SEEDS = (0, 1, 2)
CHOICE = "choice"


WORDS = """\
Office-Caltech10 from pictures through MobileNetV2's frozen features (1,280), each domain left out: accuracy in % on
it, the mean of {n} seed(s) (largest less smallest in brackets). *choice* takes, of the six methods and source-only, the
best on source domains left out in turn; no row of the target enters fits or choice. It took: {took}.
`python -m benchmarks.domains.unseen` measures it; {date}, {machine}.
"""


def left_out(domains: dict[str, Domain], letter: str) -> Domains:
    """Return all domains but one as sources, numbered from 1, and that one as the target, its labels masked."""
    others = [part for name, part in domains.items() if name != letter]
    numbers = np.repeat(np.arange(1, len(others) + 1), [len(part.y) for part in others])
    target = domains[letter]
    return Domains(
        np.concatenate([part.x for part in others]),
        np.concatenate([part.y for part in others]),
        target.x,
        np.full(len(target.y), -1),
        numbers,
    )


def measure(domains: dict[str, Domain], letter: str, seed: int) -> None:
    """Choose without one domain, score every method on it, and keep the cells."""
    began, truth = time.process_time(), domains[letter].y
    data = prepare(left_out(domains, letter), n_classes=10, seed=seed, standardise=False)
    chosen = choose_unseen(data, [Candidate(name) for name in METHODS])
    spent = time.process_time() - began
    best = chosen.finished[chosen.chosen]
    for method, one in [*((one.name, one) for one in chosen.finished), (CHOICE, best)]:
        record = {"benchmark": NAME, "pair": letter, "library": "headstart", "method": method, "head": "", "labels": 0}
        record |= {"seed": seed, "kind": "classification", "n_test": len(truth), "left_out": one.scores[LEFT_OUT]}
        record |= {"took": one.name, "seconds": spent if method == CHOICE else one.seconds}
        record |= records.scores(truth, one.target.argmax(axis=1), "classification", rows=True)
        records.append(NAME, record | records.about("torch", "numpy"))


def _kept(letter: str, seed: int) -> set[str]:
    return {r["method"] for r in records.read(NAME) if (r["pair"], r["seed"]) == (letter, seed)}


def main() -> None:
    domains = _office("mobilenet_v2_1280.npz", unit)
    for seed in map(int, sys.argv[1:] or SEEDS):
        for letter in OFFICE:
            if CHOICE not in _kept(letter, seed):
                measure(domains, letter, seed)


def page() -> list[str]:
    """Return the part of the results: accuracy on each domain left out, and the choice against ERM, won or lost."""
    found = records.read(NAME)
    if not found:
        return []
    at = {(r["method"], r["pair"], r["seed"]): r for r in found}
    seeds = sorted({r["seed"] for r in found if all((CHOICE, letter, r["seed"]) in at for letter in OFFICE)})
    if not seeds:
        return []
    methods = [name for name in (CHOICE, "source_only", *METHODS) if any(key[0] == name for key in at)]
    lines = []
    for method in methods:
        cells = [[at[method, letter, seed] for seed in seeds if (method, letter, seed) in at] for letter in OFFICE]
        means = [100 * float(np.mean([record["accuracy"] for record in cell])) for cell in cells]
        spread = [100 * float(np.ptp([record["accuracy"] for record in cell])) for cell in cells]
        shown = [f"{mean:.1f} ({width:.1f})" for mean, width in zip(means, spread, strict=True)]
        inside = np.mean([100 * record["left_out"] for cell in cells for record in cell])
        name = f"**{method}**" if method == CHOICE else method
        lines.append([name, *shown, f"{np.mean(means):.1f}", f"{inside:.1f}"])
    took = [f"{letter} {at[CHOICE, letter, seed]['took']}" for seed in seeds for letter in OFFICE]
    n = {letter: at[CHOICE, letter, seeds[0]]["n_test"] for letter in OFFICE}
    head = ["", *(f"{name} ({n[letter]})" for letter, name in OFFICE.items()), "mean", "on sources left out"]
    return [
        "## A target that nobody has seen\n",
        WORDS.format(n=len(seeds), took=", ".join(took), date=found[-1]["date"], machine=found[-1]["machine"]),
        table(head, lines),
        *_against_erm(at, seeds),
    ]


def _against_erm(at: dict[tuple, records.Record], seeds: list[int]) -> list[str]:
    """Print the choice against ERM: paired over test rows, each domain alike."""
    gains, draws = [], []
    for letter in OFFICE:
        each = [records.unpack(at[CHOICE, letter, seed]) - records.unpack(at["erm", letter, seed]) for seed in seeds]
        gain = np.mean(each, axis=0)
        rng = np.random.default_rng(0)
        gains.append(100 * gain.mean())
        draws.append([100 * gain[rng.integers(len(gain), size=len(gain))].mean() for _ in range(2000)])
    low, high = np.percentile(np.mean(draws, axis=0), [2.5, 97.5])
    mean = float(np.mean(gains))
    said = "won" if low > 0 else "**LOST**" if mean < 0 else "no difference beyond its interval"
    return [f"Choice less ERM: {mean:+.1f} points ({low:+.1f} to {high:+.1f}, test rows drawn again): {said}.\n"]


if __name__ == "__main__":
    main()
