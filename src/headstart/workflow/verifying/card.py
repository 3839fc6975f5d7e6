"""What a verification says of itself: lines for a terminal, and the card that travels with its model."""

from __future__ import annotations

from typing import Any

from headstart.report.card import one_line
from headstart.report.verification import LIMITS, RATES, rate


def lines_of(figures: dict[str, Any]) -> list[str]:
    """Say each arm's error rates with their intervals."""
    return [f"  {arm}: {', '.join(_words(found))}" for arm, found in figures.items()]


def _words(found: dict[str, Any]) -> list[str]:
    return [f"{words} {rate(found[name])}" for name, words in RATES.items()]


def card(record: dict[str, Any]) -> str:
    """Return ``model/README.md``."""
    told, data = record["verification"], record["data"]
    kept = told["arms"][told["kept"]]
    return "\n".join(
        [
            f"# Who is who in {one_line(data['name'])}",
            "",
            f"Kept: {told['kept']}, from {one_line(record['source']['title'])}. {record['guard']['reason']}",
            "",
            f"Verdict: {record['verdict']['sentence']}",
            "",
            f"Two samples count as one person's from a cosine of {told['threshold']:.4f}, at which "
            f"{100 * told['false_accepts']:g}% of the impostors among the people to choose by were accepted.",
            "",
            f"On {kept['people']} people that nothing has seen ({kept['genuine']:,} genuine pairs, "
            f"{kept['impostors']:,} of impostors): {', '.join(_words(kept))}.",
            "",
            *[f"- {line}" for line in LIMITS],
            "",
        ]
    )
