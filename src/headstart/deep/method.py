"""What a trained method is: hyper-parameters plus a loss; one loop (`headstart.engine.train`) trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sklearn.base import BaseEstimator
from torch import Tensor, nn

from headstart.data.batches import Batch, Episode, Samples
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


class Group(NamedTuple):
    """Parameters that share a learning rate: ``rate`` times the run's; one optimizer per ``player``."""

    name: str
    parameters: list[nn.Parameter]
    rate: float = 1.0
    player: str = "all"


class Nets(nn.Module):
    """The network and the method's helpers by name; ``nets.network``, ``nets.start``, ``nets.critic``."""

    network: Network

    def __init__(self, network: Network, task: TaskLogic, **helpers: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.task = task
        for name, helper in helpers.items():
            self.add_module(name, helper)

    if TYPE_CHECKING:  # helpers are named by each method

        def __getattr__(self, name: str) -> Any: ...


Losses = dict[str, Tensor]
Update = Callable[[Callable[[Batch], Losses]], None]


__all__ = ["Batch", "Episode", "Group", "Losses", "Method", "Nets", "Samples", "Update"]


@dataclass(kw_only=True)
class Method(BaseEstimator, ABC):
    """A trained method: final subclasses, which share by functions, not by inheritance.

    The ladder: write `loss`; replace `backward` if gradients are edited, `step` if there is an inner game.
    Training never changes a hyper-parameter.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_labels"})
    from_source: ClassVar[bool] = True
    """Whether the network starts from the source's weights (False: from scratch)."""
    starts_from_probe: ClassVar[bool] = False
    """Whether the head is first trained alone on frozen features, as LP-FT does."""

    def frozen_stages(self, network: Network) -> int:
        """Return how many stages, counted from the input, stay frozen throughout: they may be cached."""
        return 0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        """Freeze what stays frozen and add helpers. The network already has the task's head."""
        network.freeze(self.frozen_stages(network))
        return Nets(network, task)

    @abstractmethod
    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        """Return the loss's terms by name; their sum is minimised. ``progress`` runs from 0 to 1.

        Each term is a mean over the batch's samples, or does not depend on the batch (a penalty); so that a
        batch split into parts, weighted by their sizes, gives the same gradient.
        """

    def groups(self, nets: Nets) -> list[Group]:
        """Return the parameter groups: by default everything that asks for a gradient, at rate 1."""
        return [Group("all", [p for p in nets.parameters() if p.requires_grad])]

    def backward(self, losses: Losses, nets: Nets) -> None:
        """Add to the gradients: by default of the sum."""
        sum(losses.values()).backward()  # type: ignore[union-attr]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        """Run one step: by default one `update` of `loss`.

        ``update(closure)`` is the engine's: zero, the closure's losses on each part, backward, clip, step.
        """
        update(lambda part: self.loss(nets, part, progress))

    def finish(self, nets: Nets) -> Network:
        """Return the plain network to keep, e.g. with adapters merged into the weights."""
        return nets.network
