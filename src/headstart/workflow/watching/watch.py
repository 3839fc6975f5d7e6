"""`headstart watch`: is new, unlabelled data still what a run was fitted for?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, open_files
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.models.answers import answered
from headstart.models.saved import SavedModel
from headstart.models.watched import column_encoder, features_and_answers
from headstart.workflow.run import Run, load
from headstart.workflow.trained_rows import overlap
from headstart.workflow.watching.finding import Watched
from headstart.workflow.watching.measure import decide, few_warnings, measure
from headstart.workflow.watching.reference import load_reference
from headstart.workflow.watching.remedy import remedies

MOST = 2000
"""New rows that are looked at; of more, as many are drawn."""


@isolate
def watch(run: str | Path | Run, data: Any, *, seed: int = 0, device: str | None = None) -> Watched:
    """Compare new data, whose labels nobody knows, with held-out rows that the run kept.

    Parameters
    ----------
    run : a run, or its folder.
    data : new samples: what the model's ``predict`` takes, or a list of files, as the command line names them.
    seed : of permutations, resamples, and of the rows that are drawn from more than 2,000.

    Returns
    -------
    Watched
        The verdict (``fine``, ``look``, ``adapt``), the evidence, and commands that would adapt the model.

    Raises
    ------
    UserError
        If the run keeps nothing to compare with, or the model cannot take the data.
    """
    opened = run if isinstance(run, Run) else load(run)
    model = opened.model
    space = model.logic.task.label_space
    reference = load_reference(opened.path, space)
    dataset = _opened(model, data)
    if not len(dataset):
        raise UserError("There is nothing to watch: no sample was given.")
    known = overlap(opened.path, dataset, np.arange(len(dataset)))
    strange = tuple(dataset.warnings)
    drawn = _drawn(dataset, seed)
    features, answers = features_and_answers(model, drawn, device)
    if features.shape[1] != reference.features.shape[1]:
        raise UserError(
            f"{opened.path} keeps rows of {reference.features.shape[1]} features to compare with, and its model gives "
            f"{features.shape[1]}; the run's files do not belong together: fit it again."
        )
    columns = column_encoder(model)
    names = columns.names if columns is not None and len(columns.names) == features.shape[1] else None
    found = measure(reference, features, answered(answers, drawn), space, names, seed)
    verdict, reason = decide(found, space, len(strange))
    more = [f"{MOST} of {len(dataset)} rows were drawn and looked at."] if len(drawn) < len(dataset) else []
    first = data[0] if isinstance(data, list) and len(data) == 1 else data
    return Watched(
        verdict=verdict,
        reason=reason,
        tests=found.tests,
        expected=found.expected,
        shares=found.shares,
        moved=found.moved,
        adapt=[] if verdict == "fine" else remedies(opened, first, found.shares),
        rows=reference.rows,
        space=space,
        warnings=(*strange, *known, *more, *few_warnings(found.tests)),
    )


def _opened(model: SavedModel, data: Any) -> Dataset:
    if isinstance(data, list) and data and all(isinstance(one, str) for one in data):
        return open_files(data, modality=model.modality, columns=model.wanted)
    return model.open(data)


def _drawn(dataset: Dataset, seed: int) -> Dataset:
    if len(dataset) <= MOST:
        return dataset
    rows = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:MOST])
    return replace(dataset.without(np.setdiff1d(np.arange(len(dataset)), rows)), warnings=())
