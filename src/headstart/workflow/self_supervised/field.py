"""The one arm of a source that needs no labels: trained, measured on held-out samples, compared with nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import catalogue
from headstart.engine import Trained
from headstart.models.blind import save_blind
from headstart.networks import Network
from headstart.problem import Domain
from headstart.report.card import one_line
from headstart.storage import save_tensors, write_json, write_text
from headstart.tasks.nothing import NoTask
from headstart.workflow.arms.workbench import start_processes
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details, Field
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.self_supervised.evidence import write_evidence
from headstart.workflow.self_supervised.training import (
    Learned,
    Measured,
    Plan,
    learn,
    make_plan,
    measure,
    start_network,
    statistics_of,
)
from headstart.workflow.setting import classify
from headstart.workflow.trained_rows import Parts

RECONSTRUCTION, LOSS = "reconstruction_error", "training_loss"


class SelfSupervisedField(Field[Plan, Learned]):
    """A method of the kind "self_supervised", and a network from random weights."""

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.source is not None
        self.transfer, self.source, self.logic = transfer, transfer.source, NoTask()
        self.processes = start_processes(transfer.options.device)
        self.statistics = statistics_of(transfer.target)
        self.seconds = 0.0

    @property
    def is_main(self) -> bool:
        return bool(self.processes.is_main_process)

    def wait(self) -> None:
        self.processes.wait_for_everyone()

    def network(self) -> Network:
        return start_network(self.target, self.source, self.transfer.options.seed, self.statistics)

    def check(self) -> None:
        """Build the method's nets once before anything is written: what it cannot learn from is refused here."""
        method = catalogue.create(str(self.transfer.options.method))
        with torch.random.fork_rng(devices=[]):
            method.build(self.network(), self.logic)

    def plan(self, folder: Path) -> Plan:
        plan = make_plan(self.target, self.transfer.options)
        if self.is_main:
            write_json(folder / "plan.json", plan.to_json())
        return plan

    def fit(self, plan: Plan, folder: Path) -> Learned:
        began, transfer = time.perf_counter(), self.transfer
        state = folder / "state" / plan.method
        learned = learn(self.target, self.network(), plan, transfer.options, state, transfer.progress, self.processes)
        self.seconds = time.perf_counter() - began
        return learned

    def select(self, plan: Plan, results: Learned) -> Guard:
        return Guard(plan.method, "It is the only arm that was trained.")

    def predict(self, results: Learned, kept: Guard, folder: Path) -> Predictions:
        return Predictions(np.zeros(0, np.int64), np.zeros(0), [self.transfer.options.seed], {})

    def judge(self, plan: Plan, results: Learned, predictions: Predictions, kept: Guard) -> Verdict | None:
        return None

    def describe(
        self, plan: Plan, results: Learned, predictions: Predictions, verdict: Verdict | None, kept: Guard
    ) -> Details:
        self.held_out = measure(self.target, self.target.splits["test"], results)
        trained, source = results.trained, self.source
        found = _figures(self.held_out, trained.history)
        held = (found, len(self.target.splits["test"]))
        arm = record_of(plan, trained, held, len(self.target.splits["train"]), self.seconds, [results.network])
        cut = ["The budget cut the training short; give more with --budget."] if trained.stopped == "budget" else []
        return Details(
            source={"spec": source.spec, "kind": source.kind, "title": source.title, "licence": source.licence},
            setting=classify(target_domain(self.target), None, Domain(self.target.modality), None, "parameters"),  # type: ignore[arg-type]
            selection="no label is read, and nothing is chosen",
            arms={plan.method: arm},
            warnings=[*cut, *self.transfer.checks.warnings],
            more={"metric": next(iter(found)), "without_labels": {"method": plan.method, "lines": self._lines(found)}},
        )

    def _lines(self, found: dict[str, float]) -> list[str]:
        n = len(self.target.splits["test"])
        told = (
            f"Reconstruction error of {n:,} samples held out: {found[RECONSTRUCTION]:.4g}. "
            if RECONSTRUCTION in found
            else ""
        )
        return [
            f"{told}It is a source: `headstart fit DATA --source RUN` learns a task from it and says whether it helped."
        ]

    def save(
        self, results: Learned, predictions: Predictions, kept: Guard, record: dict[str, Any], folder: Path
    ) -> None:
        method, model = kept.kept, folder / "model"
        network = results.network.cpu()
        decoder = None if results.decoder is None else results.decoder.cpu()
        save_blind(network, decoder, method, self.held_out.errors, model, card_of(record, method))
        save_tensors(model / "reference.safetensors", {"features": torch.as_tensor(self.held_out.features[:256])})
        lines = [{"arm": method, "seed": self.transfer.options.seed} | one for one in results.trained.history]
        write_text(folder / "metrics.jsonl", "".join(_json(line) for line in lines))
        write_evidence(folder / "evidence", self.target, Learned(network, decoder, results.trained), self.held_out)

    def learned(self) -> tuple[Parts, Parts]:
        return [], [(self.target, self.target.splits["train"])]


def _json(line: dict[str, Any]) -> str:
    import json

    return json.dumps(line, allow_nan=False) + "\n"


def record_of(
    plan: Plan, trained: Trained, held: tuple[dict[str, float], int], n: int, seconds: float,
    networks: Iterable[nn.Module],
) -> dict[str, Any]:  # fmt: skip
    """Return the record of an arm that reads no label: ``held``, its figures and how many samples they are of."""
    entry = catalogue.get(plan.method)
    return {
        "method": plan.method,
        "title": entry.title,
        "papers": list(entry.papers),
        "validation": {},
        "test": held[0],
        "n_test": held[1],
        "seconds": round(seconds, 3),
        "epochs": round(trained.steps * plan.batch_size / n, 3),
        "steps": trained.steps,
        "stopped": trained.stopped,
        "trainable_parameters": trained.settings["trainable_parameters"],
        "parameters": sum(p.numel() for network in networks for p in network.parameters()),
        "settings": trained.settings,
    }


def _figures(held_out: Measured, history: list[dict[str, Any]]) -> dict[str, float]:
    last = float(history[-1]["train_loss"])
    if held_out.errors is None:
        return {LOSS: last}
    return {RECONSTRUCTION: float(held_out.errors.mean()), LOSS: last}


def card_of(record: dict[str, Any], method: str) -> str:
    """Return the model card of a source without labels."""
    data = record["data"]
    return "\n".join(
        [
            f"# A source learned without labels from {one_line(data['name'])}",
            "",
            f"Method: {catalogue.get(method).title}. Architecture: {one_line(record['source']['title'])}.",
            f"Learned from {data['splits']['train']:,} samples; {data['splits']['test']:,} were held out.",
            "",
            "It answers no task. `headstart predict` gives features (and, of an autoencoder, anomaly scores); "
            "`headstart fit DATA --source RUN` learns a task from it.",
            "",
        ]
    )
