"""The arms of a target with classes that have no sample: ways of telling classes by attributes."""

from __future__ import annotations

import copy
import hashlib
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import catalogue
from headstart.data import Dataset
from headstart.errors import UserError, check_names
from headstart.functional.bootstrap import mean_interval
from headstart.functional.linear import probabilities
from headstart.networks import Network, save_network
from headstart.report.card import model_card
from headstart.shallow.parameters.probe import Probe
from headstart.shallow.zeroshot.predictor import ZeroShot
from headstart.storage import write_json
from headstart.tasks import TaskLogic
from headstart.workflow.arm import ZERO_SHOT
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.measuring import scores_of
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict, judge_kept
from headstart.workflow.network_field import save_reference
from headstart.workflow.network_record import source_record
from headstart.workflow.opening.names import ALIGNED, prompts_of, text_side
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.record import arm_record, title_of
from headstart.workflow.saved import read_plan
from headstart.workflow.setting import classify
from headstart.workflow.trained_rows import Parts
from headstart.workflow.zero_shot.choosing import Chosen, choose, class_means_of, harmonic, trials_of
from headstart.workflow.zero_shot.classes_file import Listed, read_classes

Array = np.ndarray
Results = dict[str, dict[str, Any]]
SEEN_ONLY, ENTAILED = "seen_only", "entailed"
check_names([ENTAILED], catalogue.names(), "headstart.workflow.zero_shot.field.ENTAILED")
HYPOTHESIS = ("This example is {}.",)
"""What is said of a text where nothing else is asked for."""
MEASURED = 0.2
NEVER = -1e4
"""A logit whose probability is 0 beside any other."""
LEAST = 6
"""Classes with samples: two to measure on, and four to choose and learn by."""


@dataclass(frozen=True)
class ZeroShotPlan:
    """What is done: ``method`` first among ``arms``; ``measured`` are classes whose samples only measure."""

    method: str
    arms: tuple[str, ...]
    measured: tuple[str, ...]
    attributes: int
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


