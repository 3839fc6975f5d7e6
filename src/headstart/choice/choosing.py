"""The choice among source-only, target-only, pooled and adapted models, made without a target label."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from headstart.choice.blend import blend, shares
from headstart.choice.candidates import BASELINES, Candidate, as_candidates
from headstart.choice.gain import Gain, features, shipped
from headstart.choice.label_shift import CORRECTED, label_shift_alarm, only_shares_differ
from headstart.choice.race import Ground, Raced, prepare, race
from headstart.choice.smoothing import smoothed
from headstart.choice.stacking import stacked
from headstart.isolated import isolate
from headstart.shallow.domains import Domains

Array = np.ndarray
BLENDS = ("blend", "smoothed")
DROPPED = 20.0
"""Points below all others to which the label-shift alarm sets a predicted gain, so that blends leave it out."""
CAUTION = 0.05
CAUTION_FOR_VALUES = 0.5
"""Deviations of the predicted gain that it must lie above 0 for an adapted model to be handed back."""


class Decided(NamedTuple):
    """What was raced, what it is predicted to gain, and which one is handed back.

    Attributes
    ----------
    ground : the race's data. raced : every candidate, those that failed too. finished : those that did not, with the
        blends behind them. gains : [len(finished)] points over source-only that the evidence predicts.
    chosen : number in ``finished``. deviation : of a predicted gain. reason : one sentence.
    """

    ground: Ground
    raced: list[Raced]
    finished: list[Raced]
    gains: Array
    chosen: int
    deviation: float
    reason: str

    def table(self) -> tuple[dict[str, Any], ...]:
        """Return one row per candidate: its scores, predicted gain, seconds, and whether it is handed back."""
        gain = {one.name: float(value) for one, value in zip(self.finished, self.gains, strict=True)}
        kept = self.finished[self.chosen].name
        failed = [one for one in self.raced if one.note]
        return tuple(
            {
                "name": one.name,
                "scores": dict(one.scores),
                "predicted_gain": gain.get(one.name, math.nan),
                "seconds": one.seconds,
                "kept": one.name == kept,
                "note": one.note,
            }
            for one in [*self.finished, *failed]
        )


def decide(ground: Ground, raced: list[Raced], gain: Gain, *, corrected: bool = False) -> Decided:
    """Combine the evidence of a race and hand one model back.

    The blend averages all that finished, weighted by their predicted gains; smoothed, it also listens to each row's
    neighbours. Under the alarm of label shift, methods that align whole domains stay out of both. The smoothed blend
    stands for adaptation; it is handed back if the predicted gain of the blend, smoothed or not, lies `CAUTION`
    deviations above 0 and above the baselines', else the best baseline is. Two cases need no evidence. Where target
    labels were given to learn from, a stack of baselines and adapted models that learned its shares from them is
    handed back; else, where nothing but the class shares differs, the model that corrects them.

    Parameters
    ----------
    corrected : whether only the class shares differ (`only_shares_differ`).
    """
    finished = [one for one in raced if not one.note]
    if not finished or finished[0].name != "source_only":
        failed = raced[0].note if raced else "nothing was raced"
        raise ValueError(f"Source-only, which every choice is measured against, did not finish: {failed}")
    gains = gain.predict(features(ground, finished))
    credible = label_shift_alarm(ground, finished)
    if credible is not None:
        # no figure of theirs can be believed: what aligns whole domains is taken to lose what the evidence can promise
        harmful = np.array([one.name not in credible for one in finished])
        gains = np.where(harmful, gains.min() - DROPPED, gains)
    if len(finished) > 2 or len(ground.domains.known) >= 2:
        blends = combine(ground, finished, gains)
        if len(ground.domains.known) >= 2:
            blends.append(stacked(ground, finished, gains))
        gains = np.append(gains, gain.predict(features(ground, blends, finished)))
        finished = [*finished, *blends]
    caution = CAUTION_FOR_VALUES if ground.regression else CAUTION
    chosen, reason = _guard(finished, gains, gain.deviation, caution)
    names = [one.name for one in finished]
    if corrected and CORRECTED in names and "stacked" not in names:
        chosen = names.index(CORRECTED)
        reason = f"{CORRECTED}: the class shares differ strongly, and nothing else does."
    return Decided(ground, raced, finished, gains, chosen, gain.deviation, reason)


def combine(ground: Ground, finished: Sequence[Raced], gains: Array) -> list[Raced]:
    """Return the blend of finished outcomes by their predicted gains and, for classes, the blend smoothed."""
    blended = blend(ground, finished, shares(gains), "blend")
    return [blended] if ground.regression else [blended, smoothed(ground, blended)]


def _guard(finished: Sequence[Raced], gains: Array, deviation: float, caution: float) -> tuple[int, str]:
    base = [i for i, one in enumerate(finished) if one.name in BASELINES]
    safe = max(base, key=lambda i: gains[i])
    names = [one.name for one in finished]
    if "stacked" in names:
        return names.index("stacked"), "stacked: the target labels that were given say how much each model counts."
    adapted = [i for i in range(len(finished)) if i not in base]
    if not adapted:
        return safe, f"{finished[safe].name}: no adapted model was raced to its end."
    blends = [i for i in adapted if finished[i].name in BLENDS]
    best = blends[-1] if blends else max(adapted, key=lambda i: gains[i])
    evidence = max(gains[i] for i in blends or adapted)
    said = f"a predicted gain of {evidence:.1f} points over source-only (deviation {deviation:.1f})"
    if evidence > caution * deviation and evidence >= gains[safe]:
        return best, f"{finished[best].name}: its evidence says {said}."
    return safe, f"{finished[safe].name}: the evidence for {finished[best].name} is not enough, {said}."


def run(
    domains: Domains,
    *,
    n_classes: int,
    candidates: Sequence[Candidate | str] | None = None,
    budget: float | None = None,
    seed: int = 0,
    gain: Gain | None = None,
    standardise: bool | None = None,
    on_done: Callable[[Raced], None] | None = None,
) -> Decided:
    """Race and decide on opened domains; ``n_classes`` is 0 for a regression, ``on_done`` is told of each outcome."""
    regression = n_classes == 0
    ground = prepare(domains, n_classes=n_classes, seed=seed, standardise=standardise)
    racing = as_candidates(candidates, domains, regression, ground.heads)
    corrected = not regression and len(domains.known) == 0 and only_shares_differ(domains, seed=seed)
    if corrected and candidates is None:
        racing.insert(1, Candidate(CORRECTED))
    raced = race(ground, racing, budget=budget, on_done=on_done)
    return decide(ground, raced, shipped(regression) if gain is None else gain, corrected=corrected)


@dataclass(frozen=True)
class Choice:
    """What `choose` hands back.

    Attributes
    ----------
    model : predicts rows of the target: ``predict(X)``, and ``predict_proba(X)`` for classes.
    name : of the candidate that was kept. table : one dict per candidate: name, scores (validator to value),
        predicted_gain (points over source-only), seconds, kept, note. reason : one sentence.
    decided : everything behind it.
    """

    model: Any
    name: str
    table: tuple[dict[str, Any], ...]
    reason: str
    decided: Decided


@isolate
def choose(
    X: Any,
    y: Any,
    sample_domain: Any = None,
    *,
    candidates: Sequence[Candidate | str] | None = None,
    budget: float | None = None,
    seed: int = 0,
    task: str | None = None,
    gain: Gain | None = None,
    standardise: bool | None = None,
) -> Choice:
    """Race candidates on a labelled source and a target, and choose by evidence that holds no target label.

    Parameters
    ----------
    X : [n, d] rows of both domains, dense or CSR. y : [n] labels, masked (-1, NaN or None) for unlabelled target rows;
        target labels that are given are labels to learn from. sample_domain : [n] positive for source rows, negative
        for target rows; None where masked labels tell the domains apart.
    candidates : names of the catalogue or `Candidate`; None for a list that fits the data. Baselines always race.
    budget : seconds after which no further candidate starts. seed : of everything random.
    task : "classification" or "regression"; None by the labels.
    gain : coefficients of the evidence; None for those in the package.
    standardise : False where all features have one unit (pixels, activations, words), True for columns of different
        units; None lets cross-validation on the source say.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If a domain is missing, a source label is masked, or a candidate is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from headstart.shallow.domains import join
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> rows = rng.normal(size=(60, 3)) + 3 * labels[:, None]
    >>> choice = choose(*join(rows, labels, rows + 0.5), candidates=["source_only"])
    >>> choice.name, choice.model.predict(rows[:2] + 0.5)
    ('source_only', array([0, 1]))
    """
    from sklearn.utils.multiclass import type_of_target

    from headstart.choice.auto import AutoAdaptClassifier, AutoAdaptRegressor
    from headstart.shallow.domains import masked

    if task not in (None, "classification", "regression"):
        raise ValueError(f"task is {task!r}; expected 'classification', 'regression' or None.")
    if task is None:
        known = np.asarray(y)[~masked(y)]
        continuous = known.dtype.kind == "f" and type_of_target(known).startswith("continuous")
        task = "regression" if continuous else "classification"
    face = AutoAdaptRegressor if task == "regression" else AutoAdaptClassifier
    model: Any = face(candidates=candidates, budget=budget, seed=seed, gain=gain)
    if face is AutoAdaptClassifier:
        model.set_params(standardise=standardise)
    model.fit(X, y, sample_domain=sample_domain)
    decided: Decided = model.decided_
    return Choice(model, decided.finished[decided.chosen].name, decided.table(), decided.reason, decided)
