"""Open sets: what is handed back where rows of no known class are an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import Candidate, as_candidates
from headstart.choice.choosing import Selection
from headstart.choice.cost import cheapest_first
from headstart.choice.heads import Grid
from headstart.choice.racing import AdaptationData, Result, prepare, race
from headstart.errors import check_names
from headstart.shallow.domains import Domains

if TYPE_CHECKING:
    from headstart.choice.joint.behind import Behind

REJECTING = "rejecting"
"""The baseline that races beside whatever can answer unknown: source-only, where it is certain."""
check_names([REJECTING], catalogue.names(), "headstart.choice.open_set.REJECTING")
UNSAID = "nothing is predicted: the evidence knows of no unknown class"


def race_open(
    domains: Domains,
    *,
    n_classes: int,
    candidates: Sequence[Candidate],
    budget: float | None = None,
    seed: int = 0,
    standardise: bool | None = None,
    grid: Grid | None = None,
    state: Path | None = None,
    behind: Behind | None = None,
    on_done: Callable[[Result], None] | None = None,
) -> Selection:
    """Race where the last of ``n_classes`` classes is unknown to the source; see `choosing.race_and_select`.

    The baseline that rejects what it is not certain of races too.
    """
    data = prepare(domains, n_classes=n_classes, seed=seed, standardise=standardise, grid=grid)
    data = data._replace(state=state, behind=behind)
    asked = [one.name for one in candidates]
    beside = [] if REJECTING in asked else [Candidate(REJECTING)]
    racing = as_candidates([*candidates, *beside], domains, False, data.heads)
    racing = cheapest_first(racing, domains, n_classes, data.heads)
    return select_open(data, race(data, racing, budget=budget, on_done=on_done), asked)


def select_open(data: AdaptationData, raced: list[Result], asked: Sequence[str]) -> Selection:
    """Hand back the first asked candidate that can answer "unknown", for it was asked for by name.

    The evidence was learned on pairs of domains with the same classes, and no candidate of the source's classes can be
    right on a row of none of them: predicted gains would compare answers to two different questions.
    """
    finished = [one for one in raced if not one.note]
    if not finished or finished[0].name != "source_only":
        failed = raced[0].note if raced else "nothing was raced"
        raise ValueError(f"Source-only, which every choice is measured against, did not finish: {failed}")
    names = [one.name for one in finished]
    able = [names.index(name) for name in asked if name in names]
    able = [i for i in able if catalogue.answers_unknown(finished[i].candidate.method)]
    nothing = np.full(len(finished), np.nan)
    if not able:
        reason = "source_only: what was to answer unknown did not finish."
        return Selection(data, raced, finished, nothing, nothing, 0, math.nan, reason, None, UNSAID)
    beside = f", {REJECTING} {_share(data, finished[names.index(REJECTING)])}" if REJECTING in names else ""
    kept = finished[able[0]]
    said = _share(data, kept) + ("" if kept.name == REJECTING else beside)
    reason = (
        f"{kept.name}: it was asked for and can answer unknown ({said} of the target rows); "
        "the evidence was learned where both domains have the same classes and says nothing here."
    )
    return Selection(data, raced, finished, nothing, nothing, able[0], math.nan, reason, able[0], UNSAID)


def _share(data: AdaptationData, one: Result) -> str:
    return f"{100 * float(np.mean(np.asarray(one.target).argmax(axis=1) == data.n_classes - 1)):.0f}%"
