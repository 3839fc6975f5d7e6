"""Pictures of two domains beside what a method translated them to, for a report."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from headstart.choice.heads import Grid
from headstart.choice.joint.body import Units, as_tensor
from headstart.deep.method import Method, Nets
from headstart.engine.predict import evaluating
from headstart.shallow.domains import Domains

Array = np.ndarray
SHOWN = 6
"""Pictures of each domain whose translation is kept."""


class Translated(NamedTuple):
    """Pictures [n, c, h, w] of both domains, and as they would look in the other."""

    source: Array
    target: Array
    source_there: Array
    target_back: Array


def translations(
    learner: Method, nets: Nets | None, domains: Domains, grid: Grid | None, units: Units
) -> Translated | None:
    """Return some pictures of each domain, evenly over classes or rows, and the same translated, in their units.

    None where rows are no pictures, or the method translates none.
    """
    if grid is None or nets is None or type(learner).translated is Method.translated:
        return None
    by_class = np.argsort(domains.labels, kind="stable")
    rows = domains.source[_some(by_class)], domains.target[_some(np.arange(len(domains.target)))]
    with evaluating(nets), torch.no_grad():
        found = learner.translated(nets, *map(as_tensor, rows))
    assert found is not None
    parts = (*rows, *(part.double().numpy() for part in found))
    return Translated(*(units.back(part).reshape(-1, *grid) for part in parts))


def _some(rows: Array) -> Array:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), SHOWN)).astype(np.int64)]
