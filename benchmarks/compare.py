"""Paired comparison of contenders over seeds and test samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

DRAWS = 4000
Cells = dict[tuple[str, str], dict[str, list[dict[str, Any]]]]


@dataclass(frozen=True)
class Difference:
    """Mean accuracy of one contender minus another's, with a 95% interval; won, lost or tie by the interval."""

    gain: float
    interval: tuple[float, float]

    @property
    def outcome(self) -> str:
        if self.interval[0] > 0:
            return "won"
        return "LOST" if self.interval[1] < 0 else "tie"

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.outcome} {100 * self.gain:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def group(records: list[dict[str, Any]]) -> Cells:
    """Return (data, shots) to contender to its records, one per seed (the last measured counts)."""
    cells: Cells = {}
    latest = {(r["data"], r["shots"], r["contender"], r["seed"]): r for r in records}
    for (data, shots, contender, _), record in sorted(latest.items()):
        cells.setdefault((data, shots), {}).setdefault(contender, []).append(record)
    return cells


def right(records: list[dict[str, Any]]) -> np.ndarray:
    """Return right answers [seeds, test samples] as 0 and 1."""
    return np.array([[int(mark) for mark in record["correct"]] for record in records], dtype=float)


def bootstrap(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95% interval of the mean of ``values`` [seeds, samples], both drawn again with replacement."""
    random = np.random.default_rng(seed)
    n_seeds, n = values.shape
    seeds = random.integers(n_seeds, size=(DRAWS, n_seeds))
    weights = random.multinomial(n, np.full(n, 1 / n), size=DRAWS) / n
    per_seed = weights @ values.T
    means = np.take_along_axis(per_seed, seeds, axis=1).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def compare(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> Difference | None:
    """Compare on the seeds that both have; None without any."""
    common = sorted({r["seed"] for r in first} & {r["seed"] for r in second})
    if not common:
        return None
    pick = [[r for r in records if r["seed"] in common] for records in (first, second)]
    difference = right(pick[0]) - right(pick[1])
    return Difference(float(difference.mean()), bootstrap(difference))
