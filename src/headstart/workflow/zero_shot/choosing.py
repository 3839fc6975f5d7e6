"""What classes with samples say of classes without: some of them are held out, as if none had been seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import t

from headstart.functional.linear import probabilities
from headstart.functional.temperature import held_out_steepness
from headstart.shallow.parameters.probe import Probe
from headstart.shallow.zeroshot.predictor import ZeroShot, strengths_of

Array = np.ndarray
HELD = 0.2
"""Share of the rows of learned classes that answer in a trial."""
TRIED = 25
LEVEL = 0.05
"""One-sided, of the test that a gain over the learned classes' linear model has to pass."""
NEVER = -50.0
"""A logit, in units of the logits' deviation, that is never the highest."""


class Trial(NamedTuple):
    """Some classes count as unseen.

    Attributes
    ----------
    learned [n] (bool) : rows to learn from. asked [m] : rows to answer. new [m] (bool) : of which classes were not
    learned. plain [m] (bool) : what a linear model of the learned classes gets right.
    """

    learned: Array
    asked: Array
    new: Array
    plain: Array


class Chosen(NamedTuple):
    """Settings of a method, and how well they did: harmonic mean of ``seen`` and ``unseen`` accuracy.

    ``gain`` is that in accuracy over a linear model of the classes that were learned, in every trial by the settings
    that the other trials choose, and ``least`` what it must exceed by Student's one-sided test over classes at `LEVEL`:
    one below it is none that the method could be handed back for.
    """

    strength: float
    calibration: float
    harmonic: float
    seen: float
    unseen: float
    steepness: float
    gain: float
    least: float

    @property
    def harmless(self) -> bool:
        return self.gain > self.least


def harmonic(seen: float, unseen: float) -> float:
    """Return ``2 s u / (s + u)``, 0 where both are.

    Examples
    --------
    >>> harmonic(0.6, 0.3), harmonic(0.0, 0.0)
    (0.4, 0.0)
    """
    return 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0


def class_means_of(right: Array, labels: Array) -> float:
    """Return the mean over classes of the share of right answers; 0 without a row."""
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)])) if len(labels) else 0.0


def held_classes(classes: Array, seed: int, *, together: int) -> list[Array]:
    """Return folds of the classes with samples, of about so many: each class is once without; two folds at least."""
    folds = max(2, round(len(classes) / together))
    return np.array_split(np.random.default_rng([seed, len(classes)]).permutation(classes), folds)


def trials_of(features: Array, labels: Array, seed: int, *, together: int) -> list[Trial]:
    """Return trials in which so many classes count as unseen, each in turn; a fifth of the other rows answers beside
    theirs."""
    rng, found = np.random.default_rng(seed), []
    for unseen in held_classes(np.unique(labels), seed, together=together):
        new = np.isin(labels, unseen)
        learned = ~new & (rng.random(len(labels)) >= HELD)
        asked = np.flatnonzero(~learned)
        known, places = np.unique(labels[learned], return_inverse=True)
        plain = known[Probe().fit(features[learned], places).predict(features[asked])] == labels[asked]
        found.append(Trial(learned, asked, new[asked], plain))
    return found


def choose(
    method: str,
    features: Array,
    labels: Array,
    attributes: Array,
    trials: list[Trial],
    *,
    aside: Array,
    share: float,
    seed: int,
) -> Chosen:
    """Return the strength and the calibration that do best in the trials, and what trials that did not choose them say.

    The best is the highest harmonic mean among settings that gain more accuracy over a linear model of the learned
    classes than chance explains; the highest of all where none does. Classes that nobody has a sample of answer too, as
    they will later: each more takes answers from the classes with samples, and a calibration that was chosen without
    them lowers these too far.

    Parameters
    ----------
    attributes : [k, a], of all classes. aside [k] (bool) : classes that answer in no trial, for it is on them that all
        is measured: a trial has as many unseen classes as will answer then. share : of rows of unseen classes among
        those that judge.
    """
    settings: list[tuple[float, float]] = []
    rights: list[list[Array]] = [[] for _ in trials]
    answers: dict[float, list[tuple[Array, Array]]] = {}
    for strength in strengths_of(method):
        answered = []
        for one in trials:
            model = ZeroShot(method, strength, seed=seed).fit(features[one.learned], labels[one.learned], attributes)
            logits = model.decision_function(features[one.asked])
            answered.append((np.where(aside, NEVER, logits), model.seen_))
        answers[strength], grid = answered, _calibrations(answered)
        settings += [(strength, float(gamma)) for gamma in grid]
        for mine, one, (logits, seen) in zip(rights, trials, answered, strict=True):
            mine.append(np.stack([(logits - gamma * seen).argmax(axis=1) == labels[one.asked] for gamma in grid]))
    held = [np.concatenate(mine) for mine in rights]
    best, measured = _best(held, labels, trials, share)
    told = _foreseen(held, labels, trials, share)
    strength, gamma = settings[best]
    lowered = np.concatenate([logits - gamma * seen for logits, seen in answers[strength]])
    truth = np.concatenate([labels[one.asked] for one in trials])
    steepness = float(held_out_steepness(probabilities(lowered, "softmax"), truth, "softmax"))
    seen, unseen = (float(values[best]) for values in measured[:2])
    return Chosen(strength, gamma, harmonic(seen, unseen), seen, unseen, steepness, *told)


