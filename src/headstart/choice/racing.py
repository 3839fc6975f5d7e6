"""The race: every candidate is fitted, asked about the target, and scored by validators that see no target label."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.metrics import adjusted_mutual_info_score

from headstart.choice.candidates import LEARNED, Candidate
from headstart.choice.cost import all_spent, beyond, too_dear
from headstart.choice.heads import Grid, Heads, settle
from headstart.functional.folds import default_folds
from headstart.shallow.domains import Domains, stack
from headstart.shallow.heads.nearest import TunedNearest
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.shells.adapted import Adapted
from headstart.validators import FOR_REGRESSION, VALIDATORS, Evidence
from headstart.validators.density import Axes, density_ratio, leading_axes
from headstart.validators.structure import cluster

if TYPE_CHECKING:
    from headstart.choice.joint.behind import Behind

Array = np.ndarray
DENSE_LIMIT = 40_000_000
"""Numbers that sparse rows of both domains may become when a candidate takes dense rows only (320 MB)."""


class Result(NamedTuple):
    """One candidate's outcome.

    Attributes
    ----------
    model : fitted on every row. target : its outputs for the target rows, probabilities [m, k] or values [m].
    held : outputs for the source rows of `AdaptationData.held`, by a model that was not fitted on them.
    scores : validator to value. seconds : spent on it. note : why it did not finish, else empty.
    crossed : outputs for the target rows whose labels were given, by models that did not see them; None where there
        are none.
    """

    candidate: Candidate
    model: Any
    target: Array | None
    held: Array | None
    scores: dict[str, float]
    seconds: float
    note: str
    crossed: Array | None = None

    @property
    def name(self) -> str:
        return self.candidate.name


class AdaptationData(NamedTuple):
    """What all candidates of a race share: the data, the held-out source rows, and what validators read.

    Attributes
    ----------
    held : row numbers of the source that half of the fits leave out. axes : at most 64 principal axes of both domains.
    low_source, low_target : both domains on them. ratio : density ratios of the held rows.
    clusters : of the target rows, as many as classes. heads : what candidates end in.
    validity : agreement (AMI) of the source's clusters with its labels, from 0 to 1: how far agreement with the
        target's clusters can be believed. span : what a regression's answers are held within; None for classes.
    state : where trainings are kept while they go on, so that a race that was stopped goes on; None keeps none.
    behind : the states of a network's frozen stages behind the rows, for candidates that train its last ones.
    """

    domains: Domains
    n_classes: int
    held: Array
    axes: Axes
    low_source: Array
    low_target: Array
    ratio: Array
    clusters: Array | None
    seed: int
    heads: Heads = Heads()
    validity: float = 1.0
    span: tuple[float, float] | None = None
    state: Path | None = None
    behind: Behind | None = None

    @property
    def regression(self) -> bool:
        return self.n_classes == 0


def prepare(
    domains: Domains,
    *,
    n_classes: int,
    seed: int = 0,
    standardise: bool | None = None,
    grid: Grid | None = None,
) -> AdaptationData:
    """Hold a fifth of the source out, and compute what all candidates and validators share.

    Parameters
    ----------
    domains : with encoded labels. n_classes : 0 for a regression. standardise : whether heads count in each feature's
        standard deviation; None lets the source's cross-validation say. grid : of rows that are pictures.
    """
    kind = "classification" if n_classes else "regression"
    if len(domains.labels) < 2:
        raise ValueError("The source has 1 sample, and a choice holds some source rows out; at least 2 are needed.")
    held = np.sort(default_folds(domains.labels, kind, 5, seed)[0][1])
    axes = leading_axes(domains.source, domains.target, 64, seed=seed)
    low_source, low_target = axes.of(domains.source), axes.of(domains.target)
    clusters = cluster(low_target, n_classes, seed=seed) if n_classes else None
    ratio = density_ratio(low_source, low_target, seed=seed)[held]
    heads = settle(domains, regression=n_classes == 0, standardise=standardise, grid=grid, seed=seed)
    validity, span = 1.0, None if n_classes else reach(domains)
    if n_classes:
        found = cluster(low_source, n_classes, seed=seed)
        validity = max(0.0, float(adjusted_mutual_info_score(domains.labels, found)))
    return AdaptationData(
        domains, n_classes, held, axes, low_source, low_target, ratio, clusters, seed, heads, validity, span
    )


def reach(domains: Domains) -> tuple[float, float]:
    """Return the range of all known values, widened by its own length on both sides.

    A column that hardly varies in one domain can send a single row of the other a thousand deviations away.
    """
    seen = np.concatenate([domains.labels, domains.target_labels[domains.known]])
    low, high = float(seen.min()), float(seen.max())
    return 2 * low - high, 2 * high - low


def race(
    data: AdaptationData,
    candidates: Sequence[Candidate],
    *,
    budget: float | None = None,
    on_done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Fit each candidate on all rows and on four fifths of the source, and score it.

    Parameters
    ----------
    budget : seconds. A candidate that is expected to end after them (`cost.beyond`, by the size of the data alone), or
        that would start after them, is left out with a note. The first one always runs.
    on_done : told of every outcome as it comes.

    Returns
    -------
    list of `Result`, in the order of the candidates. A candidate that fails keeps the sentence it failed with.
    """
    start = time.perf_counter()
    out: list[Result] = []
    dear = beyond(candidates, data.domains, data.n_classes, budget, data.heads)
    for number, candidate in enumerate(candidates):
        spent = time.perf_counter() - start
        note = ""
        if budget is not None and number in dear:
            note = too_dear(*dear[number], budget)
        elif budget is not None and out and spent > budget:
            note = all_spent(budget)
        if note:
            out.append(Result(candidate, None, None, None, {}, 0.0, note))
        else:
            out.append(race_one(data, candidate))
        if on_done is not None:
            on_done(out[-1])
    return out


