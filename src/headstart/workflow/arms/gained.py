"""What going on with new data of the same task gained there, and what it lost on the old: arm by arm."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from headstart.data import Dataset
from headstart.errors import UserError
from headstart.functional.intervals import interval_of_gain
from headstart.models.network import NetworkModel
from headstart.networks import Network
from headstart.networks.heads import answering
from headstart.tasks import TaskLogic
from headstart.workflow.arms.forgetting import unseen_rows
from headstart.workflow.arms.plain import answers_of
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.run import Run

Array = np.ndarray


def gained_and_lost(
    bench: Workbench, run: Run, networks: dict[str, Network], answers: dict[str, Array], rows: Array
) -> dict[str, Any] | None:
    """Return each arm's change against the source as it is, on the new data and on the source's own.

    Parameters
    ----------
    networks : of each arm. answers : of each arm to the test ``rows`` of the new data.

    Returns
    -------
    None where the source does not answer the new data. Otherwise a dict with ``metric``, the source's own values and
    numbers of rows (``new``, ``old``), and per arm ``new`` and ``old``: the metric there, its change per row with a 95%
    interval (paired); ``old`` is None where the arm does not answer the source's task.
    """
    source = answers_of(bench)
    if source is None:
        return None
    logic, old = bench.logic, _Old.of(run, bench.options.seed)
    labels = bench.dataset.labels(rows)
    mine = NetworkModel(source.to(bench.device), logic).predict_proba(
        _only(bench.dataset, rows), device=str(bench.device)
    )
    found = {
        arm: {
            "new": _change(logic, answers[arm], mine, labels, bench.options.seed),
            "old": None if old is None else old.change(network, logic, bench),
        }
        for arm, network in networks.items()
    }
    return {
        "metric": logic.task.metric,
        "new": {"source": logic.metrics(mine, labels)[logic.task.metric], "n": len(rows)},
        "old": None if old is None else {"source": old.value, "n": len(old.labels)},
        "arms": found,
    }


class _Old:
    """Rows of the source's own data that it has not seen, and its answers to them."""

    def __init__(self, run: Run, dataset: Dataset) -> None:
        self.dataset, self.logic = dataset, run.model.logic
        self.labels = dataset.labels(np.arange(len(dataset)))
        self.answers = NetworkModel(run.model.network, self.logic).predict_proba(dataset)
        self.value = float(self.logic.metrics(self.answers, self.labels)[self.logic.task.metric])

    @classmethod
    def of(cls, run: Run, seed: int) -> _Old | None:
        dataset = unseen_rows(run, seed)
        return cls(run, dataset) if len(dataset) else None

    def change(self, network: Network, logic: TaskLogic, bench: Workbench) -> dict[str, Any] | None:
        theirs = answering(copy.deepcopy(network).cpu(), logic, self.logic)
        if theirs is None:
            return None
        try:
            now = NetworkModel(theirs.to(bench.device), self.logic).predict_proba(
                self.dataset, device=str(bench.device)
            )
        except UserError:  # columns that the source's data lack
            return None
        return _change(self.logic, now, self.answers, self.labels, bench.options.seed)


def _change(logic: TaskLogic, now: Array, before: Array, labels: Array, seed: int) -> dict[str, Any]:
    """Return the metric and the paired change of the mean score per row."""
    after, former = logic.scores(now, labels), logic.scores(before, labels)
    found = interval_of_gain(after[None], former[None], share=logic.task.label_space.has_shares, seed=seed)
    return {
        "value": float(logic.metrics(now, labels)[logic.task.metric]),
        "change": float((after - former).mean()),
        "interval": [float(edge) for edge in found.bounds],
    }


def _only(dataset: Dataset, rows: Array) -> Dataset:
    return dataset.without(np.setdiff1d(np.arange(len(dataset)), rows))


def words(found: dict[str, Any], kept: str) -> str:
    """Say what the model that is handed back gained and lost."""
    metric, arm = found["metric"], found["arms"][kept]
    told = _told(f"Gained: on the new data {metric}", found["new"], arm["new"])
    if found["old"] is None:
        return f"{told} Lost: not measured, since the source has seen every labelled row of its data."
    if arm["old"] is None:
        return f"{told} Lost: not measured, since {kept} does not answer the source's task."
    return f"{told} {_told(f'Lost: on the unseen rows of the old data {metric}', found['old'], arm['old'])}"


def _told(what: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    low, high = after["interval"]
    return (
        f"{what} is {before['source']:.4g} with the source as it is and {after['value']:.4g} with this model (change "
        f"per row {after['change']:+.3g}, {low:+.3g} to {high:+.3g}; n = {before['n']})."
    )
