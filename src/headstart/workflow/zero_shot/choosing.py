"""What classes with samples say of classes without: some of them are held out, as if none had been seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.functional.linear import probabilities
from headstart.functional.temperature import held_out_steepness
from headstart.shallow.parameters.probe import Probe
from headstart.shallow.zeroshot.predictor import ZeroShot, strengths_of

Array = np.ndarray
HELD = 0.2
"""Share of the rows of learned classes that answer in a trial."""
TRIED = 25
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

    ``gain`` is that in accuracy over a linear model of the classes that were learned, and ``error`` its standard error
    over classes: a gain below it is none that the method could be handed back for.
    """

    strength: float
    calibration: float
    harmonic: float
    seen: float
    unseen: float
    steepness: float
    gain: float
    error: float

    @property
    def harmless(self) -> bool:
        return self.gain > self.error


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
    """Return the strength and the calibration that do best in the trials.

    The best is the highest harmonic mean among settings that gain more accuracy over a linear model of the learned
    classes than the standard error of that gain; the highest of all where none does. Classes that nobody has a sample
    of answer too, as they will later: each more takes answers from the classes with samples, and a calibration that was
    chosen without them lowers these too far.

    Parameters
    ----------
    attributes : [k, a], of all classes. aside [k] (bool) : classes that answer in no trial, for it is on them that all
        is measured: a trial has as many unseen classes as will answer then. share : of rows of unseen classes among
        those that judge.
    """
    found: list[Chosen] = []
    for strength in strengths_of(method):
        answered = []
        for one in trials:
            model = ZeroShot(method, strength, seed=seed).fit(features[one.learned], labels[one.learned], attributes)
            logits = model.decision_function(features[one.asked])
            answered.append((np.where(aside, NEVER, logits), model.seen_))
        found += _settings(strength, answered, labels, trials, share)
    return max(found, key=lambda one: (one.harmless, one.harmonic))


def _settings(
    strength: float, answered: list[tuple[Array, Array]], labels: Array, trials: list[Trial], share: float
) -> list[Chosen]:
    """Return the best setting of a strength, and the best one that does no harm.

    Parameters
    ----------
    answered : of every trial, logits [m, k] and which classes were learned [k].
    """
    gaps = np.concatenate([logits[:, seen].max(axis=1) - logits[:, ~seen].max(axis=1) for logits, seen in answered])
    grid = np.unique(np.concatenate([[0.0], np.quantile(gaps, np.linspace(0, 1, TRIED))]))
    rights = [
        np.stack([(logits - gamma * seen).argmax(axis=1) == labels[one.asked] for gamma in grid])
        for one, (logits, seen) in zip(trials, answered, strict=True)
    ]
    seen, unseen, gains, errors = _by_class(rights, labels, trials, share)
    means = np.array([harmonic(*pair) for pair in zip(seen, unseen, strict=True)])
    harmless = gains > errors
    places = {int(means.argmax()), *([int(np.where(harmless, means, -1).argmax())] if harmless.any() else [])}
    found = []
    for best in sorted(places):
        lowered = np.concatenate([logits - grid[best] * known for logits, known in answered])
        truth = np.concatenate([labels[one.asked] for one in trials])
        steepness = float(held_out_steepness(probabilities(lowered, "softmax"), truth, "softmax"))
        numbers = (means[best], seen[best], unseen[best], steepness, gains[best], errors[best])
        found.append(Chosen(strength, float(grid[best]), *map(float, numbers)))
    return found


def _by_class(rights: list[Array], labels: Array, trials: list[Trial], share: float) -> tuple[Array, ...]:
    """Return accuracy on classes that were learned, on those that were not, the gain over the linear model, and its
    standard error, [g] each for g calibrations; every class counts alike.

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
    return np.mean(known, axis=0), won.mean(axis=0), gains, errors


def _error(values: Array) -> Array:
    """Return the standard error of the mean of rows."""
    return values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.full(values.shape[1], np.inf)
