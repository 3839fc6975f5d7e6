"""The end of the road across domains: target labels are read, the verdict speaks, the run is kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.shallow.diagnose import Diagnosis
from headstart.storage import write_text
from headstart.workflow.across.evidence import write_domains
from headstart.workflow.across.ground import Ground
from headstart.workflow.across.model import AdaptedModel, outputs
from headstart.workflow.across.plan import AcrossPlan
from headstart.workflow.across.race import ADAPTED, Outcome
from headstart.workflow.across.record import across_record
from headstart.workflow.conclude import command_of, scores_of
from headstart.workflow.finish import finish
from headstart.workflow.measuring import measures_of
from headstart.workflow.predictions import Predictions, write_predictions
from headstart.workflow.run import Run
from headstart.workflow.trained_rows import save_rows
from headstart.workflow.verdict import Guard, Verdict, judge_kept

Array = np.ndarray


class Bench(NamedTuple):
    """What the file of predictions is written from."""

    dataset: Any
    logic: Any


def conclude_across(
    ground: Ground, plan: AcrossPlan, shift: Diagnosis, outcomes: list[Outcome], folder: Path, *, began: float
) -> Run:
    """Judge the arms on the labelled target rows, and write the run; ``run.json`` comes last."""
    first = outcomes[0]
    predictions = predict_arms(ground, outcomes)
    guard = Guard(first.kept_arm, _sentence(first.decided.reason))
    verdict = judge_arms(ground, predictions, guard.kept)
    model = AdaptedModel(ground.encoder, first.model(first.kept), ground.logic, ground.sides.sources[0].input_column)
    model.save(folder / "model")
    command = command_of(folder)
    record = across_record(ground, plan, shift, outcomes, predictions, verdict, guard, command)
    write_text(folder / "model" / "README.md", _card(record))
    if len(ground.evaluated):
        write_predictions(folder / "predictions.parquet", Bench(ground.sides.target.dataset, ground.logic), predictions)
    target = ground.sides.target.dataset
    sources = [(source, np.arange(len(source))) for source in ground.sides.sources]
    save_rows(folder, [*sources, *((target, rows) for rows in ground.learned)], [(target, np.arange(len(target)))])
    write_domains(folder / "evidence" / "domains.json", ground, first)
    record["seconds"] = round(time.perf_counter() - began, 2)
    return finish(folder, record)


def _sentence(reason: str) -> str:
    """Return the reason without the candidate's name in front, which is said beside it."""
    said = reason.partition(": ")[2] or reason
    return said[:1].upper() + said[1:]


def predict_arms(ground: Ground, outcomes: list[Outcome]) -> Predictions:
    """Return each arm's predictions of the evaluated rows, per seed."""
    rows = ground.evaluated
    labels = ground.sides.target_labels[rows]
    values: dict[str, list[Array]] = {}
    for outcome in outcomes:
        for arm, one in outcome.arms.items():
            found = np.zeros((0, max(ground.task.n_outputs, 1)))
            if len(rows):
                found = outputs(outcome.model(one), ground.rows.target[rows], ground.task)
            values.setdefault(arm, []).append(found)
    regression = ground.task.kind == "regression"
    shaped = labels[:, None].astype(np.float64) if regression else labels.astype(np.int64)
    return Predictions(rows, shaped, ground.options.seed_list, values)


def judge_arms(ground: Ground, predictions: Predictions, kept: str) -> Verdict:
    """Compare the arm that is handed back with the best baseline on the evaluated rows, and the adapted one second.

    Which baseline is the best is read off the same rows, which can only make the gain smaller.
    """
    task, n = ground.task, len(predictions.rows)
    planned = ADAPTED if ADAPTED in predictions.values else "source_only"
    scores = {
        arm: one for arm, one in scores_of(ground.logic, predictions).items() if len(one) == len(predictions.seeds)
    }
    if n == 0 or kept not in scores:
        return Verdict("none", task.metric, None, None, None, n, planned, "source_only", arm=kept)
    measures = measures_of(ground.logic, predictions.values, predictions.labels)
    every = np.arange(n)
    baselines = {
        arm: float(value.mean()) if measures is None else measures[arm](every)
        for arm, value in scores.items()
        if arm != ADAPTED
    }
    # Where two are equally good the one handed back stands for both.
    baseline = max(baselines, key=lambda arm: (baselines[arm], arm == kept))
    seed = ground.options.seed
    return judge_kept(task, scores, kept=kept, planned=planned, baseline=baseline, measures=measures, seed=seed)


def _card(record: dict[str, Any]) -> str:
    """Return the model card."""
    across, verdict = record["across"], record["verdict"]
    said = verdict["sentence"]
    return "\n".join(
        [
            f"# {record['data']['name']}, adapted from {record['source']['title']}",
            "",
            f"Kept: {record['guard']['kept']} ({across['kept']}). {record['guard']['reason']}",
            "",
            f"Verdict: {said}",
            "",
            *([verdict["note"], ""] if verdict["note"] else []),
            f"Shift: {across['shift']['words']}. {across['shift']['reason']}",
            "",
            "The model holds rows of its training data where its method is non-parametric (kernels, neighbours, "
            "graphs): share it as you would share the data.",
            "",
        ]
    )
