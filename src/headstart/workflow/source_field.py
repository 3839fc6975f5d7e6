"""The one arm of a source of one's own: the network trained on labelled data from random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.workflow.arm import REFERENCE
from headstart.workflow.arms.fitting import load_arm
from headstart.workflow.arms.timing import measure
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.network_field import NetworkField, Results
from headstart.workflow.network_record import selection, source_record
from headstart.workflow.planning.facts import facts_of
from headstart.workflow.planning.plan import Plan, make_plan
from headstart.workflow.setting import classify
from headstart.workflow.watching.keeping import of_network
from headstart.workflow.watching.reference import write_reference

ARM = REFERENCE


class SourceField(NetworkField):
    """One arm from random weights, measured on the test split and compared with nothing."""

    pretrained = False
    compared = False

    def first_plan(self) -> dict[str, Any]:
        """Plan only epochs, rate and batch: nothing is transferred."""
        bench, network = self.bench, self.network()
        facts = replace(facts_of(bench.dataset, network, measure(bench, network)), has_validation=True, inner=0)
        plan = make_plan(facts, bench.options)
        reasons = ("A source is trained from random weights, all stages together.", *plan.reasons[-2:])
        return replace(plan, method=ARM, depth=facts.n_stages, reasons=reasons).to_json()

    def select(self, plan: Plan, results: Results) -> Guard:
        return Guard(ARM, "It is the only arm that was trained.")

    def refit(self, plan: Plan, results: Results, kept: Guard, folder: Path) -> Results:
        return results

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        bench = self.bench
        bench.alone = True
        rows = bench.dataset.splits["test"]
        values = {ARM: [bench.predict(self._trained(folder), rows)]}
        return Predictions(rows, bench.dataset.labels(rows), bench.options.seed_list, values)

    def _trained(self, folder: Path) -> Any:
        return load_arm(folder / "state" / ARM / f"seed-{self.bench.options.seed}").to(self.bench.device)

    def judge(self, plan: Plan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        return None

    def describe(
        self,
        plan: Plan,
        results: Results,
        predictions: Predictions,
        verdict: Verdict | None,
        kept: Guard,
    ) -> Details:
        (result,) = results[ARM]
        arm = {key: value for key, value in result.items() if key not in {"history", "cut", "score"}}
        test = self.logic.metrics(predictions.values[ARM][0], predictions.labels)
        return Details(
            source=source_record(self.bench),
            setting=classify(target_domain(self.target), self.logic.task),
            selection=selection(plan),
            arms={ARM: arm | {"test": test}},
            warnings=list(self.transfer.checks.warnings),
        )

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        network = self._trained(folder)
        self.save_network(network, results, record, folder)
        rows, answers = self.bench.dataset.splits["test"], predictions.values[ARM][0]
        write_reference(folder, of_network(self.bench, network, rows, answers, frozen=False))
