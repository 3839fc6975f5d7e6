"""The arms of an unlabelled target and a run: the run's model as it is, and adapted without the source's data."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from headstart import catalogue
from headstart.data import Counterpart
from headstart.engine import cached_states
from headstart.errors import check_names
from headstart.models.network import NetworkModel
from headstart.networks import Network, save_network
from headstart.networks.source_run import open_answers
from headstart.report.card import model_card
from headstart.shallow.domains import masked
from headstart.storage import write_json
from headstart.validators.structure import cluster
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.measuring import measures_of, scores_of
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict, judge_kept
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import depth_of
from headstart.workflow.record import arm_record, title_of
from headstart.workflow.setting import classify, labels_set_aside
from headstart.workflow.source_free.training import Outcome, Plan, adapt, answers_of
from headstart.workflow.trained_rows import Parts
from headstart.workflow.watching.keeping import of_adapted
from headstart.workflow.watching.reference import write_reference

Array = np.ndarray
UNADAPTED = "source_only"
TITLES = {UNADAPTED: "The run as it is"}
METHODS = ("shot", "aad")
"""What is tried unless methods are named."""
check_names(METHODS, catalogue.names(), "headstart.workflow.source_free.field.METHODS")
EPOCHS, BATCH_SIZE, RATE = 15, 64, 3e-4
AGREES = 0.15
OFTEN = {
    True: "6 of 9 development pairs where it rose by 0.15 or more gained",
    False: "8 of 29 development pairs where it rose by less than 0.15 gained",
}
"""What agreement with clusters is worth, measured on pairs that no figure is reported on (docs/source-free.md)."""
TOLD = ("step", "train_loss", "terms", "measures")
Results = dict[str, list[Outcome]]


class SourceFreeField(Field[Plan, Results]):
    """One run's network, adapted to samples without labels by methods that see nothing of what it was trained on.

    Nothing of the source is there to hold out, so no evidence here is calibrated. Unless the user names the methods,
    the run's own model is handed back, and what speaks for the others is said.
    """

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.source is not None
        assert transfer.counterpart is not None
        self.transfer = transfer
        self.counterpart: Counterpart = transfer.counterpart
        self.logic = self._answering()[1]
        self.before: Array | None = None

    def _answering(self) -> tuple[Network, Any]:
        assert self.transfer.options.source is not None
        assert self.transfer.source is not None
        found = open_answers(self.transfer.source.spec)
        assert found is not None
        return found

    def network(self) -> Network:
        return self._answering()[0]

    def plan(self, folder: Path) -> Plan:
        """Let the last stage learn, or as many as ``--depth`` says, in every method that was named or by default."""
        options, stages = self.transfer.options, self.network().stage_names
        named = options.method is not None
        methods = tuple(name.strip() for name in options.method.split(",")) if options.method else METHODS
        depth = max(1, depth_of(options.depth, len(stages)) or 1)
        reasons = (
            *self.transfer.notes,
            f"No label of {self.target.name} is learned from, and nothing of the source's data: "
            f"{', '.join(methods)} start from the run's weights.",
            f"The last {depth} of {len(stages)} stages learn"
            + ("." if options.depth else "; few, since nothing here can tell when more does harm."),
        )
        plan = Plan(
            method=methods[0],
            methods=methods,
            depth=depth,
            epochs=options.epochs or EPOCHS,
            batch_size=min(options.batch_size or BATCH_SIZE, len(self.target)),
            learning_rate=options.learning_rate or RATE,
            named=named,
            reasons=reasons,
        )
        write_json(folder / "plan.json", plan.to_json())
        return plan

    def fit(self, plan: Plan, folder: Path) -> Results:
        """Train every method with every seed; finished ones are taken from their checkpoints."""
        self.before = answers_of(self.network(), self.logic, self.target, self.transfer.options.device)
        self.seconds: dict[str, float] = {}
        results: Results = {}
        for method in plan.methods:
            began = time.perf_counter()
            results[method] = [self._adapted(method, plan, seed, folder) for seed in self.transfer.options.seed_list]
            self.seconds[method] = time.perf_counter() - began
        return results

    def _adapted(self, method: str, plan: Plan, seed: int, folder: Path) -> Outcome:
        network, logic = self._answering()
        steps = plan.epochs * -(-len(self.target) // plan.batch_size)
        self.transfer.progress.stage(f"{method} (seed {seed})", steps)
        return adapt(
            method,
            network,
            logic,
            self.target,
            plan,
            seed=seed,
            state=folder / "state" / method / f"seed-{seed}",
            device=self.transfer.options.device,
            on_step=self.transfer.progress.step,
        )

    def select(self, plan: Plan, results: Results) -> Guard:
        """Return the named method that agrees best with the target's own clusters; the run as it is where none was."""
        assert self.before is not None
        risen = {method: self._agreement(parts[0].answers) for method, parts in results.items()}
        start, best = self._agreement(self.before), max(risen, key=lambda method: risen[method])
        changed = float((results[best][0].answers.argmax(axis=1) != self.before.argmax(axis=1)).mean())
        self.told = {"agreement": {UNADAPTED: start, **risen}, "changed": changed}
        said = (
            f"It changes {changed:.0%} of the answers; their agreement with the target's clusters is {start:.2f} "
            f"before, {risen[best]:.2f} after"
        )
        if plan.named:
            return Guard(best, f"You asked for it, and no label proves it better. {said}.")
        often = OFTEN[risen[best] - start >= AGREES]
        return Guard(
            UNADAPTED,
            f"Without labels and source data nothing shows with 80 in 100 that {best} is better. {said}: {often}. "
            f"--method {best} hands it back all the same.",
        )

    def _agreement(self, answers: Array) -> float:
        """Return the adjusted mutual information of answers with clusters of the unadapted network's features."""
        return float(adjusted_mutual_info_score(self._clusters, answers.argmax(axis=1)))

    @cached_property
    def _clusters(self) -> Array:
        network, rows = self.network(), np.arange(len(self.target))
        states = cached_states(network, len(network.stages), self.target, rows)
        assert states is not None
        features = np.asarray(states.fetch(rows), dtype=np.float64)
        return cluster(features, max(2, self.logic.task.n_outputs), seed=0)

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        """Return every arm's predictions of the samples whose labels evaluate only; none where there are no labels."""
        assert self.before is not None
        rows = (~masked(self.counterpart.labels)).nonzero()[0]
        seeds = self.transfer.options.seed_list
        labels = self.counterpart.labels[rows]
        values = {UNADAPTED: [self.before[rows]] * len(seeds)}
        values |= {method: [one.answers[rows] for one in parts] for method, parts in results.items()}
        space = self.logic.task.label_space
        return Predictions(rows, labels.astype(space.dtype), seeds, values)

    def judge(self, plan: Plan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        task, n, planned = self.logic.task, len(predictions.rows), plan.method
        if n == 0:
            return Verdict("none", task.metric, None, None, None, 0, planned, UNADAPTED, arm=kept.kept)
        scores, seed = scores_of(self.logic, predictions), self.transfer.options.seed
        measures = measures_of(self.logic, predictions.values, predictions.labels)
        return judge_kept(
            task, scores, kept=kept.kept, planned=planned, baseline=UNADAPTED, measures=measures, seed=seed
        )

    def describe(
        self, plan: Plan, results: Results, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        source = self.transfer.source
        assert source is not None
        setting = classify(target_domain(self.target), None, source.domain, self.logic.task, "parameters")
        seconds = {UNADAPTED: 0.0, **self.seconds}
        n = len(predictions.rows)
        arms = {
            arm: arm_record(
                self.logic,
                arm,
                predictions,
                [{"seconds": seconds[arm] / len(parts), "validation": {}} for _ in parts],
                method=arm,
                title=title_of(arm, TITLES),
                papers=[] if arm == UNADAPTED else catalogue.papers(arm),
                seed=self.transfer.options.seed,
            )
            for arm, parts in predictions.values.items()
        }
        for method, parts in results.items():
            arms[method] |= {"frozen": parts[0].trained.frozen, "epochs": plan.epochs, "depth": plan.depth}
        few = [f"Only {n} labels evaluate, so the interval is wide."] if 0 < n < 100 else []
        return Details(
            source={"spec": source.spec, "kind": source.kind, "title": source.title, "licence": source.licence},
            setting=labels_set_aside(setting, n),
            selection="agreement with the target's clusters; no label and nothing of the source's data",
            arms=arms,
            warnings=[*self.transfer.checks.warnings, *few],
            more={"source_free": self.told},
        )

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        network = self.network() if kept.kept == UNADAPTED else results[kept.kept][0].network.cpu()
        save_network(network.freeze(0).eval(), self.logic, folder / "model", card=model_card(record))
        assert self.before is not None
        answers = self.before if kept.kept == UNADAPTED else results[kept.kept][0].answers
        labels, model = self.counterpart.labels, NetworkModel(network, self.logic)
        write_reference(folder, of_adapted(model, self.target, answers, labels, (~masked(labels)).nonzero()[0]))
        candidates = [
            {
                "name": method,
                "title": title_of(method, TITLES),
                "kept": method == kept.kept,
                "records": [{key: one[key] for key in TOLD if key in one} for one in parts[0].trained.history],
            }
            for method, parts in results.items()
        ]
        write_json(folder / "evidence" / "training.json", {"candidates": candidates})

    def learned(self) -> tuple[Parts, Parts]:
        return [], [(self.target, np.arange(len(self.target)))]
