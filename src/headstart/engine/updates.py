"""The engine's ``update``: zero, backward part by part, sum over processes, clip, step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import AdamW

from headstart.data.batches import Batch, Samples, length
from headstart.deep.method import Losses, Method, Nets
from headstart.engine.device import Place, free_memory, out_of_memory
from headstart.engine.needs import require_whole
from headstart.engine.optimizers import parameters_of
from headstart.errors import UserError


def size(batch: Batch) -> int:
    """Return the number of target samples (of source samples without a target; of an episode's queries)."""
    samples = batch.target if batch.target is not None else batch.source
    return length(samples if samples is not None else batch.episode.query)  # type: ignore[union-attr]


def cut(batch: Batch, number: int, parts: int) -> Batch:
    """Return part ``number`` of ``parts`` of a batch, each of its roles cut alike; an episode keeps its support."""
    target, source = (None if role is None else _slice(role, number, parts) for role in (batch.target, batch.source))
    episode = batch.episode
    if episode is not None:
        episode = episode._replace(query=_slice(episode.query, number, parts))
    return Batch(target, source, episode)


def _slice(samples: Samples, number: int, parts: int) -> Samples:
    n = length(samples)
    chosen = slice(n * number // parts, n * (number + 1) // parts)
    views = tuple(_pick(view, chosen) for view in samples.more)
    return Samples(*(_pick(value, chosen) for value in samples[:-1]), more=views)


def _pick(value: Any, chosen: slice) -> Any:
    if isinstance(value, dict):
        return {name: item[chosen] for name, item in value.items()}
    return None if value is None else value[chosen]


def over_processes(tensor: Tensor, how: str) -> Tensor:
    """Return the ``sum`` or ``mean`` of a tensor over all processes."""
    from accelerate.utils import reduce

    return cast(Tensor, reduce(tensor, how))


class Updater:
    """Makes updates of one step's batch; keeps the number of parts found to fit into memory.

    The gradient is that of the mean over the whole batch of all processes: each part's losses are weighted by
    its share n_part / n before `Method.backward`, and gradients are summed over parts and processes. That holds
    for every method and for frozen parameters, which is why no wrapper around the network is needed.
    """

    def __init__(
        self, nets: Nets, method: Method, optimizers: Mapping[str, AdamW], place: Place, clip: float | None
    ) -> None:
        self.nets, self.method, self.optimizers, self.place = nets, method, optimizers, place
        self.clip = math.inf if clip is None else clip
        self.parts = 1
        self.terms: dict[str, tuple[Tensor | float, int]] = {}  # sum and number since they were last told
        self.stop_asked = self.cut_asked = False
        self._every = list(nets.parameters())  # walking the modules at every step would cost more than zeroing

    def begin(self, batch: Batch, n: int) -> None:
        """Take this process's share of a batch of ``n`` samples over all processes."""
        self.batch, self.n = batch, n
        self.losses: list[Tensor] = []
        self.norms: list[Tensor] = []

    def outcome(self) -> tuple[Tensor, Tensor]:
        """Return the step's loss (mean over its updates) and gradient norm (largest over players), on the device."""
        return torch.stack(self.losses).mean(), torch.stack(self.norms).max()

    def tell(self) -> dict[str, float]:
        """Return the mean of each term of the loss, over this process's updates since the last call."""
        told = {name: float(total) / count for name, (total, count) in self.terms.items()}
        self.terms = {}
        return told

    def __call__(self, closure: Callable[[Batch], Losses], *, player: str | None = None) -> None:
        """Zero, backward on every part, sum, clip, step of ``player`` or of all. Out of memory: in twice the parts."""
        moving = self._players(player)
        loss, fits = self._sum_over_processes(*self._accumulate(closure), moving)
        while not fits:
            self._halve()
            loss, fits = self._sum_over_processes(*self._accumulate(closure), moving)
        self.losses.append(loss)
        for name, value in self._found.items():
            total, count = self.terms.get(name, (0.0, 0))
            self.terms[name] = (total + value, count + 1)
        for optimizer in moving:
            self.norms.append(torch.nn.utils.clip_grad_norm_(parameters_of(optimizer), self.clip))
            optimizer.step()

    def _players(self, player: str | None) -> list[AdamW]:
        if player is None:
            return list(self.optimizers.values())
        if player not in self.optimizers:
            name = type(self.method).__name__
            raise ValueError(f"{name} moves the player {player!r}, but its groups name {sorted(self.optimizers)}.")
        return [self.optimizers[player]]

    def _accumulate(self, closure: Callable[[Batch], Losses]) -> tuple[Tensor, bool]:
        self._zero_grad()
        self._found: dict[str, Tensor] = {}
        total = torch.zeros((), device=self.place.device)
        try:
            for number in range(self.parts):
                total += self._backward(closure, number)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            return total, False
        return total, True

    def _backward(self, closure: Callable[[Batch], Losses], number: int) -> Tensor | float:
        part = self.batch if self.parts == 1 else cut(self.batch, number, self.parts)
        if size(part) == 0:
            return 0.0
        with self.place.autocast():
            losses = closure(part)
        share = size(part) / self.n
        scaled = losses if share == 1 else {name: share * loss for name, loss in losses.items()}
        self.method.backward(scaled, self.nets)
        detached = {name: loss.detach() for name, loss in scaled.items()}
        if len(detached) > 1:  # a single term is the loss, which is told anyway
            self._found = {name: self._found.get(name, 0.0) + value for name, value in detached.items()}
        return sum(detached.values())

    def _zero_grad(self) -> None:
        for parameter in self._every:
            parameter.grad = None

    def _halve(self) -> None:
        self._zero_grad()
        free_memory(self.place.device)
        if self.parts >= -(-self.n // self.place.ranks):
            raise UserError(
                f"Not even one sample at a time fits into the memory of {self.place.device}; choose a smaller network, "
                "smaller inputs, a shallower --depth or another --device."
            )
        require_whole(self.method, self.place, self.parts * 2)
        self.parts *= 2

    def _sum_over_processes(self, loss: Tensor, fits: bool, moving: list[AdamW]) -> tuple[Tensor, bool]:
        """Sum gradients, and with them the loss, who has a gradient, memory faults and wishes to end."""
        if self.place.ranks == 1:
            return loss, fits
        parameters = [p for optimizer in moving for p in parameters_of(optimizer)]
        present = [float(p.grad is not None) for p in parameters]
        asked = [float(not fits), float(self.stop_asked), float(self.cut_asked)]
        flags = torch.tensor([*present, *asked], device=self.place.device)
        pieces = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        vector = torch.cat([piece.reshape(-1).float() for piece in pieces] + [flags, loss.reshape(1)])
        vector = over_processes(vector, "sum")
        *sums, tail = vector.split([p.numel() for p in parameters] + [len(flags) + 1])
        for parameter, total, somewhere in zip(parameters, sums, tail, strict=False):
            parameter.grad = total.view_as(parameter).to(parameter.dtype) if somewhere > 0 else None
        unfit, stop, cut, total_loss = tail[-4:]
        self.stop_asked, self.cut_asked = bool(stop > 0), bool(cut > 0)
        return total_loss, bool(unfit == 0)