def race_one(data: AdaptationData, candidate: Candidate) -> Result:
    """Fit and score one candidate; whatever it raises becomes its note."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, target, held, part = _fit(data, candidate)
            scores = validate(data, target, held, model, part)
    except Exception as error:  # a method may fail on data it was not made for; the race goes on
        note = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Result(candidate, None, None, None, {}, time.perf_counter() - start, note)
    return Result(candidate, model, target, held, scores, time.perf_counter() - start, "")


def _fit(data: AdaptationData, candidate: Candidate) -> tuple[Any, Array, Array, Any]:
    domains = candidate.view(data.domains)
    model = fitted(candidate, domains, data)
    target = outputs(model, data.domains.target, data, is_source=False)
    held_rows = data.domains.source[data.held]
    if candidate.method == "target_only":  # every source row is held out from it
        return model, target, outputs(model, held_rows, data, is_source=False), None
    rest = np.setdiff1d(np.arange(len(domains.labels)), data.held)
    smaller = domains._replace(
        source=domains.source[rest], labels=domains.labels[rest], source_domain=domains.source_domain[rest]
    )
    part = fitted(settled(candidate, model), smaller, data, "part", _standing_map(candidate, model))
    return model, target, outputs(part, held_rows, data, is_source=True), part


def _standing_map(candidate: Candidate, model: Any) -> Any:
    """Return the model's map where it reads no label, so that rows held out cost it no second fit.

    Only of methods that the shipped evidence was not learned on: those are fitted as they were then.
    """
    standing = getattr(model, "transformer_", None)
    free = getattr(standing, "label_free", False) and candidate.name not in LEARNED
    return standing if free else None


def settled(candidate: Candidate, model: Any) -> Candidate:
    """Return the candidate with the strength that its linear head chose, which is not searched for again."""
    head = getattr(model, "estimator_", None)
    if candidate.head is not None:
        return candidate
    if isinstance(head, TunedLogistic):
        return replace(candidate, head=TunedLogistic(strengths=(head.strength_,), standardise=head.standardised_))
    if isinstance(head, TunedRidge):
        return replace(candidate, head=TunedRidge(strengths=(head.strength_,), standardise=head.standardise))
    if isinstance(head, TunedNearest):
        return replace(candidate, head=TunedNearest(widths=(head.width_,), standardise=head.standardise))
    return candidate


def fitted(
    candidate: Candidate, domains: Domains, data: AdaptationData, rows_are: str = "all", mapped: Any = None
) -> Any:
    """Return the candidate's model, fitted on both domains; ``rows_are`` tells its trainings apart.

    ``mapped`` is a map that stands already; None lets the candidate fit its own.
    """
    model = candidate.build(regression=data.regression, seed=data.seed, heads=data.heads)
    if mapped is not None:
        model.set_params(transformer=mapped, prefitted=True)
    if data.state is not None and hasattr(model, "keep_in"):
        model.keep_in(data.state / candidate.name / rows_are)
    _stand(model, data)
    rows = stack(domains.source, domains.target)
    labels = np.concatenate([domains.labels, domains.target_labels])
    domain = np.concatenate([domains.source_domain, np.full(len(domains.target_labels), -1)])
    return model.fit(_as_taken(model, rows), labels, sample_domain=domain)


def _stand(model: Any, data: AdaptationData) -> None:
    """Give a model that trains or asks a network's own stages the states behind the rows."""
    if data.behind is not None and hasattr(model, "stand_on"):
        model.stand_on(data.behind)


