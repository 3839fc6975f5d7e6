"""What unlabelled samples gave: the best arm that learned from them, against the labels alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from headstart.storage import load_tensors
from headstart.workflow.arm import arm_of
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.judging.measuring import measures_of, scores_of
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import WORDS, Guard, compare, named

LEVEL = 0.05
"""How often luck alone may hand back an arm that reads unlabelled samples."""


def of_unlabelled(
    bench: Workbench, predictions: Predictions, validation: dict[str, float], kept: str, planned: str
) -> dict[str, Any] | None:
    """Return the gain of the best half-labelled arm over the best of the labels alone, both by validation.

    The arm that is handed back stands for its side. None where there are no unlabelled samples or no such arms.
    """
    half = {arm: score for arm, score in validation.items() if arm_of(arm).half_labelled}
    alone = {arm: score for arm, score in validation.items() if arm not in half}
    if bench.unlabelled is None or not half or not alone:
        return None
    first = kept if kept in half else max(half, key=lambda arm: half[arm])
    second = kept if kept in alone else planned if planned in alone else max(alone, key=lambda arm: alone[arm])
    task, scores = bench.logic.task, scores_of(bench.logic, predictions)
    measures = measures_of(bench.logic, predictions.values, predictions.labels)
    corpus = None if measures is None else lambda rows: (measures[first](rows), measures[second](rows))
    found = compare(task, first, scores[first], second, scores[second], seed=bench.options.seed, corpus=corpus)
    n = len(bench.unlabelled)
    gain = f"{WORDS[found.kind]}, {found.size(task.metric)}"
    handed = {first: "the former", second: "the latter"}.get(kept, kept)
    what = f"{first} over {named(second)} on the labels alone"
    told = f"Unlabelled samples ({n:,}): {gain} of {what}; {handed} is handed back."
    return {"n": n, "comparison": found.to_json(), "lines": [told]}


def beyond_chance(bench: Workbench, folder: Path, found: Guard, validation: dict[str, float]) -> Guard:
    """Keep a half-labelled arm only where it beats the labels alone beyond chance, at a level of 5%.

    The gain is that on the rows that chose, over the best arm of the labels alone there, row by row. A handful of
    labels chooses by luck, and unlabelled samples can harm: so where they teach nothing, one fit in twenty at most is
    handed them. The arm is the best of several, so each of them has its share of that level (Bonferroni). An arm that
    is no better there than always saying the commonest class has shown nothing, whatever it gains over another.

    Parameters
    ----------
    validation : candidate arm to mean score.
    """
    alone = {arm: score for arm, score in validation.items() if not arm_of(arm).half_labelled}
    if not arm_of(found.kept).half_labelled or not alone:
        return found
    best = max(alone, key=lambda arm: alone[arm])
    mine, theirs, labels = _paired(bench, folder, found.kept, best)
    gains = mine - theirs
    tried = len(validation) - len(alone)
    if not len(gains) or (is_beyond(gains, LEVEL / tried) and not _says_nothing(bench, mine, labels)):
        return found
    return Guard(
        best,
        f"On validation {found.kept}, which reads unlabelled samples too, does not beat {best} on the labels alone "
        f"beyond chance (n = {len(gains)}), so {best} is handed back.",
    )


def is_beyond(gains: np.ndarray, level: float = LEVEL) -> bool:
    """Return whether the mean of paired gains [n] is above 0 by Student's test, one-sided at ``level``.

    Examples
    --------
    >>> is_beyond(np.array([1.0, 0.0, 1.0, 1.0])), is_beyond(np.array([1.0, 0.0, 1.0, 0.0]))
    (True, False)
    >>> is_beyond(np.array([1.0, 0.0, 1.0, 1.0]), level=0.01)
    False
    """
    n = len(gains)
    return n > 1 and bool(gains.mean() > t.ppf(1 - level, n - 1) * gains.std(ddof=1) / np.sqrt(n))


def _paired(bench: Workbench, folder: Path, arm: str, other: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two arms' scores of each held-out row [n], means over seeds, and labels; empty where none are kept."""
    rows, scores = [], []
    for seed in bench.options.seed_list:
        pair = []
        for name in (arm, other):
            path = folder / "state" / name / f"seed-{seed}" / "held-out.safetensors"
            if not path.is_file():
                return np.zeros(0), np.zeros(0), np.zeros(0)
            tensors, _ = load_tensors(path)
            order = np.argsort(tensors["rows"].numpy())
            at = tensors["rows"].numpy()[order]
            pair.append(bench.logic.scores(tensors["predictions"].numpy()[order], bench.dataset.labels(at)))
        rows.append(at)
        scores.append(np.stack(pair))
    known, place = np.unique(np.concatenate(rows), return_inverse=True)
    total = np.zeros((2, len(known)))
    np.add.at(total.T, place, np.concatenate(scores, axis=1).T)
    mine, theirs = total / np.bincount(place)
    return mine, theirs, bench.dataset.labels(known)


def _says_nothing(bench: Workbench, scores: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether always saying the commonest class would have been as good: then no ranking can be believed."""
    return bench.logic.task.label_space.one_class and bool(scores.mean() <= np.bincount(labels).max() / len(labels))
