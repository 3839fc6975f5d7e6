"""Few pictures without a test split: every one is judged once, by a model that never saw it (cross-fitting)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import folds
from headstart.errors import UserError
from headstart.foreign import unusable
from headstart.functional.temperature import Temperature
from headstart.storage import load_tensors
from headstart.workflow.arm import REFERENCE
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.network_field import Answers, NetworkField, Results, planned_of
from headstart.workflow.planning.plan import Plan


class CrossedField(NetworkField):
    """Arms compared, in each fold, by rows that the fold's model set aside to say when to stop; judged on the others.

    The choice for a fold never reads a label of its rows, so that the verdict is of the whole procedure: choose, fit,
    predict. What is handed back is that procedure on all pictures.
    """

    judges = "the pictures that judge a fold"

    def check(self) -> None:
        if self.bench.options.forgetting:
            raise UserError(
                f"--forgetting compares on a test split, and {self.target.name} has too few pictures for one; give "
                "some with --test, or leave it out."
            )
        super().check()

    def fit(self, plan: Plan, folder: Path) -> Results:
        """Fit as ever; what arms are compared by is then the score of the rows that the folds set aside."""
        results = super().fit(plan, folder)
        return {arm: [self._scored(part) for part in parts] for arm, parts in results.items()}

    def _scored(self, part: dict[str, Any]) -> dict[str, Any]:
        inner = inner_scores(part)
        if not inner:
            return part | {"score": 0.0, "validation": {}}
        score = float(np.mean([*inner.values()]))
        return part | {"score": score, "validation": {self.logic.task.metric: score}}

    def select(self, plan: Plan, results: Results) -> Guard:
        planned = planned_of(plan, results)
        if any(not part["validation"] for parts in results.values() for part in parts):
            return Guard(planned, "The pictures are too few to compare arms on others than those that judge.")
        kept = super().select(plan, results)
        chosen = Counter(arm for each in choices(results, planned) for arm in each.values())
        said = ", ".join(f"{arm} {count} times" for arm, count in chosen.most_common())
        return replace(kept, reason=f"{kept.reason} Fold by fold the choice was {said}.") if len(chosen) > 1 else kept

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        """Return what each picture's own fold said of it; the models that are saved have seen them all."""
        self.bench.alone = True
        seeds = self.bench.options.seed_list
        self.temperatures = [Temperature() for _ in seeds]
        self.forgotten = self.robustness = None
        read = {arm: [out_of_fold(folder, arm, seed) for seed in seeds] for arm in results}
        rows = read[kept.kept][0][0]
        values = {arm: [answers for _, answers in parts] for arm, parts in read.items()}
        return Predictions(rows, self.bench.dataset.labels(rows), seeds, values)

    def judge(self, plan: Plan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        """Judge what each fold chose, under the name of what is handed back."""
        fold = np.full(len(self.bench.dataset), -1)
        for number, (_, held_out) in enumerate(folds(self.bench.dataset, plan.folds, self.bench.options.seed)):
            fold[held_out] = number
        chosen = choices(results, planned_of(plan, results))
        judged = composed(predictions.values, fold[predictions.rows], chosen, kept.kept)
        predictions = replace(predictions, values=predictions.values | {kept.kept: judged})
        return super().judge(plan, results, predictions, kept)


def inner_scores(part: dict[str, Any]) -> dict[int, float]:
    """Return by fold the best score of the rows that its model set aside to say when to stop; empty without any."""
    found: dict[int, float] = {}
    for line in part["history"]:
        fold, score = line.get("fold"), line.get("validation_score")
        if fold is not None and score is not None:
            found[fold] = max(found.get(fold, score), score)
    return found


def choices(results: Results, planned: str) -> list[dict[int, str]]:
    """Return for every seed the arm of each fold: the best on rows that the fold's models set aside."""
    found = []
    for number in range(len(results[planned])):
        inner = {arm: inner_scores(parts[number]) for arm, parts in results.items()}
        shared = sorted(set.intersection(*(set(scores) for scores in inner.values())))
        found.append({fold: _best({arm: scores[fold] for arm, scores in inner.items()}, planned) for fold in shared})
    return found


def _best(scores: dict[str, float], planned: str) -> str:
    return max(scores, key=lambda arm: (scores[arm], arm == planned))


def composed(values: Answers, fold: np.ndarray, chosen: list[dict[int, str]], kept: str) -> list[np.ndarray]:
    """Return for every seed the answers of what each fold chose; of ``kept`` where a fold could not choose.

    Scratch that is kept is what gains are counted from, and stays its own answers.

    Parameters
    ----------
    values : arm to answers [n, ...], one per seed. fold : [n], of each answer. chosen : fold to arm, one per seed.
    """
    if kept == REFERENCE:
        return values[kept]
    found = []
    for number, choice in enumerate(chosen):
        answers = values[kept][number].copy()
        for one, arm in choice.items():
            answers[fold == one] = values[arm][number][fold == one]
        found.append(answers)
    return found


def out_of_fold(folder: Path, arm: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that were held out, fold by fold, and what an arm said of them."""
    path = folder / "state" / arm / f"seed-{seed}" / "held-out.safetensors"
    tensors, _ = load_tensors(path)
    with unusable(path):
        return tensors["rows"].numpy(), tensors["predictions"].numpy()
