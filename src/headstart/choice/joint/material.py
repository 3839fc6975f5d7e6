"""What a method learns from: rows of numbers, or states of a pretrained network; the loop asks both the same things."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from headstart import catalogue
from headstart.choice.joint.body import as_tensor, create_body, create_grid_body
from headstart.choice.joint.plan import Plan
from headstart.choice.joint.views import warped
from headstart.engine import Compute
from headstart.networks.network import Network
from headstart.shallow.domains import Domains
from headstart.tasks import TaskLogic
from headstart.tasks.base import draw

Array = np.ndarray
WATCHED = 1000
"""Target rows, evenly over all, whose answers are looked at while a training goes on."""


class Material(Protocol):
    """What `headstart.choice.joint.fitting.train_joint` asks of whatever stands for the rows of a race."""

    asked: ClassVar[int]
    """How many rows' answers are taken at once."""

    @property
    def plan(self) -> Plan: ...

    @property
    def many(self) -> bool:
        """Whether methods that show one view of a row also see further ones, epoch by epoch."""
        ...

    @property
    def views(self) -> int:
        """How many views of a row are at hand where a method shows several."""
        ...

    @property
    def identity(self) -> str:
        """What tells this material from others on the same rows."""
        ...

    @property
    def compute(self) -> Compute: ...

    def learner(self, method: str, options: dict[str, Any] | None) -> Any:
        """Return the method, as deep as this material is."""
        ...

    def body(self, domains: Domains, logic: TaskLogic, seed: int) -> Network:
        """Return the network that learns, with its head."""
        ...

    def fetch(self, rows: Array) -> Any:
        """Return what gives states of these rows by position and view."""
        ...

    def rate(self, learner: Any, steps: int) -> float:
        """Return the rate of the optimiser."""
        ...

    def answering(self, network: Network, target: Array) -> contextlib.AbstractContextManager[Network]:
        """Return the network as it answers target rows, while a training goes on."""
        ...


def watched(rows: Array) -> Array:
    """Return at most `WATCHED` rows, evenly over all."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), WATCHED)).astype(np.int64)]


def views_of(material: Material, shown: int) -> int:
    """Return how many views of each row are at hand: fresh ones for many epochs where a method shows several."""
    return material.views if material.many or shown > 1 else 1


@dataclass(frozen=True)
class OfRows:
    """Rows of numbers, and a body from random weights. ``plan`` says how large it is."""

    plan: Plan
    asked: ClassVar[int] = WATCHED

    @property
    def many(self) -> bool:
        return self.plan.grid is not None

    @property
    def views(self) -> int:
        return 64

    @property
    def identity(self) -> str:
        return "rows"

    @property
    def compute(self) -> Compute:
        return Compute(device="cpu", precision="no")

    def learner(self, method: str, options: dict[str, Any] | None) -> Any:
        return catalogue.create(method, None, options)

    def rate(self, learner: Any, steps: int) -> float:
        return self.plan.rate_of(steps)

    def body(self, domains: Domains, logic: TaskLogic, seed: int) -> Network:
        plan, d = self.plan, domains.source.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if plan.grid is None:
                body = create_body(d, width=plan.width, layers=plan.layers, dropout=plan.dropout)
            else:
                body = create_grid_body(plan.grid, width=plan.width, dropout=plan.dropout)
            body.head = draw(logic.head_of(body))
        return body

    @contextlib.contextmanager
    def answering(self, network: Network, target: Array) -> Iterator[Network]:
        yield network

    def fetch(self, rows: Array) -> Any:
        """Return rows by position; views above 0 add noise and warp pictures, by positions and views alone."""
        tensor, plan = as_tensor(rows), self.plan

        def fetch(positions: Array, view: Any) -> torch.Tensor:
            views = np.broadcast_to(np.asarray(view), np.shape(positions))
            found = tensor[torch.from_numpy(np.asarray(positions))]
            if not views.any():
                return found
            rng = np.random.default_rng([*views.tolist(), *positions.tolist()])
            drawn = rng.normal(size=tuple(found.shape))
            if plan.grid is not None:
                moved = warped(found.reshape(-1, *plan.grid), rng).reshape(found.shape)
                found = torch.where(torch.from_numpy(views > 0)[:, None], moved, found)
            return found + as_tensor(plan.noise * drawn * (views > 0)[:, None])

        return fetch
