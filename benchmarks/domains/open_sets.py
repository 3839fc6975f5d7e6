"""Which rows of an open target to reject: ``python -m benchmarks.domains.open_sets`` prints what rules reach.

Development pairs whose source loses half of its classes at random. Per rule: the share of known rows that are right, of
unknown ones that are found, the harmonic mean of both, the share of all rows, and what the rule costs known rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import entropy
from sklearn.model_selection import cross_val_predict

from benchmarks.domains.races import load
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.shallow.label_sets.rejecting import Rejecting

Array = np.ndarray
BENCHMARKS = ("shifts", "pictures", "drawn", "spoken")
PAIRS, ROWS, FEWEST = 16, 1500, 6
LIMITS = (0.8, 0.9, 0.95)
"""Shares of held-out source rows that a limit on the entropy would keep."""


def cases(seed: int = 0) -> Iterator[tuple[Array, Array, Array, Array, int]]:
    """Yield source rows and labels, target rows and labels, and the number of classes, which stands for unknown."""
    rng = np.random.default_rng(seed)
    wide = [
        pair
        for name in BENCHMARKS
        for pair in load(name)
        if pair.kind == "classification" and len(np.unique(pair.source_y)) >= FEWEST
    ]
    for pair in wide[:: max(1, len(wide) // PAIRS)]:
        classes = np.unique(pair.source_y)
        keep = np.sort(rng.permutation(classes)[: len(classes) // 2])
        mine = rng.permutation(np.isin(pair.source_y, keep).nonzero()[0])[:ROWS]
        theirs = rng.permutation(len(pair.test_y))[:ROWS]
        truth = np.where(np.isin(pair.test_y[theirs], keep), np.searchsorted(keep, pair.test_y[theirs]), len(keep))
        yield pair.source_x[mine], np.searchsorted(keep, pair.source_y[mine]), pair.test_x[theirs], truth, len(keep)


def answers(source: Array, labels: Array, target: Array, unknown: int) -> dict[str, Array]:
    """Return each rule's answers [m]; `unknown` where it rejects."""
    model = Rejecting().fit(*join(source, labels, target))
    plain = model.model_.predict_proba(target)
    out = {"source_only": plain.argmax(axis=1), "rejecting": model.predict(target)}
    fixed = TunedLogistic(strengths=(model.model_.strength_,), standardise=model.model_.standardised_)
    held = entropy(cross_val_predict(fixed, source, labels, cv=3, method="predict_proba"), axis=1)
    for limit in LIMITS:
        rejected = entropy(plain, axis=1) > np.quantile(held, limit)
        out[f"above {100 * limit:.0f}% of held-out source rows"] = np.where(rejected, unknown, out["source_only"])
    return out


def main() -> None:
    found: dict[str, list[list[float]]] = {}
    for source, labels, target, truth, unknown in cases():
        known = truth < unknown
        given = answers(source, labels, target, unknown)
        plain = np.mean((given["source_only"] == truth)[known])
        for rule, one in given.items():
            right, seen = np.mean((one == truth)[known]), np.mean((one == truth)[~known])
            both = 2 * right * seen / max(right + seen, 1e-9)
            found.setdefault(rule, []).append([right, seen, both, np.mean(one == truth), right - plain])
    for rule, rows in found.items():
        print(f"{rule} ({len(rows)} pairs): {np.round(100 * np.mean(rows, axis=0), 1).tolist()}")


if __name__ == "__main__":
    main()
