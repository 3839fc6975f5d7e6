"""A model across domains as a network, where it is linear in the features: what can be exported."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from headstart.choice.blend import Blend
from headstart.choice.joint.behind import Behind
from headstart.choice.joint.staged import StagedClassifier, StagedRegressor
from headstart.choice.kept import Kept, stages_of
from headstart.models.arrays import ArrayModel
from headstart.models.encoder import Backbone, TableEncoder
from headstart.networks import Network
from headstart.networks.columns import build_columns, columns_spec
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.reweighted import Reweighted

Array = np.ndarray
NEVER = -1e4
"""Logit of a class that a member does not know."""


class Member(NamedTuple):
    """One linear model of an average: its share, coef [k, d] and intercept [k]."""

    share: float
    coef: Array
    intercept: Array


class AveragedHead(nn.Module):
    """The mean of linear models' probabilities, as logits; or of their values, held within a span.

    Parameters
    ----------
    members : at least one. mean, scale : of a regression's targets, which the task's prediction puts back; None for
        classes. span : what values are held within. steepness : one over the temperature of the probabilities.
    """

    share: Tensor
    coef: Tensor
    intercept: Tensor

    def __init__(
        self,
        members: list[Member],
        units: tuple[float, float] | None = None,
        span: tuple[float, float] | None = None,
        steepness: float = 1.0,
    ) -> None:
        super().__init__()
        self.units, self.span, self.steepness = units, span, steepness
        for name in Member._fields:
            self.register_buffer(name, torch.from_numpy(np.array([getattr(one, name) for one in members])).double())

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [n, k] of features [n, d]."""
        outputs = torch.einsum("nd,mkd->mnk", features.double(), self.coef) + self.intercept[:, None]
        share = self.share[:, None, None]
        if self.units is None:
            return (self.steepness * (share * outputs.softmax(dim=2)).sum(dim=0).clamp_min(1e-30).log()).float()
        if self.span is not None:
            outputs = outputs.clamp(*self.span)
        mean, scale = self.units
        return (((share * outputs).sum(dim=0) - mean) / scale).float()


def as_network(model: ArrayModel) -> Network | None:
    """Return the network that answers as ``model`` does; None where it is no average of linear models."""
    found = model.logic.units
    units = None if found is None else (float(found[0][0]), float(found[1][0]))
    if stages_of(model.estimator):
        return _with_trained_stages(model, units)
    members = linear_members(model.estimator)
    if members is None:
        return None
    if isinstance(model.encoder, Backbone):
        network = model.encoder.network
    else:
        network = build_columns(columns_spec(model.encoder.preprocess))
        places = _places(model.encoder, network.n_features)
        members = [one._replace(coef=_moved(one.coef, places, network.n_features)) for one in members]
    network.head = AveragedHead(members, units, model.estimator.span, model.estimator.steepness)
    return network.eval()


def _with_trained_stages(model: ArrayModel, units: tuple[float, float] | None) -> Network | None:
    """Return the network with its trained stages; None where they are one part of an average."""
    staged = model.estimator.model
    if not isinstance(staged, StagedClassifier | StagedRegressor) or not isinstance(model.encoder, Backbone):
        return None
    if isinstance(staged, StagedClassifier) and len(staged.classes_) != model.estimator.n_classes:
        return None
    staged.stand_on(Behind(model.encoder.network, staged.depth, 0, np.zeros((0, 1)), []))
    network = staged.network()
    coef, intercept = (getattr(network.head, part).detach().double().numpy() for part in ("weight", "bias"))
    if isinstance(staged, StagedRegressor):
        coef, intercept = coef * staged.scale_, intercept * staged.scale_ + staged.mean_
    member = Member(1.0, coef, intercept)
    network.head = AveragedHead([member], units, model.estimator.span, model.estimator.steepness)
    return network.eval()


def linear_members(estimator: Any, share: float = 1.0) -> list[Member] | None:
    """Return the linear models of the target's features whose average a fitted model is; None if it is none."""
    if isinstance(estimator, Kept):
        found = linear_members(estimator.model)
        k = max(estimator.n_classes, 1)
        return None if found is None or any(len(one.intercept) > k for one in found) else found
    if isinstance(estimator, Blend):
        parts = [
            linear_members(one, share * part) for one, part in zip(estimator.members, estimator.weights, strict=True)
        ]
        return None if any(part is None for part in parts) else [one for part in parts if part for one in part]
    if not isinstance(estimator, Adapted | Reweighted):
        return None
    found = _linear(estimator, share)
    transformer = getattr(estimator, "transformer_", None)
    if found is None or transformer is None:
        return None if found is None else [found]
    shell: Any = estimator
    moved = affine(transformer, shell.n_features_in_)
    if moved is None:
        return None
    matrix, shift = moved
    return [Member(share, found.coef @ matrix.T, found.intercept + found.coef @ shift)]


def _linear(shell: Any, share: float) -> Member | None:
    """Return a shell's own linear model, its outputs in the task's order."""
    head = shell.estimator_
    if isinstance(head, TunedRidge):
        scaler: Any = head.scaler_
        d = scaler.n_features_in_
        values = np.asarray(head.predict(np.concatenate([np.zeros((1, d)), np.eye(d)])), dtype=np.float64)
        return Member(share, (values[1:] - values[0])[None], values[:1])
    if not isinstance(head, TunedLogistic):
        return None
    classes = np.asarray(shell.classes_)[np.asarray(head.classes_)]
    k = int(np.max(shell.classes_)) + 1
    coef, intercept = np.zeros((k, head.coef_.shape[1])), np.full(k, NEVER)
    coef[classes], intercept[classes] = head.coef_, head.intercept_
    return Member(share, coef, intercept)


def affine(transformer: Any, d: int) -> tuple[Array, Array] | None:
    """Return matrix [d, r] and shift [r] of a map of target rows, ``x -> x matrix + shift``; None if it is not affine.

    The map itself is asked: at 0, along every axis, and on random rows, where the affine map must agree.
    """
    rows = np.concatenate([np.zeros((1, d)), np.eye(d), np.random.default_rng(0).normal(size=(8, d)) * 3])
    try:
        found = np.asarray(transformer.transform(rows, sample_domain=np.full(len(rows), -1)), dtype=np.float64)
    except (ValueError, TypeError, AttributeError):
        return None
    shift, matrix = found[0], found[1 : d + 1] - found[0]
    expected = rows[d + 1 :] @ matrix + shift
    return (matrix, shift) if np.allclose(found[d + 1 :], expected, rtol=1e-6, atol=1e-8) else None


def _places(encoder: TableEncoder, n: int) -> list[int]:
    """Return where each of an encoder's features lies among the features of the network of columns."""
    numeric = encoder.preprocess.numeric
    places = [*range(len(numeric)), *(len(numeric) + numeric.index(name) for name in encoder.gaps)]
    start = 2 * len(numeric)
    for known in encoder.preprocess.categories.values():
        places += range(start + 1, start + 1 + len(known))  # the first place stands for missing and unknown
        start += len(known) + 1
    assert start == n
    return places


def _moved(coef: Array, places: list[int], n: int) -> Array:
    moved = np.zeros((len(coef), n))
    moved[:, places] = coef
    return moved
