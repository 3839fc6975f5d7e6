"""What trained methods across domains share, by functions: who learns, a pass per domain, telling domains apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.deep.method import Group, Nets
from headstart.deep.parts import forward, labelled_source, stage_groups, stages_above, unlabelled
from headstart.errors import UserError
from headstart.functional.reverse import reverse_gradient

if TYPE_CHECKING:
    from headstart.data.batches import Batch
    from headstart.deep.penalty import Passed
    from headstart.networks.network import Network


def frozen_below(network: Network, depth: int | None) -> int:
    """Return how many stages stay frozen when the last ``depth`` learn (None: all learn).

    Raises
    ------
    UserError
        If nothing of the body would learn: features that stand still cannot be brought together.
    """
    frozen = stages_above(network, depth)
    if frozen == len(network.stages):
        raise UserError(
            f"depth is {depth}, but a method that brings the features of two domains together moves at least one of "
            f"this network's {frozen} stages ({', '.join(network.stage_names)}); give 1 to {frozen}."
        )
    return frozen


def players(nets: Nets, body_rate: float, **names: str) -> list[Group]:
    """Return the groups of all that learns: stages at ``body_rate``, head and helpers at rate 1.

    ``names`` gives ``body``, ``head`` or a helper to a player of its own: ``players(nets, 1.0, critic="critic")``.
    """
    groups = stage_groups(nets, head_rate=1.0, body_rate=body_rate, stage_decay=1.0)
    parts = ["body" if group.name in nets.network.stages else group.name for group in groups]
    return [group._replace(player=names.get(part, "all")) for group, part in zip(groups, parts, strict=True)]


def see_target(nets: Nets, batch: Batch) -> Passed:
    """Pass the target, whose labels are hidden."""
    return forward(nets.network, unlabelled(batch))


def both(nets: Nets, batch: Batch) -> tuple[Passed, Passed]:
    """Pass the source and the target, for what is measured."""
    return forward(nets.network, labelled_source(batch)[0]), see_target(nets, batch)


def discriminator(n_inputs: int, width: int, *, bias: bool = True) -> nn.Module:
    """Return a network with one hidden layer whose single output, a logit, is high for the source.

    ``bias`` of the output: where only differences of outputs count, there is none.
    """
    return nn.Sequential(nn.Linear(n_inputs, width), nn.ReLU(), nn.Linear(width, 1, bias=bias), nn.Flatten(0))


def ask(critic: nn.Module, source: Tensor, target: Tensor, factor: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return the critic's outputs of source and target; the gradient behind it is reversed, times ``factor``."""
    return critic(reverse_gradient(source, factor)), critic(reverse_gradient(target, factor))


def cross_entropy_of_domains(source: Tensor, target: Tensor, weights: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Return ``(mean_i w_i softplus(-l_i) + mean_j w_j softplus(l_j)) / 2`` of a discriminator's logits l.

    i runs over the source's samples, j over the target's; the weights are 1 unless given.
    """
    first, second = F.softplus(-source), F.softplus(target)
    if weights is not None:
        first, second = weights[0] * first, weights[1] * second
    return (first.mean() + second.mean()) / 2


def told_apart(source: Tensor, target: Tensor) -> float:
    """Return the share of samples whose domain the logits tell, both domains counting alike: 0.5 for a guess."""
    right = (source > 0).double().mean() + (target <= 0).double().mean()
    return float(right) / 2
