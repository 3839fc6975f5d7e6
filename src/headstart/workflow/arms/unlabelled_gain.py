"""What unlabelled samples gave: the best arm that learned from them, against the labels alone."""

from __future__ import annotations

from typing import Any

from headstart.workflow.arm import arm_of
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.judging.measuring import measures_of, scores_of
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import WORDS, compare, named


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
