"""The tables of docs/features.md, docs/kernels.md and docs/transport.md: ``python -m benchmarks.pages.across``.

They are read from the cells that ``make bench-domains`` measures and keeps in benchmarks/domains/results. A published
figure stands in brackets; several of the published ones have another head than ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.domains import published, records
from benchmarks.pages.cells import Record, markdown


class Column(NamedTuple):
    """A benchmark, one of its pairs or the average over all, and how it is called."""

    benchmark: str
    pair: str | None
    title: str


SURF = Column("surf", None, "SURF")
DIGITS = (Column("digits", "U->M", "USPS to MNIST"), Column("digits", "M->U", "MNIST to USPS"))
AMAZON = Column("amazon", None, "Amazon reviews")
NEAREST = "1-NN"
LOGISTIC = "tuned"
Row = tuple[str, str]
"""A method and its head; "own" for whole classifiers."""
PAGES: dict[str, tuple[tuple[Row, ...], tuple[Column, ...]]] = {
    "features": (
        (
            ("source_only", NEAREST),
            ("source_only", LOGISTIC),
            ("easytl", "own"),
            ("coral", LOGISTIC),
            ("subspace_alignment", NEAREST),
            ("gfk", NEAREST),
            ("joint_pca", NEAREST),
            ("msda", LOGISTIC),
            ("mmd_ls", LOGISTIC),
            ("feda_semi", "own"),
        ),
        (SURF, AMAZON),
    ),
    "kernels": (
        (
            ("source_only", NEAREST),
            *((name, NEAREST) for name in ("tca", "jda", "bda", "tjm", "jgsa")),
            ("artl", "own"),
            ("meda", "own"),
        ),
        (SURF, *DIGITS),
    ),
    "transport": (
        (
            *((name, NEAREST) for name in ("source_only", "ot_exact", "ot_entropic", "ot_class", "ot_linear")),
            *((name, LOGISTIC) for name in ("source_only", "ot_exact", "ot_entropic", "ot_class", "ot_linear")),
            ("ot_labels", "own"),
            ("jdot", "own"),
        ),
        (SURF, *DIGITS),
    ),
}


def tables(page: str) -> str:
    """Return a page's table and what it was measured on."""
    rows, columns = PAGES[page]
    found = {column.benchmark: records.read(column.benchmark) for column in columns}
    used: list[Record] = []
    lines = []
    for method, head in rows:
        words = []
        for column in columns:
            mine = [r for r in found[column.benchmark] if _is(r, method, head) and column.pair in (None, r["pair"])]
            used += mine
            words.append(_said(mine, column, method, head))
        lines.append([f"`{method}`" + {"own": "", NEAREST: ", 1-NN", LOGISTIC: ", logistic"}[head], *words])
    dates = sorted(record["date"] for record in used)
    machines = "; ".join(sorted({record["machine"] for record in used}))
    table = markdown(["", *(column.title for column in columns)], lines)
    days = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return f"{table}\n\nMeasured {days} on {machines}; seed 0."


def _is(record: Record, method: str, head: str) -> bool:
    return (record["library"], record["method"], record["head"], record["labels"]) == ("headstart", method, head, 0)


def _said(found: list[Record], column: Column, method: str, head: str) -> str:
    values = [100 * record["accuracy"] for record in found if "failed" not in record]
    if not values:
        return "not finished" if found else ""
    if column.pair:
        theirs = published.DIGITS[column.pair].get((method, head))
    else:
        average = published.average(column.benchmark, method, head)
        theirs = average[0] if average else None
    missing = "" if column.pair or len(values) == 12 else f", {len(values)} of 12 pairs"
    return f"{np.mean(values):.1f}" + (f" ({theirs:.1f})" if theirs else "") + missing


def main() -> None:
    for page in PAGES:
        print(f"## docs/{page}.md\n\n{tables(page)}\n")


if __name__ == "__main__":
    main()
