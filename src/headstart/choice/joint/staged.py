"""A method trained on two domains as a classifier or a regressor that trains a pretrained network's last stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from headstart.choice.joint.behind import Behind
from headstart.choice.joint.face import learn_classes, learn_values
from headstart.choice.joint.fitting import answers_of, ordered, train_joint
from headstart.choice.joint.norms import put
from headstart.choice.joint.of_states import BATCH, OfStates, open_stages
from headstart.choice.joint.plan import NORMS, Plan, Stages
from headstart.errors import check_names
from headstart.networks.network import Network
from headstart.shallow.domains import Domains
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.tasks import TaskLogic

Array = np.ndarray
SIDES = ("source", "target")


class _Staged:
    """What both faces share: they take rows of features, and train and answer by the states behind them."""

    method: str
    options: dict[str, Any] | None
    depth: int
    norm: str
    seed: int
    place: Path | None = None
    behind: Behind | None = None
    history: Sequence[list[dict[str, Any]]] = ()
    proof: Sequence[dict[str, Any]] = ()
    """What stood still in each phase, with its hash; like the place and the history, no part of what is saved."""
    opened: dict[bool, Network] | None = None

    @property
    def stages(self) -> Stages:
        return Stages(self.depth, self.norm)

    def keep_in(self, place: Path) -> None:
        """Let the training be kept in a folder while it goes on, and go on from what is found there."""
        self.place = place

    def stand_on(self, behind: Behind) -> None:
        """Take the states of rows to come, for a fit or for answers."""
        if behind is not self.behind:
            self.behind, self.opened = behind, None

    def _train(self, domains: Domains, logic: TaskLogic) -> None:
        domains = ordered(domains)  # first, so that not even rounding depends on the table's order
        material = OfStates(self._standing(), self.stages, Plan.of_stages())
        network, done = train_joint(
            self.method, self.options, domains, logic, material, seed=self.seed, state=self.place
        )
        network.eval()
        self.history, self.proof = [one.history for one in done], [one.frozen for one in done]
        self.weights_ = {name: _array(tensor) for name, tensor in self._learnt(network).items()}
        rows = {"source": domains.source, "target": domains.target} if self.norm == "domain" else {}
        self.statistics_ = {
            side: {name: _array(tensor) for name, tensor in material.statistics(network, part).items()}
            for side, part in rows.items()
        }
        self.opened = None

    def _standing(self) -> Behind:
        if self.behind is None:
            raise ValueError("This model answers by a network's states, which were not given; it works within a run.")
        return self.behind

    def _learnt(self, network: Network) -> dict[str, torch.Tensor]:
        """Return the state of what learns: the last stages and the head."""
        names = network.stage_names[len(network.stages) - self.depth :]
        parts = ("head.", *(f"stages.{name}." for name in names))
        return {name: tensor for name, tensor in network.state_dict().items() if name.startswith(parts)}

    def _answers(self, rows: Array, is_source: bool) -> Array:
        """Return the network's outputs [n, k]."""
        network = self.network(is_source)
        return answers_of(network, self._standing().fetch(rows), len(rows), BATCH).double().numpy()

    def network(self, is_source: bool = False) -> Network:
        """Return the network with the trained stages, as it answers rows of one domain.

        Raises
        ------
        ValueError
            If the trained stages are not those of the network that stands behind the rows.
        """
        self.opened = {} if self.opened is None else self.opened
        if is_source not in self.opened:
            self.opened[is_source] = self._network_of(is_source)
        return self.opened[is_source]

    def _network_of(self, is_source: bool) -> Network:
        behind = self._standing()
        if type(self.depth) is not int or not 0 < self.depth <= len(behind.network.stages):
            raise ValueError(f"{self.depth} stages learnt, and the network has {len(behind.network.stages)}")
        check_names([self.norm], NORMS, "norm")
        weight, bias = self.weights_["head.weight"], self.weights_["head.bias"]
        if bias.ndim != 1 or weight.shape != (len(bias), behind.network.n_features):
            raise ValueError(f"a head of {weight.shape}, and the network has {behind.network.n_features} features")
        network = open_stages(behind, self.stages, len(bias))
        expected = self._learnt(network)
        _check(self.weights_, expected, exactly=True)
        sides = {*SIDES} if self.norm == "domain" else set()
        if set(self.statistics_) != sides:
            raise ValueError(f"statistics of {sorted(self.statistics_)}, expected those of {sorted(sides)}")
        for statistics in self.statistics_.values():
            _check(statistics, expected, exactly=False)
        own = self.statistics_.get("source" if is_source else "target", {})
        put(network, {name: torch.from_numpy(np.array(value)) for name, value in (self.weights_ | own).items()})
        return network.eval().requires_grad_(False)


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().cpu().numpy().copy()


def _check(found: dict[str, Array], expected: dict[str, torch.Tensor], *, exactly: bool) -> None:
    """Refuse weights that are not those of the stages."""
    strange = sorted(found.keys() - expected.keys()) + (sorted(expected.keys() - found.keys()) if exactly else [])
    if strange:
        raise ValueError(f"the trained stages and the network differ in {strange[0]}")
    for name, value in found.items():
        wanted = expected[name]
        if tuple(value.shape) != tuple(wanted.shape) or value.dtype != _array(wanted).dtype:
            raise ValueError(f"the trained {name} is {value.dtype} {value.shape}, the network's {tuple(wanted.shape)}")
        if not np.isfinite(value).all():
            raise ValueError(f"the trained {name} is not finite")


@dataclass(kw_only=True, eq=False, repr=False)
class StagedClassifier(_Staged, DomainClassifier):
    """A classifier whose network's last stages a method of the kind "joint" or "source_free" trains on two domains.

    Parameters
    ----------
    method : its name in the catalogue. options : of it. depth : number of last stages that learn.
    norm : what batch norm counts by (`headstart.choice.joint.plan.NORMS`). seed : of everything random.

    Attributes
    ----------
    classes_ : what is answered. weights_ : of the trained stages and the head, by name. statistics_ : of batch norm for
        each side, where it counts by domains.
    """

    method: str = "dann"
    options: dict[str, Any] | None = None
    depth: int = 1
    norm: str = "shared"
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        learn_classes(self, domains)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return softmax(self._answers(rows, is_source), axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class StagedRegressor(_Staged, DomainRegressor):
    """As `StagedClassifier`, for values.

    Attributes
    ----------
    weights_, statistics_ : as there. mean_, scale_ : of the values.
    """

    method: str = "dann"
    options: dict[str, Any] | None = None
    depth: int = 1
    norm: str = "shared"
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self.mean_, self.scale_ = learn_values(self, domains)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self._answers(rows, is_source)[:, 0] * self.scale_ + self.mean_
