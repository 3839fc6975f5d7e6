"""The part of the page about digits by the full protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.domains import records
from benchmarks.domains.digits_full import AUTO, FIRST_STEPS, NAME, SUPERVISED
from benchmarks.domains.judging import interval, points
from benchmarks.render import table

PAIRS = ("M->U", "U->M")
PUBLISHED = {
    "shot": (97.9, 98.0),
    "deepjdot": (95.7, 96.4),
    "dann": (77.0, 73.0),
    "mcd": (94.2, 94.1),
    "cdan": (95.6, 98.0),
    "mcc": (98.2, 88.3),
    "erm": (79.7, 88.0),
    "auto": (95.5, 97.0),
}
"""Accuracies of the methods' papers or of independent reproductions; of a range its lower end."""
WITHIN = 2.0
SAID = """\
MNIST and USPS at 28 x 28 pixels: all training pictures, the target's without labels, scored on the target's test split
(`python -m benchmarks.domains.digits_full`). Every method is trained as `headstart fit --source headstart/pixels
--method NAME` trains it; published USPS figures come from another split. *Reached*: within 2 points of the published
figure. Brackets: the 95% interval over test rows of the mean over seeds. `supervised` learns from the target's own
labels; `auto` is the automatic choice, which races what is expected to end within 1,200 s and is told no target label:
its aim stands as published.
"""


def parts(folder: Path) -> list[str]:
    """Return the section; nothing where nothing was measured."""
    found = records.read(NAME, folder)
    if not found:
        return []
    names = list(dict.fromkeys(one["method"] for one in found))
    lines = [line for name in names for line in _lines(name, [one for one in found if one["method"] == name])]
    head = ["", "pair", "accuracy, %", "published", "reached", "steps", "CPU s", "seeds"]
    return ["## Digits, full protocol\n", SAID, table(head, lines)]


def _lines(name: str, mine: list[records.Record]) -> list[list[str]]:
    out = []
    for place, pair in enumerate(PAIRS):
        cells = [one for one in mine if one["pair"] == pair]
        if not cells:
            continue
        mean, said = _told(cells)
        wanted = PUBLISHED.get(name)
        within = 0.0 if name == AUTO else WITHIN
        reached = "" if wanted is None else ("yes" if mean >= wanted[place] - within else "**no**")
        shown = "" if wanted is None else f"{wanted[place]:.1f}"
        seconds = f"{np.mean([one['seconds'] for one in cells]):.0f}"
        seconds += " (after it was stopped)" if any(one.get("resumed") for one in cells) else ""
        steps = ", ".join(sorted({f"{one.get('steps', FIRST_STEPS):,}" for one in cells}))
        kept = ", ".join(sorted({str(one.get("kept")) for one in cells}))
        title = {SUPERVISED: f"{name} (target's labels)", AUTO: f"auto: {kept}"}.get(name, name)
        out.append([title, pair, said, shown, reached, steps, seconds, str(len(cells))])
    return out


def _told(cells: list[records.Record]) -> tuple[float, str]:
    """Return the mean over seeds, and it with its 95% interval over test rows and the least and the most of a seed."""
    if len(cells) == 1:
        low, high = interval(cells[0])
        mean = points(cells[0])
        return mean, f"{mean:.1f} ({low:.1f} to {high:.1f})"
    hits = 100 * np.mean([records.unpack(one) for one in cells], axis=0)
    mean, half = float(hits.mean()), 1.96 * float(hits.std(ddof=1)) / np.sqrt(len(hits))
    seeds = sorted(points(one) for one in cells)
    return mean, f"{mean:.1f} ({mean - half:.1f} to {mean + half:.1f}; seeds {seeds[0]:.1f} to {seeds[-1]:.1f})"
