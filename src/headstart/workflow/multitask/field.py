"""Several tasks: each alone, and all together by one weighting or several; the guard chooses per task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.data.several import of_task
from headstart.models.saved import SEVERAL
from headstart.networks import Network, TablePreprocess, load_network, save_network
from headstart.problem import Domain
from headstart.storage import write_json, write_text
from headstart.tasks.nothing import NoTask
from headstart.workflow.arms.workbench import start_processes
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.multitask.grouping import affinity_lines, told_affinity
from headstart.workflow.multitask.judging import Told, delta_m, is_better, lines, tell
from headstart.workflow.multitask.training import (
    ALONE,
    LEAST_EPOCHS,
    MOST_EPOCHS,
    PLAIN,
    VISITS,
    Ground,
    Plan,
    answers,
    learn,
)
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import seconds_of
from headstart.workflow.setting import classify
from headstart.workflow.trained_rows import Parts, used_rows

Results = dict[str, list[dict[str, Any]]]
"""Arm to one result per seed; a task alone is the arm ``alone/NAME``."""


class MultiTaskField(Field[Plan, Results]):
    """Label columns that share a body, against each of them alone with the same budget."""

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.several is not None
        self.transfer, self.logic = transfer, NoTask()
        self.names, options = list(transfer.several), transfer.options
        self.processes = start_processes(options.device)
        self.statistics = None
        base = transfer.target
        if base.columns is not None:
            self.statistics = TablePreprocess.fit(base.raw(base.splits["train"]), base.columns)
        self.ground = Ground(base, transfer.several, self._start, options.device, self.processes, transfer.progress)

    def _start(self, seed: int) -> Network:
        source = self.transfer.source
        assert source is not None
        return source.build(
            pretrained=self.pretrained, seed=seed, columns=self.target.columns, statistics=self.statistics
        )

    @property
    def pretrained(self) -> bool:
        """Whether knowledge is carried over: the architecture for tables has no weights of its own."""
        return self.transfer.options.source != "headstart/tabular"

    @property
    def is_main(self) -> bool:
        return bool(self.processes.is_main_process)

    def wait(self) -> None:
        self.processes.wait_for_everyone()

    def network(self) -> Network:
        return self._start(self.transfer.options.seed)

    def plan(self, folder: Path) -> Plan:
        options, n = self.transfer.options, len(self.target.splits["train"])
        methods = tuple(name.strip() for name in (options.method or PLAIN).split(","))
        epochs = options.epochs or int(min(MOST_EPOCHS, max(LEAST_EPOCHS, VISITS // max(n, 1))))
        table = self.target.modality == "table"
        batch = min(options.batch_size or (max(16, min(256, n // 16)) if table else 32), n)
        kinds = ", ".join(f"{name} ({one.task.kind})" for name, one in self.ground.labels.items())
        reasons = (
            f"{len(self.names)} tasks that share a body: {kinds}.",
            f"Each is learned alone and all together by {' and '.join(methods)}, from the same network, in "
            f"{epochs} epochs of all {n:,} training rows each; validation rows choose what is kept, task by task.",
        )
        plan = Plan(methods, epochs, batch, options.learning_rate or 2e-3, 0.1 if self.pretrained else 1.0, reasons)
        if self.is_main:
            write_json(folder / "plan.json", plan.to_json())
        return plan

    def fit(self, plan: Plan, folder: Path) -> Results:
        options = self.transfer.options
        arms = {f"{ALONE}/{name}": (PLAIN, [name]) for name in self.names}
        arms |= {method: (method, self.names) for method in plan.methods}
        share = 0.9 * seconds_of(options.budget) / (len(arms) * options.seeds)
        self.states = {
            arm: [folder / "state" / f"arm-{number}" / f"seed-{seed}" for seed in options.seed_list]
            for number, arm in enumerate(arms)
        }
        return {
            arm: [
                learn(
                    self.ground,
                    plan,
                    method,
                    names,
                    seed,
                    state,
                    share,
                    observed=arm == plan.methods[0] and seed == options.seed,
                )
                for seed, state in zip(options.seed_list, self.states[arm], strict=True)
            ]
            for arm, (method, names) in arms.items()
        }

    def _answers(self, name: str, split: str) -> tuple[dict[str, list[np.ndarray]], np.ndarray]:
        """Return a task's answers by every arm, and its labels."""
        own = of_task(self.target, self.ground.labels[name])
        rows = own.splits[split]
        found = {}
        for arm, states in self.states.items():
            if arm in (f"{ALONE}/{name}",) or not arm.startswith(f"{ALONE}/"):
                number = 0 if arm.startswith(f"{ALONE}/") else self.names.index(name)
                key = ALONE if arm.startswith(f"{ALONE}/") else arm
                found[key] = [answers(self.ground, state, number, rows) for state in states]
        return found, own.labels(rows)

    def select(self, plan: Plan, results: Results) -> Guard:
        """Let validation choose one weighting for all tasks, and for each task whether it or the task alone."""
        relative: dict[str, list[float]] = {method: [] for method in plan.methods}
        paired: dict[str, dict[str, np.ndarray]] = {}
        for name in self.names:
            found, labels = self._answers(name, "validation")
            logic = self.ground.logic(name)
            paired[name] = {arm: np.stack([logic.scores(one, labels) for one in parts]) for arm, parts in found.items()}
            alone = paired[name][ALONE].mean()
            for method in plan.methods:
                relative[method].append((paired[name][method].mean() - alone) / max(abs(alone), 1e-12))
        self.best = max(plan.methods, key=lambda method: float(np.mean(relative[method])))
        self.chosen = {
            name: self.best if is_better(found[self.best], found[ALONE]) else ALONE for name, found in paired.items()
        }
        shared = [name for name in self.names if self.chosen[name] != ALONE]
        return Guard(
            self.best,
            f"On validation {len(shared)} of {len(self.names)} tasks are better together by more than a standard error"
            + (f" ({', '.join(shared)})" if shared else "")
            + "; the others are handed back as they are alone.",
        )

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        self.told: list[Told] = []
        for name in self.names:
            found, labels = self._answers(name, "test")
            options = {"best": self.best, "kept": self.chosen[name], "alone": ALONE}
            seed = self.transfer.options.seed
            self.told.append(tell(name, self.ground.logic(name), found, labels, **options, seed=seed))
        return Predictions(np.zeros(0, np.int64), np.zeros(0), self.transfer.options.seed_list, {})

    def judge(self, plan: Plan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        return None

    def describe(
        self, plan: Plan, results: Results, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        source = self.transfer.source
        assert source is not None
        arms = {arm: self._record(arm, parts) for arm, parts in results.items()}
        few = [f"{one.name} is judged on {one.n} rows, so its interval is wide." for one in self.told if one.n < 100]
        cut = sorted({arm for arm, parts in results.items() if any(part["stopped"] == "budget" for part in parts)})
        short = [f"The budget cut {', '.join(cut)} short; give more with --budget."] if cut else []
        affinity = told_affinity(results[plan.methods[0]][0]["settings"]["affinity"], self.names)
        tasks = {one.name: one.to_json() | {"task": self.ground.labels[one.name].task.to_json()} for one in self.told}
        return Details(
            source={"spec": source.spec, "kind": source.kind, "title": source.title, "licence": source.licence},
            setting=classify(target_domain(self.target), None, self._origin(), None, "parameters"),
            selection="validation split, task by task",
            arms=arms,
            warnings=[*short, *few, *self.transfer.checks.warnings],
            more={
                "metric": "delta_m",
                "guard": kept.to_json(),
                "multitask": {
                    "tasks": tasks,
                    "delta_m": delta_m(self.told),
                    "best": self.best,
                    "affinity": affinity,
                    "lines": [*lines(self.told, self.best), *affinity_lines(affinity)],
                },
            },
        )

    def _origin(self) -> Domain | None:
        """Return where knowledge comes from; None where the network starts from random weights."""
        return self.transfer.source.domain if self.pretrained and self.transfer.source is not None else None

    def _record(self, arm: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
        method = PLAIN if arm.startswith(ALONE) else arm
        entry = catalogue.get(method)
        title = f"{arm.partition('/')[2]} alone" if arm.startswith(ALONE) else f"Together: {entry.title}"
        told = {name: parts[0][name] for name in ("epochs", "trainable_parameters", "parameters", "stopped")}
        seconds = round(sum(part["seconds"] for part in parts), 3)
        test = {"delta_m": delta_m(self.told)} if arm == self.best else {}
        papers = [] if arm.startswith(ALONE) else list(entry.papers)
        return {"method": method, "title": title, "papers": papers, "test": test, "seconds": seconds, **told}

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        for number, name in enumerate(self.names):
            arm = self.chosen[name]
            state = self.states[f"{ALONE}/{name}" if arm == ALONE else arm][0]
            network, logic = load_network(state / str(0 if arm == ALONE else number))
            save_network(network, logic, folder / "model" / str(number))
        write_json(folder / "model" / SEVERAL, {"schema": 1, "tasks": self.names})
        history = [line for parts in results.values() for part in parts for line in part["history"]]
        write_text(folder / "metrics.jsonl", "".join(json.dumps(line, allow_nan=False) + "\n" for line in history))

    def learned(self) -> tuple[Parts, Parts]:
        return used_rows(self.target), []
