"""Write ``benchmarks/RESULTS.md`` from what ``benchmarks/results/`` holds; what we lose is printed as lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import store
from benchmarks.compare import Cells, bootstrap, compare, group, right

PAGE = Path(__file__).resolve().parent / "RESULTS.md"
PEERS = {"linear": "logistic regression", "fastai": "fastai `fine_tune`", "trainer": "transformers `Trainer`"}
OURS = "headstart"
SHOTS = ("5", "20", "all")

PROTOCOL = PAGE.with_name("protocol.md")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def accuracy(records: list[dict[str, Any]]) -> str:
    """Return mean accuracy and its interval."""
    values = right(records)
    low, high = bootstrap(values)
    return f"{100 * values.mean():.1f} ({100 * low:.1f} to {100 * high:.1f})"


def seconds(records: list[dict[str, Any]]) -> float:
    return float(np.mean([record["seconds"] for record in records]))


def cell_rows(cells: Cells) -> list[list[str]]:
    """Return one row per cell and contender."""
    rows = []
    for (data, shots), found in sorted(cells.items(), key=lambda item: (item[0][0], SHOTS.index(item[0][1]))):
        ours = found.get(OURS, [])
        for contender in (OURS, *PEERS):
            if contender in found:
                records = found[contender]
                difference = None if contender == OURS else compare(ours, records)
                spent = seconds(records)
                rate = 100 * right(records).mean() / max(spent, 0.1)
                name = "**Headstart**" if contender == OURS else PEERS[contender]
                outcome = "" if difference is None else str(difference)
                row = [data, shots, name, accuracy(records), f"{spent:.1f} of {records[0]['budget']:.0f}"]
                rows.append([*row, f"{rate:.1f}", str(len(records)), outcome])
    return rows


def tally(cells: Cells) -> str:
    """Return how often Headstart won, tied and lost against each, and against the best of them in each cell."""
    lines = []
    for contender, name in PEERS.items():
        outcomes = [compare(found.get(OURS, []), found[contender]) for found in cells.values() if contender in found]
        lines.append(_count(name, [found.outcome for found in outcomes if found is not None]))
    best = []
    for found in cells.values():
        others = [found[contender] for contender in PEERS if contender in found]
        if others and OURS in found:
            top = max(others, key=lambda records: right(records).mean())
            difference = compare(found[OURS], top)
            best.append(difference.outcome if difference else "")
    return "\n".join([*lines, _count("the best of them in each cell", best)]) + "\n"


def _count(name: str, outcomes: list[str]) -> str:
    won, tie, lost = (outcomes.count(word) for word in ("won", "tie", "LOST"))
    return f"- against {name}: won {won}, tie {tie}, LOST {lost} of {len(outcomes)} cells"


def choices(cells: Cells) -> list[list[str]]:
    """Return what Headstart's plan chose, cell by cell."""
    rows = []
    for (data, shots), found in sorted(cells.items(), key=lambda item: (item[0][0], SHOTS.index(item[0][1]))):
        for record in found.get(OURS, []):
            choice = record["choice"]
            chosen = f"{choice['method']}, depth {choice['depth']}"
            rows.append([data, shots, str(record["seed"]), str(record["n_train"]), chosen, f"{record['accuracy']:.1%}"])
    return rows


def evidence(cells: Cells) -> list[list[str]]:
    """Return the fits with all arms: what proving costs, and what the guard made of it."""
    rows = []
    for (data, shots), found in sorted(cells.items(), key=lambda item: (item[0][0], SHOTS.index(item[0][1]))):
        for record in found.get("headstart+evidence", []):
            arms = record["choice"]["arms"]
            words = ", ".join(f"{name} {100 * arm['test']:.1f} in {arm['seconds']:.0f} s" for name, arm in arms.items())
            whole = f"{record['choice']['whole']:.0f}"
            rows.append([data, shots, str(record["seed"]), words, record["choice"]["kept"], whole])
    return rows


