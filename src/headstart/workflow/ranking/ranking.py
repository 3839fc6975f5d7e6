"""A finished ranking: in words for the terminal, as JSON, and as files."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.scores import COMBINED, SCORES
from headstart.scores.combining import RESAMPLES, Combined
from headstart.storage import write_json, write_text
from headstart.workflow.ranking import measured
from headstart.workflow.ranking.judging import PLAIN, RANDOM, SOURCE, Judged

SURE = 0.95
"""Share of resamples in which one must lie before another for the order of the two to be told."""
WIDTH = 110
TITLES = {"static": "static", "label_overlap": "labels", "mmd": "MMD", "proxy_a": "A-dist.", "past": "past gain"}
"""Names of what is known of a source beside the target's labels."""
COMBINATION = (
    f"The order is the mean rank of k-NN, linear probe and LogME. Over {measured.TARGETS} targets and {measured.PAIRS} "
    f"fine-tunings of small picture networks its first lay {measured.REGRET} points below the best source on average, "
    f"a pick by chance {measured.CHANCE}; on tables {measured.TABLES[0]} and {measured.TABLES[1]}, on texts "
    f"{measured.TEXTS[0]} and {measured.TEXTS[1]}, hardly better than chance. «before next» is the share of "
    f"{RESAMPLES:,} resamples of the samples in which a row lies before the next."
)
HARM = (
    f"of small picture networks behind random weights of their own architecture {measured.TRUE_ALARMS} of "
    f"{measured.ALARMS} ended below training from scratch when fine-tuned ({measured.HARMS} of all {measured.PAIRS})."
)