class ZeroShotField(Field[ZeroShotPlan, Results]):
    """Chosen with some classes held out in turn, measured with others held out, then fitted to all of them."""

    def __init__(self, transfer: Transfer) -> None:
        options, data = transfer.options, transfer.target
        assert transfer.source is not None
        assert options.classes is not None
        task = data.task
        if task is None or not task.label_space.one_class:
            raise UserError(f"--classes is for data with one class per sample, and {data.name} is something else.")
        self.seen = len(task.classes)
        if self.seen < LEAST:
            raise UserError(
                f"{data.name} has {self.seen} classes with samples, and {LEAST} are the least that attributes can be "
                "learned and measured with; give more classes."
            )
        source, alone = transfer.source, options.words is None
        reader = text_side(source) if alone else None
        tells = source.entails if alone and reader is None else None
        prompts = prompts_of(options.prompts)
        found = read_classes(
            options.classes, task.classes, options.words, reader=reader, prompts=prompts, entails=tells is not None
        )
        if tells is not None and found.texts:
            wordings = prompts if options.prompts is not None else HYPOTHESIS
            source = tells([[one.replace("{}", text) for text in found.texts] for one in wordings])
        classes, self.attributes = found.classes, found.attributes
        self.methods = _methods(found, options.method)
        whole = replace(data, task=replace(task, classes=classes))
        self.parts = _parts(whole, options.seed)
        self.transfer = replace(transfer, target=whole.with_splits(self.parts), source=source)
        processes = start_processes(options.device)
        self.bench = Workbench.create(self.target, source, options, processes, transfer.progress)
        if found.texts:
            self.attributes = np.eye(len(classes), self.network().n_features)
        self.chosen: dict[str, Chosen] = {}

    @property
    def logic(self) -> TaskLogic:  # type: ignore[override]
        return self.bench.logic

    def network(self) -> Network:
        return self.bench.network(pretrained=True, seed=self.bench.options.seed)

    def plan(self, folder: Path) -> ZeroShotPlan:
        """Try every method unless some are named."""
        options, names = self.bench.options, self.logic.task.classes
        methods = self.methods
        measured = tuple(names[k] for k in np.unique(self.target.labels(self.parts["test"])) if k in self._held)
        reasons = (
            f"{self.seen} classes have samples and {len(names) - self.seen} have none; each is "
            + (f"known by {self.attributes.shape[1]} attributes." if ENTAILED not in methods else "a hypothesis."),
            f"{len(measured)} classes ({', '.join(measured[:5])}{' ...' if len(measured) > 5 else ''}) are set apart: "
            "nothing is learned from their samples until the methods are measured on them.",
            f"Settings and the method are chosen with about {len(measured)} of the other classes held out in turn, of "
            "those that do no harm there.",
        )
        plan = ZeroShotPlan(methods[0], (*methods, SEEN_ONLY), measured, self.attributes.shape[1], reasons)
        told = plan.to_json() | {"list": hashlib.blake2b(self.attributes.tobytes(), digest_size=16).hexdigest()}
        path = folder / "plan.json"
        if path.exists() and read_plan(path) != told:
            raise UserError(f"The list {options.classes} has changed since this run began; fit anew.")
        write_json(path, told)
        return plan

    def _new(self, rows: Array) -> Array:
        """Return which rows are of the classes set apart."""
        return np.isin(self.target.labels(rows), self._held)

    @property
    def _held(self) -> Array:
        return np.setdiff1d(np.arange(self.seen), self.target.labels(self.parts["train"]))

    def _features(self, rows: Array) -> Array:
        if not hasattr(self, "_network"):
            self._network = self.network().freeze(len(self.network().stages))
        return self.bench.features(self._network, rows)

    def fit(self, plan: ZeroShotPlan, folder: Path) -> Results:
        """Choose each method's settings on held-out classes, and fit it to all classes that learn."""
        rows = self.parts["train"]
        features, labels = self._features(rows), self.target.labels(rows)
        results: Results = {}
        self.trials = trials_of(features, labels, self.bench.options.seed, together=len(plan.measured))
        for arm in plan.arms:
            self.transfer.progress.note(f"{arm}: fit on {len(np.unique(labels))} classes")
            began = time.perf_counter()
            results[arm] = self._fitted(arm, features, labels)
            results[arm]["seconds"] = round(time.perf_counter() - began, 3)
        return results

    def _fitted(self, arm: str, features: Array, labels: Array) -> dict[str, Any]:
        if arm == SEEN_ONLY:
            known, places = np.unique(labels, return_inverse=True)
            return {"model": Probe().fit(features, places), "score": 0.0, "labels": known}
        seed, share = self.bench.options.seed, float(self._new(self.parts["test"]).mean())
        aside = np.isin(np.arange(len(self.attributes)), self._held)
        found = choose(arm, features, labels, self.attributes, self.trials, aside=aside, share=share, seed=seed)
        self.chosen[arm] = found
        model = ZeroShot(arm, found.strength, found.calibration, seed).fit(features, labels, self.attributes)
        return {"model": model, "score": found.harmonic}

    def select(self, plan: ZeroShotPlan, results: Results) -> Guard:
        """Hand back the method with the best harmonic mean where classes were held out, of those that do no harm."""
        best = max(self.chosen, key=lambda arm: (self.chosen[arm].harmless, self.chosen[arm].harmonic))
        found = self.chosen[best]
        gain = f"{100 * found.gain:+.1f} points (chance alone: up to {100 * found.least:.1f}) over {SEEN_ONLY}"
        if found.harmless:
            said = f"With classes held out in turn {best} has the best harmonic mean, {100 * found.harmonic:.1f}%"
            return Guard(best, f"{said}, of what gains there: {gain}.")
        return Guard(
            SEEN_ONLY,
            f"With classes held out in turn no method gains beyond chance, {best} {gain}: {SEEN_ONLY} is "
            "handed back, which never answers with a class that has no sample.",
        )

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        """Answer the rows that judge: of classes that learned, and of those set apart."""
        rows = self.parts["test"]
        features = self._features(rows)
        values = {arm: [self._answers(result, features)] for arm, result in results.items()}
        return Predictions(rows, self.target.labels(rows), [self.bench.options.seed], values)

    def _answers(self, result: dict[str, Any], features: Array) -> Array:
        model = result["model"]
        if "labels" in result:
            shares = np.zeros((len(features), self.logic.task.n_outputs), dtype=np.float32)
            shares[:, result["labels"]] = model.predict_proba(features)
            return shares
        steep = self.chosen[model.method].steepness
        return probabilities(steep * model.decision_function(features), "softmax").astype(np.float32)

    def judge(self, plan: ZeroShotPlan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        scores = scores_of(self.logic, predictions)
        return judge_kept(
            self.logic.task, scores, kept=kept.kept, planned=plan.method, baseline=SEEN_ONLY,
            seed=self.bench.options.seed,
        )  # fmt: skip

    def describe(
        self, plan: ZeroShotPlan, results: Results, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        new = self._new(predictions.rows)
        table = {arm: self._generalised(predictions.values[arm][0], predictions.labels, new) for arm in results}
        features = self._features(predictions.rows)
        for arm in self.chosen:
            plain = clone_with(results[arm]["model"], calibration=0.0).decision_function(features)
            one = self._generalised(plain, predictions.labels, new)
            table[arm]["uncalibrated"] = {name: one[name] for name in ("seen", "unseen", "harmonic")}
        arms = {
            arm: arm_record(
                self.logic,
                arm,
                predictions,
                [{"seconds": result["seconds"], "validation": {"harmonic": result["score"]}}],
                method=arm,
                title=title_of(arm, {SEEN_ONLY: ZERO_SHOT[SEEN_ONLY].title}),
                papers=catalogue.papers(arm) if arm != SEEN_ONLY else [],
                seed=self.bench.options.seed,
            )
            for arm, result in results.items()
        }
        source = self.transfer.source
        assert source is not None
        about = {"classes": list(self.logic.task.classes[self.seen :]), "measured": list(plan.measured)}
        settings = {arm: found._asdict() for arm, found in self.chosen.items()}
        return Details(
            source=source_record(self.bench),
            setting=classify(target_domain(self.target), self.logic.task, source.domain, source.task, "relations"),
            selection="harmonic mean with classes held out in turn",
            arms=arms,
            warnings=[*self.transfer.checks.warnings, *self._warnings(plan)],
            device=str(self.bench.device),
            more={"zero_shot": about | {"accuracies": table, "settings": settings, "lines": _lines(table)}},
        )

    def _warnings(self, plan: ZeroShotPlan) -> list[str]:
        source = self.transfer.source
        known = {name.lower() for name in (source.task.classes if source and source.task else ())}
        names = [*plan.measured, *self.logic.task.classes[self.seen :]]
        met = [name for name in names if name.lower() in known]
        if not met:
            return []
        return [
            f"The source has seen {', '.join(met[:5])} under these names: such classes are not unseen by its features."
        ]

    def _generalised(self, answers: Array, labels: Array, new: Array) -> dict[str, Any]:
        """Return accuracy per class of both sides and their harmonic mean, with chance and intervals over samples."""
        right = answers.argmax(axis=1) == labels
        alone = np.isin(np.arange(answers.shape[1]), self._held)
        among = np.where(alone, answers[new], -np.inf).argmax(axis=1) == labels[new]
        seen, unseen = class_means_of(right[~new], labels[~new]), class_means_of(right[new], labels[new])
        spans = {
            name: list(mean_interval(side[None].astype(float)))
            for name, side in (("seen", right[~new]), ("unseen", right[new]))
        }
        return {
            "seen": seen,
            "unseen": unseen,
            "harmonic": harmonic(seen, unseen),
            "unseen_alone": class_means_of(among, labels[new]),
            "chance_alone": 1 / max(1, len(self._held)),
            "intervals": spans,
            "n": {"seen": int((~new).sum()), "unseen": int(new.sum())},
        }

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        """Write the network with a head of all classes, fitted to every class that has samples."""
        rows = np.concatenate([self.parts["train"], self.parts["apart"]])
        features, labels = self._features(rows), self.target.labels(rows)
        network = self.network()
        network.head = self._head(kept.kept, features, labels).to(self.bench.device)
        save_network(network, self.logic, folder / "model", card=model_card(record))
        save_reference(self.bench, network, folder)

    def _head(self, arm: str, features: Array, labels: Array) -> nn.Linear:
        """Return what is handed back, fitted to all classes that have samples."""
        if arm == SEEN_ONLY:
            solution = Probe().fit(features, labels)
            return seen_head(solution.coef_, solution.intercept_, len(self.attributes))
        found, seed = self.chosen[arm], self.bench.options.seed
        model = ZeroShot(arm, found.strength, found.calibration, seed).fit(features, labels, self.attributes)
        return linear_head(model, found.steepness)

    def learned(self) -> tuple[Parts, Parts]:
        return [(self.target, np.concatenate([self.parts["train"], self.parts["apart"]]))], []


def _methods(found: Listed, asked: str | None) -> tuple[str, ...]:
    """Return the methods that are tried: all that such a list has a meaning for, unless some are named.

    Raises
    ------
    UserError
        If a method that was named has no meaning there.
    """
    every = [entry.name for entry in catalogue.METHODS if entry.kind == "zero_shot"]
    apart = {ALIGNED} if found.aligned else set()
    known = [ENTAILED] if found.texts else [name for name in every if name in apart or name not in (ALIGNED, ENTAILED)]
    named = tuple(part.strip() for part in asked.split(",")) if asked else tuple(known)
    for name in named:
        if found.texts and name != ENTAILED:
            raise UserError(
                f"--method {name} learns from attributes, and this source tells classes by what a text entails; name "
                f"{ENTAILED}, or give --words or a list with attributes."
            )
        if name == ALIGNED and not found.aligned:
            raise UserError(
                f"--method {ALIGNED} compares samples with names in the space of a source of two sides, and here "
                "attributes or --words tell the classes; leave these out, or name another method."
            )
        if name == ENTAILED and not found.texts:
            raise UserError(
                f"--method {ENTAILED} is for a source that tells entailment (hf/DIRECTORY of such a classifier) and a "
                "list of names or descriptions alone; name another method, or leave it out."
            )
    return named


def clone_with(model: ZeroShot, **changes: Any) -> ZeroShot:
    """Return a fitted model with other parameters that its fit does not depend on."""
    return copy.copy(model).set_params(**changes)


def linear_head(model: ZeroShot, steepness: float) -> nn.Linear:
    """Return a model's logits as a linear layer, the calibration in its biases."""
    head = nn.Linear(model.coef_.shape[1], len(model.coef_))
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(steepness * model.coef_))
        assert head.bias is not None
        head.bias.copy_(torch.as_tensor(steepness * (model.intercept_ - model.calibration * model.seen_)))
    return head


def seen_head(coef: Array, intercept: Array, classes: int) -> nn.Linear:
    """Return a linear layer over all classes, of which the first are answered as given and the others never."""
    head = nn.Linear(coef.shape[1], classes)
    with torch.no_grad():
        assert head.bias is not None
        head.weight.zero_()
        head.bias.fill_(NEVER)
        head.weight[: len(coef)] = torch.as_tensor(coef)
        head.bias[: len(coef)] = torch.as_tensor(intercept)
    return head


def _parts(dataset: Dataset, seed: int) -> dict[str, Array]:
    """Return rows that learn, rows that judge, and (``apart``) what the classes set apart teach afterwards.

    A fifth of the classes with samples is set apart, two at least. All their rows judge; those that are no test rows
    teach the model that is handed back.
    """
    every = np.arange(len(dataset))
    labels, test = dataset.labels(every), np.isin(every, dataset.splits["test"])
    classes = np.unique(labels)
    held = np.random.default_rng([seed, len(classes)]).permutation(classes)[: max(2, round(MEASURED * len(classes)))]
    new = np.isin(labels, held)
    return {
        "train": np.flatnonzero(~new & ~test),
        "validation": np.zeros(0, np.int64),
        "test": np.flatnonzero(new | test),
        "apart": np.flatnonzero(new & ~test),
    }


def _lines(table: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for arm, one in table.items():
        words = ", ".join(f"{name} {100 * one[name]:.1f}%" for name in ("seen", "unseen", "harmonic"))
        alone = f"{100 * one['unseen_alone']:.1f}% among unseen classes alone (chance {100 * one['chance_alone']:.1f}%)"
        plain = one.get("uncalibrated")
        without = f"; not calibrated, harmonic {100 * plain['harmonic']:.1f}%" if plain else ""
        lines.append(f"  {arm}: {words}{without}; {alone}")
    return lines
