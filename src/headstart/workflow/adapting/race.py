"""The race of one seed: candidates on the same rows, and a choice that sees no target label but those to learn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.choice.candidates import BASELINES, Candidate
from headstart.choice.choosing import Selection, race_and_select
from headstart.choice.heads import Grid
from headstart.choice.joint.behind import Behind
from headstart.choice.kept import Kept, keep
from headstart.choice.open_set import REJECTING, race_open
from headstart.choice.racing import Result, prepare
from headstart.choice.unseen import choose_unseen
from headstart.shallow.domains import Domains

Array = np.ndarray
ADAPTED = "adapted"


@dataclass(frozen=True)
class Race:
    """What a race ended in.

    Attributes
    ----------
    selection : every candidate, the evidence and the choice.
    adapted : the candidate that stands for adaptation, whether or not it is handed back; None if none finished.
    by : what chose.
    """

    selection: Selection
    adapted: Result | None
    seconds: float
    by: str = "validators that see no target label"

    @property
    def kept(self) -> Result:
        return self.selection.finished[self.selection.chosen]

    @property
    def kept_arm(self) -> str:
        return self.kept.name if self.kept.name in BASELINES else ADAPTED

    @property
    def arms(self) -> dict[str, Result]:
        """The baselines that ran, in open sets the one that rejects among them, and the adapted model."""
        baselines = (*BASELINES, *([] if self.adapted and self.adapted.name == REJECTING else [REJECTING]))
        found = {one.name: one for one in self.selection.finished if one.name in baselines}
        return found if self.adapted is None else {**found, ADAPTED: self.adapted}

    def model(self, one: Result, steepness: float = 1.0) -> Kept:
        """Return an arm's fitted model by itself, its confidence set by one over a temperature."""
        return keep(one, self.selection.data, steepness)


def race_seed(
    source: Array,
    labels: Array,
    source_domain: Array,
    target: Array,
    target_labels: Array,
    candidates: Sequence[Candidate],
    *,
    budget: float,
    seed: int,
    standardise: bool,
    grid: Grid | None = None,
    open_classes: int | None = None,
    state: Path | None = None,
    behind: Behind | None = None,
    on_done: Callable[[str], None],
) -> Race:
    """Race the candidates and decide.

    Parameters
    ----------
    labels : class numbers from 0 without a gap, or values. target_labels : -1 or NaN but where they may be learned
        from.
    standardise : whether the features have units of their own. grid : of rows that are pictures.
    open_classes : number of classes, the last of which the source does not know; None where all are known.
    state : where trainings are kept while they go on. behind : the states behind rows, where stages are trained.
    on_done : told one line per candidate.
    """
    began = time.perf_counter()
    n_classes = 0 if labels.dtype.kind == "f" else int(max(labels.max(), target_labels.max())) + 1
    decide = race_and_select if open_classes is None else race_open
    selection = decide(
        Domains(source, labels, target, target_labels, source_domain),
        n_classes=open_classes or n_classes,
        candidates=candidates,
        budget=budget,
        seed=seed,
        standardise=standardise,
        grid=grid,
        state=state,
        behind=behind,
        on_done=lambda one: on_done(_line(one)),
    )
    return Race(selection, _adapted(selection), time.perf_counter() - began)


def race_unseen(
    domains: Domains,
    candidates: Sequence[Candidate],
    *,
    budget: float,
    seed: int,
    standardise: bool,
    grid: Grid | None = None,
    state: Path | None = None,
    behind: Behind | None = None,
    on_done: Callable[[str], None],
) -> Race:
    """As `race_seed`, for a target that takes no part: the choice is made by leaving each source out in turn."""
    began = time.perf_counter()
    n_classes = 0 if domains.labels.dtype.kind == "f" else int(domains.labels.max()) + 1
    data = prepare(domains, n_classes=n_classes, seed=seed, standardise=standardise, grid=grid)
    data = data._replace(state=state, behind=behind)
    selection = choose_unseen(data, candidates, budget=budget, on_done=lambda one: on_done(_line(one)))
    return Race(selection, _adapted(selection), time.perf_counter() - began, "each source left out in turn")


def _adapted(selection: Selection) -> Result | None:
    """The one handed back if it adapts, else the one that would have been."""
    return None if selection.considered is None else selection.finished[selection.considered]


def _line(one: Result) -> str:
    if one.note:
        return f"  {one.name:<26} {one.note}"
    shown = ", ".join(f"{name} {value:.3g}" for name, value in list(one.scores.items())[:4])
    return f"  {one.name:<26} {one.seconds:6.1f} s  {shown}"
