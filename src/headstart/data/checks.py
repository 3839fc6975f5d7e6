"""What `check` found, in numbers and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

IMBALANCED = 3.0
"""Times the samples of the smallest class that the largest must have to be said."""


@dataclass(frozen=True)
class Checks:
    """What `check` found.

    Parameters
    ----------
    counts : split to class to number of samples; in regression split to ``{"rows": n}``.
    sizes : split to number of samples.
    imbalance : largest class over smallest in the training split; 1 in regression.
    damaged : ``{"name", "reason"}`` of every sample that was left out.
    odd : ``{"name", "what"}`` of the first 100 samples of each odd kind; ``odd_counts`` has all.
    duplicates : ``exact``, ``near`` (lists of lists of names) and ``across_splits`` (names with their split), at most
        10 names of the first 100 groups of each; ``n_exact``, ``n_near``, ``n_across_splits`` count all groups, and
        ``n_conflicting`` those exact ones whose labels differ.
    warnings : what the data may not mean as they were read, in sentences.
    """

    counts: dict[str, dict[str, int]]
    imbalance: float
    sizes: dict[str, int] = field(default_factory=dict)
    damaged: list[dict] = field(default_factory=list)
    odd: list[dict] = field(default_factory=list)
    odd_counts: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the findings in words, one line each."""
        found = [*_count_lines(self), *_damage_lines(self), *_duplicate_lines(self.duplicates)]
        return [*found, *_absent_lines(self), *(f"warning: {text}" for text in self.warnings)]


def _count_lines(checks: Checks) -> list[str]:
    lines = []
    for split, counts in checks.counts.items():
        shown = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:12] if name != "rows")
        classes = f" ({shown}{more(len(counts), 12)})" if shown else ""
        lines.append(f"{split}: {checks.sizes.get(split, 0)} samples{classes}")
    if checks.imbalance >= IMBALANCED:
        lines.append(f"imbalance: the largest class has {checks.imbalance:.1f} times the samples of the smallest")
    return lines


def _absent_lines(checks: Checks) -> list[str]:
    """Say what was looked for and not found, so that silence is not taken for it."""
    absent = {
        "damaged samples": not checks.damaged,
        "odd samples": not checks.odd_counts,
        "duplicates": not any(checks.duplicates.get(f"n_{kind}") for kind in ("exact", "near")),
        "imbalance of classes": len(checks.counts.get("train", {})) > 1 and checks.imbalance < IMBALANCED,
    }
    names = [what for what, is_so in absent.items() if is_so]
    return [f"looked for and not found: {', '.join(names)}"] if names else []


def _damage_lines(checks: Checks) -> list[str]:
    lines = []
    if checks.damaged:
        first = "; ".join(f"{entry['name']} ({entry['reason']})" for entry in checks.damaged[:3])
        lines.append(f"damaged: {len(checks.damaged)} left out: {first}{more(len(checks.damaged), 3)}")
    for what, count in checks.odd_counts.items():
        names = [entry["name"] for entry in checks.odd if entry["what"].startswith(what)][:3]
        lines.append(f"odd: {count} {what}: {', '.join(names)}{more(count, 3)}")
    return lines


def _duplicate_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for kind, what in (("exact", "the same content"), ("near", "nearly the same content")):
        if found.get(f"n_{kind}"):
            lines.append(f"duplicates: {found[f'n_{kind}']} groups with {what}: {' = '.join(found[kind][0][:4])}")
    if found.get("n_across_splits"):
        first = " = ".join(found["across_splits"][0][:4])
        lines.append(f"leakage: {found['n_across_splits']} groups of duplicates lie in several splits: {first}")
    if found.get("n_conflicting"):
        lines.append(f"labels: {found['n_conflicting']} groups with the same content have different labels")
    return lines


def more(count: int, shown: int) -> str:
    return f" and {count - shown} more" if count > shown else ""
