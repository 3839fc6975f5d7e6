"""What classes with samples say of classes without: some of them are held out, as if none had been seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.functional.linear import probabilities
from headstart.functional.temperature import held_out_steepness
from headstart.shallow.zeroshot.predictor import ZeroShot, strengths_of

Array = np.ndarray
CLASS_FOLDS = 3
HELD = 0.2
TRIED = 25


class Chosen(NamedTuple):
    """Settings of a method, and how well they did: harmonic mean of ``seen`` and ``unseen`` accuracy."""

    strength: float
    calibration: float
    harmonic: float
    seen: float
    unseen: float
    steepness: float


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


def held_classes(classes: Array, seed: int) -> list[Array]:
    """Return folds of the classes with samples: each is once without."""
    return np.array_split(np.random.default_rng([seed, len(classes)]).permutation(classes), CLASS_FOLDS)


def choose(method: str, features: Array, labels: Array, attributes: Array, *, seed: int) -> Chosen:
    """Return the strength and the calibration that do best where a third of the classes counts as unseen, each in turn.

    Rows of held-out classes and a fifth of the others answer among all classes that have samples.
    """
    folds = held_classes(np.unique(labels), seed)
    trials = [_trial(method, strength, folds, features, labels, attributes, seed) for strength in strengths_of(method)]
    return max(trials, key=lambda one: one.harmonic)


def _trial(
    method: str, strength: float, folds: list[Array], features: Array, labels: Array, attributes: Array, seed: int
) -> Chosen:
    rng = np.random.default_rng(seed)
    found = []
    for unseen in folds:
        new = np.isin(labels, unseen)
        asked = new | (rng.random(len(labels)) < HELD)
        model = ZeroShot(method, strength, seed=seed).fit(features[~asked], labels[~asked], attributes)
        logits = model.decision_function(features[asked])
        logits[:, np.setdiff1d(np.arange(len(attributes)), labels)] = -np.inf
        found.append((logits, labels[asked], new[asked], model.seen_))
    gaps = np.concatenate([_gaps(logits, seen) for logits, _, _, seen in found])
    grid = np.unique(np.concatenate([[0.0], np.quantile(gaps, np.linspace(0, 1, TRIED))]))
    scores = [[_accuracies(fold, gamma) for fold in found] for gamma in grid]
    means = np.array(scores).mean(axis=1)
    best = int(np.argmax([harmonic(*pair) for pair in means]))
    lowered = [np.where(np.isfinite(logits), logits - grid[best] * seen, -50.0) for logits, _, _, seen in found]
    shares = probabilities(np.concatenate(lowered), "softmax")
    steepness = held_out_steepness(shares, np.concatenate([y for _, y, _, _ in found]), "softmax")
    known, coming = map(float, means[best])
    return Chosen(strength, float(grid[best]), harmonic(known, coming), known, coming, float(steepness))


def _gaps(logits: Array, seen: Array) -> Array:
    """Return by how much the best class with samples leads the best one without [n]."""
    gaps = logits[:, seen].max(axis=1) - logits[:, ~seen].max(axis=1)
    return gaps[np.isfinite(gaps)]


def _accuracies(fold: tuple[Array, Array, Array, Array], gamma: float) -> tuple[float, float]:
    logits, labels, new, seen = fold
    right = (logits - gamma * seen).argmax(axis=1) == labels
    return class_means_of(right[~new], labels[~new]), class_means_of(right[new], labels[new])
