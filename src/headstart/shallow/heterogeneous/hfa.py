"""Heterogeneous feature augmentation: every space keeps its own features beside those of a learned common space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.augmentation import Augmented, balanced, hfa
from headstart.shallow.heterogeneous.blocks import BlockClassifier, coordinates, in_order, standard

Array = np.ndarray


class Space(NamedTuple):
    """Principal axes [d, r] of standardised rows, scaled to mean squared length 1; and those of shared columns."""

    axes: Array
    middle: Array
    shared: Array
    shared_axes: Array
    shared_middle: Array

    def __call__(self, rows: Array) -> tuple[Array, Array]:
        """Return rows in own and in shared coordinates."""
        return rows @ self.axes - self.middle, rows[:, self.shared] @ self.shared_axes - self.shared_middle


def _space(rows: Array, shared: Array, factor: float) -> Space:
    """``factor`` makes shared columns as cheap as what the common metric offers."""
    basis, known = coordinates(rows), standard(rows[:, shared])
    size = np.sqrt((basis.rotated**2).sum() / len(rows))
    axes = basis.axes / basis.scale[:, None] / (size if size > 0 else 1.0)
    scaled = np.diag(factor / known.scale / np.sqrt(max(len(shared), 1)))
    return Space(axes, basis.mean @ axes, shared, scaled, known.mean @ scaled)


class Opened(NamedTuple):
    """What `HFA` and `SHFA` learn from: own and shared coordinates of both domains, labels, and labelled rows."""

    source: Array
    labels: Array
    target: Array
    target_labels: Array
    shared: tuple[Array, Array]
    known: Array


def _open_spaces(model: HFA | SHFA, domains: Domains) -> tuple[tuple[Space, Space], Opened]:
    """Return coordinates and rows in them. Without target labels shared columns alone reach the target."""
    if model.C <= 0 or model.trace < 0:
        raise ValueError(f"C is {model.C} and trace is {model.trace}; expected C above 0 and trace from 0 up.")
    domains = in_order(domains)
    first, second = model.blocks_.shared
    if len(domains.known) == 0 and len(first) == 0:
        raise ValueError(
            f"{type(model).__name__} ties the spaces by labels, and no target label is known; label target rows, at "
            "least one of each class."
        )
    factor = np.sqrt(1 + model.trace)
    spaces = _space(domains.source, first, factor), _space(domains.target, second, factor)
    (source, one), (target, two) = spaces[0](domains.source), spaces[1](domains.target)
    if len(domains.known) == 0:
        source, target = np.zeros_like(source), np.zeros_like(target)
    return spaces, Opened(source, domains.labels, target, domains.target_labels, (one, two), domains.known)


def _outputs_of(model: HFA | SHFA, rows: Array, is_source: bool) -> Array:
    own, shared = model.spaces_[0 if is_source else 1](rows)
    fit = model.augmented_
    return softmax(own @ (fit.source if is_source else fit.target) + shared @ fit.shared + fit.intercept, axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class HFA(BlockClassifier):
    """Heterogeneous feature augmentation, as `hfa` on standardised rows; needs a few labelled target rows.

    Columns that both domains have join as common features, as in FEDA; with no target label, they are all that is used.

    Parameters
    ----------
    C : weight of a row's loss. trace : bound on the trace of the common metric. Both as in the paper's experiments.

    Attributes
    ----------
    augmented_ : the fitted `Augmented` on the coordinates of ``spaces_``.

    Raises
    ------
    ValueError : when no target label is known and the domains share no column.

    References
    ----------
    Duan, Xu and Tsang, "Learning with Augmented Features for Heterogeneous Domain Adaptation", ICML 2012. Daume III,
    "Frustratingly Easy Domain Adaptation", ACL 2007 (FEDA).
    """

    C: float = 1.0
    trace: float = 100.0

    def _learn(self, domains: Domains) -> None:
        self.spaces_, given = _open_spaces(self, domains)
        self.augmented_ = _fit(given, given.target_labels, given.known, self.C, self.trace)

    def _outputs(self, rows: Array, is_source: bool) -> Array:
        return _outputs_of(self, rows, is_source)


def _fit(given: Opened, labels: Array, rows: Array, C: float, trace: float, **options: Any) -> Augmented:
    shared = given.shared[0], given.shared[1][rows]
    return hfa(given.source, given.labels, given.target[rows], labels[rows], C=C, trace=trace, shared=shared, **options)


@dataclass(kw_only=True, eq=False, repr=False)
class SHFA(BlockClassifier):
    """Semi-supervised heterogeneous feature augmentation: `HFA` that infers the unlabelled target rows' labels as well.

    ``min over labels y_u in a balanced set of min_{P, Q, w} C sum labelled + C_u sum unlabelled loss``, by turns: the
    predictor for given labels (convex), then each row's most probable class, where probabilities are first brought to
    the mean that the known classes have (source and target rows together), the balance that the paper asks of y_u.

    Parameters
    ----------
    C, trace : as in `HFA`. unlabelled : C_u / C. rounds : of inferring labels; ends early when none changes.

    Attributes
    ----------
    augmented_ : as in `HFA`. rounds_ : taken.

    References
    ----------
    Li, Duan, Xu and Tsang, "Learning with Augmented Features for Supervised and Semi-Supervised Heterogeneous Domain
    Adaptation", TPAMI 2014, section 4. There the labels are a convex combination of candidates, learned as kernels
    are; here one candidate at a time.
    """

    C: float = 1.0
    trace: float = 100.0
    unlabelled: float = 0.1
    rounds: int = 10

    def _learn(self, domains: Domains) -> None:
        self.spaces_, given = _open_spaces(self, domains)
        labels = given.target_labels.copy()
        free, every = np.setdiff1d(np.arange(len(labels)), given.known), np.arange(len(labels))
        weights = np.where(labels >= 0, 1.0, self.unlabelled)
        counts = np.bincount(np.append(given.labels, labels[given.known]), minlength=len(self.classes_))
        fit = _fit(given, labels, given.known, self.C, self.trace)
        self.rounds_ = 0
        while len(free) and self.rounds_ < self.rounds:
            logits = given.target[free] @ fit.target + given.shared[1][free] @ fit.shared + fit.intercept
            chosen = balanced(softmax(logits, axis=1), counts / counts.sum()).argmax(axis=1)
            if (chosen == labels[free]).all():
                break
            labels[free] = chosen
            fit = _fit(given, labels, every, self.C, self.trace, target_weights=weights, start=fit)
            self.rounds_ += 1
        self.augmented_ = fit

    def _outputs(self, rows: Array, is_source: bool) -> Array:
        return _outputs_of(self, rows, is_source)