def _as_taken(model: Any, rows: Any) -> Any:
    """Return rows dense where the model takes no others, and refuse to where they are too many."""
    if not sparse.issparse(rows):
        return rows
    as_it_is = model.__sklearn_tags__().input_tags.sparse
    if as_it_is and not getattr(model, "makes_dense", False):
        return rows
    if rows.shape[0] * rows.shape[1] > DENSE_LIMIT:
        raise ValueError(f"takes dense rows only, and {rows.shape[0]} x {rows.shape[1]} sparse numbers are too many")
    return rows if as_it_is else rows.toarray()


def outputs(model: Any, rows: Any, data: AdaptationData, *, is_source: bool) -> Array:
    """Return probabilities of all classes [b, k], or values [b], of rows of one domain."""
    _stand(model, data)
    rows = _as_taken(model, rows)
    domain = np.full(rows.shape[0], 1 if is_source else -1)
    if data.regression:
        values = np.asarray(model.predict(rows, sample_domain=domain), dtype=np.float64)
        return values if data.span is None else values.clip(*data.span)
    found = np.asarray(model.predict_proba(rows, sample_domain=domain), dtype=np.float64)
    if not np.isfinite(found).all():
        raise ValueError("gave probabilities that are not finite")
    out = np.zeros((rows.shape[0], data.n_classes))
    if len(model.classes_) > data.n_classes:
        raise ValueError("answers a class that the source does not know, and this choice is among the source's classes")
    out[:, model.classes_] = found
    return out


def validate(data: AdaptationData, target: Array, held: Array, model: Any = None, part: Any = None) -> dict[str, float]:
    """Return every validator's score of one set of outputs; those that need what is not there are left out."""
    domains = data.domains
    seen = Evidence(
        source_features=domains.source[data.held],
        source_labels=domains.labels[data.held],
        source_outputs=held,
        target_features=domains.target,
        target_outputs=target,
        source_weights=data.ratio,
        clusters=data.clusters,
        predict=None if model is None else lambda rows: outputs(model, rows, data, is_source=False),
        seed=data.seed,
    )
    if isinstance(part, Adapted) and part.transformer_ is not None:
        seen = seen._replace(mapped_source=_mapped(part, seen.source_features, True))
        seen = seen._replace(mapped_target=_mapped(part, domains.target, False))
    whole = seen._replace(
        source_features=data.low_source,
        source_labels=domains.labels,
        target_features=data.low_target,
        refit=_reverse(data),
    )
    scores = {}
    for name in FOR_REGRESSION if data.regression else VALIDATORS:
        if name == "mixval" and (model is None or hasattr(model, "stand_on")):
            continue  # there are no states behind mixed rows
        scores[name] = VALIDATORS[name](whole if name == "circular" else seen)
    return scores


def _mapped(part: Adapted, rows: Any, is_source: bool) -> Array:
    domain = np.full(rows.shape[0], 1 if is_source else -1)
    mapped = part.transformer_.transform(_as_taken(part.transformer_, rows), sample_domain=domain)
    return mapped.toarray() if sparse.issparse(mapped) else mapped


def _reverse(data: AdaptationData) -> Any:
    """The way back is learned by one plain model for all candidates, so that only their answers differ."""

    def refit(rows: Any, answers: Array, others: Any) -> Array:
        if data.regression:
            return TunedRidge().fit(rows, answers).predict(others)
        model = TunedLogistic(strengths=(0.01,)).fit(rows, answers)
        out = np.zeros((others.shape[0], data.n_classes))
        out[:, model.classes_] = model.predict_proba(others)
        return out

    return refit
