"""The arms of a generator: from random weights, and, where a run is carried over, in ways that few pictures bear."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.data import Dataset
from headstart.data.blind import open_blind
from headstart.errors import UserError
from headstart.functional.kid import kid
from headstart.models.blind import save_blind
from headstart.models.generating import load_generator, save_generator
from headstart.networks import Network, open_source
from headstart.problem import Domain
from headstart.report.pictures import save_picture, thumbnail
from headstart.storage import save_tensors, write_json, write_text
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details
from headstart.workflow.generating.judging import DRAWN, METRIC, judge_arms
from headstart.workflow.generating.training import (
    CARRIED,
    METHOD,
    SCRATCH,
    TITLES,
    Drawn,
    learn_arm,
    plan_drawing,
    seen_by,
)
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.self_supervised.evidence import picture_of
from headstart.workflow.self_supervised.field import SelfSupervisedField, card_of, record_of
from headstart.workflow.self_supervised.training import Plan
from headstart.workflow.setting import classify

JUDGE = "headstart/glyphs"
SHOWN = 24
HELD = 0.2
LEAST = 20


class GeneratingField(SelfSupervisedField):
    """DCGAN: KID on held-out pictures chooses the arm and judges it."""

    def __init__(self, transfer: Transfer) -> None:
        super().__init__(replace(transfer, target=_split(transfer.target, transfer.options)))
        options = transfer.options
        self.arms = (SCRATCH, *(CARRIED if options.carried else ()))
        judge = open_source(options.judge or JUDGE).facing("image")
        if judge.modality != "image":
            raise UserError(
                f"--judge {judge.spec} reads {judge.modality} data, and pictures are judged; name one of images."
            )
        self.eyes_source = judge
        self.fresh = None if options.test is None else open_blind(options.test, modality="image", seed=options.seed)

    def start(self) -> tuple[Any, Any] | None:
        """Return a fresh copy of the run's generator and critic; None where nothing is carried over."""
        if not self.transfer.options.carried:
            return None
        run = Path(self.transfer.options.carried).expanduser()
        return load_generator(run / "model" if (run / "model").is_dir() else run)

    def network(self) -> Network:
        return self.source.build(pretrained=bool(self.transfer.options.carried), seed=self.transfer.options.seed)

    def check(self) -> None:
        super().check()
        self.start()
        if len(self._judges()) < 2:
            raise UserError("Two pictures or more are needed to judge by; give more.")

    def plan(self, folder: Path) -> Plan:
        plan = plan_drawing(self.target, self.transfer.options, self.arms)
        if self.is_main:
            write_json(folder / "plan.json", plan.to_json())
        return plan

    def fit(self, plan: Plan, folder: Path) -> dict[str, Drawn]:  # type: ignore[override]
        transfer = self.transfer
        found: dict[str, Drawn] = {}
        for arm in self.arms:
            found[arm] = learn_arm(
                arm, self.target, self.source, self.start(), plan, transfer.options, folder / "state" / arm,
                transfer.progress, self.processes, 1 / len(self.arms), most_steps(found),
            )  # fmt: skip
        return found

    def _judges(self) -> list[Any]:
        if self.fresh is not None:
            return self.fresh.raw(np.arange(len(self.fresh)))
        return self.target.raw(self.target.splits["test"])

    def _features(self, results: dict[str, Drawn], seed: int) -> dict[str, np.ndarray]:
        return {arm: seen_by(self.eyes, self._pictures(one, DRAWN, seed)) for arm, one in results.items()}

    def _pictures(self, one: Drawn, n: int, seed: int) -> list[Any]:
        preprocess = one.network.preprocess
        return [picture_of(pixels, preprocess) for pixels in one.generator.draw(n, seed)]  # type: ignore[arg-type]

    def select(self, plan: Plan, results: dict[str, Drawn]) -> Guard:  # type: ignore[override]
        self.eyes = self.eyes_source.build()
        if len(results) == 1:
            return Guard(SCRATCH, "It is the only arm that was trained.")
        real = seen_by(self.eyes, self.target.raw(self.target.splits["validation"]))
        found = {arm: kid(real, drawn).value for arm, drawn in self._features(results, 1).items()}
        best = min(found, key=lambda arm: found[arm])
        return Guard(best, f"Its pictures are nearest to {len(real)} that choose (KID {found[best]:.4g}).")

    def judge(self, plan: Plan, results: Any, predictions: Predictions, kept: Guard) -> Verdict | None:
        real, learned = (
            seen_by(self.eyes, raws) for raws in (self._judges(), self.target.raw(self.target.splits["train"]))
        )
        self.judged = judge_arms(kept.kept, self._features(results, 2), real, learned, scratch=SCRATCH)
        return self.judged.verdict(SCRATCH)

    def describe(
        self, plan: Plan, results: Any, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        source, options = self.source, self.transfer.options
        cut = sorted(arm for arm, one in results.items() if one.trained.stopped == "budget")
        made = ", ".join(f"{arm} {one.trained.steps:,}" for arm, one in results.items())
        warnings = [f"The budget cut {', '.join(cut)} short (steps: {made}); give more with --budget."] if cut else []
        n = self.judged.n
        few = [f"{n} pictures judge, so that the intervals are wide."] if n < 100 else []
        origin = source.domain if options.carried else Domain(self.target.modality)  # type: ignore[arg-type]
        return Details(
            source={"spec": source.spec, "kind": source.kind, "title": source.title, "licence": source.licence},
            setting=classify(target_domain(self.target), None, origin, None, "parameters"),
            selection="KID on validation pictures" if len(results) > 1 else "nothing is chosen",
            arms={arm: self._record(arm, one, plan) for arm, one in results.items()},
            warnings=[*warnings, *few, *self.transfer.checks.warnings],
            more={
                "metric": METRIC,
                "guard": kept.to_json() | {"seed": options.seed},
                "without_labels": {
                    "method": METHOD,
                    "lines": [*self.judged.lines(), *self._words()],
                    "measured": self.judged.measured(),
                    "judge": self.eyes_source.spec,
                },
            },
        )

    def _words(self) -> list[str]:
        return [
            "The discriminator is a source: `headstart fit DATA --source RUN`; `headstart pretrain FEW --method dcgan "
            "--source RUN` carries the generator to other pictures."
        ]

    def _record(self, arm: str, one: Drawn, plan: Plan) -> dict[str, Any]:
        found = {
            METRIC: self.judged.distances[arm].value,
            "training_loss": float(one.trained.history[-1]["train_loss"]),
        }
        parts = (one.network, one.generator, one.critic)
        n = len(self.target.splits["train"])
        return record_of(plan, one.trained, (found, self.judged.n), n, one.seconds, parts) | {"title": TITLES[arm]}

    def save(self, results: Any, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path) -> None:
        one, model, rows = results[kept.kept], folder / "model", self.target.splits["train"][:256]
        save_generator(one.generator, one.critic, model)
        save_blind(one.network, None, METHOD, None, model, card_of(record, METHOD))
        save_tensors(
            model / "reference.safetensors",
            {"features": torch.as_tensor(seen_by(one.network, self.target.raw(rows))).float()},
        )
        lines = [
            {"arm": arm, "seed": self.transfer.options.seed} | line
            for arm, one in results.items()
            for line in one.trained.history
        ]
        write_text(folder / "metrics.jsonl", "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
        write_json(folder / "evidence" / "blind.json", self._evidence(results, kept, folder / "evidence"))

    def _evidence(self, results: dict[str, Drawn], kept: Guard, folder: Path) -> dict[str, Any]:
        shown = {f"drawn, {arm}": self._pictures(results[arm], SHOWN, 2) for arm in dict.fromkeys((kept.kept, SCRATCH))}
        shown["learned from"] = self.target.raw(self.target.splits["train"][:SHOWN])
        gallery = []
        for row, (name, part) in enumerate(shown.items()):
            names = [save_picture(folder, f"gallery-{row}-{i}", thumbnail(one, 64)) for i, one in enumerate(part)]
            gallery.append({"name": name, "pictures": names})
        return {"n": self.judged.n, "usual": [], "samples": [], "unusual": [], "gallery": gallery}


def most_steps(found: dict[str, Drawn]) -> int | None:
    """Return the steps that no later arm may exceed: those of the arm that made fewest; None before the first."""
    return min((one.trained.steps for one in found.values()), default=None)


def _split(dataset: Dataset, options: Any) -> Dataset:
    """Return pictures of which a fifth chooses where something is carried over, and a fifth judges unless others do."""
    n, order = len(dataset), np.random.default_rng(options.seed).permutation(len(dataset))
    if n < LEAST:
        raise UserError(f"{dataset.origin} has {n} pictures; {LEAST} or more are needed to learn to draw.")
    held = min(1000, round(HELD * n))
    test, rest = (order[:0], order) if options.test is not None else (order[:held], order[held:])
    held = held if options.carried else 0
    parts = {"test": test, "validation": rest[:held], "train": rest[held:]}
    return dataset.with_splits({name: np.sort(part) for name, part in parts.items()})
