"""Arms that adapt arrays of two domains: chosen by evidence that holds no target label, judged on labelled rows."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.choice.confidence import confidence_of
from headstart.choice.joint.behind import Behind
from headstart.choice.label_sets import LabelSets
from headstart.functional.temperature import Temperature
from headstart.models.arrays import ArrayModel, outputs
from headstart.networks import Network
from headstart.report.card import adapted_card
from headstart.shallow.diagnose import Diagnosis
from headstart.shallow.domains import Domains, mask
from headstart.storage import write_json, write_text
from headstart.tasks import create_task
from headstart.workflow.adapting.adaptation import Adaptation, adapt
from headstart.workflow.adapting.evidence import write_domains, write_training
from headstart.workflow.adapting.plan import AcrossPlan, make_across_plan, of_many_pictures, on_stages
from headstart.workflow.adapting.race import ADAPTED, Race, race_seed, race_unseen
from headstart.workflow.adapting.record import array_details
from headstart.workflow.adapting.stages import check_depth, states_behind
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.calibrate import calibration_record
from headstart.workflow.judging.measuring import measures_of, scores_of
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict, judge_kept
from headstart.workflow.opening.task_methods import check_methods_learn
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.planning.costs import REPORT_SECONDS, in_words
from headstart.workflow.planning.timetable import Timetable
from headstart.workflow.trained_rows import Parts
from headstart.workflow.watching.keeping import of_arrays
from headstart.workflow.watching.reference import write_reference

Array = np.ndarray
Races = list[Race]


class ArrayField(Field[AcrossPlan, Races]):
    """Methods across domains on rows of numbers: a table's columns, or a network's frozen features.

    Features come from the cache and the same seeds give the same choice, so that a resumed run simply runs again.
    """

    adaptation: Adaptation
    shift: Diagnosis
    label_sets: LabelSets | None
    behind: Behind | None

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.sides is not None
        self.transfer = transfer
        task = transfer.sides.task
        self.logic = create_task(task, task.label_space.as_labels(transfer.sides.source_labels))

    def check(self) -> None:
        check_methods_learn(self.transfer.options, self.logic.task)
        check_depth(self.transfer.options, None if self.transfer.options.depth is None else self.network())

    def network(self) -> Network | None:
        return None if self.transfer.source is None else self.transfer.source.build()

    def plan(self, folder: Path) -> AcrossPlan:
        """Encode both sides, diagnose the shift, and plan by its kind."""
        transfer = self.transfer
        assert transfer.sides is not None
        self.adaptation = adaptation = adapt(transfer.sides, transfer.source, transfer.options, transfer.progress)
        transfer.progress.note("describe the shift")
        self.shift = shift = adaptation.diagnosis()
        self.label_sets = adaptation.label_sets()
        for line in shift.lines():
            transfer.progress.note(line)
        if self.label_sets is not None:
            transfer.progress.note(self.label_sets.words(adaptation.task.classes))
        plan = make_across_plan(
            adaptation.task, shift, transfer.options, len(adaptation.learned[0]), len(adaptation.sides.sources)
        )
        plan = on_stages(of_many_pictures(plan, adaptation), adaptation)
        plan = replace(plan, reasons=[*transfer.notes, *plan.reasons])
        write_json(folder / "plan.json", plan.to_json() | {"shift": shift.to_json()})
        return plan

    def fit(self, plan: AcrossPlan, folder: Path) -> Races:
        """Race once per seed, each within its share of what is left of the budget."""
        adaptation, progress = self.adaptation, self.transfer.progress
        timetable = _timetable(adaptation.options, folder, self.transfer.began)
        self.behind, races = states_behind(adaptation, plan.candidates, progress), []
        for number, seed in enumerate(adaptation.options.seed_list):
            budget = timetable.share(f"race/seed-{seed}")
            progress.note(
                f"race of {len(plan.candidates)} candidates (seed {seed}): at most {in_words(budget)}, after which "
                f"those that have not begun are left out; expected in all: at most {adaptation.options.budget}"
            )
            if plan.unseen:
                races.append(self._race_unseen(plan, number, budget, folder))
                continue
            race = race_seed(
                adaptation.rows.source,
                adaptation.sides.source_labels,
                adaptation.sides.source_domain,
                adaptation.rows.target,
                adaptation.seen_labels(number),
                plan.candidates,
                budget=budget,
                seed=seed,
                standardise=adaptation.encoder.standardise,
                grid=adaptation.encoder.grid,
                open_classes=adaptation.task.n_outputs if adaptation.sides.open_set else None,
                state=folder / "state" / f"race-{seed}",
                behind=self.behind,
                on_done=progress.note,
            )
            races.append(race)
        return races

    def _race_unseen(self, plan: AcrossPlan, number: int, budget: float, folder: Path) -> Race:
        adaptation, seed = self.adaptation, self.adaptation.options.seed_list[number]
        rows, sides = adaptation.rows, adaptation.sides
        hidden = mask(sides.target_labels, np.ones(len(sides.target_labels), dtype=bool))
        return race_unseen(
            Domains(rows.source, sides.source_labels, rows.target, hidden, sides.source_domain),
            plan.candidates,
            budget=budget,
            seed=seed,
            standardise=adaptation.encoder.standardise,
            grid=adaptation.encoder.grid,
            state=folder / "state" / f"race-{seed}",
            behind=self.behind,
            on_done=self.transfer.progress.note,
        )

    def select(self, plan: AcrossPlan, results: Races) -> Guard:
        first = results[0]
        return Guard(first.kept_arm, _sentence(first.selection.reason))

    def predict(self, results: Races, kept: Guard, folder: Path) -> Predictions:
        return predict_arms(self.adaptation, results, kept.kept, self._confidence(results, kept))

    def _confidence(self, results: Races, kept: Guard) -> list[Temperature]:
        """Return the temperature of what is handed back, one per seed."""
        link = self.adaptation.task.label_space.link
        return [confidence_of(one.selection.data, one.arms.get(kept.kept, one.kept), link) for one in results]

    def judge(self, plan: AcrossPlan, results: Races, predictions: Predictions, kept: Guard) -> Verdict | None:
        return judge_arms(self.adaptation, predictions, kept.kept)

    def describe(
        self,
        plan: AcrossPlan,
        results: Races,
        predictions: Predictions,
        verdict: Verdict | None,
        kept: Guard,
    ) -> Details:
        assert verdict is not None
        values, link = predictions.values[kept.kept][0], self.adaptation.task.label_space.link
        calibration = calibration_record(self._confidence(results, kept)[0], values, predictions.labels, link)
        details = array_details(self.adaptation, self.shift, results, predictions, verdict, calibration)
        if self.label_sets is not None:
            details.more["across"]["label_sets"] = self.label_sets.to_json(self.adaptation.task.classes)
        return details

    def save(self, results: Races, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path) -> None:
        adaptation, first = self.adaptation, results[0]
        estimator = first.model(first.kept, self._confidence(results, kept)[0].steepness)
        model = ArrayModel(adaptation.encoder, estimator, adaptation.logic, adaptation.sides.sources[0].input_column)
        model.save(folder / "model")
        self._keep_reference(model, folder)
        write_text(folder / "model" / "README.md", adapted_card(record))
        write_domains(folder / "evidence" / "domains.json", adaptation, first)
        write_training(folder / "evidence" / "training.json", adaptation, first)

    def _keep_reference(self, model: ArrayModel, folder: Path) -> None:
        adaptation = self.adaptation
        task, rows = adaptation.task, adaptation.rows.target
        answers = outputs(model.estimator, rows, task)
        labels = task.label_space.as_labels(adaptation.sides.target_labels)
        found = of_arrays(model, self.target, rows, answers, labels, adaptation.evaluated)
        write_reference(folder, found)

    def learned(self) -> tuple[Parts, Parts]:
        adaptation, target = self.adaptation, self.target
        sources = [(source, np.arange(len(source))) for source in adaptation.sides.sources]
        return [*sources, *((target, rows) for rows in adaptation.learned)], [(target, np.arange(len(target)))]


def _timetable(options: FitOptions, folder: Path, began: float) -> Timetable:
    """Share what encoding left of the budget out among the seeds' races; the page needs a little, too."""
    budget = seconds_of(options.budget)
    races = {f"race/seed-{seed}": 1.0 for seed in options.seed_list}
    reserve = min(REPORT_SECONDS, 0.1 * budget)
    return Timetable(budget, reserve, races, time.monotonic, began, folder / "state" / "clock.json")


