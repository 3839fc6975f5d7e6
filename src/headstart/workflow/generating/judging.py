"""What drawn pictures are worth: their distance to real ones held out, against scratch, and whether they are copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.functional.kid import Copies, Distance, copies, gain, kid
from headstart.workflow.judging.verdict import Kind, Verdict

Array = np.ndarray
METRIC = "kid"
DRAWN = 500


@dataclass(frozen=True)
class Judged:
    """The kept arm, every arm's distance, its gain over scratch where something was carried over, and the copy test."""

    kept: str
    distances: dict[str, Distance]
    gained: tuple[float, float, float] | None
    copied: Copies
    n: int

    def verdict(self, scratch: str) -> Verdict | None:
        """Return the kept arm's gain in KID, higher is better; None where nothing was carried over."""
        if self.gained is None:
            return None
        value, low, high = self.gained
        kind: Kind = "positive" if low > 0 else "negative" if high < 0 else "none"
        how = "same" if self.kept == scratch else "jackknife"
        return Verdict(kind, METRIC, value, (low, high), None, self.n, self.kept, scratch, interval_kind=how)

    def measured(self) -> list[dict[str, Any]]:
        """Return every figure with its interval, for the page."""
        found: list[dict[str, Any]] = [
            {"name": f"KID, {arm}", "n": self.n, "value": one.value, "interval": list(one.interval), "chance": None}
            for arm, one in self.distances.items()
        ]
        if self.gained is not None:
            value, low, high = self.gained
            found.append(
                {
                    "name": f"KID gained over scratch by {self.kept}",
                    "n": self.n,
                    "value": value,
                    "interval": [low, high],
                    "chance": None,
                }
            )
        copied = {"value": self.copied.share, "interval": None, "chance": 0.5}
        return [*found, {"name": "nearer to a learned picture than a fresh one", "n": self.n} | copied]

    def lines(self) -> list[str]:
        """Say each arm's distance, and whether pictures are copied."""
        said = []
        for arm, one in self.distances.items():
            low, high = one.interval
            said.append(f"  {arm}: KID {one.value:.4g} ({low:.4g} to {high:.4g})")
        if self.copied.found:
            said.append(
                f"Copies: a drawn picture is nearer to a learned one than a fresh one is in {self.copied.share:.0%} "
                f"of pairs (half is chance, p = {self.copied.p:.2g}): it draws what it has learned from."
            )
        else:
            said.append(f"No copies found: {self.copied.share:.0%} nearer than fresh pictures (half is chance).")
        return said


def judge_arms(kept: str, drawn: dict[str, Array], real: Array, learned: Array, *, scratch: str) -> Judged:
    """Compare features of drawn pictures with those of real ones that judge."""
    distances = {arm: kid(real, one) for arm, one in drawn.items()}
    gained = gain(distances[scratch], distances[kept]) if len(drawn) > 1 and kept != scratch else None
    if len(drawn) > 1 and kept == scratch:
        gained = (0.0, 0.0, 0.0)
    return Judged(kept, distances, gained, copies(drawn[kept], learned, real), len(real))
