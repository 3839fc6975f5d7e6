"""The head that the classes' names make, where a side of the source reads them: nothing learned from labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from headstart.errors import UserError
from headstart.functional.temperature import fit_steepness
from headstart.networks import Network
from headstart.shallow.heads.linear import Head, put_into
from headstart.shallow.zeroshot.aligned import aligned
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.opening.names import prompts_of, read_aloud, text_side


def reads_names(bench: Workbench) -> bool:
    """Return whether templates of the classes' names were given, and a side of the source reads them."""
    one = bench.logic.task.label_space.one_class and bench.options.classes is None
    return one and bench.options.prompts is not None and text_side(bench.source) is not None


def check_names_read(bench: Workbench) -> None:
    """Refuse templates of names where nobody reads them."""
    if bench.options.prompts is None:
        return
    prompts_of(bench.options.prompts)
    if reads_names(bench):
        return
    if text_side(bench.source) is None:
        raise UserError(
            f"--prompts says how classes' names are read, and the source {bench.source.spec} has no side that reads "
            "texts; name one of two sides, give a list with --classes, or leave --prompts out."
        )
    raise UserError(
        f"--prompts makes a head of the names of classes, one per sample, and {bench.dataset.name} has none; leave it "
        "out."
    )


def fit_names(bench: Workbench, network: Network, rows: np.ndarray, settings: dict[str, Any] | None) -> dict[str, Any]:
    """Set ``network.head`` to ``f(x)_k = s x . a_k / |a_k|``, a_k what the source's other side makes of a class's name.

    ``s`` alone is fitted to the rows' labels, which changes no answer: it makes probabilities of cosines, as a
    temperature does, so that fine-tuning starts with a loss that means something.

    Parameters
    ----------
    settings : what an earlier call found; None fits ``s``.
    """
    reader = text_side(bench.source)
    assert reader is not None
    names = read_aloud(list(bench.logic.task.classes), reader, prompts_of(bench.options.prompts))
    features, labels = bench.features(network, rows), bench.dataset.labels(rows)
    directions = aligned(features, labels, names)
    steepness = fit_steepness(features @ directions.T, labels) if settings is None else settings["steepness"]
    head = nn.Linear(network.n_features, len(directions)).to(bench.device)
    network.head = put_into(head, Head(steepness * directions, np.zeros(len(directions))))
    return {"steepness": float(steepness)}
