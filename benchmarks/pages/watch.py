"""docs/watch.md: false alarms, shifts that are seen, and how far expected scores are off, on pairs of domains.

Half of the source's rows train the field's linear model (CIFAR: the published network as it is); of the others up to
300 are what a run would keep, and up to 200 are new rows without a shift. New rows with a shift are drawn from the
target. Whether a shift costs 5 points (a fifth of the error of values) is told by all rows of both sides that the model
has not seen. Settled on `SETTLED_ON`, read off the others; concept shift alone is in neither, nothing can see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.domains.pairs import Pair, pairs
from benchmarks.domains.shifts import shifts, shifts_values
from benchmarks.domains.tasks import tuned
from benchmarks.pages.cells import Cell, Record, markdown
from benchmarks.pages.test_time import KINDS, STRENGTHS, distorted, pictures, resnet20, states
from headstart.functional.intervals import wilson
from headstart.functional.temperature import held_out_steepness, sharpened
from headstart.kinds.base import LabelSpace
from headstart.kinds.one_class import OneClass
from headstart.kinds.values import Values
from headstart.models.watched import few
from headstart.workflow.watching.accuracy import FELL, ROSE
from headstart.workflow.watching.measure import decide, measure
from headstart.workflow.watching.reference import Reference

Array = np.ndarray
Answer = Callable[[Array], Array]
HELD, NEW, FEWER = 300, 200, 50
SEEDS = 3
SETTLED_ON = ("shifts", "mobilenet", "digits", "heart", "adult")
READ_OFF = ("googlenet", "amazon", "wine", "cifar", "bike", "shifts_values")
VALUES = ("wine", "bike", "shifts_values")
SLOW = ("amazon",)
"""5,000 columns: the first seed alone."""
MOST_OF_A_SIDE = 1500


class Side(NamedTuple):
    """Rows that the model has not seen: features [n, d] as kept, answers [n, k], labels."""

    features: Array
    answers: Array
    labels: Array

    def some(self, rows: Array) -> Side:
        return Side(self.features[rows], self.answers[rows], self.labels[rows])

    def scores(self, space: LabelSpace) -> Array:
        if space.has_hits:
            return (self.answers.argmax(axis=1) == self.labels).astype(np.float64)
        return -np.abs(self.answers - self.labels).mean(axis=1)


@cache
def all_of(name: str) -> list[Pair]:
    """Return the pairs of a set."""
    made = {"shifts": shifts, "shifts_values": shifts_values}
    return list(made[name]() if name in made else pairs(name))


def sides(pair: Pair, seed: int) -> tuple[LabelSpace, Side, Side]:
    """Return both sides as a model sees them that learned from half of the source's rows."""
    rng = np.random.default_rng(seed)
    dense = [one.toarray() if hasattr(one, "toarray") else np.asarray(one) for one in (pair.source_x, pair.test_x)]
    order = rng.permutation(len(pair.source_y))
    taught, rest = order[: len(order) // 2], order[len(order) // 2 :][: HELD + NEW + MOST_OF_A_SIDE]
    target = rng.permutation(len(pair.test_y))[:MOST_OF_A_SIDE]
    model = tuned(pair).fit(dense[0][taught], pair.source_y[taught])
    space: LabelSpace
    if pair.kind == "regression":
        space, answer = Values(("y",)), lambda x: np.asarray(model.predict(x)).reshape(len(x), 1)
        labels = [y.reshape(-1, 1) for y in (pair.source_y, pair.test_y)]
    else:
        classes = list(model.classes_)
        space = OneClass(tuple(map(str, classes)))
        own = model.predict_proba(dense[0][rest[: len(rest) // 4]])
        truth = np.array([classes.index(one) for one in pair.source_y[rest[: len(rest) // 4]]])
        steepness = held_out_steepness(own, truth, "softmax")
        answer = lambda x: sharpened(model.predict_proba(x), steepness, "softmax")  # noqa: E731
        labels = [np.array([classes.index(one) if one in classes else -1 for one in y])
                  for y in (pair.source_y, pair.test_y)]  # fmt: skip
    first, second = dense[0][rest], dense[1][target]
    return space, Side(few(first), answer(first), labels[0][rest]), Side(few(second), answer(second), labels[1][target])


@cache
def pictured(kind: str, strength: int) -> Side:
    """Return CIFAR-10's test pictures as the published network sees them."""
    x, y = pictures()
    network = resnet20()
    with torch.no_grad():
        features = torch.cat([network.features(part) for part in states(distorted(x, kind, strength)).split(250)])
        answers = network.head(features).softmax(dim=1)
    return Side(few(features.numpy()), answers.double().numpy(), y.astype(np.int64))


def cifar(kind: str, strength: int, seed: int) -> tuple[LabelSpace, Side, Side]:
    """Return clean and distorted pictures, no picture on both sides."""
    order = np.random.default_rng(seed).permutation(1000)
    space = OneClass(tuple(map(str, range(10))))
    return space, pictured("none", 0).some(order[:600]), pictured(kind, strength).some(order[600:])


def watched(made: Callable[[], tuple[LabelSpace, Side, Side]], seed: int) -> Record:
    """Watch new rows of both sides, in two numbers."""
    space, source, target = made()
    n = len(source.labels)
    fresh = min(NEW, n // 2)
    held = source.some(np.arange(fresh, min(n, fresh + HELD)))
    reference = Reference(held.features, held.answers.astype(np.float32), held.labels, len(held.labels), "")
    before, after = (float(one.scores(space).mean()) for one in (source, target))
    found = []
    for shift, side in ((False, source), (True, target)):
        for count in (FEWER, NEW):
            rows = np.arange(min(count, fresh if not shift else len(side.labels)))
            if count == FEWER or len(rows) > FEWER:
                new = side.some(rows)
                told = measure(reference, new.features, new.answers, space, seed=seed)
                verdict = decide(told, space, 0)[0]
                found.append({"shift": shift, "n": len(rows), "verdict": verdict, "p": told.tests.p,
                              "auc": told.tests.auc, "truth": float(new.scores(space).mean())}
                             | _expected(told.expected))  # fmt: skip
    allowed = FELL if space.has_shares else ROSE * abs(before)
    return {
        "held": len(held.labels),
        "before": before,
        "after": after,
        "costs": before - after > allowed,
        "found": found,
    }


def _expected(expected: Any) -> Record:
    if expected is None:
        return {"expected": None}
    return {"expected": expected.estimate, "interval": list(expected.interval), "by": expected.by, "was": expected.held}


def cells() -> Iterator[Cell]:
    """Every pair with every seed, all pairs with the first seed first."""
    for seed in range(SEEDS):
        for name in (*SETTLED_ON, *READ_OFF):
            if name in SLOW and seed:
                continue
            for pair, made in _made(name, seed):
                yield Cell({"set": name, "pair": pair, "seed": seed}, partial(watched, made, seed))


def _made(name: str, seed: int) -> Iterator[tuple[str, Callable[[], tuple[LabelSpace, Side, Side]]]]:
    if name == "cifar":
        for kind in KINDS:
            for strength in STRENGTHS:
                yield f"{kind} {strength}", partial(cifar, kind, strength, seed)
        return
    for pair in all_of(name):
        yield pair.name, partial(sides, pair, seed)


def _share(hits: list[bool]) -> str:
    if not hits:
        return ""
    low, high = wilson(float(np.mean(hits)), len(hits))
    return f"{100 * np.mean(hits):.1f}% ({100 * low:.1f} to {100 * high:.1f}; n = {len(hits)})"


def tables(records: list[Record]) -> str:
    """Return the page's tables."""
    lines = []
    for words, names in (("settled on", SETTLED_ON), ("read off", READ_OFF)):
        mine = [one for one in records if one["set"] in names]
        classes, values = ([one for one in mine if (one["set"] in VALUES) == which] for which in (False, True))
        parts = [(name, [one for one in mine if one["set"] == name]) for name in names]
        parts += [("**all of classes**", classes), ("**all of values**", values), ("**all**", mine)]
        for name, part in parts:
            if part and (values or name != "**all**"):
                lines.append([words, name, *_row(part)])
    head = ["", "set", "alarms without a shift", "seen of shifts that cost, up to 200 rows", "the same, 50 rows",
            "'adapt again' of shifts that cost", "'adapt again' of shifts that do not"]  # fmt: skip
    return markdown(head, lines) + "\n\n" + _errors(records)


def _unmoved(record: Record) -> tuple[Any, ...]:
    """Return what tells one case without a shift from another: pairs of one source share its rows."""
    return (record["set"], record["seed"], *((one["p"], one["auc"]) for one in record["found"] if not one["shift"]))


def _row(records: list[Record]) -> list[str]:
    def said(records: list[Record], shift: bool, few_rows: bool, verdicts: tuple[str, ...]) -> list[bool]:
        return [one["verdict"] in verdicts for record in records for one in record["found"]
                if one["shift"] == shift and (one["n"] <= FEWER) == few_rows]  # fmt: skip

    once = {_unmoved(one): one for one in records}
    cost, free = [one for one in records if one["costs"]], [one for one in records if not one["costs"]]
    seen, adapt = ("look", "adapt"), ("adapt",)
    return [
        _share(said([*once.values()], False, False, seen)),
        _share(said(cost, True, False, seen)),
        _share(said(cost, True, True, seen)),
        _share(said(cost, True, False, adapt)),
        _share(said(free, True, False, adapt)),
    ]


def _errors(records: list[Record]) -> str:
    """Return how far expected accuracies are off, in points: mean distance and, signed, mean difference."""
    shares = [one for one in records if one["before"] >= 0]

    def cell(names: tuple[str, ...], shift: bool, by: str) -> str:
        mine = [one for record in shares if record["set"] in names for one in record["found"] if one["expected"]]
        off = [100 * (_by(one, by) - one["truth"]) for one in mine if one["shift"] == shift and one["n"] > FEWER]
        return f"{np.mean(np.abs(off)):.1f} ({np.mean(off):+.1f})" if off else ""

    head = ["expected accuracy by", *(f"{words}, {what}" for words in ("settled on", "read off")
                                      for what in ("no shift", "shift"))]  # fmt: skip
    titles = {
        "was": "nothing: the held-out accuracy",
        "threshold": "confidence alone (ATC)",
        "neighbours": "agreement with neighbours alone",
        "expected": "**the lower of both, as shipped**",
    }
    lines = [
        [title, *(cell(names, shift, by) for names in (SETTLED_ON, READ_OFF) for shift in (False, True))]
        for by, title in titles.items()
    ]
    return markdown(head, lines)


def _by(one: Record, name: str) -> float:
    return one["by"][name] if name in one["by"] else one[name]
