"""The forgetting meter: how well the source's own task is still solved after its network was moved to a target."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, Like, open_labelled
from headstart.errors import UserError
from headstart.functional.intervals import interval_of_gain
from headstart.models.network import NetworkModel
from headstart.networks import Network
from headstart.workflow.evaluate import label_columns
from headstart.workflow.run import Run, load
from headstart.workflow.trained_rows import FILE, known_rows, row_hashes

MOST = 500
"""Rows of the source that are asked at most."""


def source_at_hand(spec: str | None, kind: str) -> Run:
    """Return the run that a fit starts from, where its data are still there.

    Raises
    ------
    UserError
        If the source is no run that tells what it was trained on, or its data are gone.
    """
    if spec is None or kind != "run" or not (Path(spec).expanduser() / "run.json").is_file():
        raise UserError(
            "--forgetting asks the source's own task before and after, so that the source must be a run; give one with "
            "--source RUN, or leave it out."
        )
    run = load(Path(spec).expanduser())
    origin = run.result["data"].get("origin")
    if not origin or not Path(origin).exists():
        raise UserError(
            f"--forgetting asks the data that {spec} was trained on, {origin or 'which were in memory'}, and they are "
            "not there; put them back, or leave it out."
        )
    return run


def forgetting(run: Run, network: Network, device: Any, seed: int) -> dict[str, Any]:
    """Return how well the source's head does on its own unseen rows: on its own stages, and on those of ``network``.

    The head is the source's, as it was: what is measured is what the stages have forgotten.

    Returns
    -------
    dict with ``before`` and ``after`` (the source's metric), ``change`` with its 95% interval (paired; below 0 is
    forgotten), ``n`` and ``words``; or ``words`` alone where stages cannot be exchanged.
    """
    model = run.model
    dataset = unseen_rows(run, seed)
    if not len(dataset):
        return {"words": "Forgetting: not measured, since the source has seen every labelled row of its data."}
    after = copy.deepcopy(model.network)
    mine, theirs = (net.stages.state_dict() for net in (network, after))
    if {name: one.shape for name, one in mine.items()} != {name: one.shape for name, one in theirs.items()}:
        return {"words": "Forgetting: not measured, since the target's network has other columns or stages."}
    after.stages.load_state_dict(mine)
    labels, logic = dataset.labels(np.arange(len(dataset))), model.logic
    answers = [NetworkModel(net, logic).predict_proba(dataset, device=str(device)) for net in (model.network, after)]
    scores = [logic.scores(one, labels) for one in answers]
    before, now = (logic.metrics(one, labels)[logic.task.metric] for one in answers)
    found = interval_of_gain(scores[1][None], scores[0][None], share=logic.task.label_space.has_shares, seed=seed)
    change = float((scores[1] - scores[0]).mean())
    return {
        "metric": logic.task.metric,
        "before": float(before),
        "after": float(now),
        "change": change,
        "interval": [float(edge) for edge in found.bounds],
        "n": len(dataset),
        "words": _words(logic.task.metric, float(before), float(now), change, found.bounds, len(dataset)),
    }


def _words(metric: str, before: float, after: float, change: float, bounds: Any, n: int) -> str:
    low, high = bounds
    return (
        f"Forgetting: on the source's own task {metric} is {before:.4g} with the source's stages and {after:.4g} with "
        f"these (change per row {change:+.3g}, {low:+.3g} to {high:+.3g}; n = {n})."
    )


def own_rows(run: Run, *, learned: bool) -> tuple[Dataset, np.ndarray]:
    """Return a run's own data, opened as it meant them, and the rows that it learned from, or those that it did not."""
    model = run.model
    like = Like(model.logic.task, model.modality, model.wanted, label_columns(run))
    dataset = open_labelled(run.result["data"]["origin"], like)
    if not (run.path / FILE).is_file():
        test = dataset.splits["test"]
        return dataset, np.setdiff1d(np.arange(len(dataset)), test) if learned else test
    every = np.arange(len(dataset))
    known = np.isin(row_hashes(dataset, every), known_rows(run.path)["learned"])
    return dataset, every[known == learned]


def unseen_rows(run: Run, seed: int) -> Dataset:
    """Return labelled rows of the source's data that it has not learned from, at most `MOST`."""
    dataset, rows = own_rows(run, learned=False)
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST])
    return dataset.without(np.setdiff1d(np.arange(len(dataset)), chosen))
