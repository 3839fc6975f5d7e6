"""The choice among source-only, target-only, pooled and adapted models, made without a target label."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.choice.beforehand import known_gain_of_blend, known_gains
from headstart.choice.blend import blend, shares
from headstart.choice.candidates import BASELINES, BLENDS, STACKED, Candidate, as_candidates
from headstart.choice.chance import CONFIDENCE
from headstart.choice.cost import cheapest_first
from headstart.choice.gain import Gain, features, shipped
from headstart.choice.heads import Grid
from headstart.choice.label_shift import (
    CORRECTED,
    LEFT_OUT,
    can_tell_shares,
    label_shift_alarm,
    only_shares_differ,
)
from headstart.choice.racing import AdaptationData, Result, prepare, race
from headstart.choice.smoothing import smoothed
from headstart.choice.stacking import stacked
from headstart.functional.reuse import reusing
from headstart.shallow.domains import Domains

if TYPE_CHECKING:
    from headstart.choice.joint.behind import Behind

Array = np.ndarray
DROPPED = 20.0
"""Points below all others at which blends weigh what the label-shift alarm leaves out; a figure that is never shown."""


class Selection(NamedTuple):
    """What was raced, what it is predicted to gain, and which one is handed back.

    Attributes
    ----------
    data : the race's data. raced : every candidate, those that failed too. finished : those that did not, with the
        blends behind them. gains : [len(finished)] points over source-only that the evidence predicts; NaN for what
        the label-shift alarm leaves out, of which nothing is predicted. chances : [len(finished)] calibrated chances
        that they are above 0. chosen : number in ``finished``. deviation : of the predicted gain of what stands for
        adaptation. reason : one sentence. considered : number in ``finished`` of what stands for adaptation, handed
        back or not; None where nothing adapted finished. unsaid : what is said of those of which nothing is predicted.
    """

    data: AdaptationData
    raced: list[Result]
    finished: list[Result]
    gains: Array
    chances: Array
    chosen: int
    deviation: float
    reason: str
    considered: int | None = None
    unsaid: str = LEFT_OUT

    def table(self) -> tuple[dict[str, Any], ...]:
        """Return one row per candidate: its scores, predicted gain, seconds, and whether it is handed back."""
        failed = [one for one in self.raced if one.note]
        known = [*zip(self.finished, self.gains, self.chances, strict=True)]
        known += [(one, math.nan, math.nan) for one in failed]
        kept = self.finished[self.chosen].name
        return tuple(
            {
                "name": one.name,
                "scores": dict(one.scores),
                "predicted_gain": float(gain),
                "chance": float(chance),
                "seconds": one.seconds,
                "kept": one.name == kept,
                "note": one.note or (self.unsaid if math.isnan(gain) else ""),
            }
            for one, gain, chance in known
        )


def select(data: AdaptationData, raced: list[Result], gain: Gain, *, corrected: bool = False) -> Selection:
    """Combine the evidence of a race and hand one model back.

    The blend averages all that finished, weighted by their predicted gains; smoothed, it also listens to each row's
    neighbours. Under the alarm of label shift, methods that align whole domains stay out of both. Of the two the one of
    the larger predicted gain stands for adaptation. It is handed back if the calibrated chance that its own gain is
    above 0 is at least `CONFIDENCE` and its predicted gain is not below the baselines', else the best baseline is. Two
    cases need no evidence. Where target labels were given to learn from, a stack of baselines and adapted models that
    learned its shares from them is handed back; else, where nothing but the class shares differs and source-only is
    good enough to tell them, the model that corrects them.

    Parameters
    ----------
    corrected : whether only the class shares differ (`only_shares_differ`).
    """
    finished = [one for one in raced if not one.note]
    if not finished or finished[0].name != "source_only":
        failed = raced[0].note if raced else "nothing was raced"
        raise ValueError(f"Source-only, which every choice is measured against, did not finish: {failed}")
    rows = features(data, finished)
    known = known_gains(data, finished)
    gains = gain.predict(rows) + known
    credible = label_shift_alarm(data, finished)
    left_out = np.array([credible is not None and one.name not in credible for one in finished])
    if len(finished) > 2 or len(data.domains.known) >= 2:
        weighing = np.where(left_out, gains.min() - DROPPED, gains)
        blends = combine(data, finished, weighing)
        if len(data.domains.known) >= 2:
            blends.append(stacked(data, finished, weighing))
        more = features(data, blends, finished)
        carried = known_gain_of_blend(weighing, known)
        rows, gains = np.concatenate([rows, more]), np.append(gains, gain.predict(more) + carried)
        left_out = np.append(left_out, np.zeros(len(blends), dtype=bool))
        finished = [*finished, *blends]
    gains = np.where(left_out, np.nan, gains)
    chances = gain.chance(gains)
    considered = _adapted(finished, gains)
    chosen, reason = _guard(data, finished, gains, chances, considered)
    names = [one.name for one in finished]
    if corrected and CORRECTED in names and STACKED not in names and can_tell_shares(data, finished[0]):
        chosen = considered = names.index(CORRECTED)
        reason = f"{CORRECTED}: the class shares differ strongly, and nothing else that can be seen does."
    deviation = math.nan if considered is None else float(gain.deviations(rows)[considered])
    return Selection(data, raced, finished, gains, chances, chosen, deviation, reason, considered)


def combine(data: AdaptationData, finished: Sequence[Result], gains: Array) -> list[Result]:
    """Return the blend of finished outcomes by their predicted gains and, for classes, the blend smoothed."""
    blended = blend(data, finished, shares(gains), "blend")
    return [blended] if data.regression else [blended, smoothed(data, blended)]


def _adapted(finished: Sequence[Result], gains: Array) -> int | None:
    """Return the number of what stands for adaptation: the better blend by predicted gain, or the best candidate."""
    names = [one.name for one in finished]
    if STACKED in names:
        return names.index(STACKED)
    adapted = [i for i, name in enumerate(names) if name not in BASELINES and not np.isnan(gains[i])]
    blends = [i for i in adapted if names[i] in BLENDS]
    return max(blends or adapted, key=lambda i: gains[i], default=None)


def _guard(
    data: AdaptationData, finished: Sequence[Result], gains: Array, chances: Array, considered: int | None
) -> tuple[int, str]:
    safe = max((i for i, one in enumerate(finished) if one.name in BASELINES), key=lambda i: gains[i])
    kept = finished[safe].name
    if considered is None:
        return safe, f"{kept}: no adapted model was raced to its end that could be believed."
    name = finished[considered].name
    if name == STACKED:
        return considered, "stacked: the target labels that were given say how much each model counts."
    unit = "% of the error" if data.regression else " points"
    said = f"predicted gain {gains[considered]:+.1f}{unit} over source-only"
    often = f"such predictions were above 0 in {math.floor(100 * chances[considered])} of 100 left-out cases"
    asked = f"{100 * CONFIDENCE:.0f} are asked for"
    if chances[considered] < CONFIDENCE:
        return safe, f"{kept}: the evidence for {name} is not enough, {said}; {often}, {asked}."
    if gains[considered] < gains[safe]:
        return safe, f"{kept}: its predicted gain {gains[safe]:+.1f}{unit} is above that of {name}, {said}."
    return considered, f"{name}: {said}; {often}, {asked}."


@reusing()
def race_and_select(
    domains: Domains,
    *,
    n_classes: int,
    candidates: Sequence[Candidate | str] | None = None,
    budget: float | None = None,
    seed: int = 0,
    gain: Gain | None = None,
    standardise: bool | None = None,
    grid: Grid | None = None,
    state: Path | None = None,
    behind: Behind | None = None,
    on_done: Callable[[Result], None] | None = None,
) -> Selection:
    """Race and decide on opened domains; ``n_classes`` is 0 for a regression, ``on_done`` is told of each outcome.

    Trainings are kept in ``state`` while they go on, if it is given. ``grid`` is that of rows that are pictures;
    ``behind`` holds the states behind rows, for candidates that train a network's own stages.
    """
    regression = n_classes == 0
    data = prepare(domains, n_classes=n_classes, seed=seed, standardise=standardise, grid=grid)
    data = data._replace(state=state, behind=behind)
    racing = as_candidates(candidates, domains, regression, data.heads)
    corrected = not regression and len(domains.known) == 0 and only_shares_differ(domains, seed=seed)
    if corrected and candidates is None:
        racing.insert(1, Candidate(CORRECTED))
    raced = race(data, cheapest_first(racing, domains, n_classes, data.heads), budget=budget, on_done=on_done)
    return select(data, raced, shipped(regression) if gain is None else gain, corrected=corrected)