def _sentence(reason: str) -> str:
    """Return the reason without the candidate's name in front, which is said beside it."""
    said = reason.partition(": ")[2] or reason
    return said[:1].upper() + said[1:]


def predict_arms(adaptation: Adaptation, races: Races, kept: str, temperatures: list[Temperature]) -> Predictions:
    """Return each arm's predictions of the evaluated rows, per seed; those of ``kept`` with its temperature."""
    rows = adaptation.evaluated
    labels = adaptation.sides.target_labels[rows]
    values: dict[str, list[Array]] = {}
    for race, temperature in zip(races, temperatures, strict=True):
        for arm, one in race.arms.items():
            steepness = temperature.steepness if arm == kept else 1.0
            found = np.zeros((0, max(adaptation.task.n_outputs, 1)))
            if len(rows):
                found = outputs(race.model(one, steepness), adaptation.rows.target[rows], adaptation.task)
            values.setdefault(arm, []).append(found)
    return Predictions(rows, adaptation.task.label_space.as_labels(labels), adaptation.options.seed_list, values)


def judge_arms(adaptation: Adaptation, predictions: Predictions, kept: str) -> Verdict:
    """Compare the arm that is handed back with the best baseline on the evaluated rows, and the adapted one second.

    Which baseline is the best is read off the same rows, which can only make the gain smaller.
    """
    task, n = adaptation.task, len(predictions.rows)
    planned = ADAPTED if ADAPTED in predictions.values else "source_only"
    scores = {
        arm: one for arm, one in scores_of(adaptation.logic, predictions).items() if len(one) == len(predictions.seeds)
    }
    if n == 0 or kept not in scores:
        return Verdict("none", task.metric, None, None, None, n, planned, "source_only", arm=kept)
    measures = measures_of(adaptation.logic, predictions.values, predictions.labels)
    every = np.arange(n)
    baselines = {
        arm: float(value.mean()) if measures is None else measures[arm](every)
        for arm, value in scores.items()
        if arm != ADAPTED
    }
    # Where two are equally good the one handed back stands for both.
    baseline = max(baselines, key=lambda arm: (baselines[arm], arm == kept))
    seed = adaptation.options.seed
    return judge_kept(task, scores, kept=kept, planned=planned, baseline=baseline, measures=measures, seed=seed)