def _calibrations(answered: list[tuple[Array, Array]]) -> Array:
    """Return by how much to lower the learned classes: 0, and quantiles of how far their highest logit leads.

    Parameters
    ----------
    answered : of every trial, logits [m, k] and which classes were learned [k].
    """
    gaps = np.concatenate([logits[:, seen].max(axis=1) - logits[:, ~seen].max(axis=1) for logits, seen in answered])
    return np.unique(np.concatenate([[0.0], np.quantile(gaps, np.linspace(0, 1, TRIED))]))


def _best(rights: list[Array], labels: Array, trials: list[Trial], share: float) -> tuple[int, tuple[Array, ...]]:
    """Return the best of s settings, and what `_by_class` says of all; ``rights``: of every trial, [s, m]."""
    measured = seen, unseen, gains, least = _by_class(rights, labels, trials, share)
    means = np.array([harmonic(*pair) for pair in zip(seen, unseen, strict=True)])
    harmless = gains > least
    return int(np.where(harmless | ~harmless.any(), means, -1.0).argmax()), measured


def _foreseen(rights: list[Array], labels: Array, trials: list[Trial], share: float) -> tuple[float, float]:
    """Return gain and `Chosen.least` of settings that the other trials chose, in each trial: the best of many settings
    looks better than it is where it was chosen."""
    crossed = []
    for place in range(len(trials)):
        others = [other for other in range(len(trials)) if other != place]
        best, _ = _best([rights[other] for other in others], labels, [trials[other] for other in others], share)
        crossed.append(rights[place][[best]])
    _, _, gains, least = _by_class(crossed, labels, trials, share)
    return float(gains[0]), float(least[0])


def _by_class(rights: list[Array], labels: Array, trials: list[Trial], share: float) -> tuple[Array, ...]:
    """Return accuracy on classes that were learned, on those that were not, the gain over the linear model, and what
    it must exceed, [g] each for g calibrations; every class counts alike.

    Parameters
    ----------
    rights : of every trial, [g, m].
    """
    known, new, over = [], [], []
    for k in np.unique(labels):
        parts = [(right[:, labels[one.asked] == k], one.plain[labels[one.asked] == k], one.new[labels[one.asked] == k])
                 for right, one in zip(rights, trials, strict=True)]  # fmt: skip
        asked = [(right.mean(axis=1), plain.mean(), unseen[0]) for right, plain, unseen in parts if len(unseen)]
        new.extend(right for right, _, unseen in asked if unseen)
        if seen := [(right, right - plain) for right, plain, unseen in asked if not unseen]:
            known.append(np.mean([right for right, _ in seen], axis=0))
            over.append(np.mean([gain for _, gain in seen], axis=0))
    lost, won = np.stack(over), np.stack(new)
    gains = share * won.mean(axis=0) + (1 - share) * lost.mean(axis=0)
    errors = np.hypot(share * _error(won), (1 - share) * _error(lost))
    return (
        np.mean(known, axis=0),
        won.mean(axis=0),
        gains,
        errors * t.ppf(1 - LEVEL, max(1, min(len(won), len(lost)) - 1)),
    )


def _error(values: Array) -> Array:
    """Return the standard error of the mean of rows."""
    return values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.full(values.shape[1], np.inf)
