"""One step of a method, watched: which players it moves by which gradients, while no weight moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from headstart.data.batches import Batch
from headstart.deep.method import Losses, Method, Nets
from headstart.engine.predict import evaluating
from headstart.engine.streams import BatchStream
from headstart.engine.updates import cut, size

Gradients = dict[str, Tensor]


@dataclass
class Recorder:
    """Stands for the engine's update: records the gradients of each move, and moves nothing.

    Parameters
    ----------
    nets, method, batch : what steps.
    parts : number of parts that the batch is cut into.
    """

    nets: Nets
    method: Method
    batch: Batch
    parts: int = 1
    moves: list[tuple[str | None, Gradients]] = field(default_factory=list)
    losses: list[Losses] = field(default_factory=list)

    def __call__(self, closure: Callable[[Batch], Losses], *, player: str | None = None) -> None:
        players = {group.player for group in self.method.groups(self.nets)}
        assert player is None or player in players, f"{self.method!r} moves {player!r}, none of {sorted(players)}."
        self.nets.zero_grad(set_to_none=True)
        for number in range(self.parts):
            part = self.batch if self.parts == 1 else cut(self.batch, number, self.parts)
            losses = closure(part)
            self.losses.append(losses)
            share = size(part) / size(self.batch)
            self.method.backward({name: share * loss for name, loss in losses.items()}, self.nets)
        moving = [p for g in self.method.groups(self.nets) if player in (None, g.player) for p in g.parameters]
        names = {id(p): name for name, p in self.nets.named_parameters()}
        found = {names[id(p)]: torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in moving}
        self.moves.append((player, found))


def record(
    method: Method,
    nets: Nets,
    stream: BatchStream,
    batch: Batch,
    *,
    parts: int = 1,
    progress: float = 0.5,
    seed: int = 0,
) -> Recorder:
    """Return what one step of ``method`` on ``batch`` would have done, in the middle of a training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with evaluating(nets):
            nets.memory = method.survey(nets, lambda role: stream.every(role, stream.batch_size))
        torch.manual_seed(seed)
        watched = Recorder(nets, method, batch, parts)
        method.step(nets, batch, 0.5, watched)
    assert watched.moves, f"{method!r} makes no update in a step."
    return watched
