"""A model across domains as a network, where it is linear in the features: what can be exported."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from headstart.choice.blend import Blend
from headstart.choice.joint.behind import Behind
from headstart.choice.joint.staged import StagedClassifier, StagedRegressor
from headstart.choice.kept import Kept, stages_of
from headstart.models.encoder import Backbone, Encoder, TableEncoder
from headstart.networks import Network
from headstart.networks.columns import build_columns, columns_spec
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.reweighted import Reweighted
from headstart.tasks import TaskLogic

Array = np.ndarray
NEVER = -1e4
"""Logit of a class that a member does not know."""


class Encoded(Protocol):
    """What is asked of an array model: its encoder, its fitted estimator and its task."""

    @property
    def encoder(self) -> Encoder: ...

    @property
    def estimator(self) -> Any: ...

    @property
    def logic(self) -> TaskLogic: ...


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


def as_network(model: Encoded) -> Network | None:
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


class Branches(nn.Module):
    """The last stages of several networks on the same states: the mean of their probabilities, as logits, or of values.

    Parameters
    ----------
    tails : networks of the last stages, whose outputs are logits or a regression's in the task's units.
    shares : of each in the mean. of_classes : whether outputs are logits. steepness : one over the temperature.
    """

    share: Tensor

    def __init__(self, tails: list[Network], shares: list[float], of_classes: bool, steepness: float) -> None:
        super().__init__()
        self.tails, self.of_classes, self.steepness = nn.ModuleList(tails), of_classes, steepness
        self.register_buffer("share", torch.tensor(shares, dtype=torch.float64))

    def forward(self, state: Any) -> Tensor:
        """Return outputs [n, k] of states at the cut where the stages part."""
        outputs = torch.stack([tail(state).double() for tail in self.tails])
        share = self.share[:, None, None]
        if not self.of_classes:
            return (share * outputs).sum(dim=0).float()
        return (self.steepness * (share * outputs.softmax(dim=2)).sum(dim=0).clamp_min(1e-30).log()).float()


class Leaf(NamedTuple):
    """A member of an average and its share."""

    share: float
    model: Any


def leaves(model: Any) -> list[Leaf]:
    """Return the members of an average, or a model that is none by itself."""
    if not isinstance(model, Blend):
        return [Leaf(1.0, model)]
    return [Leaf(share, one) for share, one in zip(model.weights, model.members, strict=True)]


def _with_trained_stages(model: Encoded, units: tuple[float, float] | None) -> Network | None:
    """Return the network with its trained stages, several side by side in an average; None where a member has none and
    is no linear model of the features either."""
    if not isinstance(model.encoder, Backbone) or model.encoder.network.taps:
        return None
    kept, members = model.estimator, leaves(model.estimator.model)
    staged = [leaf for leaf in members if isinstance(leaf.model, StagedClassifier | StagedRegressor)]
    if any(isinstance(leaf.model, StagedClassifier) and len(leaf.model.classes_) != kept.n_classes for leaf in staged):
        return None
    others = [linear_members(leaf.model, leaf.share) for leaf in members if leaf not in staged]
    linear = [member for part in others for member in part or []]
    if any(part is None for part in others) or any(len(one.intercept) > max(kept.n_classes, 1) for one in linear):
        return None
    plain, depth = model.encoder.network, staged[0].model.depth
    behind = Behind(plain, depth, 0, np.zeros((0, 1)), [])
    tails = [_tail(leaf, behind, units, kept.span) for leaf in staged]
    shares = [leaf.share for leaf in staged]
    if linear:
        share = sum(one.share for one in linear)
        plain = copy.deepcopy(plain, {id(plain.preprocess): plain.preprocess})
        even = [one._replace(share=one.share / share) for one in linear]
        plain.head = AveragedHead(even, units, kept.span)
        tails, shares = [*tails, plain], [*shares, share]
    return side_by_side(tails, shares, depth, units is None, kept.steepness)


def _tail(leaf: Leaf, behind: Behind, units: tuple[float, float] | None, span: tuple[float, float] | None) -> Network:
    staged = leaf.model
    staged.stand_on(behind)
    network = staged.network()
    coef, intercept = (getattr(network.head, part).detach().double().numpy() for part in ("weight", "bias"))
    if isinstance(staged, StagedRegressor):
        coef, intercept = coef * staged.scale_, intercept * staged.scale_ + staged.mean_
    network.head = AveragedHead([Member(1.0, coef, intercept)], units, span)
    return network


def side_by_side(tails: list[Network], shares: list[float], depth: int, of_classes: bool, steepness: float) -> Network:
    """Return the average of networks that differ in their last ``depth`` stages, the stages before them run once."""
    first = tails[0]
    cut = len(first.stages) - depth
    before, parted = dict(list(first.stages.items())[:cut]), []
    for tail in tails:
        part = Network(dict(list(tail.stages.items())[cut:]), tail.pool, tail.n_features, tail.preprocess, tail.spec)
        part.head = tail.head
        parted.append(part)
    branches = Branches(parted, shares, of_classes, steepness)
    k = len(tails[0].head.intercept[0])  # type: ignore[index, arg-type]
    whole = Network({**before, "branches": branches}, nn.Identity(), k, first.preprocess, first.spec)
    return whole.eval().requires_grad_(False)


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
