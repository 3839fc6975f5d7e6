"""What can run in a race: a method of the catalogue with its options and its head, or a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone

from headstart import catalogue
from headstart.catalogue.entry import Entry
from headstart.choice.heads import Grid, Heads
from headstart.choice.joint.plan import Stages
from headstart.errors import check_names
from headstart.shallow.domains import Domains
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.reweighted import Reweighted

AT = "@"
"""In a candidate's name before the number of stages that it trains: ``mcc@1``."""
BASELINES = ("source_only", "target_only", "pooled")
BLENDS = ("blend", "smoothed")
STACKED = "stacked"
"""What is made of candidates that were raced."""
NEAREST = "source_nearest"
"""Nearest neighbours on the source: races where the source's cross-validation prefers them to a linear model."""


@dataclass(frozen=True)
class Candidate:
    """One entry of a race.

    Parameters
    ----------
    method : a name of the catalogue, or "source_only", "target_only", "pooled", "source_nearest".
    options : hyper-parameters of the method. head : estimator on top of a map or a reweighting; None for the linear
        model that tunes its own strength. label : its name in the table; None for the method's.
    stages : of a pretrained network, which it trains; None where it learns on rows.
    """

    method: str
    options: dict[str, Any] | None = None
    head: Any = None
    label: str | None = None
    stages: Stages | None = None

    @property
    def name(self) -> str:
        return self.label or (self.method if self.stages is None else f"{self.method}{AT}{self.stages.depth}")

    def build(self, *, regression: bool, seed: int = 0, heads: Heads | None = None) -> Any:
        """Return the unfitted model; `KeyError`-free: an unknown method is refused with the nearest names.

        Parameters
        ----------
        heads : what stands on top; None for linear models on standardised features.
        """
        heads = Heads() if heads is None else heads
        if self.method in BASELINES:
            return Adapted(estimator=self._head(heads.baseline(regression)))
        if self.method == NEAREST:
            return Adapted(estimator=self._head(heads._replace(nearest=True).after_map(regression)))
        entry = entry_of(self.method)
        if entry.kind == "weights":
            head = self._head(heads.linear(regression))
            return Reweighted(weights=self.method, estimator=head, options=self.options, seed=seed)
        if entry.kind == "map":
            head = self._head(heads.after_map(regression))
            return Adapted(transformer=_seeded(entry.load(), self.options, seed), estimator=head)
        if entry.kind in catalogue.LEARNT:
            return self._joint(heads, regression, seed)
        if entry.kind != "predictor":
            raise ValueError(f"The method '{self.method}' does not learn a predictor from rows of two domains.")
        return _seeded(_face(entry, regression), self.options, seed)

    def _joint(self, heads: Heads, regression: bool, seed: int) -> Any:
        if self.stages is not None:
            return self._staged(regression, seed)
        from headstart.choice.joint.face import JointClassifier, JointRegressor  # brings torch

        face = JointRegressor if regression else JointClassifier
        return face(method=self.method, options=self.options, standardise=heads.standardise, grid=heads.grid, seed=seed)

    def _staged(self, regression: bool, seed: int) -> Any:
        from headstart.choice.joint.staged import StagedClassifier, StagedRegressor  # brings torch

        assert self.stages is not None
        chosen: dict[str, Any] = {"depth": self.stages.depth, "norm": self.stages.norm, "seed": seed}
        face = StagedRegressor if regression else StagedClassifier
        return face(method=self.method, options=self.options, **chosen)

    def _head(self, default: Any) -> Any:
        return default if self.head is None else clone(self.head)

    def view(self, domains: Domains) -> Domains:
        """Return what this candidate may learn from: baselines see one domain's labels, or both."""
        if self.method in ("source_only", NEAREST):
            hidden = np.full_like(domains.target_labels, -1 if domains.labels.dtype.kind == "i" else np.nan)
            return domains._replace(target_labels=hidden)
        if self.method == "target_only":
            known = domains.known
            rows, labels = domains.target[known], domains.target_labels[known]
            return domains._replace(source=rows, labels=labels, source_domain=np.ones(len(known), dtype=np.int64))
        return domains


def entry_of(method: str) -> Entry:
    """Return the entry of a candidate's method, its penalties left out."""
    return catalogue.parts(method)[0]


def by_default(entry: Entry, regression: bool) -> bool:
    """Return whether a method of the standard field can serve; what the loop trains was learned on classes alone."""
    return "regression" in entry.applies and entry.kind not in catalogue.LEARNT if regression else True


