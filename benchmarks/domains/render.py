"""Write ``RESULTS.md`` from what ``results/`` holds; what we lose is printed as lost.

``python -m benchmarks.domains.render --cells`` also writes ``CELLS.md``, every cell with its interval, which is not
kept in the tree.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.domains import published, records, render_digits, render_scale, stages, unseen, weighers
from benchmarks.domains.judging import (
    BASELINES,
    Row,
    finished,
    gain,
    gains,
    harm,
    interval,
    over_pairs,
    points,
    regrets,
    rows,
    score,
)
from benchmarks.domains.pairs import LOADERS, TABLES
from benchmarks.render import heading, table

HERE = Path(__file__).resolve().parent
ORDER = ("headstart", "skada", "adapt")


class Board:
    """The rows of one benchmark without target labels, source-only picked out."""

    def __init__(self, benchmark: str, found: list[records.Record]):
        self.name = benchmark
        self.rows = sorted(rows(found), key=lambda r: (ORDER.index(r.library), not r.baseline, r.method, r.head))
        self.pairs = list(dict.fromkeys(record["pair"] for record in found))
        mine = [r for r in self.rows if (r.library, r.method, r.head) == ("headstart", "source_only", "tuned")]
        self.source = mine[0] if mine else None
        self.regression = any(record["kind"] == "regression" for record in found)

    def row(self, method: str, library: str = "headstart") -> Row | None:
        return next((r for r in self.rows if (r.library, r.method) == (library, method) and r.head != "1-NN"), None)

    def complete(self, row: Row) -> bool:
        return all(finished(row.cells.get(pair)) for pair in self.pairs)


def boards(folder: Path = records.RESULTS) -> dict[str, Board]:
    """Return every benchmark that has been measured."""
    peers = records.read("peers", folder)
    out = {}
    for benchmark in LOADERS:
        found = records.read(benchmark, folder) + [r for r in peers if r["benchmark"] == benchmark]
        if found:
            out[benchmark] = Board(benchmark, found)
    return out


def number(value: float, regression: bool) -> str:
    if not regression:
        return f"{value:.1f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def averages(board: Board) -> str:
    """Return the table of averages over pairs: ours, published, gain over source-only, harm, seconds."""
    unit = "mean absolute error" if board.regression else "accuracy, %"
    head = ["", f"{unit}, average over pairs", "published", "gain over source-only (95% over pairs)"]
    head += ["pairs below source-only by > 0.5", "CPU s per pair", "pairs"]
    lines = []
    for row in board.rows:
        done = [record for record in row.cells.values() if finished(record)]
        words = [f"{len(done)} of {len(board.pairs)}"]
        if not done:
            why = next(iter(row.cells.values()))["failed"]
            lines.append([row.name, why.replace("|", "/"), "", "", "", "", *words])
            continue
        mean = number(float(np.mean([points(record) for record in done])), board.regression)
        said = (
            published.average(board.name, row.method, row.head)
            if row.library == "headstart" and board.complete(row)
            else None
        )
        other = "" if said is None else f"{said[0]:.1f} {said[1]}"
        seconds = f"{np.mean([record['seconds'] for record in done]):.2f}"
        lines.append([row.name, mean, other, *_gain(board, row), seconds, *words])
    return table(head, lines)


def _gain(board: Board, row: Row) -> list[str]:
    if board.source is None or row is board.source:
        return ["", ""]
    every = gains(row, board.source)
    if not every:
        return ["", ""]
    values = np.array([value[0] for value in every.values()])
    mean, low, high = over_pairs(values)
    return [f"{mean:+.1f} ({low:+.1f} to {high:+.1f})", f"{(values < -0.5).sum()} of {len(values)}"]


def cells(board: Board) -> str:
    """Return every cell with its interval over test rows."""
    lines = []
    for row in board.rows:
        line = [row.name]
        for pair in board.pairs:
            record = row.cells.get(pair)
            if record is None:
                line.append("")
            elif not finished(record):
                line.append("not finished" if "not finished" in record["failed"] else "failed")
            else:
                low, high = (number(v, board.regression) for v in interval(record))
                line.append(f"{number(points(record), board.regression)} ({low} to {high})")
        lines.append(line)
    sizes = [next(r for row in board.rows for p, r in row.cells.items() if p == pair) for pair in board.pairs]
    sizes = [f"n = {r['n_source']} / {r['n_target']} / {r['n_test']}" for r in sizes]
    return table(["", *board.pairs], [["source / target / test rows", *sizes], *lines])


def harm_table(found: dict[str, Board]) -> str:
    """Return the harm of every library, of the automatic choice, and of each method."""
    groups: dict[str, list[tuple[float, float, float]]] = {}
    for board in found.values():
        if board.source is None:
            continue
        for row in board.rows:
            if row.method in BASELINES:
                continue
            every = list(gains(row, board.source).values())
            whole = {"auto": "**automatic choice, guarded**", "auto_unguarded": "automatic choice without its guard"}
            name = whole.get(
                row.method, f"{row.library}: every method" + (", 1-NN heads" if row.head == "1-NN" else "")
            )
            groups.setdefault(name, []).extend(every)
            if row.method not in whole:
                groups.setdefault(f"- {row.name}", []).extend(every)
    head = ["", "cells", "below by > 0.5", "below by > 2", "interval below 0", "mean gain", "worst"]
    first = sorted(name for name in groups if not name.startswith("- "))
    rest = sorted(name for name in groups if name.startswith("- "))
    lines = []
    for name in [*first, *rest]:
        h = harm(groups[name])
        if h["cells"]:
            shares = [f"{h[key]:.0f}%" for key in ("half", "two", "noise")]
            lines.append([name.removeprefix("- "), str(h["cells"]), *shares, f"{h['mean']:+.1f}", f"{h['worst']:+.1f}"])
    return table(head, lines)


def choice_table(found: dict[str, Board]) -> list[str]:
    """Return what the automatic choice did on each pair, and how the guard and the validators fared."""
    lines, kept, losses = [], [], {}
    for board in found.values():
        auto, bold = board.row("auto"), board.row("auto_unguarded")
        if auto is None or bold is None or board.source is None:
            continue
        for pair, record in auto.cells.items():
            if not finished(record) or not finished(board.source.cells.get(pair)):
                continue
            own = next((one for one in record["raced"] if one["name"] == "source_only"), None)
            best = max(record["raced"], key=score)
            difference, low, high = gain(record, board.source.cells[pair])
            free = gain(bold.cells[pair], board.source.cells[pair])[0]
            kept.append((record["kept"] not in BASELINES, free))
            for name, loss in regrets(record).items() if not board.regression else ():
                losses.setdefault(name, []).append(loss)
            numbers = [
                number(points(r), board.regression) for r in (board.source.cells[pair], record, bold.cells[pair])
            ]
            inner = "" if own is None else number(abs(score(own)), board.regression)
            oracle = f"{best['name']} {number(abs(score(best)), board.regression)}"
            said = f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"
            lines.append([board.name, pair, numbers[0], inner, record["kept"], *numbers[1:], oracle, said])
    head = ["benchmark", "pair", "source-only", "the race's own source-only", "handed back", "guarded", "unguarded"]
    parts = [table([*head, "oracle of the race", "gain over source-only"], lines)]
    if kept:
        parts.append(_guard(kept))
        regret = [[name, f"{np.mean(v):.2f}", f"{max(v):.1f}", str(len(v))] for name, v in losses.items()]
        regret.sort(key=lambda line: float(line[1]))
        parts += ["### Regret of each validator alone, points below the race's best\n"]
        parts.append(table(["validator", "mean regret", "worst", "pairs"], regret))
    return parts


def _guard(kept: list[tuple[bool, float]]) -> str:
    let = [free for handed, free in kept if handed]
    good = [handed for handed, free in kept if free > 0.5]
    bad = [handed for handed, free in kept if free < -0.5]
    words = [
        f"The guard handed an adapted model back on {len(let)} of {len(kept)} pairs.",
        f"Of those, {sum(v > 0 for v in let)} gained and {sum(v < -0.5 for v in let)} lost more than half a point.",
        f"Of the {len(good)} pairs where adaptation gains more than half a point it let {sum(good)} through (recall);",
        f"of the {len(bad)} where it loses as much it let {sum(bad)} through.",
    ]
    return "\n".join(words) + "\n"


def few_labels(folder: Path = records.RESULTS) -> list[str]:
    """Return the tables with target labels: means over pairs and seeds, against target-only and pooled."""
    peers = records.read("peers_labels", folder)
    parts = []
    for benchmark in TABLES:
        found = records.read(f"{benchmark}_labels", folder) + [r for r in peers if r["benchmark"] == benchmark]
        if found:
            parts += [f"### {benchmark}\n", _few(found)]
    return parts or ["Not measured yet.\n"]


def _few(found: list[records.Record]) -> str:
    counts = sorted({r["labels"] for r in found})
    regression = any(r["kind"] == "regression" for r in found)
    by: dict[tuple[str, ...], dict[tuple, float]] = {}
    for r in found:
        if finished(r):
            name = (r["library"], r["method"], r["head"])
            by.setdefault(name, {})[(r["labels"], r["pair"], r["seed"])] = points(r)
    base = {m: by.get(("headstart", m, "tuned"), {}) for m in ("source_only", "target_only")}
    lines = []
    for name, got in sorted(
        by.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1] not in BASELINES, item[0])
    ):
        line = [("" if name[0] == "headstart" else f"{name[0]}: ") + name[1]]
        for count in counts:
            at = {key: value for key, value in got.items() if key[0] == count}
            line.append(_mean(at, base, regression))
        lines.append(line)
    return table(["", *(f"{count} target labels" for count in counts)], lines)


def _mean(at: dict[tuple, float], base: dict[str, dict[tuple, float]], regression: bool) -> str:
    if not at:
        return ""
    mean, low, high = over_pairs(np.array(list(at.values())))
    text = f"{number(mean, regression)} ({number(low, regression)} to {number(high, regression)})"
    both = [k for k in at if k in base["source_only"] and k in base["target_only"]]
    if not both:
        return text
    if regression:
        below = [at[k] > 1.005 * min(base["source_only"][k], base["target_only"][k]) for k in both]
    else:
        below = [at[k] < max(base["source_only"][k], base["target_only"][k]) - 0.5 for k in both]
    return f"{text}; {sum(below)} of {len(both)} below"


def aims(found: dict[str, Board]) -> str:
    """Return the aims, won or lost."""
    lines = [*_averages_aimed(found), *_digits_aimed(found), *_harm_aimed(found), *_published_aimed(found)]
    return table(["", "aim", "measured"], lines)


def _said(what: str, value: str, won: bool | None) -> list[str]:
    return ["not measured" if won is None else "won" if won else "**LOST**", what, value]


def _averages_aimed(found: dict[str, Board]) -> Iterator[list[str]]:
    for benchmark, aim in (("surf", 52.7), ("amazon", 81.3)):
        what = f"{benchmark}: automatic choice at least {aim} on average"
        board = found.get(benchmark)
        auto = board.row("auto") if board else None
        if board is None or auto is None or not board.complete(auto):
            yield _said(what, "", None)
            continue
        mean, low, high = over_pairs(np.array([points(r) for r in auto.cells.values()]))
        yield _said(what, f"{mean:.1f} ({low:.1f} to {high:.1f} over pairs)", mean >= aim)
        if benchmark == "surf" and board.source:
            pair, worst = min(gains(auto, board.source).items(), key=lambda item: item[1][0])
            said = f"worst {pair} {worst[0]:+.1f}"
            yield _said("surf: automatic choice, no pair more than 1 point below source-only", said, worst[0] >= -1)


def _digits_aimed(found: dict[str, Board]) -> Iterator[list[str]]:
    for pair, aim in (("M->U", 89.5), ("U->M", 72.1)):
        auto = found["digits"].row("auto") if "digits" in found else None
        record = auto.cells.get(pair) if auto else None
        what = f"digits {pair}: automatic choice at least {aim}"
        if record is None or not finished(record):
            yield _said(what, "", None)
        else:
            low, high = interval(record)
            yield _said(what, f"{points(record):.1f} ({low:.1f} to {high:.1f})", points(record) >= aim)


def _harm_aimed(found: dict[str, Board]) -> Iterator[list[str]]:
    autos = [(board, board.row("auto")) for board in found.values()]
    h = harm(v for board, auto in autos if auto and board.source for v in gains(auto, board.source).values())
    if h["cells"]:
        said = f"{h['half']:.1f}% of {h['cells']} pairs"
        yield _said("automatic choice below source-only by > 0.5: under 5%", said, h["half"] < 5)
        said = f"{h['two']:.1f}% of pairs, worst {h['worst']:+.1f}"
        yield _said("automatic choice: none below source-only by > 2", said, h["two"] == 0)


def _published_aimed(found: dict[str, Board]) -> Iterator[list[str]]:
    ours = [row for row in (found["surf"].rows if "surf" in found else []) if row.library == "headstart"]
    named = {(row.method, row.head): row for row in ours}
    for figure in published.SURF:
        if figure.method in ("auto", "source_only"):
            continue
        what = f"surf: {figure.name} at most 1.5 below its published {figure.value}"
        row = named.get((figure.method, figure.head))
        if row is None or not found["surf"].complete(row):
            yield _said(what, "", None)
        else:
            mean = float(np.mean([points(record) for record in row.cells.values()]))
            yield _said(what, f"{mean:.1f}", mean >= figure.value - 1.5)


WRITTEN = """\
Written by `make bench-domains`; `python -m benchmarks.domains.render --cells` writes every cell with its interval to
`benchmarks/domains/CELLS.md`.
"""
NOTES = (HERE / "protocol.md").read_text(encoding="utf-8")


def page(folder: Path = records.RESULTS) -> tuple[str, str]:
    """Return the two pages."""
    found = boards(folder)
    every = [r for board in found.values() for row in board.rows for r in row.cells.values()]
    parts = ["# Across domains\n", WRITTEN]
    if every:
        parts.append(heading(every))
    parts += [NOTES, "## Won or lost\n", aims(found), "## Harm\n", HARM, harm_table(found)]
    parts += ["## Averages\n"]
    for board in found.values():
        parts += [f"### {board.name}\n", (LOADERS[board.name].__doc__ or "").strip() + "\n", averages(board)]
    parts += render_digits.parts(folder)
    parts += ["## The automatic choice\n", CHOICE, *choice_table(found)]
    parts += stages.page() + unseen.page()
    parts += [
        "## A few target labels\n",
        FEW,
        *few_labels(folder),
        "## Time and memory\n",
        *render_scale.parts(folder),
        *weighers.page(folder),
    ]
    whole = ["# Across domains: every cell\n", "Value and 95% interval (bootstrap over test rows).\n"]
    for board in found.values():
        whole += [f"## {board.name}\n", cells(board)]
    return "\n".join(parts), "\n".join(whole)


HARM = """\
Over all pairs and methods without target labels: the share of cells that end below source-only (the same linear model,
its strength chosen on the source, no adaptation). Points of accuracy; for regressions, percent of source-only's mean
absolute error. *Interval below 0*: the paired 95% interval over test rows leaves 0 out on the wrong side.
"""
CHOICE = """\
*Guarded* is what a user is handed. *Unguarded* is the adapted model of the highest predicted gain, whatever the guard
said. *Oracle*: the best of what was raced, by the target's labels, which no choice has seen.
"""
FEW = """\
Means over pairs and 5 seeds (a seed draws which target rows are labelled; the scored rows are those outside the first
100 drawn), with a 95% bootstrap interval over pairs and seeds. *Below*: cells worse than the better of source-only and
target-only by more than half a point (0.5% of the error).
"""


def main() -> None:
    names = ("RESULTS.md", "CELLS.md") if "--cells" in sys.argv else ("RESULTS.md",)
    for name, text in zip(names, page(), strict=False):
        (HERE / name).write_text(text, encoding="utf-8")
        print(f"wrote {HERE / name}")


if __name__ == "__main__":
    main()
