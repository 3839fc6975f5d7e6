"""How well each score ordered the sources that were then fine-tuned: per target, and over targets with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import weightedtau

from headstart.scores.combining import mean_ranks

Record = dict[str, Any]
ALONE = (
    "knn",
    "linear_probe",
    "logme",
    "logme_paper",
    "h_score",
    "gbc",
    "transrate",
    "sfda",
    "nleep",
    "parc",
    "leep",
    "nce",
    "static",
)
SHIPPED = ("knn", "linear_probe", "logme")
HARM = 0.01
"""A source harms where fine-tuning it ends so much below the same network from scratch."""
ALARMS = 0.2


class Case(NamedTuple):
    """One target and draw: accuracies [s] of the fine-tuned sources, scores by name [s] (NaN: none), what scratch
    reached with each source's architecture [s], and the share of resamples before random weights [s]."""

    target: str
    accuracy: np.ndarray
    scores: dict[str, np.ndarray]
    scratch: np.ndarray
    before: np.ndarray

    @property
    def harms(self) -> np.ndarray:
        return self.accuracy < self.scratch - HARM


def cases(records: Iterable[Record]) -> list[Case]:
    """Return the targets of which every source was measured."""
    last = {(record["target"], record["draw"], record["source"]): record for record in records}
    by: dict[tuple[str, int], list[Record]] = {}
    for (name, draw, _), record in last.items():
        by.setdefault((name, draw), []).append(record)
    most = max((len(part) for part in by.values()), default=0)
    return [_case(name, part) for (name, _), part in by.items() if len(part) >= most - 3]


def _case(name: str, records: list[Record]) -> Case:
    scratch = {r["source"].split()[0]: r["accuracy"] for r in records if r["source"].endswith(" scratch")}
    rows = [r for r in records if not r["source"].endswith(" scratch")]
    names = {score for r in rows for score in r["scores"]}
    scores = {score: np.array([r["scores"].get(score, np.nan) for r in rows], float) for score in names}
    return Case(
        name,
        np.array([r["accuracy"] for r in rows]),
        scores,
        np.array([scratch[r["source"].split()[0]] for r in rows]),
        np.array([r["before_random"] for r in rows]),
    )


def value_of(case: Case, names: tuple[str, ...]) -> np.ndarray:
    """Return minus the mean rank in several scores, or one score as it is."""
    if len(names) == 1:
        return case.scores[names[0]]
    return -mean_ranks(np.stack([case.scores[name] for name in names], axis=1))


def judged(case: Case, value: np.ndarray) -> dict[str, float]:
    """Return weighted tau, regret, and whether the pick is the best or of the best three; of sources with a value."""
    known = np.isfinite(value)
    truth, said = case.accuracy[known], value[known]
    pick = truth[said.argmax()]
    return {
        "tau": float(weightedtau(truth, said).statistic),
        "regret": float(case.accuracy.max() - pick),
        "top1": float(pick >= case.accuracy.max() - 1e-9),
        "top3": float(pick >= np.sort(case.accuracy)[-3:][0] - 1e-9),
    }


def by_chance(case: Case) -> dict[str, float]:
    """Return what a pick by chance gives on average."""
    best, third = case.accuracy.max(), np.sort(case.accuracy)[-3:][0]
    shares = float((case.accuracy >= best - 1e-9).mean()), float((case.accuracy >= third - 1e-9).mean())
    return {"tau": 0.0, "regret": float(best - case.accuracy.mean()), "top1": shares[0], "top3": shares[1]}


def over_targets(
    found: list[dict[str, float]], targets: list[str], seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """Return each figure's mean over targets (draws of a target averaged first) and its bootstrap interval."""
    names = sorted(set(targets))
    rng, out = np.random.default_rng(seed), {}
    drawn = rng.integers(len(names), size=(5000, len(names)))
    for figure in found[0]:
        means = np.array([np.mean([f[figure] for f, t in zip(found, targets, strict=True) if t == n]) for n in names])
        low, high = np.quantile(means[drawn].mean(axis=1), [0.025, 0.975])
        out[figure] = float(means.mean()), float(low), float(high)
    return out


def chosen_elsewhere(
    known: list[Case], pool: tuple[str, ...], most: int = 3
) -> tuple[list[dict[str, float]], list[tuple[str, ...]]]:
    """For each target judge the combination of at most ``most`` scores that is best on all other targets.

    The best has the least mean regret there; of equal ones the larger tau, then the fewer scores.
    """
    options = [names for size in range(1, most + 1) for names in combinations(pool, size)]
    table = {names: [judged(case, value_of(case, names)) for case in known] for names in options}
    found, picks = [], []
    for number, case in enumerate(known):
        others = [i for i, one in enumerate(known) if one.target != case.target]

        def loss(names: tuple[str, ...], others: list[int] = others) -> tuple[float, float, int]:
            part = [table[names][i] for i in others]
            return round(np.mean([p["regret"] for p in part]), 6), -np.mean([p["tau"] for p in part]), len(names)

        names = min(options, key=loss)
        found.append(table[names][number])
        picks.append(names)
    return found, picks


def foreseen(known: list[Case]) -> dict[str, Any]:
    """Return how many harms the share before random weights foresees, at 0.5 and at a limit from the other targets."""
    plain = _alarms([(case, 0.5) for case in known])
    limits = [(case, _limit([c for c in known if c.target != case.target])) for case in known]
    return {"plain": plain, "elsewhere": _alarms(limits), "limits": [round(limit, 3) for _, limit in limits]}


def _alarms(limits: list[tuple[Case, float]]) -> dict[str, Any]:
    harms = np.concatenate([case.harms for case, _ in limits])
    alarm = np.concatenate([case.before < limit for case, limit in limits])
    return {
        "harms": int(harms.sum()), "foreseen": int((harms & alarm).sum()),
        "harmless": int((~harms).sum()), "false": int((~harms & alarm).sum()),
    }  # fmt: skip


def _limit(known: list[Case]) -> float:
    """Return the largest limit with at most `ALARMS` false alarms."""
    able = [limit for limit in np.linspace(0, 1, 101) if _share(_alarms([(case, limit) for case in known])) <= ALARMS]
    return float(max(able))


def _share(found: dict[str, Any]) -> float:
    return found["false"] / max(found["harmless"], 1)
