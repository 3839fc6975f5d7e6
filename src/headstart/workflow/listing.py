"""Methods and sources listed for people, in at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from headstart.kinds import SHARES
from headstart.library import Gain, Mine

WIDTH = 100
KINDS = {
    "fitted": "Heads fitted on frozen features",
    "trained": "Trained in the loop",
    "penalty": "Penalties, joined to a trained method by +",
    "joint": "Trained in the loop on two domains or more",
    "source_free": "Trained in the loop on an unlabelled target, from a source's model alone",
    "test_time": "Adapted at prediction, from a model and the rows to predict",
    "zero_shot": "Classes without a sample, known by attributes (`headstart fit DATA --classes FILE`)",
    "meta": "Few-shot episodes: sources for classes to come, of `headstart pretrain --method`",
    "multitask": "Several tasks that share a body, of `headstart fit --label a --label b` or `fit A B`",
    "self_supervised": "Learned without labels: sources, of `headstart pretrain --method`",
    "pairs": "Learned from pairs: sources, of `headstart pretrain PAIRS --method`",
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


def library_lines(own: Iterable[Mine]) -> list[str]:
    """Return the user's own sources: what each takes, tells and gave."""
    lines = []
    for one in own:
        gone = "" if one.at_hand else f"; its folder is gone: {one.path}"
        about = f"{one.modality}: {one.predicts}, from {one.data}" + (
            "" if one.serves else "; no network, so no --source"
        )
        gave = [f"{gain.target} {_gained(gain)}" for gain in one.gains[-3:]]
        lines += _hung(f"  {one.spec}", [about + gone, *(["gave: " + "; ".join(gave)] if gave else [])], 34)
    return lines or [
        "No source of your own yet: every finished run becomes one (headstart sources add RUN for older ones)."
    ]


def known_lines(one: Mine) -> list[str]:
    """Return all that the library knows of a source."""
    score = "" if one.score is None else f"{one.metric} {one.score:.4g} on {one.n_test} test rows"
    facts = {
        "folder": one.path + ("" if one.at_hand else " (gone)"),
        "trained on": f"{one.data} ({one.origin}; fingerprint {one.fingerprint})",
        "predicts": f"{one.kind}, {one.predicts}",
        "from": one.source,
        "licence of that": one.licence,
        "score": score,
        "size": f"{one.size / 2**20:.1f} MiB" + (f", {one.parameters:,} parameters" if one.parameters else ""),
        "made": one.created,
    }
    lines = [one.spec, *(f"  {name}: {value}" for name, value in facts.items() if value)]
    gave = [
        f"  gave {gain.target}: {_gained(gain)} over {gain.baseline}, n = {gain.n_test} ({gain.run})"
        for gain in one.gains
    ]
    return lines + (gave or ["  gave: nothing was measured with it as a source yet"])


def _gained(gain: Gain) -> str:
    if gain.gain is None:
        return gain.kind
    share, unit = (100, " points") if gain.metric in SHARES else (1, f" {gain.metric}")
    span = "" if gain.low is None or gain.high is None else f" ({share * gain.low:+.3g} to {share * gain.high:+.3g})"
    return f"{gain.kind}, {share * gain.gain:+.3g}{unit}{span}"


def _hung(name: str, texts: list[str], indent: int = 26) -> list[str]:
    """Return texts wrapped beside a name; a long name stands alone."""
    body = [line for text in texts if text for line in textwrap.wrap(text, WIDTH - indent, break_on_hyphens=False)]
    lines = [" " * indent + line for line in body]
    if len(name) < indent and lines:
        return [name.ljust(indent) + body[0], *lines[1:]]
    return [name, *lines]
