"""Methods and sources listed for people, in at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

WIDTH = 100
KINDS = {
    "fitted": "Heads fitted on frozen features",
    "trained": "Trained in the loop",
    "penalty": "Penalties, joined to a trained method by +",
    "joint": "Trained in the loop on two domains or more",
    "source_free": "Trained in the loop on an unlabelled target, from a source's model alone",
    "test_time": "Adapted at prediction, from a model and the rows to predict",
    "baseline": "Baselines",
}
"""Headings of the kinds of methods that have one; the others say what they carry over."""


def method_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the methods under headings: name and title, where each applies, what speaks against it, and its papers."""
    lines, kinds = [], {}
    for row in rows:
        kinds.setdefault(_heading(row), []).append(row)
    for heading, members in kinds.items():
        lines += ["", heading] if lines else [heading]
        for row in members:
            needs = f"; needs {row['needs'].replace('_', ' ')}" if row["needs"] else ""
            where = f"{row['scenario']}, {row['space']}; {row['applies to']}{needs}"
            unoffered = row["not offered"] and f"no plan offers it: {row['not offered']}"
            lines += _hung(f"  {row['name']}", [row["title"], where, unoffered, row["paper"]])
    return lines


def _heading(row: dict[str, Any]) -> str:
    return KINDS.get(row["kind"], f"Across domains: {row['carries']}")


def source_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the sources: what is at hand first, each with what it takes and what it is."""
    known = list(rows)
    lines = []
    for heading, there in (("At hand", True), ("To be fetched from their hub when named", False)):
        members = [row for row in known if row["at_hand"] is there]
        if members:
            lines += ["", heading] if lines else [heading]
        for row in members:
            lines += _hung(f"  {row['spec']}", [f"{row['modality']}: {row['title']}", row["paper"]], 44)
    return lines


def _hung(name: str, texts: list[str], indent: int = 26) -> list[str]:
    """Return texts wrapped beside a name; a long name stands alone."""
    body = [line for text in texts if text for line in textwrap.wrap(text, WIDTH - indent, break_on_hyphens=False)]
    lines = [" " * indent + line for line in body]
    if len(name) < indent and lines:
        return [name.ljust(indent) + body[0], *lines[1:]]
    return [name, *lines]
