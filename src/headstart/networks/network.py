"""The contract of every network: ordered stages, features, feature maps, a head, preprocessing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.preprocess import Preprocess

State = Tensor | dict[str, Tensor]
FEATURES, TOKENS = "features", "tokens"
LAST = "last"
"""In a state that carries maps by stage, the name of the state at its own cut."""


class Network(nn.Module):
    """A backbone cut into stages, a pooling without parameters, and a head.

    ``forward(x) = head(pool(stage_n(... stage_1(x))))``. A stage maps a state to a state; a state is a tensor,
    or a dict of tensors where a mask travels along (texts: ``hidden`` [n, l, d] and ``attention_mask`` [n, l]).
    The pooling gives features [n, n_features].

    Parameters
    ----------
    stages : name to module, ordered input to output: the unit of freezing, unfreezing, learning-rate decay
        and caching. Every stage has parameters.
    pool : module without parameters, last state to features.
    n_features : width of the features.
    preprocess : turns raw samples into the first state's tensors; travels with the weights.
    spec : JSON value from which `headstart.networks.build` builds the same architecture again.

    Attributes
    ----------
    head : `torch.nn.Identity` until a task's head is set. Its attribute ``reads`` says what it reads: ``"features"``
        (the default), ``"tokens"`` (the last state, before the pooling), or names of stages (a dict of their maps).
    frozen : number of stages, counted from the input, that are frozen (see `freeze`).
    entry : where batches enter: 0 for preprocessed samples; c for cached states after stage c; and
        ``len(stages)`` for cached features. Methods never look at it.
    taps : names of the stages whose pooled maps are the features; empty for the pooling's own.
    importance : what old data say of each parameter, by name, for methods that are to forget little; mostly nothing.
        Copies hold the same tensors, and no state dict does.
    answered : the head in space, and its task, with which a source that is a run answered; mostly None.
    own_head : number of outputs to a head that these features need, or to None where a plain one does.
    former : the head with which the source answered its own classes, alone in a tuple so that it is no part of this
        network; mostly empty.
    """

    def __init__(
        self,
        stages: Mapping[str, nn.Module],
        pool: nn.Module,
        n_features: int,
        preprocess: Preprocess,
        spec: dict[str, Any],
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(stages)
        self.pool = pool
        self.head: nn.Module = nn.Identity()
        self.n_features = n_features
        self.preprocess = preprocess
        self.spec = spec
        self.frozen = 0
        self.entry = 0
        self.taps: tuple[str, ...] = ()
        self.importance: dict[str, Tensor] = {}
        self.former: tuple[nn.Module, ...] = ()
        self.answered: tuple[nn.Module, Any] | None = None
        self.own_head: Callable[[int], nn.Module | None] = _none

    @property
    def stage_names(self) -> list[str]:
        return list(self.stages.keys())

    def forward(self, x: Any) -> Tensor:
        """Return the head's outputs, mostly [n, k], for states at ``entry``."""
        return self.head(self.read(x)[1])

    @property
    def frames(self) -> int:
        """Frames of a clip, where samples are clips (`headstart.networks.clips`); else 0."""
        return (self.spec.get("clip") or {}).get("frames", 0)

    @property
    def reads(self) -> str | tuple[str, ...]:
        """What the head reads: `FEATURES`, `TOKENS`, or names of stages."""
        return getattr(self.head, "reads", FEATURES)

    @property
    def last_cut(self) -> int:
        """The last cut that states may enter at (be cached after) so that the head still finds what it reads."""
        if self.reads == FEATURES and not self.taps:
            return len(self.stages)
        if self.reads == TOKENS:
            return len(self.stages) - 1
        return min(self.stage_names.index(name) for name in (self.taps or self.reads))

    @property
    def last_carry(self) -> int:
        """The last cut that states of `carry` may enter at: with maps of pictures beside them any cut will do."""
        carries = self.reads_maps and not self.taps and self.preprocess.modality == "image"
        return len(self.stages) if carries else self.last_cut

    @property
    def reads_maps(self) -> bool:
        """Whether the head reads maps of named stages, which states then carry with them (see `carry`)."""
        return self.reads not in (FEATURES, TOKENS)

    def carry(self, x: Any, cut: int) -> Any:
        """Return the state that enters at ``cut``, from samples, with all that the head reads of the stages before it.

        Where the head reads maps, and one of them lies at the cut or before it, the state is a dict: maps by stage, and
        under `LAST` the state itself, which is not pooled at the last cut.
        """
        if not self.reads_maps or cut == 0:
            return self.run(x, 0, cut)
        maps: dict[str, Any] = {}
        for index, (name, state) in enumerate(self._walk(x, cut)):
            x = state
            if name in self.reads and index < cut - 1:
                maps[name] = _map(state)
        return maps | {LAST: x}

    def read(self, x: Any) -> tuple[Tensor, Any]:
        """Return, from one pass over states at ``entry``, the pooled features and what the head reads."""
        if self.reads == FEATURES:
            features = self.features(x)
            return features, features
        maps = {}
        if self.reads_maps and isinstance(x, dict) and LAST in x:
            before = self.stage_names[self.entry - 1]
            maps = {
                name: x[LAST if name == before else name]
                for name in self.stage_names[: self.entry]
                if name in self.reads
            }
            x = x[LAST]
        elif self.entry > self.last_cut or (self.reads_maps and not {*self.reads} <= {*self.stage_names[self.entry :]}):
            raise ValueError(f"The head reads {self.reads}, which states at cut {self.entry} have left behind.")
        for name, state in self._walk(x):
            x = state
            if name in self.reads:
                maps[name] = _map(state)
        return self.pool(x), x if self.reads == TOKENS else maps

    def features(self, x: Any) -> Tensor:
        """Return pooled features [n, n_features] for states at ``entry``; of all ``taps`` side by side if set."""
        if self.taps:
            return torch.cat(list(self.pooled_maps(x, self.taps).values()), dim=1)
        return self.run(x, self.entry)

    def tap(self, stages: Iterable[str], n_features: int) -> Network:
        """Let the features be the means of these stages' maps side by side, ``n_features`` in all."""
        self.taps, self.n_features = tuple(stages), n_features
        self.spec = self.spec | {"taps": list(self.taps), "n_features": n_features}
        return self

    def pooled_maps(self, x: Any, stages: Iterable[str]) -> dict[str, Tensor]:
        """Return each named stage's map averaged over space, or over the unmasked tokens: [n, d]."""
        wanted = set(stages)
        frames = self.frames
        return {name: mean_map(state, frames) for name, state in self._walk(x) if name in wanted}

    def run(self, x: Any, start: int = 0, stop: int | None = None) -> Any:
        """Run from cut ``start`` to cut ``stop``; the cut ``len(stages)`` lies after the pooling.

        A cut c < len(stages) is the state between stage c and stage c + 1; frozen stages run without a graph.
        """
        count = len(self.stages)
        stop = count if stop is None else stop
        for index, stage in enumerate(self.stages.values()):
            if start <= index < stop:
                with torch.no_grad() if index < self.frozen else contextlib.nullcontext():
                    x = stage(x)
        return self.pool(x) if stop == count and start < count else x

    def feature_maps(self, x: Any, stages: Iterable[str]) -> dict[str, Tensor]:
        """Return the tensors after the named stages (before pooling) for states at ``entry``.

        A text's map is its hidden states [n, l, d]; an image's [n, c, h, w] or tokens [n, l, d].
        """
        wanted = set(stages)
        unknown = wanted - set(self.stage_names[self.entry :])
        if unknown:
            raise ValueError(f"No feature map of {sorted(unknown)}: stages from the entry on are {self.stage_names}.")
        return {name: _map(state) for name, state in self._walk(x) if name in wanted}

    def _walk(self, x: Any, stop: int | None = None) -> Iterator[tuple[str, Any]]:
        """Yield each stage from the entry on and the state after it, up to cut ``stop`` from the input where that is
        given; frozen stages run without a graph."""
        start = self.entry if stop is None else 0
        for index, (name, stage) in enumerate(self.stages.items()):
            if start <= index < (len(self.stages) if stop is None else stop):
                with torch.no_grad() if index < self.frozen else contextlib.nullcontext():
                    x = stage(x)
                yield name, x

    def freeze(self, count: int) -> Network:
        """Freeze the first ``count`` stages and release the others.

        Frozen means: no gradient asked for, no graph built, and evaluation mode (batch norm and dropout) that
        ``train()`` on the network, the stage or any module inside cannot undo.
        """
        self.frozen = count
        for index, stage in enumerate(self.stages.values()):
            stage.requires_grad_(index >= count)
            for module in stage.modules():
                _pin(module) if index < count else _unpin(module, self.training)
        return self

    def hold(self) -> Network:
        """Freeze every stage and the head for good: no training mode and no gradient reaches this network again."""
        self.frozen = len(self.stages)
        hold(self)
        return self

    def frozen_tensors(self) -> dict[str, Tensor]:
        """Return parameters and buffers of the frozen stages by name, for the hash that proves them unmoved."""
        prefixes = tuple(f"stages.{name}." for name in self.stage_names[: self.frozen])
        return {name: tensor for name, tensor in self.state_dict().items() if name.startswith(prefixes)}


