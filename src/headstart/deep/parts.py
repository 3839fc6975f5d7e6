"""What methods share, by functions: depth, learning rates by stage, one forward pass, a frozen copy."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from headstart.data.batches import Batch, Samples
from headstart.deep.method import Group, Losses, Nets
from headstart.deep.penalty import Passed, Penalty, penalty_terms, stages_read
from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


def stages_above(network: Network, depth: int | None) -> int:
    """Return how many stages stay frozen when the last ``depth`` learn (None: all learn).

    Raises
    ------
    UserError
        If ``depth`` is below 0 or above the number of stages.
    """
    count = len(network.stages)
    if depth is None:
        return 0
    if not 0 <= depth <= count:
        raise UserError(
            f"depth is {depth}, but this network has {count} stages ({', '.join(network.stage_names)}); "
            f"give 0 (the head alone) to {count} (every stage)."
        )
    return count - depth


def stage_groups(nets: Nets, *, head_rate: float, body_rate: float, stage_decay: float) -> list[Group]:
    """Return one group per learning stage, rate ``body_rate * stage_decay ** distance``, one for the head.

    The distance is 0 for the last stage and grows by one per stage towards the input (Howard and Ruder, 2018,
    section 3.2, "discriminative fine-tuning"). Trained helpers learn at rate 1.
    """
    stages = list(nets.network.stages.items())
    groups = [
        Group(name, learning(stage), body_rate * stage_decay ** (len(stages) - 1 - index))
        for index, (name, stage) in enumerate(stages)
    ]
    groups.append(Group("head", learning(nets.network.head), head_rate))
    groups += [Group(name, learning(module)) for name, module in nets.named_children() if name != "network"]
    return [group for group in groups if group.parameters]


def learning(module: Any) -> list[Any]:
    """Return the parameters of ``module`` that ask for a gradient."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def begin(network: Network, task: TaskLogic, frozen: int, penalties: Sequence[Penalty] = ()) -> Nets:
    """Freeze the first ``frozen`` stages and keep the start where a penalty needs it (``nets.start``)."""
    network.freeze(frozen)
    if any(penalty.needs_start for penalty in penalties):
        return Nets(network, task, start=frozen_copy(network))
    return Nets(network, task)


def frozen_copy(network: Network) -> Network:
    """Return a held copy of ``network``; its frozen stages are shared, since neither will move."""
    shared = [network.preprocess, *list(network.stages.values())[: network.frozen]]
    twin = copy.deepcopy(network, {id(part): part for part in shared})
    return twin.hold()


def labelled_source(batch: Batch) -> tuple[Samples, Tensor]:
    """Return the source of a batch and its labels, which methods across domains learn from."""
    if batch.source is None or batch.source.y is None:
        raise ValueError("This method learns from labelled source samples, but the batch holds none.")
    return batch.source, batch.source.y


def unlabelled(batch: Batch) -> Samples:
    """Return the target of a batch without its labels."""
    if batch.target is None:
        raise ValueError("This method learns from target samples, but the batch holds none.")
    return batch.target._replace(y=None)


def labelled(batch: Batch) -> tuple[Samples, Tensor]:
    """Return the target of a batch and its labels, which inductive methods learn from."""
    if batch.target is None or batch.target.y is None:
        raise ValueError("This method learns from labelled target samples, but the batch holds none.")
    return batch.target, batch.target.y


def forward(network: Network, samples: Samples, stages: Sequence[str] = ()) -> Passed:
    """Run the network once and keep the states after ``stages`` (those that lie behind the entry)."""
    with watch(network, stages) as states:
        features, read = network.read(samples.x)
    return Passed(samples, states, features, network.head(read))


@contextlib.contextmanager
def watch(network: Network, stages: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Collect the states after ``stages`` while the network runs."""
    states: dict[str, Any] = {}

    def keep(name: str) -> Any:
        return lambda module, inputs, state: states.__setitem__(name, state)

    handles = [network.stages[name].register_forward_hook(keep(name)) for name in stages]
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()


def learn_source(nets: Nets, batch: Batch, penalties: Sequence[Penalty] = ()) -> tuple[Passed, Losses]:
    """Return one pass over the labelled source, and the task's loss on it as ``task``, with penalties beside.

    Penalties that need no labels are asked of the target too, where there is one.
    """
    samples, y = labelled_source(batch)
    passed = forward(nets.network, samples, stages_read(penalties, nets.network))
    losses = {"task": nets.task.loss(passed.outputs, y, samples.weight)}
    losses |= penalty_terms(penalties, nets, passed)
    blind = [penalty for penalty in penalties if penalty.on_target]
    if blind and batch.target is not None:
        target = forward(nets.network, unlabelled(batch), stages_read(blind, nets.network))
        losses |= {f"{name}_target": term for name, term in penalty_terms(blind, nets, target).items()}
    return passed, losses
