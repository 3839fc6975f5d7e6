"""The arms of a source for classes to come: a method of episodes, a classifier, and the nearest raw input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import catalogue
from headstart.deep.episodic import class_means
from headstart.networks import Network, save_network
from headstart.report.card import model_card
from headstart.storage import write_json
from headstart.tasks import TaskLogic
from headstart.workflow.arm import known
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.description import target_domain
from headstart.workflow.few_shot.classes import split_checks, split_classes
from headstart.workflow.few_shot.measuring import (
    CHOOSING,
    EPISODES,
    Answer,
    Fetch,
    Setting,
    by_cosine,
    by_distance,
    by_nearest,
    episodes,
    own_answer,
    setting_of,
    settings_of,
    shares,
    told,
)
from headstart.workflow.few_shot.plan import (
    CLASSIFIER,
    NEAREST,
    SHARE,
    SHOTS,
    WAYS,
    FewShotPlan,
    episode_sizes,
    make_plan,
)
from headstart.workflow.few_shot.training import episode_stream, samples_of, train_arm, trained_nets
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict, compare, guard
from headstart.workflow.network_field import save_reference
from headstart.workflow.network_record import source_record
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import seconds_of
from headstart.workflow.saved import read_plan, write_metrics
from headstart.workflow.setting import classify
from headstart.workflow.trained_rows import Parts

Array = np.ndarray
Results = dict[str, list[dict[str, Any]]]
VALIDATION_SEED, TEST_SEED = 1_000_003, 2_000_003


class FewShotField(Field[FewShotPlan, Results]):
    """Trained on some classes, chosen by others, and measured on others still."""

    def __init__(self, transfer: Transfer) -> None:
        options = transfer.options
        assert transfer.source is not None
        assert options.method is not None
        self.method = options.method
        data = split_classes(transfer.target, options.ways or WAYS, options.shots or SHOTS, options.seed)
        self.transfer = replace(transfer, target=data, checks=split_checks(data, transfer.checks))
        processes = start_processes(options.device)
        self.bench = Workbench.create(data, transfer.source, options, processes, transfer.progress)
        self.seen: dict[str, list[tuple[Setting, Array]]] = {}

    @property
    def logic(self) -> TaskLogic:  # type: ignore[override]
        return self.bench.logic

    @property
    def is_main(self) -> bool:
        return self.bench.is_main

    def wait(self) -> None:
        self.bench.wait()

    def network(self) -> Network:
        return self.bench.network(pretrained=False, seed=self.bench.options.seed)

    def plan(self, folder: Path) -> FewShotPlan:
        """Make the plan once and keep it, so that a resumed run does the same."""
        path, options = folder / "plan.json", self.bench.options
        if self.is_main and not path.exists():
            sizes = episode_sizes(self.target, options.ways, options.shots)
            stream = episode_stream(self.bench, self.network(), sizes)
            write_json(path, make_plan(self.bench, stream, self.method).to_json())
        self.wait()
        return FewShotPlan.from_json(read_plan(path), str(path))

    def fit(self, plan: FewShotPlan, folder: Path) -> Results:
        """Train both arms, and measure all three on the classes to choose by."""
        seconds = SHARE * seconds_of(self.bench.options.budget)
        results: Results = {
            arm: [train_arm(self.bench, plan, arm, self._state(folder, arm), seconds)] for arm in plan.arms[:2]
        }
        self.wait()
        self.bench.alone = True
        if self.is_main:
            for arm in plan.arms:
                results.setdefault(arm, [{"seconds": 0.0}])[0].update(self._validated(plan, arm, folder))
        return results

    def _validated(self, plan: FewShotPlan, arm: str, folder: Path) -> dict[str, Any]:
        self.transfer.progress.note(f"{arm}: {CHOOSING} episodes of the classes to choose by")
        ((_, scores),) = self._measured(plan, arm, folder, "validation", CHOOSING, VALIDATION_SEED)
        return {"validation": {"accuracy": float(scores.mean())}, "score": float(scores.mean())}

    def _state(self, folder: Path, arm: str) -> Path:
        return folder / "state" / arm / f"seed-{self.bench.options.seed}"

    def select(self, plan: FewShotPlan, results: Results) -> Guard:
        """Hand back the network whose answers are better on the classes to choose by."""
        self.planned = plan
        if not self.is_main:
            return Guard(plan.method, "")
        return guard(self.logic.task, plan.method, {arm: results[arm][0]["score"] for arm in plan.arms[:2]})

    def _measured(
        self, plan: FewShotPlan, arm: str, folder: Path, split: str, n: int, seed: int, *, every: bool = False
    ) -> list[tuple[Setting, Array]]:
        """Return each setting's share of right answers in ``n`` episodes of a split's classes."""
        rows = self.target.splits[split]
        asked = setting_of(self.target, rows, plan.ways, plan.shots)
        answer, fetch = self._answering(plan, arm, folder, rows)
        return [
            (setting, shares(answer, episodes(fetch, self.target, rows, setting, seed), n))
            for setting in (settings_of(self.target, rows, asked) if every else [asked])
            if arm != plan.method or setting.ways == plan.ways or not self._knows_ways(plan)
        ]

    def _knows_ways(self, plan: FewShotPlan) -> bool:
        """Whether the method answers episodes of as many classes as it learned from alone."""
        return "ways" in catalogue.create(plan.method).get_params(deep=False)

    def _answering(self, plan: FewShotPlan, arm: str, folder: Path, rows: Array) -> tuple[Answer, Fetch]:
        """Return how an arm answers episodes of some rows, and the states that it answers from."""
        if arm == NEAREST:
            return by_nearest, samples_of(self.bench, self.network(), rows)
        method, nets = trained_nets(self.bench, plan, arm, self._state(folder, arm))
        if arm == plan.method and method.moves:
            return own_answer(method, nets), samples_of(self.bench, nets.network, rows)
        features = torch.as_tensor(self.bench.features(nets.network, rows))
        nets.network.entry = len(nets.network.stages)
        answer = own_answer(method, nets) if arm == plan.method else by_cosine(self._centre(nets.network))
        return answer, lambda positions, view: features[positions]

    def _by_means(self, plan: FewShotPlan, network: Network) -> dict[str, float]:
        """Return how often class means of a network's features are right on the classes to choose by, either way."""
        rows = self.target.splits["validation"]
        features = torch.as_tensor(self.bench.features(network, rows))
        setting = setting_of(self.target, rows, plan.ways, plan.shots)
        stream = episodes(lambda at, view: features[at], self.target, rows, setting, VALIDATION_SEED)
        ways = {"prototypes": by_distance, "cosine": by_cosine(self._centre(network))}
        return {name: float(shares(answer, stream, CHOOSING).mean()) for name, answer in ways.items()}

    def _centre(self, network: Network) -> torch.Tensor:
        entry, network.entry = network.entry, 0
        centre = torch.as_tensor(self.bench.features(network, self.target.splits["train"])).mean(dim=0)
        network.entry = entry
        return centre

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        """Answer the episodes of the classes that measure; no sample has an answer of its own."""
        plan = self.planned
        for arm in plan.arms:
            self.transfer.progress.note(f"{arm}: {EPISODES} episodes of the classes to measure on")
            self.seen[arm] = self._measured(plan, arm, folder, "test", EPISODES, TEST_SEED, every=True)
        _, nets = trained_nets(self.bench, plan, kept.kept, self._state(folder, kept.kept))
        self.kept = nets.network
        self.means = self._by_means(plan, nets.network)
        none = np.zeros(0, np.int64)
        return Predictions(none, none, self.bench.options.seed_list, {})

    def judge(self, plan: FewShotPlan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        """Compare what is handed back with the classifier on the same episodes."""
        arm = kept.kept
        first, second = (self.seen[name][0][1][None] for name in (arm, CLASSIFIER))
        found = compare(self.logic.task, arm, first, CLASSIFIER, second, seed=self.bench.options.seed)
        measured = ("accuracy", found.gain, found.interval, found.p, first.shape[1])
        return Verdict(found.kind, *measured, plan.method, CLASSIFIER, arm=arm, interval_kind=found.interval_kind)

    def describe(
        self, plan: FewShotPlan, results: Results, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        arms = {arm: self._arm(arm, parts[0]) for arm, parts in results.items()}
        table = {arm: [told(scores, setting) for setting, scores in found] for arm, found in self.seen.items()}
        return Details(
            source=source_record(self.bench),
            setting=classify(target_domain(self.target), self.logic.task, carries="features"),
            selection=f"{CHOOSING} episodes of classes that nothing learned from",
            arms=arms,
            warnings=self._warnings(plan, results),
            device=str(self.bench.device),
            precision=self.bench.place.precision,
            more={
                "few_shot": {
                    "ways": plan.ways,
                    "shots": plan.shots,
                    "accuracies": table,
                    "means": max(self.means, key=lambda name: self.means[name]),
                    "by_means": self.means,
                    "lines": self._lines(),
                }
            },
        )

    def _arm(self, arm: str, result: dict[str, Any]) -> dict[str, Any]:
        facts = known(arm)
        setting, scores = self.seen[arm][0]
        found = told(scores, setting)
        told_of = {key: value for key, value in result.items() if key not in {"history", "cut", "score"}}
        return told_of | {
            "method": arm,
            "title": facts.title,
            "papers": list(facts.papers),
            "test": {"accuracy": found["accuracy"]},
            "interval": found["interval"],
            "interval_kind": found["interval_kind"],
            "n_test": found["episodes"],
        }

    def _lines(self) -> list[str]:
        """Say every arm's accuracy in every setting, with its interval."""
        lines = []
        for arm, found in self.seen.items():
            for setting, scores in found:
                one = told(scores, setting)
                low, high = (100 * bound for bound in one["interval"])
                words = f"{100 * one['accuracy']:.1f}% ({low:.1f} to {high:.1f}, {len(scores)} episodes)"
                lines.append(f"  {arm}, {setting.words}: {words}")
        return lines

    def _warnings(self, plan: FewShotPlan, results: Results) -> list[str]:
        warnings = list(self.transfer.checks.warnings)
        best = max(results[arm][0]["score"] for arm in (plan.method, CLASSIFIER))
        if results[NEAREST][0]["score"] >= best:
            warnings.append(
                "The nearest raw input does as well on the classes to choose by: nothing that was trained helps."
            )
        cut = [arm for arm in (plan.method, CLASSIFIER) if results[arm][0]["stopped"] == "budget"]
        return [*warnings, *(f"The budget cut {arm} short; give more with --budget." for arm in cut)]

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        """Write the network with the means of all classes as its head."""
        network, data = self.kept, self.target
        rows = np.arange(len(data))
        network.entry = 0
        network.head = prototype_head(
            torch.as_tensor(self.bench.features(network, rows)), torch.as_tensor(data.labels(rows)), self.logic
        ).to(self.bench.device)
        write_metrics(folder / "metrics.jsonl", {arm: parts for arm, parts in results.items() if arm != NEAREST})
        save_network(network, self.logic, folder / "model", card=model_card(record))
        save_reference(self.bench, network, folder)

    def learned(self) -> tuple[Parts, Parts]:
        return [(self.target, np.arange(len(self.target)))], []


@torch.no_grad()
def prototype_head(features: torch.Tensor, labels: torch.Tensor, logic: TaskLogic) -> nn.Linear:
    """Return ``-|x - c_k|^2`` as a linear head: weight 2 c_k, bias -|c_k|^2; ``|x|^2`` is the same for every class."""
    means = class_means(features.float(), labels, logic.task.n_outputs)
    head = nn.Linear(features.shape[1], logic.task.n_outputs)
    head.weight.copy_(2 * means)
    assert head.bias is not None
    head.bias.copy_(-means.square().sum(dim=1))
    return head