def _none(n_out: int) -> None:
    return None


def hold(module: nn.Module) -> None:
    """Pin ``module`` and all inside it in evaluation mode, without gradients, as `Network.freeze` does to a stage."""
    module.requires_grad_(False)
    for inner in module.modules():
        _pin(inner)


def _map(state: State) -> Tensor:
    return state["hidden"] if isinstance(state, dict) else state


def mean_map(state: State, frames: int = 0) -> Tensor:
    """Return a state's map averaged over space, or over the unmasked tokens, and over ``frames`` of clips: [n, d]."""
    if frames and isinstance(state, Tensor):
        return mean_map(state.flatten(0, 1)).unflatten(0, (-1, frames)).mean(dim=1)
    if isinstance(state, dict):
        mask = state["attention_mask"].to(state["hidden"].dtype).unsqueeze(-1)
        return (state["hidden"] * mask).sum(1) / mask.sum(1).clamp(min=1)
    return state.mean(dim=(2, 3)) if state.ndim == 4 else state.mean(dim=1) if state.ndim == 3 else state


def _stay(self: nn.Module, mode: bool = True) -> nn.Module:
    return self


def _pin(module: nn.Module) -> None:
    module.training = False
    module.__dict__["train"] = MethodType(_stay, module)


def _unpin(module: nn.Module, training: bool) -> None:
    if module.__dict__.pop("train", None) is not None:
        module.training = training
