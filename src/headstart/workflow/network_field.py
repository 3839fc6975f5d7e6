"""Arms that learn from a source network on a labelled target: heads on frozen features, and trained methods."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.engine.device import few_threads
from headstart.errors import UserError
from headstart.networks import Network, save_network
from headstart.report.card import model_card
from headstart.report.evidence import collect
from headstart.storage import save_tensors, write_json
from headstart.tasks import TaskLogic
from headstart.workflow.arm import BESIDE, PLAIN, arm_of, without_moves
from headstart.workflow.arms.attacked import attacked
from headstart.workflow.arms.continuing import check_continuing, remember
from headstart.workflow.arms.few import class_means, without_choices
from headstart.workflow.arms.fitting import run_arm
from headstart.workflow.arms.forgetting import forgetting, source_at_hand
from headstart.workflow.arms.gained import gained_and_lost, words
from headstart.workflow.arms.names import check_names_read, reads_names
from headstart.workflow.arms.plain import plain_arms
from headstart.workflow.arms.refit import load_arm, refit_arms
from headstart.workflow.arms.temperature import calibrated, temperature_of
from headstart.workflow.arms.tiles import tiles_per_picture
from headstart.workflow.arms.timing import count_flops, measure
from headstart.workflow.arms.unlabelled_gain import beyond_chance, of_unlabelled
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.measuring import measures_of, scores_of
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict, guard, judge_kept
from headstart.workflow.network_record import network_details
from headstart.workflow.opening.names import ALIGNED
from headstart.workflow.opening.task_methods import check_methods_fit, with_fitting_arms
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import FitOptions, depth_of, seconds_of
from headstart.workflow.planning.facts import by_tiles, facts_of, is_single
from headstart.workflow.planning.plan import Plan, make_plan
from headstart.workflow.planning.timetable import Timetable
from headstart.workflow.saved import read_plan, write_metrics
from headstart.workflow.shift import source_shift
from headstart.workflow.trained_rows import Parts, used_rows
from headstart.workflow.watching.keeping import of_network
from headstart.workflow.watching.reference import write_reference

Results = dict[str, list[dict[str, Any]]]
Answers = dict[str, list[np.ndarray]]


class NetworkField(Field[Plan, Results]):
    """Arms of one network: compared on validation rows, measured on a test split that nothing has seen."""

    pretrained = True
    """Whether the run starts from the source's weights."""
    compared = True
    """Whether arms are compared with one another, so that each needs rows of its own to say when to stop."""
    judges = "the test split"
    """What the rows of the verdict are, in words."""

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.source is not None
        self.transfer = transfer
        processes = start_processes(transfer.options.device)
        raced = transfer.raced
        options = transfer.options if raced is None else raced.options(transfer.options)
        self.bench = Workbench.create(transfer.target, transfer.source, options, processes, transfer.progress)
        self.bench.replayed = transfer.old
        self.bench.notes, self.bench.began = transfer.notes, transfer.began if raced is None else raced.ended
        self.bench.unlabelled = transfer.unlabelled
        self.shift: dict[str, Any] | None = None
        self.half_labelled: dict[str, Any] | None = None

    @property
    def logic(self) -> TaskLogic:  # type: ignore[override]
        return self.bench.logic

    @property
    def is_main(self) -> bool:
        return self.bench.is_main

    def wait(self) -> None:
        self.bench.wait()

    def network(self) -> Network:
        return self.bench.network(pretrained=self.pretrained, seed=self.bench.options.seed)

    def check(self) -> None:
        """Build the network once before anything is written: wrong weights and depths are refused here."""
        depth_of(self.bench.options.depth, len(self.network().stages))
        options = self.bench.options
        named = {*options.arms, *([options.method] if options.method is not None else [])}
        check_continuing(self.bench, tuple(sorted(named - {"chosen", "baselines", *PLAIN})))
        check_methods_fit(options, self.logic.task)
        check_names_read(self.bench)
        if options.forgetting:
            source_at_hand(self.bench.source.spec, self.bench.source.kind)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        network = self.bench.network(pretrained=False, seed=0)
        with few_threads(network, self.bench.device), self.transfer.progress:
            yield

    def plan(self, folder: Path) -> Plan:
        """Make the plan once and keep it, so that a resumed run does the same; with it the measured shift."""
        path = folder / "plan.json"
        if self.is_main and not path.exists():
            write_json(path, self.first_plan())
        self.wait()
        value = read_plan(path)
        self.shift = value.pop("shift", None)
        return Plan.from_json(value, str(path))

    def first_plan(self) -> dict[str, Any]:
        """Measure what the plan looks at, and return ``plan.json``."""
        bench, network = self.bench, self.network()
        bench.progress.note("describe the shift and plan")
        shift = source_shift(bench.dataset, bench.source, seed=bench.options.seed, network=network)
        auc, flops = shift.auc if shift else None, count_flops(bench, network)
        facts = facts_of(
            bench.dataset, network, measure(bench, network), auc, bench.options.shots, flops, bench.source.means,
            named=reads_names(bench),
        )  # fmt: skip
        plan = make_plan(by_tiles(facts, tiles_per_picture(bench)), named_arms(bench), self.transfer.raced)
        noted = bench.logic.noted(bench.dataset.labels(bench.dataset.splits["train"]))
        plan = replace(plan, reasons=(*bench.notes, *noted, *plan.reasons))
        return plan.to_json() | {"shift": shift.to_json() if shift else None}

    def fit(self, plan: Plan, folder: Path) -> Results:
        """Train every arm with every seed; when interrupted, leave the curves of what is finished, and tell it."""
        bench = self.bench
        self.folder = folder
        bench.timetable = timetable_of(bench, plan, folder)
        bench.progress.ahead = bench.timetable.ahead
        results: Results = {arm: [] for arm in plan.arms}
        try:
            for arm in plan.arms:
                for seed in bench.options.seed_list:
                    results[arm].append(self._run_arm(plan, arm, seed, folder))
        except KeyboardInterrupt:
            if bench.is_main:
                write_metrics(folder / "metrics.jsonl", results)
                for arm, parts in results.items():
                    scores = ", ".join(f"{part['score']:.4g}" for part in parts)
                    bench.progress.note(f"{arm}: " + (f"validation score {scores}" if parts else "not finished"))
            raise
        return results

    def _run_arm(self, plan: Plan, arm: str, seed: int, folder: Path) -> dict[str, Any]:
        state = folder / "state" / arm / f"seed-{seed}"
        return run_arm(self.bench, plan, arm, seed, state, compared=self.compared)

    def select(self, plan: Plan, results: Results) -> Guard:
        """Let validation alone decide; an arm that is there for comparison under attack is no candidate."""
        validation, options = validation_of(results), self.bench.options
        if not plan.folds and not len(self.target.splits["validation"]):
            return Guard(planned_of(plan, results), "One label per class leaves nothing to compare arms by.")
        beside = {without_moves(arm) for arm in results} - {*options.arms, options.method}
        candidates = {arm: score for arm, score in validation.items() if arm not in beside}
        found = guard(self.logic.task, planned_of(plan, results), candidates)
        return beyond_chance(self.bench, self.folder, found, candidates)

    def refit(self, plan: Plan, results: Results, kept: Guard, folder: Path) -> Results:
        return refit_arms(self.bench, plan, results, kept.kept, folder)

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        """Predict the test split by every arm and seed; those that may be handed back as they would be, calibrated."""
        self.bench.alone = True
        rows, seeds = self.bench.dataset.splits["test"], self.bench.options.seed_list
        self.temperatures = [temperature_of(self.bench, folder, kept.kept, seed) for seed in seeds]
        values: dict[str, list[np.ndarray]] = {}
        for arm, parts in results.items():
            values[arm] = []
            steep = [one.steepness for one in self.temperatures] if arm == kept.kept else [1.0] * len(parts)
            for seed, part, factor in zip(seeds, parts, steep, strict=True):
                network = calibrated(load_arm(folder, arm, seed).to(self.bench.device), factor)
                network.freeze(len(part["frozen"].get("stages", [])))
                values[arm].append(self.bench.predict(network, rows, cut=part["cut"]))
        first = results[kept.kept]
        self.forgotten = self._forgotten(results, kept, values, folder)
        self.robustness = attacked(self.bench, [*results], kept.kept, seeds[best_index(first)], folder)
        return Predictions(rows, self.bench.dataset.labels(rows), seeds, values)

    def _forgotten(self, results: Results, kept: Guard, values: Answers, folder: Path) -> dict[str, Any] | None:
        """Return what the stages that are handed back have forgotten, and what every arm gained and lost against the
        source; where that is asked, or an arm goes on from the source."""
        bench, asked = self.bench, self.bench.options.forgetting
        if not asked and not any(arm_of(arm).continues for arm in results):
            return None
        try:
            run = source_at_hand(bench.source.spec, bench.source.kind)
        except UserError:
            if asked:
                raise
            return {"words": "Gained and lost: not measured, since the source's own data are not at hand."}
        at = {arm: best_index(parts) for arm, parts in results.items()}
        networks = {arm: load_arm(folder, arm, bench.options.seed_list[number]) for arm, number in at.items()}
        answers = {arm: values[arm][number] for arm, number in at.items()}
        both = gained_and_lost(bench, run, networks, answers, bench.dataset.splits["test"])
        found = forgetting(run, networks[kept.kept], bench.device, bench.options.seed)
        return found if both is None else found | {"both": both | {"words": words(both, kept.kept)}}

    def judge(self, plan: Plan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        validation = validation_of(results)
        self.half_labelled = of_unlabelled(self.bench, predictions, validation, kept.kept, planned_of(plan, results))
        return judge_kept(
            self.logic.task,
            scores_of(self.logic, predictions),
            kept=kept.kept,
            planned=planned_of(plan, results),
            simple={arm: validation[arm] for arm in results if arm_of(arm).simple},
            measures=measures_of(self.logic, predictions.values, predictions.labels),
            judges=self.judges,
            seed=self.bench.options.seed,
        )

    def describe(
        self,
        plan: Plan,
        results: Results,
        predictions: Predictions,
        verdict: Verdict | None,
        kept: Guard,
    ) -> Details:
        assert verdict is not None
        index = best_index(results[kept.kept])
        return network_details(
            self.bench, plan, results, predictions, verdict, self.transfer.checks, self.shift, index, kept.kept,
            self.temperatures[index], self._more(),
        )  # fmt: skip

    def _more(self) -> dict[str, Any]:
        raced = self.transfer.raced
        race = {} if raced is None else {"race": raced.record}
        race |= {} if self.half_labelled is None else {"half_labelled": self.half_labelled}
        race |= {} if self.forgotten is None else {"forgetting": self.forgotten}
        return race if self.robustness is None else race | {"robustness": self.robustness}

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        bench, index = self.bench, best_index(results[kept.kept])
        network = load_arm(folder, kept.kept, bench.options.seed_list[index]).to(bench.device)
        network = calibrated(network, self.temperatures[index].steepness)
        self.save_network(network, results, record, folder)
        if bench.options.remember:
            remember(bench, network, folder, kept.kept)
        part, rows = results[kept.kept][index], predictions.rows
        answers, frozen = predictions.values[kept.kept][index], part["cut"] == len(network.stages)
        write_reference(folder, of_network(bench, network, rows, answers, frozen=frozen))
        collect(
            folder,
            before=self.network(),
            after=network,
            logic=bench.logic,
            dataset=bench.dataset,
            rows=rows,
            predictions=predictions.values[kept.kept][index],
            seed=bench.options.seed,
            encode=bench.features,
            **evidence_time(bench, record["plan"]),
        )

    def save_network(self, network: Network, results: Results, record: dict[str, Any], folder: Path) -> None:
        """Write learning curves and the network, with what a later target needs to measure its distance from it."""
        write_metrics(folder / "metrics.jsonl", results)
        save_network(network, self.logic, folder / "model", card=model_card(record))
        save_reference(self.bench, network, folder)

    def learned(self) -> tuple[Parts, Parts]:
        more = self.bench.unlabelled
        return used_rows(self.bench.dataset), [] if more is None else [(more, np.arange(len(more)))]


def named_arms(bench: Workbench) -> FitOptions:
    """Return the options with the word ``baselines`` replaced by those that have a meaning here.

    Beside a method that learns from moved inputs stands the same without, to be compared with.
    """
    options = with_fitting_arms(bench.options, bench.logic.task)
    given = without_choices(bench) if is_single(bench.dataset, options.shots) else options.arms
    arms = [name for arm in given for name in (plain_arms(bench) if arm == "baselines" else (arm,))]
    if bench.unlabelled is not None and options.arms == FitOptions.arms:
        arms += [arm for arm in BESIDE if arm not in arms]
    arms += class_means(bench)
    arms += [ALIGNED] if reads_names(bench) and options.arms == FitOptions.arms else []
    chosen = options.method if options.method is not None and "chosen" in arms else ""
    beside = [twin for arm in (*arms, chosen) if (twin := without_moves(arm)) is not None and twin != options.method]
    return replace(options, arms=tuple(dict.fromkeys([*arms, *beside])))


def timetable_of(bench: Workbench, plan: Plan, folder: Path) -> Timetable:
    """Return the clock of the run's budget; the main process keeps what it has spent."""
    path = folder / "state" / "clock.json" if bench.is_main else None
    budget = seconds_of(bench.options.budget)
    cpu = time.process_time if bench.device.type == "cpu" else None
    return Timetable(budget, plan.reserve, plan.timetable, bench.clock, bench.began, path, cpu)


def evidence_time(bench: Workbench, plan: dict[str, Any]) -> dict[str, Any]:
    """Return what evidence may take, and what it is expected to take."""
    timetable = bench.timetable
    if timetable is None:
        return {}
    return {"spare": lambda: timetable.spare, "expected": plan.get("expected", {}).get("report", 0.0)}


def planned_of(plan: Plan, results: Results) -> str:
    """Return the arm that stands for the plan: its method, or the first that uses the source."""
    return plan.method if plan.method in results else next(arm for arm in results if arm_of(arm).uses_source)


def validation_of(results: Results) -> dict[str, float]:
    """Return each arm's validation score, mean over seeds."""
    return {arm: float(np.mean([part["score"] for part in parts])) for arm, parts in results.items()}


def best_index(parts: list[dict[str, Any]]) -> int:
    """Return which seed's model is handed back: the best on validation."""
    return int(np.argmax([part["score"] for part in parts]))


def save_reference(bench: Workbench, network: Network, folder: Path) -> None:
    """Keep features of some training inputs, so that a later target can measure its distance from this run."""
    rng = np.random.default_rng(bench.options.seed)
    rows = np.sort(rng.permutation(bench.dataset.splits["train"])[:256])
    features = torch.as_tensor(bench.features(network, rows))
    save_tensors(folder / "model" / "reference.safetensors", {"features": features})
