"""What a trained method is: hyper-parameters plus a loss; one loop (`headstart.engine.train`) trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from sklearn.base import BaseEstimator
from torch import Tensor, nn

from headstart.data.batches import Batch, Episode, Samples

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


class Group(NamedTuple):
    """Parameters that share a learning rate: ``rate`` times the run's; one optimizer per ``player``."""

    name: str
    parameters: list[nn.Parameter]
    rate: float = 1.0
    player: str = "all"


class Nets(nn.Module):
    """The network and the method's helpers by name; ``nets.network``, ``nets.start``, ``nets.critic``.

    ``memory`` holds what the last `Method.survey` gave, by name.
    """

    network: Network
    memory: dict[str, Tensor]

    def __init__(self, network: Network, task: TaskLogic, **helpers: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.task = task
        self.memory = {}
        for name, helper in helpers.items():
            self.add_module(name, helper)

    if TYPE_CHECKING:  # helpers are named by each method

        def __getattr__(self, name: str) -> Any: ...


Losses = dict[str, Tensor]
Rows = Callable[[str], Iterator[Samples]]
"""``rows("target")`` or ``rows("source")`` yields all samples of a role in the order of their numbers, plain views."""


Score = Callable[["Network"], tuple[float, float]]  # on held-out rows; minus the loss comes second, for ties


class Update(Protocol):
    """The engine's update: zero, the closure's losses on each part of the batch, backward, clip, step."""

    def __call__(self, closure: Callable[[Batch], Losses], *, player: str | None = None) -> None:
        """Move ``player`` alone (all players if None)."""
        ...


NEEDS = {
    "target_inputs": "samples of the target",
    "target_labels": "a label of every target sample",
    "some_target_labels": "labels of some target samples",
    "source_inputs": "source data",
    "source_labels": "labelled source data",
    "domains": "source data of several domains",
    "episodes": "few-shot episodes",
}
"""What a method may need, as `Method.needs` names it and as messages say it."""

__all__ = ["NEEDS", "Batch", "Episode", "Group", "Losses", "Method", "Nets", "Rows", "Samples", "Score", "Update"]


@dataclass(kw_only=True)
class Method(BaseEstimator, ABC):
    """A trained method: final subclasses, which share by functions, not by inheritance.

    The ladder: write `loss`; replace `backward` if gradients are edited, `step` if there is an inner game.
    Training never changes a hyper-parameter.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_labels"})
    """What its batches must hold, in the words of `NEEDS`; asked before the first step."""
    kinds: ClassVar[frozenset[str] | None] = None
    """Kinds of task that it learns; None: every kind."""
    n_views: ClassVar[int] = 1
    """How many views of each sample a batch must show (`Samples.views`)."""
    couples: ClassVar[bool] = False
    """Whether a term depends on a batch's samples jointly (a contrast): then no batch is cut or shared out."""
    from_source: ClassVar[bool] = True
    """Whether the network starts from the source's weights (False: from scratch)."""
    starts_from_probe: ClassVar[bool] = False
    """Whether the head is first trained alone on frozen features, as LP-FT does."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        unknown = sorted(cls.needs - NEEDS.keys())
        if unknown:
            raise TypeError(f"{cls.__name__} needs {unknown}, but needs are among {sorted(NEEDS)}.")

    @property
    def decays(self) -> bool:
        """Whether the optimizer's weight decay goes with it: not where a penalty takes its place."""
        return not any(penalty.replaces_decay for penalty in getattr(self, "penalties", ()))

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

        Each term is a mean over the batch's samples (over all of a role, also where some do not count), or does
        not depend on the batch (a penalty); so that a batch split into parts, weighted by their sizes, gives the
        same gradient. A method with any other term says so by `couples`.
        """

    def groups(self, nets: Nets) -> list[Group]:
        """Return the parameter groups: by default everything that asks for a gradient, at rate 1."""
        return [Group("all", [p for p in nets.parameters() if p.requires_grad])]

    def backward(self, losses: Losses, nets: Nets) -> None:
        """Add to the gradients: by default of the sum."""
        sum(losses.values()).backward()  # type: ignore[union-attr]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        """Run one step: by default one `update` of `loss`, which moves all players."""
        update(lambda part: self.loss(nets, part, progress))

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        """Look at all samples before an epoch's first step; return what `Nets.memory` shall hold until the next.

        Runs in evaluation mode without a graph. What it returns is kept in checkpoints. By default it looks at nothing.
        """
        return {}

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        """Return what a report needs to know of the players, by name: a discriminator's accuracy, a distance.

        Asked at every evaluation, of the last step's batch (this process's share), in evaluation mode without a graph;
        kept in `Trained.history` under ``measures``. Nothing is chosen by it. By default there is nothing to say.
        """
        return {}

    def translated(self, nets: Nets, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return inputs of each domain as they would look in the other; None where a method translates none."""
        return None

    def evaluated(self, nets: Nets) -> Network:
        """Return the network that is evaluated and kept: by default the trained one; a teacher, an average."""
        return nets.network

    def chosen(self, nets: Nets, score: Score) -> dict[str, Any]:
        """Return hyper-parameters that held-out rows settle after training, by name; by default none.

        A higher ``score`` is better. They replace its own before `finish`, and hold where none are held out.
        """
        return {}

    def finish(self, nets: Nets) -> Network:
        """Return the plain network to keep, e.g. with adapters merged into the weights."""
        return self.evaluated(nets)
