"""Greedy soup: the mean of several models fine-tuned from one source at different rates."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.deep.averages import average_into, averaging_copy
from headstart.deep.method import Batch, Group, Losses, Method, Nets, Score
from headstart.deep.parts import begin, forward, labelled, stage_groups, stages_above
from headstart.networks.network import Network

if TYPE_CHECKING:
    from headstart.tasks import TaskLogic

RATES = (1.0, 0.3, 3.0)
"""Factors of the members' learning rates."""
NAMES = ("first", "second", "third")


@dataclass(kw_only=True)
class Soup(Method):
    """``min sum_m mean_i loss(f_{w_m}(x_i), y_i)``, members m from one start at rates 1, 0.3 and 3; kept is the mean.

    ``w = 1 / |S| sum_{m in S} w_m``. On rows that the training has not seen the members are put into S one by one, the
    best first, each if the mean does not do worse with it; without such rows S is as given. All start from the source's
    stages under the linear probe's head (``starts_from_probe``), so that their mean lies in one valley. A step costs as
    much as the members together.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate : as in LP-FT. members : numbers of those that are trained and averaged.

    References
    ----------
    Wortsman et al., "Model Soups: Averaging Weights of Multiple Fine-Tuned Models Improves Accuracy without Increasing
    Inference Time", ICML 2022, recipe 1.
    """

    starts_from_probe: ClassVar[bool] = True

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 0.1
    members: tuple[int, ...] = (0, 1, 2)

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network))
        shared = [network.preprocess, *list(network.stages.values())[: network.frozen]]
        for member in self.members[1:]:
            nets.add_module(NAMES[member], copy.deepcopy(network, {id(part): part for part in shared}))
        nets.mean = averaging_copy(network)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        rates = {"head_rate": self.head_rate, "body_rate": self.body_rate, "stage_decay": self.stage_decay}
        return [
            group._replace(name=f"{name} {group.name}", rate=group.rate * RATES[member])
            for name, member, network in self._members(nets)
            for group in stage_groups(Nets(network, nets.task), **rates)
        ]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        return {
            f"task_{member}": nets.task.loss(forward(network, samples).outputs, y, samples.weight)
            for _, member, network in self._members(nets)
        }

    def evaluated(self, nets: Nets) -> Network:
        return self._mean(nets, self.members)

    def chosen(self, nets: Nets, score: Score) -> dict[str, Any]:
        def by(members: tuple[int, ...]) -> tuple[float, float]:
            return score(self._mean(nets, members))

        first, *others = sorted(self.members, key=lambda member: by((member,)), reverse=True)
        kept, best = (first,), by((first,))
        for member in others:
            found = by((*kept, member))
            if found >= best:
                kept, best = (*kept, member), found
        return {"members": tuple(sorted(kept))}

    def _members(self, nets: Nets) -> list[tuple[str, int, Network]]:
        """Return the name, number and network of each member; the first that was built is ``nets.network``."""
        return [(NAMES[member], member, getattr(nets, NAMES[member], nets.network)) for member in self.members]

    def _mean(self, nets: Nets, members: tuple[int, ...]) -> Network:
        chosen = [network for _, member, network in self._members(nets) if member in members]
        return average_into(nets.mean, [(network, 1 / len(chosen)) for network in chosen])
