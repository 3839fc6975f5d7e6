"""The one arm of a source learned from pairs: trained, measured on pairs held out, compared with chance."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.data.two_sides import contents
from headstart.models.pairs import save_pairs
from headstart.networks import Network, save_network
from headstart.problem import Domain
from headstart.report.card import one_line
from headstart.storage import save_tensors, write_json, write_text
from headstart.tasks.nothing import NoTask
from headstart.workflow.arms.workbench import start_processes
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.opening.fingerprint import weights_of
from headstart.workflow.opening.refusals import TAUGHT
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.pairs.agreement import Agreement, agreement
from headstart.workflow.pairs.retrieval import Retrieval, both_ways
from headstart.workflow.pairs.training import (
    Two,
    features_of,
    learn_pairs,
    outputs_of,
    plan_pairs,
    start_side,
    student_of,
    teacher_of,
)
from headstart.workflow.self_supervised.field import record_of
from headstart.workflow.self_supervised.training import Plan
from headstart.workflow.setting import classify
from headstart.workflow.trained_rows import Parts

Results = tuple[Two, Any]
REFERENCE_ROWS = 256
EVIDENCE: dict[str, Any] = {"usual": [], "samples": [], "unusual": []}


class PairsField(Field[Plan, Results]):
    """A method of the kind "pairs", and a network for each side, or for the side that is taught."""

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.pair is not None
        self.transfer, self.pair, self.logic = transfer, transfer.pair, NoTask()
        self.sides = Two(transfer.target, transfer.pair.right)
        self.taught = transfer.options.method == TAUGHT
        self.processes = start_processes(transfer.options.device)
        self.teacher = teacher_of(self.pair.sources[0]) if self.taught else None
        self.seconds = 0.0

    @property
    def is_main(self) -> bool:
        return bool(self.processes.is_main_process)

    def wait(self) -> None:
        self.processes.wait_for_everyone()

    def networks(self) -> Two:
        """Return what both sides start from."""
        options, (first, second) = self.transfer.options, self.pair.sources
        known = options.pretrained or ""
        right = {"pretrained": known in ("right", "both"), "seed": options.seed + 1}
        if self.teacher is not None:
            return Two(self.teacher[0], student_of(self.sides.right, second, self.teacher[1], **right))
        left = start_side(self.sides.left, first, pretrained=known in ("left", "both"), seed=options.seed)
        return Two(left, start_side(self.sides.right, second, **right))

    def network(self) -> Network:
        return self.networks().left

    def weights(self) -> str | None:
        return " ".join(str(weights_of(network)) for network in self.networks())

    def plan(self, folder: Path) -> Plan:
        plan = plan_pairs(self.sides, self.transfer.options)
        if self.is_main:
            write_json(folder / "plan.json", plan.to_json())
        return plan

    def fit(self, plan: Plan, folder: Path) -> Results:
        began, transfer = time.perf_counter(), self.transfer
        logic = None if self.teacher is None else self.teacher[1]
        results = learn_pairs(
            self.sides, self.networks(), logic, plan, transfer.options, folder / "state" / plan.method,
            transfer.progress, self.processes,
        )  # fmt: skip
        self.seconds = time.perf_counter() - began
        return results

    def select(self, plan: Plan, results: Results) -> Guard:
        return Guard(plan.method, "It is the only arm that was trained.")

    def predict(self, results: Results, kept: Guard, folder: Path) -> Predictions:
        return Predictions(np.zeros(0, np.int64), np.zeros(0), [self.transfer.options.seed], {})

    def judge(self, plan: Plan, results: Results, predictions: Predictions, kept: Guard) -> Verdict | None:
        return None

    def _measured(self, networks: Two) -> list[Retrieval] | list[Agreement]:
        rows = self.target.splits["test"]
        if self.teacher is not None:
            told, said = (outputs_of(side, rows, one) for side, one in zip(self.sides, networks, strict=True))
            return [agreement(self.teacher[1], told, said)]
        self.features = Two(*(features_of(side, rows, one) for side, one in zip(self.sides, networks, strict=True)))
        kinds = Two(*(contents(side)[rows] for side in self.sides))
        names = tuple(side.inferred["side"] for side in self.sides)
        return both_ways(*self.features, *kinds, names)  # type: ignore[arg-type]

    def describe(
        self, plan: Plan, results: Results, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        networks, trained = results
        measured = self._measured(networks)
        n = len(self.target.splits["test"])
        found = {"training_loss": float(trained.history[-1]["train_loss"])} | _figures(measured)
        arm = record_of(plan, trained, (found, n), len(self.target.splits["train"]), self.seconds, networks)
        cut = ["The budget cut the training short; give more with --budget."] if trained.stopped == "budget" else []
        few = [f"{n} pairs were held out, so that the intervals are wide."] if n < 100 else []
        sources = self.pair.sources
        return Details(
            source={
                "spec": ",".join(source.spec for source in sources),
                "kind": sources[1].kind,
                "title": " and ".join(source.title for source in sources),
                "licence": ", ".join(dict.fromkeys(source.licence for source in sources if source.licence)),
            },
            setting=classify(target_domain(self.target), None, Domain(self.target.modality), None, "parameters"),  # type: ignore[arg-type]
            selection="no label is read, and nothing is chosen",
            arms={plan.method: arm},
            data={"right": self.sides.right.modality},
            warnings=[*cut, *few, *self.transfer.checks.warnings],
            more={
                "metric": list(found)[1],
                "without_labels": {
                    "method": plan.method,
                    "lines": self._lines(measured),
                    "measured": [one.to_json() for one in measured],
                },
            },
        )

    def _lines(self, measured: list[Any]) -> list[str]:
        n = len(self.target.splits["test"])
        told = (
            "It answers the teacher's task from the other side: `headstart predict RUN`, `headstart evaluate RUN DATA`."
            if self.taught
            else "Either side is a source: `headstart fit DATA --source RUN` takes the one that reads such DATA."
        )
        return [f"On {n:,} pairs held out:", *(one.line() for one in measured), told]

    def save(
        self, results: Results, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        networks, trained = results
        model, card = folder / "model", _card(record)
        if self.teacher is not None:
            student = networks.right.cpu()
            save_network(student, self.teacher[1], model, card=card)
            rows = self.target.splits["test"][:REFERENCE_ROWS]
            found = features_of(self.sides.right, rows, student)
            save_tensors(model / "reference.safetensors", {"features": torch.as_tensor(found)})
        else:
            save_pairs(
                Two(*(network.cpu() for network in networks)),
                steepness=float(trained.nets.steepness().detach()),
                columns=[side.input_column for side in self.sides],
                method=kept.kept,
                features=[part[:REFERENCE_ROWS] for part in self.features],
                directory=model,
                card=card,
            )
        lines = [{"arm": kept.kept, "seed": self.transfer.options.seed} | one for one in trained.history]
        write_text(folder / "metrics.jsonl", "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
        (folder / "evidence").mkdir(parents=True, exist_ok=True)
        write_json(folder / "evidence" / "blind.json", EVIDENCE | {"n": len(self.target.splits["test"])})

    def learned(self) -> tuple[Parts, Parts]:
        return [], [(side, side.splits["train"]) for side in self.sides]


def _figures(measured: list[Any]) -> dict[str, float]:
    """Return the first figure of every direction by name."""
    return {name: value for one in measured for name, value in one.figures.items()}


def _card(record: dict[str, Any]) -> str:
    data, arm = record["data"], next(iter(record["arms"].values()))
    return "\n".join(
        [
            f"# A source learned from pairs of {one_line(data['name'])}",
            "",
            f"Method: {arm['title']}. Architectures: {one_line(record['source']['title'])}.",
            f"Learned from {data['splits']['train']:,} pairs; {data['splits']['test']:,} were held out.",
            "",
        ]
    )