def _face(entry: Entry, regression: bool) -> Any:
    if not regression:
        return entry.load()
    if entry.regressor is None:
        raise ValueError(f"The method '{entry.name}' is for classification, and the labels are values.")
    module, name = entry.regressor.split(":")
    return getattr(__import__(module, fromlist=[name]), name)


def _seeded(factory: Any, options: dict[str, Any] | None, seed: int) -> Any:
    known = {item.name for item in fields(factory)} if hasattr(factory, "__dataclass_fields__") else set()
    given = dict(options or {})
    if "seed" in known:
        given.setdefault("seed", seed)
    return factory(**given)


def standard_field() -> tuple[Candidate, ...]:
    """Return what races unless told otherwise; what the task, its labels or its size rule out is left out later.

    Methods say so in the catalogue. Those that the shipped evidence knows stand first, in its order.
    """
    raced = [
        Candidate(entry.name, variant.options, label=variant.label)
        for entry in catalogue.METHODS
        for variant in entry.raced
    ]
    return tuple(sorted(raced, key=lambda one: LEARNED.index(one.name) if one.name in LEARNED else len(LEARNED)))


LEARNED = (
    "meda",
    "self_training",
    "self_training_free",
    "easytl",
    "jda",
    "jgsa",
    "artl",
    "gfk",
    "coral",
    "standardize",
    "kmm",
    "erm",
    "mcc",
    "shot",
)
"""What the shipped coefficients of the evidence were learned on; whatever else races is judged by its answers alone."""
OF_WORDS = Candidate("msda")
"""Races beside them where rows are sparse: it was made for bags of words, whose rare words it fills in."""
NOT_OF_WORDS = ("meda", "easytl", "jda", "jgsa", "artl", "gfk", "coral", "standardize")
"""Left out where rows are sparse: aligned kernels, covariances and deviations of many rare words do harm (docs/log.md,
2026-11-28), and each would make the rows dense."""
MANY_PICTURES = 20_000
"""Rows of both domains that are pictures from which only what convolves them races beside source-only: each of the
others takes pixels for columns, and needs minutes there (docs/log.md, 2026-11-28)."""
check_names([OF_WORDS.method], catalogue.names(), "headstart.choice.candidates.OF_WORDS")
check_names(NOT_OF_WORDS, LEARNED, "headstart.choice.candidates.NOT_OF_WORDS")
check_names(LEARNED, [one.name for one in standard_field()], "headstart.choice.candidates.LEARNED")
RACED = (*BASELINES, NEAREST, *BLENDS, STACKED, *catalogue.names(), *LEARNED)
"""Every name that a race can end in, but for labels that a caller gives and methods that are added later."""


def as_candidates(
    candidates: Sequence[Candidate | str] | None, domains: Domains, regression: bool, heads: Heads | None = None
) -> list[Candidate]:
    """Return the race's list, baselines first: source-only always, the others where the target has labels.

    Methods named by the caller stay; of the default ones those that cannot serve the data are left out.
    """
    asked: list[Candidate] = []
    many = many_pictures(len(domains.labels) + len(domains.target_labels), None if heads is None else heads.grid)
    for item in _default(domains, regression, many) if candidates is None else candidates:
        one = Candidate(item) if isinstance(item, str) else item
        if one.method in BASELINES:
            continue
        if one.method != NEAREST:
            entry_of(one.method)
        asked.append(one)
    base = [Candidate("source_only")]
    if len(domains.known) > 0:
        base += [Candidate("target_only"), Candidate("pooled")]
    if heads is not None and heads.nearest and not many and all(one.method != NEAREST for one in asked):
        base.append(Candidate(NEAREST))
    return base + asked


def many_pictures(n_rows: int, grid: Grid | None) -> bool:
    """Return whether rows of both domains are so many pictures that only what convolves them races by default."""
    return grid is not None and n_rows > MANY_PICTURES


def _default(domains: Domains, regression: bool, many: bool) -> list[Candidate]:
    there = {entry.name: entry for entry in catalogue.METHODS if entry.kind in catalogue.RACED_KINDS}
    out = []
    sparse_rows = sparse.issparse(domains.source)
    for one in (*standard_field(), OF_WORDS) if sparse_rows else standard_field():
        entry = there.get(one.method)
        if entry is None or ("target_labels" in entry.needs and len(domains.known) == 0):
            continue
        if many and not regression and entry.kind not in catalogue.LEARNT:
            continue
        if not by_default(entry, regression) or (sparse_rows and one.method in NOT_OF_WORDS):
            continue
        out.append(one)
    return out
