"""Feature augmentation with unlabelled target rows: the two domains' models agree on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from headstart.functional.scale import location_scale
from headstart.functional.temperature import fit_steepness
from headstart.shallow.domains import Domains
from headstart.shallow.predictors import DomainClassifier, DomainRegressor

Array = np.ndarray
STRENGTHS = tuple(np.logspace(2, -6, 17))


class Coupled(NamedTuple):
    """Linear models of both domains on scaled rows.

    Attributes
    ----------
    mean, scale : [d] of all rows. source, target : [d + 1, k], the last row for the constant. offset : [k].
    strength : the penalty per row that was chosen. left_out : [n, k], outputs of labelled rows by models without them.
    """

    mean: Array
    scale: Array
    source: Array
    target: Array
    offset: Array
    strength: float
    left_out: Array

    def __call__(self, rows: Array, is_source: bool) -> Array:
        """Return outputs [n, k]."""
        return _constant((rows - self.mean) / self.scale) @ (self.source if is_source else self.target) + self.offset


def _constant(rows: Array) -> Array:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def coupled_ridge(
    domains: Domains, wanted: Array, *, agreement: float = 1.0, strengths: tuple[float, ...] = STRENGTHS
) -> Coupled:
    """Fit ``f_s(x) = (w + v_s) x`` on source rows and ``f_t(x) = (w + v_t) x`` on labelled target rows, tied together.

    ``sum_labelled ||f(x) - y||^2 + a sum_unlabelled ||f_s(u) - f_t(u)||^2 + l n (||w||^2 + ||v_s||^2 + ||v_t||^2)``,
    which is ridge regression on rows ``[x, x, 0]``, ``[x, 0, x]`` and ``[0, u, -u]`` with the value 0 for the last.
    l is chosen by leave-one-out error on the labelled target rows; on all labelled rows if fewer than 10 are the
    target's.

    Parameters
    ----------
    wanted : [n, k] values of the labelled rows in the order of ``domains.labelled()``.
    agreement : a, of each unlabelled row, brought to the weight of as many rows as are labelled.

    References
    ----------
    Daume III, Kumar and Saha, "Frustratingly Easy Semi-Supervised Domain Adaptation", ACL Workshop on Domain
    Adaptation for Natural Language Processing 2010, sections 3 and 4.
    """
    labelled, _ = domains.labelled()
    free = np.setdiff1d(np.arange(domains.target.shape[0]), domains.known)
    every = np.concatenate([domains.source, domains.target])
    mean, scale = location_scale(every)
    rows, unlabelled = (_constant((part - mean) / scale) for part in (labelled, domains.target[free]))
    n, is_source = len(rows), np.arange(len(labelled)) < len(domains.source)
    tie = np.sqrt(agreement * min(1.0, n / max(len(free), 1)))
    general = np.concatenate([rows, np.zeros_like(unlabelled)])
    own_s = np.concatenate([rows * is_source[:, None], tie * unlabelled])
    own_t = np.concatenate([rows * ~is_source[:, None], -tie * unlabelled])
    offset = wanted.mean(axis=0)
    values = np.concatenate([wanted - offset, np.zeros((len(free), wanted.shape[1]))])
    judged = ~is_source if (~is_source).sum() >= 10 else np.ones(n, dtype=bool)
    (w, v_s, v_t), strength, left_out = _ridge([general, own_s, own_t], values, n, judged, strengths)
    return Coupled(mean, scale, w + v_s, w + v_t, offset, strength, left_out + offset)


def _ridge(
    blocks: list[Array], values: Array, n: int, judged: Array, strengths: tuple[float, ...]
) -> tuple[list[Array], float, Array]:
    """Solve ridge regression on blocks side by side; the strength by leave-one-out on the judged of the first n."""
    rows = np.concatenate(blocks, axis=1)
    wide = rows.shape[0] < rows.shape[1]
    squares, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    keep = squares > squares[-1] * 1e-12
    squares, vectors = squares[keep], vectors[:, keep]
    left = vectors if wide else rows @ vectors / np.sqrt(squares)
    shared = left.T @ values
    error, left_out = np.inf, np.zeros((n, values.shape[1]))
    chosen = strengths[0]
    for strength in strengths:
        shrink = squares / (squares + n * strength)
        leverage = np.minimum((left[:n] ** 2) @ shrink, 1 - 1e-9)[:, None]
        out = (left[:n] @ (shrink[:, None] * shared) - leverage * values[:n]) / (1 - leverage)
        now = float(np.square(out - values[:n])[judged].mean())
        if now < error:
            error, chosen, left_out = now, strength, out
    inner = shared / (squares + n * chosen)[:, None]
    weights = rows.T @ (vectors @ inner) if wide else vectors @ (np.sqrt(squares)[:, None] * inner)
    return np.split(weights, len(blocks)), float(chosen), left_out


@dataclass(kw_only=True, eq=False, repr=False)
class SemiSupervisedAugmentation(DomainClassifier):
    """Feature augmentation whose two models agree on unlabelled target rows; least squares on class indicators.

    ``min  mean fit of both domains + s ||W||^2 + agreement mean_u (f_source(u) - f_target(u))^2``: `coupled_ridge`.
    Probabilities are a softmax of the outputs, its steepness fitted on leave-one-out outputs.

    Parameters
    ----------
    agreement : weight of the agreement of the two domains' models; 0 leaves the unlabelled rows out.

    Attributes
    ----------
    model_ : `Coupled`. strength_ : the penalty that leave-one-out chose.

    References
    ----------
    Daume III, "Frustratingly Easy Domain Adaptation", ACL 2007; Daume III, Kumar and Saha, "Frustratingly Easy
    Semi-Supervised Domain Adaptation", 2010.
    """

    agreement: float = 1.0

    def _learn(self, domains: Domains) -> None:
        labels = domains.labelled()[1]
        self.model_ = coupled_ridge(domains, np.eye(len(self.classes_))[labels], agreement=_checked(self.agreement))
        self.strength_ = self.model_.strength
        self.steepness_ = fit_steepness(self.model_.left_out, labels)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return softmax(self.steepness_ * self.model_(rows, is_source), axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class SemiSupervisedAugmentationRegressor(DomainRegressor):
    """Feature augmentation whose two models agree on unlabelled target rows: `coupled_ridge` on values.

    Parameters
    ----------
    agreement : weight of the agreement of the two domains' models; 0 leaves the unlabelled rows out.

    Attributes
    ----------
    model_ : `Coupled`. strength_ : the penalty that leave-one-out chose.

    References
    ----------
    Daume III, "Frustratingly Easy Domain Adaptation", ACL 2007; Daume III, Kumar and Saha, "Frustratingly Easy
    Semi-Supervised Domain Adaptation", 2010.
    """

    agreement: float = 1.0

    def _learn(self, domains: Domains) -> None:
        self.model_ = coupled_ridge(domains, domains.labelled()[1][:, None], agreement=_checked(self.agreement))
        self.strength_ = self.model_.strength

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self.model_(rows, is_source)[:, 0]


def _checked(agreement: float) -> float:
    if not 0 <= agreement < np.inf:
        raise ValueError(f"agreement is {agreement!r}; expected a number from 0 up.")
    return agreement
