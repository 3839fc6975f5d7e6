"""The last stages of a pretrained network as what learns, from states that its frozen stages gave once."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from headstart import catalogue
from headstart.choice.joint.behind import Behind
from headstart.choice.joint.material import watched
from headstart.choice.joint.norms import Statistics, counting_by, hold_norms, statistics_of
from headstart.choice.joint.plan import Plan, Stages
from headstart.engine import Compute
from headstart.engine.device import move
from headstart.networks.network import Network
from headstart.shallow.domains import Domains
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.tasks import TaskLogic

Array = np.ndarray
BATCH = 64


@dataclass(frozen=True)
class OfStates:
    """States behind rows of features; the body is a copy of the network's own last stages.

    The head starts as the linear model of the labelled rows' features, so that training begins at what the frozen
    network reaches.
    """

    behind: Behind
    stages: Stages
    plan: Plan
    asked: ClassVar[int] = BATCH

    @property
    def many(self) -> bool:
        return True

    @property
    def views(self) -> int:
        return self.behind.views

    @property
    def identity(self) -> str:
        return repr((self.stages, self.behind.entry, self.behind.views))

    @property
    def compute(self) -> Compute:
        return Compute(device=next(self.behind.network.parameters()).device, precision="no")

    def learner(self, method: str, options: dict[str, Any] | None) -> Any:
        slow = {"body_rate": self.plan.body_rate} if _has_rate(method) else {}
        return catalogue.create(method, self.stages.depth, slow | (options or {}))

    def rate(self, learner: Any, steps: int) -> float:
        """Return the rate of the head, or of the stages in a method that moves both alike."""
        return self.plan.rate if hasattr(learner, "body_rate") else self.plan.rate * self.plan.body_rate

    def body(self, domains: Domains, logic: TaskLogic, seed: int) -> Network:
        network = open_stages(self.behind, self.stages, logic.task.n_outputs)
        coef, intercept = _linear(domains, logic)
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(coef))  # type: ignore[operator, union-attr]
            network.head.bias.copy_(torch.from_numpy(intercept))  # type: ignore[operator, union-attr]
        return network

    def fetch(self, rows: Array) -> Any:
        return self.behind.fetch(rows)

    @contextlib.contextmanager
    def answering(self, network: Network, target: Array) -> Iterator[Network]:
        """Count by the target's own statistics, where batch norm is to."""
        found = self.statistics(network, target) if self.stages.norm == "domain" else {}
        with counting_by(network, found):
            yield network

    def statistics(self, network: Network, rows: Array) -> Statistics:
        """Return the statistics of the trained stages over a domain's rows, at most as many as are watched."""
        rows = watched(rows)
        fetch, where = self.fetch(rows), next(network.parameters()).device
        # In a drawn order: rows come sorted, and a batch of like samples has other statistics than training's.
        order = np.random.default_rng(0).permutation(len(rows))
        parts = np.array_split(order, max(1, len(rows) // self.plan.batch_size))
        return statistics_of(network, self.stages.depth, (move(fetch(part, 0), where) for part in parts))


def _has_rate(method: str) -> bool:
    return any(field.name == "body_rate" for field in fields(catalogue.parts(method)[0].load()))


def open_stages(behind: Behind, stages: Stages, n_outputs: int) -> Network:
    """Return a copy of the network that starts from the states, with a new linear head; what is frozen is shared."""
    still = list(behind.network.stages.values())[: len(behind.network.stages) - stages.depth]
    network = copy.deepcopy(behind.network, {id(part): part for part in (behind.network.preprocess, *still)})
    network.head = nn.Linear(network.n_features, n_outputs).to(next(network.parameters()).device)
    network.entry = behind.entry
    if stages.norm == "held":
        hold_norms(network, stages.depth)
    return network


def _linear(domains: Domains, logic: TaskLogic) -> tuple[Array, Array]:
    """Return coef [k, d] and intercept [k] of the linear model of all rows with a label, in the outputs' units."""
    rows, labels = domains.labelled()
    k = logic.task.n_outputs
    if logic.units is not None:
        mean, scale = (float(part[0]) for part in logic.units)
        model = TunedRidge().fit(rows, (labels - mean) / scale)
        coef = np.atleast_2d(np.asarray(model.model_.coef_)) / np.asarray(model.scaler_.scale_)
        return coef, np.atleast_1d(model.model_.intercept_) - coef @ np.asarray(model.scaler_.mean_)
    found = TunedLogistic(standardise=False, n_folds=3).fit(rows, labels)
    coef, intercept = np.zeros((k, rows.shape[1])), np.full(k, float(found.intercept_.min()) - 1.0)
    coef[found.classes_], intercept[found.classes_] = found.coef_, found.intercept_
    return coef, intercept
