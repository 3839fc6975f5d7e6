"""A model for a target that nobody has seen: each source domain is left out in turn, and no target row is read."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from headstart.choice.candidates import Candidate
from headstart.choice.choosing import Selection
from headstart.choice.cost import all_spent
from headstart.choice.racing import AdaptationData, Result, fitted, outputs
from headstart.functional.reuse import reusing
from headstart.shallow.domains import Domains, masked

Array = np.ndarray
SOURCE_ONLY = Candidate("source_only")
LEFT_OUT = "left_out"
"""The score: what a model reaches on source domains that it was not fitted on, each of them counting alike."""


class LeftOut(NamedTuple):
    """What a method reaches on domains that it has not seen.

    Attributes
    ----------
    answers : for every source row by the model that was fitted without its domain, [n, k] or [n].
    scores : accuracy, or mean absolute error below 0, on each source domain.
    """

    answers: Array
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))


def sources_alone(domains: Domains, rows: Array | None = None) -> Domains:
    """Return some of the source rows (all for None) as all there is: they stand in for the target, without labels.

    A method for an unseen target never asks for target rows; what an estimator takes from both domains (units,
    numbers of rows) it then takes from the sources.
    """
    chosen = np.arange(len(domains.labels)) if rows is None else rows
    labels = domains.labels[chosen]
    hidden = np.full_like(labels, -1 if labels.dtype.kind == "i" else np.nan)
    return Domains(domains.source[chosen], labels, domains.source[chosen], hidden, domains.source_domain[chosen])


def leave_one_domain_out(data: AdaptationData, candidate: Candidate) -> LeftOut:
    """Fit on all source domains but one and ask about that one, for each of them."""
    domains = data.domains
    answers = np.zeros((len(domains.labels), data.n_classes) if data.n_classes else len(domains.labels))
    scores = []
    for number in np.unique(domains.source_domain):
        held = np.flatnonzero(domains.source_domain == number)
        rest = np.flatnonzero(domains.source_domain != number)
        model = fitted(candidate, candidate.view(sources_alone(domains, rest)), data, f"without-{number}")
        answers[held] = outputs(model, domains.source[held], data, is_source=False)
        scores.append(_score(answers[held], domains.labels[held]))
    return LeftOut(answers, tuple(scores))


def _score(answers: Array, labels: Array) -> float:
    if answers.ndim == 1:
        return -float(np.abs(answers - labels).mean())
    return float((answers.argmax(axis=1) == labels).mean())


def choose_unseen(
    data: AdaptationData,
    candidates: Sequence[Candidate],
    *,
    budget: float | None = None,
    on_done: Callable[[Result], None] | None = None,
) -> Selection:
    """Fit each candidate on all source domains, and hand back the best on domains left out; source-only stands beside.

    Neither the target's rows nor its labels enter fits or choice: target rows are only asked about. Of two that are
    equally good the one named first is taken.

    Parameters
    ----------
    data : of `headstart.choice.racing.prepare`, with two source domains or more. budget : seconds after which no
        further candidate starts. on_done : told of every outcome as it comes.

    Raises
    ------
    ValueError : one source domain, or target labels to learn from: the target would not be unseen.
    """
    if len(np.unique(data.domains.source_domain)) < 2:
        raise ValueError("Leaving a source domain out takes two or more of them; one was given.")
    if not masked(data.domains.target_labels).all():
        raise ValueError("Labels of the target were given to learn from, but an unseen target teaches nothing.")
    start, raced, found = time.perf_counter(), [], {}
    with reusing():
        for candidate in (SOURCE_ONLY, *candidates):
            spent = time.perf_counter() - start
            if raced and budget is not None and spent > budget:
                raced.append(Result(candidate, None, None, None, {}, 0.0, all_spent(budget)))
            else:
                raced.append(_one(data, candidate, found))
            if on_done is not None:
                on_done(raced[-1])
    return _select(data, raced, found)


def _one(data: AdaptationData, candidate: Candidate, found: dict[str, LeftOut]) -> Result:
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left = leave_one_domain_out(data, candidate)
            model = fitted(candidate, candidate.view(sources_alone(data.domains)), data)
            target = outputs(model, data.domains.target, data, is_source=False)
    except Exception as error:  # a method may fail on data it was not made for; the others go on
        note = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Result(candidate, None, None, None, {}, time.perf_counter() - start, note)
    found[candidate.name] = left
    scores = {LEFT_OUT: left.mean}
    return Result(candidate, model, target, left.answers[data.held], scores, time.perf_counter() - start, "")


def _select(data: AdaptationData, raced: list[Result], found: dict[str, LeftOut]) -> Selection:
    finished = [one for one in raced if not one.note]
    if not finished or finished[0].name != SOURCE_ONLY.name:
        raise ValueError(f"Source-only, which every choice is measured against, did not finish: {raced[0].note}")
    means = np.array([found[one.name].mean for one in finished])
    gains = 100 * (means - means[0]) / (abs(means[0]) or 1.0 if data.regression else 1.0)
    chosen = int(np.argmax(means.round(12)))
    considered = 1 + int(np.argmax(means[1:].round(12))) if len(finished) > 1 else None
    reason = _reason(data, finished[chosen].name, found[finished[chosen].name], means[0])
    nothing = np.full(len(finished), math.nan)
    return Selection(data, raced, finished, gains, nothing, chosen, math.nan, reason, considered)


def _reason(data: AdaptationData, name: str, left: LeftOut, before: float) -> str:
    unit, scale = ("mean absolute error", -1.0) if data.regression else ("% right", 100.0)
    each = ", ".join(f"{scale * score:.3g}" for score in left.scores)
    return (
        f"{name}: with each of {len(left.scores)} source domains left out in turn it reached {scale * left.mean:.3g} "
        f"({each}; {unit}), source-only {scale * before:.3g}; the target took no part."
    )
