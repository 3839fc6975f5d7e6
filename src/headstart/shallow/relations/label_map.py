"""A learned map from the source's classes to the target's: P(target class | source class)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headstart.functional.folds import best
from headstart.shallow.domains import Domains
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.predictors import DomainClassifier
from headstart.shallow.source_model import SMALLEST, answers, fit_model, folds_for, in_order, is_single, known_rows

Array = np.ndarray
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


def leep_map(outputs: Array, labels: Array, k: int) -> Array:
    """Return the empirical conditional ``P(c | z)`` [q, k] of target classes c given source classes z, in one step.

    ``P(c, z) = 1/n sum_i theta(x_i)_z [y_i = c]`` over labelled target rows, divided by ``P(z)``.

    Parameters
    ----------
    outputs : the source model's probabilities theta [n, q]. labels : class numbers [n] below k.

    References
    ----------
    Nguyen et al., "LEEP: A New Measure to Evaluate Transferability of Learned Representations", ICML 2020, section 3.
    """
    joint = outputs.T @ np.eye(k)[labels]
    return joint / np.maximum(joint.sum(axis=1, keepdims=True), SMALLEST)


def label_map(outputs: Array, labels: Array, prior: Array, strength: float, *, rounds: int = 50) -> Array:
    """Return the most probable map ``M`` [q, k] with rows of sum 1 under ``p(y | x) = sum_z theta(x)_z M_zy``.

    Maximises ``sum_i log sum_z theta_iz M_{z, y_i} + strength sum_zc prior_zc log M_zc``, a concave problem, by EM:
    ``r_iz ~ theta_iz M_{z, y_i}`` and ``M_zc ~ strength prior_zc + sum_i r_iz [y_i = c]``. From a uniform start its
    first step is `leep_map` with pseudo-counts; the further ones undo the blur that unsure outputs leave in it.

    Parameters
    ----------
    prior : [q, k], rows of sum 1: what a source class is taken for without evidence. strength : labelled rows that the
        prior counts for, per source class.
    """
    shown = np.eye(prior.shape[1])[labels]
    current = np.full(prior.shape, 1 / prior.shape[1]) * (prior.sum(axis=1, keepdims=True) > 0)
    for _ in range(rounds):
        share = outputs * current[:, labels].T
        share /= np.maximum(share.sum(axis=1, keepdims=True), SMALLEST)
        counts = strength * prior + share.T @ shown
        new = counts / np.maximum(counts.sum(axis=1, keepdims=True), SMALLEST)
        moved, current = float(np.abs(new - current).max()), new
        if moved < 1e-6:
            break
    return current


def identity_prior(source_classes: Array, labels: Array, k: int) -> Array:
    """Return what each of k classes is taken for without evidence, [k, k].

    Where any target label is a class of the source, names agree and every class is taken for itself; where none is, the
    label sets differ and every source class is taken for the target's classes in their shares.
    """
    if not len(labels) or np.isin(labels, source_classes).any():
        return np.eye(k)
    return np.tile(np.bincount(labels, minlength=k) / len(labels), (k, 1))


class Learned(NamedTuple):
    """A map and the strength of its prior."""

    map: Array
    strength: float


def learn_label_map(
    outputs: Array, labels: Array, prior: Array, strengths: tuple[float, ...] = STRENGTHS, seed: int = 0
) -> Learned:
    """Return `label_map` with the strength that predicts held-back labels best (accuracy, then loss, then stronger)."""
    folds = folds_for(labels, "classification", seed) if len(strengths) > 1 else []
    hits, losses = np.zeros((2, len(strengths), len(labels)))
    for train, held in folds:
        for number, strength in enumerate(strengths):
            p = outputs[held] @ label_map(outputs[train], labels[train], prior, strength)
            hits[number, held] = p.argmax(axis=1) == labels[held]
            losses[number, held] = -np.log(np.maximum(p[np.arange(len(held)), labels[held]], SMALLEST))
    number = best(hits.mean(axis=1), losses.mean(axis=1), np.array(strengths)) if folds else int(np.argmax(strengths))
    return Learned(label_map(outputs, labels, prior, strengths[number]), float(strengths[number]))


@dataclass(kw_only=True, eq=False, repr=False)
class LabelMap(DomainClassifier):
    """The source's classifier, its classes read as the target's: ``p(y | x) = sum_z p_source(z | x) P(y | z)``.

    For targets whose label set differs from the source's (finer, coarser, renamed) or whose naming has shifted. The map
    ``P(y | z)`` is learned on the known target labels (`label_map`) under a prior that takes every class for itself
    where the names agree; without a target label it is the identity and this is the source's model.

    Parameters
    ----------
    estimator : classifier of the source's classes; None for `TunedLogistic`.
    strengths : of the prior, in labelled rows per source class; cross-validation on the known target labels chooses.
    seed : of the folds.

    Attributes
    ----------
    map_ : [k, k] over `classes_`, rows of sum 1; zero rows for classes that the source does not know. strength_.
    model_ : the source's classifier.

    References
    ----------
    Nguyen et al., "LEEP: A New Measure to Evaluate Transferability of Learned Representations", ICML 2020. You et al.,
    "Co-Tuning for Transfer Learning", NeurIPS 2020, section 3.2 (category relationship). Tsai, Chen and Ho, "Transfer
    Learning without Knowing: Reprogramming Black-box Machine Learning Models", ICML 2020 (multi-label mapping).
    """

    sparse_input: ClassVar[bool] = True
    estimator: Any = None
    strengths: tuple[float, ...] = STRENGTHS
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        domains, k = in_order(domains), len(self.classes_)
        estimator = TunedLogistic() if self.estimator is None else self.estimator
        self.model_ = fit_model(estimator, domains.source, domains.labels, domains.target)
        rows, labels = known_rows(domains)
        self.map_, self.strength_ = np.eye(k), float("inf")
        if not is_single(domains) and len(labels):
            prior = identity_prior(np.unique(domains.labels), labels, k)
            outputs = answers(self.model_, rows, k)
            self.map_, self.strength_ = learn_label_map(outputs, labels, prior, self.strengths, self.seed)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        outputs = answers(self.model_, rows, len(self.classes_), is_source=is_source)
        return outputs if is_source else outputs @ self.map_
