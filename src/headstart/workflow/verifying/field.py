"""The arms of a verification: the source's features as they are, whitened, trained, and what they are measured by."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from headstart.models.verification import save_verification
from headstart.networks import Network
from headstart.tasks import TaskLogic
from headstart.workflow.arm import known
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.recognition import FALSE_ACCEPTS, figures, scores_per_person, threshold_of, too_loose
from headstart.workflow.judging.verdict import Guard, Verdict, judge_kept
from headstart.workflow.network_field import save_reference
from headstart.workflow.network_record import source_record
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import seconds_of
from headstart.workflow.saved import write_metrics
from headstart.workflow.setting import classify
from headstart.workflow.trained_rows import Parts
from headstart.workflow.verifying.card import card, lines_of
from headstart.workflow.verifying.embedding import embedding_network, fit_arm, vectors
from headstart.workflow.verifying.people import split_checks, split_people
from headstart.workflow.verifying.plan import PIXELS, SCRATCH, SHARE, SOURCE, TRAINED, VerificationPlan, make_plan

Array = np.ndarray
Results = dict[str, list[dict[str, Any]]]


class VerificationField(Field[VerificationPlan, Results]):
    """An embedding that is learned on some people, chosen by others, and measured on others still."""

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.source is not None
        data = split_people(transfer.target, transfer.options.seed)
        self.transfer = replace(transfer, target=data, checks=split_checks(data, transfer.checks))
        processes = start_processes(transfer.options.device)
        self.bench = Workbench.create(data, transfer.source, transfer.options, processes, transfer.progress)

    @property
    def logic(self) -> TaskLogic:  # type: ignore[override]
        return self.bench.logic

    @property
    def is_main(self) -> bool:
        return self.bench.is_main

    def wait(self) -> None:
        self.bench.wait()

    def network(self) -> Network:
        return self.bench.network(pretrained=True, seed=self.bench.options.seed)

    def plan(self, folder: Path) -> VerificationPlan:
        return make_plan(self.bench, self.network())

    def fit(self, plan: VerificationPlan, folder: Path) -> Results:
        """Find every arm's vectors, and how well they recognise the people to choose by."""
        seconds = SHARE * seconds_of(self.bench.options.budget)
        results: Results = {}
        for arm in plan.arms:
            results[arm] = [fit_arm(self.bench, plan, arm, self._state(folder, arm), seconds)]
        self.wait()
        self.bench.alone = True
        if self.is_main:
            for arm in plan.arms:
                found = float(scores_per_person(*self._judged(arm, folder, "validation"), seed=0).mean())
                results[arm][0] |= {"validation": {"accuracy": found}, "score": found}
        return results

    def _state(self, folder: Path, arm: str) -> Path:
        return folder / "state" / arm / f"seed-{self.bench.options.seed}"

    def _judged(self, arm: str, folder: Path, split: str) -> tuple[Array, Array]:
        """Return vectors and people of a split."""
        rows = self.target.splits[split]
        return vectors(self.bench, arm, self._state(folder, arm), rows), self.target.labels(rows)

    def select(self, plan: VerificationPlan, results: Results) -> Guard:
        """Hand back what recognises the people to choose by best; of equals the simplest."""
        candidates = [arm for arm in plan.arms if arm != PIXELS]
        if not self.is_main:
            return Guard(candidates[0], "")
        scores = {arm: results[arm][0]["score"] for arm in candidates}
        best = max(candidates, key=lambda arm: scores[arm])
        told = ", ".join(f"{arm} {100 * score:.1f}%" for arm, score in scores.items())
        return Guard(best, f"It recognises {len(self._people('validation'))} people to choose by best ({told}).")

    def _people(self, split: str) -> Array:
        return np.unique(self.target.labels(self.target.splits[split]))

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        """Compare the people that measure with one another by every arm; no sample has an answer of its own."""
        seed = self.bench.options.seed
        self.threshold = threshold_of(*self._judged(kept.kept, folder, "validation"))
        self.scores, self.figures = {}, {}
        for arm in results:
            self.transfer.progress.note(f"{arm}: compare {len(self._people('test'))} people that nothing has seen")
            own = threshold_of(*self._judged(arm, folder, "validation"))
            found, people = self._judged(arm, folder, "test")
            self.scores[arm] = scores_per_person(found, people, seed)
            self.figures[arm] = figures(found, people, own, seed)
        self.kept_network = embedding_network(self.bench, self._state(folder, kept.kept))
        none = np.zeros(0, np.int64)
        return Predictions(none, none, [seed], {})

    def judge(self, plan: VerificationPlan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        """Compare recognition from one picture with the same network trained from random weights, person by person."""
        simple = {arm: results[arm][0]["score"] for arm in (PIXELS, SOURCE) if arm in results}
        return judge_kept(
            self._counted, self.scores, kept=kept.kept, planned=plan.method, baseline=SCRATCH, simple=simple,
            seed=self.bench.options.seed,
        )  # fmt: skip

    @cached_property
    def _counted(self) -> Any:
        """The task, whose accuracy is the share of a person's pictures that are recognised."""
        return replace(self.logic.task, primary="")

    def describe(
        self, plan: VerificationPlan, results: Results, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        n = len(self._people("test"))
        found = {"kept": kept.kept, "threshold": self.threshold, "false_accepts": FALSE_ACCEPTS, "arms": self.figures}
        few = [f"Only {n} people are measured on, so the intervals are wide."] if n < 50 else []
        naive = [] if PIXELS not in results else self._naive(results, kept)
        loose = too_loose(self.figures[kept.kept]["far"], len(self._people("validation")))
        cut = [arm for arm in TRAINED if results[arm][0]["stopped"] == "budget"]
        return Details(
            source=source_record(self.bench),
            setting=classify(target_domain(self.target), self.logic.task, carries="features"),
            selection="recognition from one picture of people that nothing learned from",
            arms={arm: self._arm(arm, parts[0]) for arm, parts in results.items()},
            warnings=[*self.transfer.checks.warnings, *few, *loose, *naive,
                      *(f"The budget cut {arm} short; give more with --budget." for arm in cut)],
            device=str(self.bench.device),
            precision=self.bench.place.precision,
            more={"verification": found | {"lines": lines_of(self.figures)}},
        )  # fmt: skip

    def _naive(self, results: Results, kept: Guard) -> list[str]:
        if results[PIXELS][0]["score"] < results[kept.kept][0]["score"]:
            return []
        return ["Eigenfaces, which need no source, recognise the people to choose by as well: nothing is gained here."]

    def _arm(self, arm: str, result: dict[str, Any]) -> dict[str, Any]:
        facts, found = known(arm), self.scores[arm]
        from headstart.functional.intervals import interval_of_mean

        interval = interval_of_mean(found, share=True)
        told_of = {key: value for key, value in result.items() if key not in {"history", "cut", "score"}}
        return told_of | {
            "method": arm,
            "title": facts.title,
            "papers": list(facts.papers),
            "test": {"accuracy": float(found.mean())},
            "interval": list(interval.bounds),
            "interval_kind": interval.kind,
            "n_test": found.shape[1],
        }

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        network = self.kept_network
        write_metrics(folder / "metrics.jsonl", results)
        save_verification(network, kept.kept, self.threshold, FALSE_ACCEPTS, folder / "model", card(record))
        save_reference(self.bench, network, folder)

    def learned(self) -> tuple[Parts, Parts]:
        splits = self.target.splits
        return [(self.target, np.concatenate([splits["train"], splits["validation"]]))], []