def curves(cells: Cells) -> list[list[str]]:
    """Return accuracy against CPU seconds of the first seed, where points on the way were measured."""
    rows = []
    for (data, shots), found in sorted(cells.items(), key=lambda item: (item[0][0], SHOTS.index(item[0][1]))):
        for contender, records in found.items():
            if contender in (OURS, *PEERS):
                first = records[0]
                points = [*first["curve"], [first["seconds"], first["accuracy"]]]
                words = ", ".join(f"{100 * a:.1f} at {s:.0f} s" for s, a in points)
                rows.append([data, shots, {OURS: "**Headstart**"}.get(contender, PEERS.get(contender, "")), words])
    return rows


def heading(records: list[dict[str, Any]]) -> str:
    """Return date, machine and versions of what was measured."""
    dates = sorted({record["date"] for record in records})
    machines = sorted({record["machine"] for record in records})
    versions: dict[str, set[str]] = {}
    for record in records:
        for name, version in record["versions"].items():
            versions.setdefault(name, set()).add(version)
    words = ", ".join(f"{name} {'/'.join(sorted(found))}" for name, found in sorted(versions.items()))
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured {span} on {'; '.join(machines)}. Python {records[-1]['python']}, {words}.\n"


def speed_part(records: list[dict[str, Any]]) -> list[str]:
    if not records:
        return ["Not measured yet.\n"]
    latest = {(record["name"], record["setting"]): record for record in records}
    rows = [
        ["won" if r["won"] else "**LOST**", r["name"], r["setting"], f"{r['ratio']:.3g}", r["aim"], r["detail"]]
        for r in latest.values()
    ]
    words = "Ratios of CPU seconds, both sides measured in turn in one process, one thread, random weights.\n"
    return [heading(list(latest.values())), words, table(["", "what", "setting", "ratio", "aim", "measured"], rows)]


def peers_part(records: list[dict[str, Any]]) -> list[str]:
    if not records:
        return [PROTOCOL.read_text(encoding="utf-8"), "Not measured: `HEADSTART_DATA` was not set.\n"]
    cells = group(records)
    head = ["data", "labels per class", "contender", "test accuracy, %", "CPU s of budget", "% per CPU s", "seeds"]
    protocol = PROTOCOL.read_text(encoding="utf-8")
    parts = [heading(records), protocol, data_words(), "### Tally\n", tally(cells), "### Every cell\n"]
    parts.append(table([*head, "Headstart against it, points"], cell_rows(cells)))
    parts += ["### What the plan chose\n", table(["data", "labels", "seed", "n", "plan", "accuracy"], choices(cells))]
    parts += ["### What the evidence costs\n", EVIDENCE]
    parts.append(table(["data", "labels", "seed", "arms: test %, wall s", "kept", "CPU s in all"], evidence(cells)))
    parts += ["### Accuracy against CPU seconds, first seed\n"]
    return [*parts, table(["data", "labels", "contender", "test accuracy, %"], curves(cells))]


EVIDENCE = """\
The default fit trains a network from scratch and a probe beside the planned method, predicts the test set with each,
and writes the report. Three times the budget, shared by the arms; CPU seconds include everything.
"""


def data_words() -> str:
    """Return one line per data set."""
    from benchmarks.peers.tasks import LOADERS

    return "\n".join(f"- `{name}`: {(loader.__doc__ or '').strip()}" for name, loader in LOADERS.items()) + "\n"


def gpu_part(records: list[dict[str, Any]]) -> list[str]:
    if not records:
        return [
            "No GPU was at hand when this page was written: nothing measured. `python -m benchmarks.gpu` measures it.\n"
        ]
    latest = {(record["name"], record["setting"]): record for record in records}
    rows = [
        [r["word"], r["name"], r["setting"], f"{r['rate']:,.0f}", f"{r['share']:.2f}", r["detail"]]
        for r in latest.values()
    ]
    head = ["", "what", "setting", "images/s", "share of the bare network (aim 0.9)", "detail"]
    return [heading(list(latest.values())), table(head, rows)]


def page() -> str:
    parts = ["# Benchmarks\n", "Written by `make bench`; see `docs/benchmarks.md` for how to read and repeat it.\n"]
    parts += ["## Speed of the engine\n", *speed_part(store.read("speed"))]
    parts += ["## Against peers\n", *peers_part(store.read("peers"))]
    parts += ["## On an accelerator\n", *gpu_part(store.read("gpu"))]
    return "\n".join(parts)


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