@dataclass(frozen=True)
class Ranking:
    """Sources in order, best first, with what was measured.

    Attributes
    ----------
    name, task, modality : of the target. n : training samples that were read.
    judged : the candidates, best first; of equal ones the better k-NN. combined : their order, in the same order.
    left_out : names of sources that could not be ranked, and why. notes : sentences. regression : what scores are.
    """

    name: str
    task: dict[str, Any]
    modality: str
    n: int
    judged: list[Judged]
    combined: Combined
    left_out: dict[str, str]
    notes: list[str]
    seed: int
    regression: bool

    @property
    def sources(self) -> list[Judged]:
        """The candidates that are sources, best first."""
        return [one for one in self.judged if one.kind == SOURCE]

    @property
    def best(self) -> Judged:
        return self.sources[0]

    def before(self, one: Judged, other: Judged) -> float:
        """Return the share of resamples in which ``one`` lies before ``other``."""
        return float(self.combined.before[self.judged.index(one), self.judged.index(other)])

    @property
    def tied(self) -> list[Judged]:
        """The other sources that cannot be told from the best one."""
        return [one for one in self.sources[1:] if self.before(self.best, one) < SURE]

    @property
    def not_beaten(self) -> list[Judged]:
        """What needs no source and cannot be told from the best source, or lies before it."""
        return [one for one in self.judged if one.kind != SOURCE and self.before(self.best, one) < SURE]

    @property
    def beats_scratch(self) -> bool | None:
        """Whether the best source is expected to beat training from scratch; None where the samples do not tell.

        Expected where it lies clearly before all that needs no source, not expected where something of that lies
        before it in more than half of the resamples.
        """
        if not self.not_beaten:
            return True
        return False if min(self.before(self.best, one) for one in self.not_beaten) < 0.5 else None

    @property
    def behind_random(self) -> list[Judged]:
        """The sources that lie behind random weights in more than half of the resamples: expect negative transfer."""
        random = next((one for one in self.judged if one.kind == RANDOM), None)
        return [] if random is None else [one for one in self.sources if self.before(one, random) < 0.5]

    def verdict(self) -> list[str]:
        """Return what follows, in sentences."""
        return [self._order(), self._worth(), *self._harm(), *self.notes]

    def _harm(self) -> list[str]:
        names = ", ".join(one.name for one in self.behind_random)
        return [f"Behind random weights: {names}; {HARM}"] if names else []

    def _order(self) -> str:
        if len(self.sources) == 1:
            return f"{self.best.name} is the only source."
        if not self.tied:
            second = self.sources[1]
            share = _percent(self.before(self.best, second))
            return f"{self.best.name} comes first: before {second.name} in {share} of resamples."
        names = ", ".join(f"{one.name} ({_percent(self.before(self.best, one))})" for one in self.tied)
        return (
            f"{self.best.name} comes first, but {self.n} samples do not tell it from {names}: the figure is the share "
            "of resamples in which it lies before; more labels or a trial `headstart fit` of each would tell."
        )

    def _worth(self) -> str:
        if self.beats_scratch:
            shares = [(self.before(self.best, one), one.name) for one in self.judged if one.kind != SOURCE]
            return (
                "It is expected to beat training from scratch: "
                + ", ".join(f"before {name} in {_percent(share)} of resamples" for share, name in shares)
                + "."
            )
        names = " and ".join(f"{one.name} ({_percent(self.before(self.best, one))})" for one in self.not_beaten)
        if self.beats_scratch is None:
            return (
                f"Whether one beats training from scratch cannot be told from {self.n} samples: the best source lies "
                f"before {names}, in the share of resamples given; `headstart fit` measures it."
            )
        return (
            f"None is expected to beat training from scratch: the best source does not lie before {names}, in the "
            "share of resamples given."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "name": self.name,
            "task": self.task,
            "modality": self.modality,
            "n": self.n,
            "seed": self.seed,
            "resamples": RESAMPLES,
            "combination": "mean rank of " + ", ".join(COMBINED),
            "candidates": [self._row(number, one) for number, one in enumerate(self.judged)],
            "before": np.round(self.combined.before, 4).tolist(),
            "best": self.best.name,
            "cannot_be_told_from_best": [one.name for one in self.tied],
            "beats_scratch": self.beats_scratch,
            "behind_random": [one.name for one in self.behind_random],
            "left_out": self.left_out,
            "words": self.verdict(),
        }

    def _row(self, number: int, one: Judged) -> dict[str, Any]:
        values = {name: terms.value for name, terms in one.terms.items()} | one.scores
        return {
            "name": one.name,
            "spec": "" if one.source is None or one.kind == RANDOM else one.source.spec,
            "kind": one.kind,
            "title": "" if one.source is None else one.source.title,
            "stage": one.stage,
            "stages": {name: round(value, 6) for name, value in one.stages.items()},
            "mean_rank": round(float(self.combined.ranks[number]), 4),
            "places": [round(float(place), 2) for place in self.combined.places[number]],
            "scores": {name: round(float(value), 6) for name, value in values.items()},
            "features_per_second": None if one.speed is None else round(one.speed, 2),
            "parameters": one.parameters,
            "licence": "" if one.source is None else one.source.licence,
        }

    def lines(self) -> list[str]:
        what = f"{len(self.task['classes'])} classes" if self.task["classes"] else "values"
        head = f"{len(self.sources)} sources for {self.name} ({self.modality}, {what}), by {self.n} training samples"
        tables = [*table(self._first()), "", *table(self._second())]
        words = [COMBINATION, *self.verdict()]
        left = [f"left out: {name}: {why}" for name, why in self.left_out.items()]
        wrapped = [line for text in [*words, *left] for line in textwrap.wrap(text, WIDTH, break_on_hyphens=False)]
        return [head + "; validation and test samples were not read.", "", *tables, "", *wrapped]

    def _first(self) -> list[list[str]]:
        shown = ["" if one.speed is None else f"{one.speed:.3g}" for one in self.judged]
        rows = [
            ["", "source", "features", "k-NN", "probe", "LogME", "before next", "per second", "parameters", "licence"]
        ]
        place = 0
        for number, one in enumerate(self.judged):
            place += one.kind == SOURCE
            last = number + 1 == len(self.judged)
            rows.append(
                [
                    str(place) if one.kind == SOURCE else "-",
                    one.name,
                    one.stage,
                    *(self._score(name, one.terms[name].value) for name in COMBINED),
                    "" if last else _percent(self.combined.before[number, number + 1]),
                    shown[number],
                    "" if one.kind == PLAIN else _size(one.parameters),
                    "" if one.source is None or one.kind == RANDOM else one.source.licence,
                ]
            )
        return rows

    def _second(self) -> list[list[str]]:
        known = [*(name for name in SCORES if name not in COMBINED), *TITLES]
        names = [name for name in known if any(name in one.scores for one in self.judged)]
        rows = [["source", *(SCORES[name].title if name in SCORES else TITLES[name] for name in names)]]
        for one in self.judged:
            rows.append([one.name, *(f"{one.scores[name]:.3g}" if name in one.scores else "" for name in names)])
        return rows

    def _score(self, name: str, value: float) -> str:
        if name == "logme":
            return f"{value:.3f}"
        return f"R² {value:.3f}" if self.regression else f"{100 * value:.1f}%"

    def save(self, folder: Path) -> None:
        """Write ``ranking.json``, a picture and a page into a folder."""
        from headstart.report.ranking import draw, page

        value = self.to_json()
        picture = draw(value)
        write_text(folder / "ranking.svg", picture)
        write_text(folder / "ranking.html", page(value, picture))
        write_json(folder / "ranking.json", value)


def table(rows: list[list[str]]) -> list[str]:
    """Return rows under their head in columns; words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = [index for index, name in enumerate(rows[0]) if name in ("source", "features", "licence")]
    return [
        "  ".join(
            cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _size(parameters: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if parameters >= size:
            return f"{parameters / size:.3g} {unit}"
    return str(parameters)
