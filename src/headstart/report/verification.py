"""How well people that nothing has seen are told apart."""

from __future__ import annotations

from typing import Any

from headstart.report import format as fmt
from headstart.report.folder import RunFolder
from headstart.report.sections import title_of

LIMITS = (
    "It is no check that a picture was taken of a living person: a print or a screen is recognised like a face.",
    "Vectors of people (templates) are personal data in most places: keep, share and delete them as such.",
    "Rates hold for people and cameras like those that were measured; others may be far worse.",
)
RATES = {
    "eer": "EER",
    "tar_at_far_0.01": "TAR at FAR 1%",
    "tar_at_far_0.001": "TAR at FAR 0.1%",
    "tar": "TAR at the threshold",
    "far": "FAR at the threshold",
}
"""Error rates of pairs and what they are called."""


def rate(one: dict[str, Any]) -> str:
    """Return a rate with its 95% interval in percent."""
    low, high = one["interval"]
    return f"{100 * one['value']:.1f}% ({100 * low:.1f} to {100 * high:.1f})"


def verification(folder: RunFolder) -> dict[str, Any] | None:
    """One row per arm, with every rate and its interval; None where nobody was verified."""
    found = folder.run.get("verification")
    if not found:
        return None
    kept = found["arms"][found["kept"]]
    return {
        "people": fmt.count(kept["people"]),
        "genuine": fmt.count(kept["genuine"]),
        "impostors": fmt.count(kept["impostors"]),
        "threshold": fmt.plain(found["threshold"], 4),
        "false_accepts": fmt.percent(found["false_accepts"]),
        "names": list(RATES.values()),
        "limits": LIMITS,
        "rows": [
            {
                "title": title_of(folder.run, arm),
                "kept": arm == found["kept"],
                "values": [rate(one[name]) for name in RATES],
            }
            for arm, one in found["arms"].items()
        ],
    }
