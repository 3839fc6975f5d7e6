"""Inner loops: a few steps of gradient descent on copies of weights, through which a gradient can flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from headstart.data.batches import Episode
from headstart.deep.episodic import Episodic, body_alone, labels_of, ways_of
from headstart.deep.method import Nets
from headstart.networks.network import Network
from headstart.tasks import TaskLogic

Weights = dict[str, Tensor]
Rates = Mapping[str, Tensor] | float


class Learner(nn.Module):
    """Features, and a linear answer for classes 0 to ways - 1; made where it is needed, and never registered."""

    def __init__(self, nets: Nets) -> None:
        super().__init__()
        self.network, self.answer = nets.network, nets.answer

    def forward(self, x: Any) -> Tensor:
        return self.answer(self.network.features(x))


def answer_of(network: Network, ways: int) -> nn.Linear:
    """Return the linear answer that episodes of at most ``ways`` classes start from."""
    return nn.Linear(network.n_features, ways)


def weights_of(learner: nn.Module) -> Weights:
    """Return the weights that learn and stand not still: not those of the task's own head, which is never asked."""
    return {
        name: weight
        for name, weight in learner.named_parameters()
        if weight.requires_grad and not name.startswith("network.head.")
    }


def adapted(loss: Callable[[Weights], Tensor], start: Weights, rates: Rates, steps: int, *, exact: bool) -> Weights:
    """Return ``start`` after some steps ``w <- w - rate * dL/dw``.

    Parameters
    ----------
    loss : of some weights, on the support.
    rates : one for all weights, or one by name.
    exact : whether the steps' own derivatives are kept, so that a gradient through the result is of second order;
        otherwise they count as constants.
    """
    weights = dict(start)
    for _ in range(steps):
        with torch.enable_grad():
            # Weights that the support does not reach (a table's column without a value) stay where they are.
            slopes = torch.autograd.grad(
                loss(weights), list(weights.values()), create_graph=exact, allow_unused=True, materialize_grads=True
            )
            moves = dict(zip(weights, slopes, strict=True))
            weights = {
                name: weight - (rates if isinstance(rates, int | float) else rates[name]) * moves[name]
                for name, weight in weights.items()
            }
    return weights


def support_loss(learner: nn.Module, episode: Episode) -> Callable[[Weights], Tensor]:
    """Return the cross-entropy on an episode's support, as a function of a learner's weights."""
    y, ways = labels_of(episode.support), ways_of(episode)
    return lambda weights: functional.cross_entropy(
        functional_call(learner, weights, (episode.support.x,))[:, :ways], y
    )


def answered(learner: nn.Module, weights: Weights, episode: Episode) -> Tensor:
    """Return logits [q, ways] of an episode's queries by some weights."""
    return functional_call(learner, weights, (episode.query.x,))[:, : ways_of(episode)]


def adaptable(start: Weights) -> Weights:
    """Return the weights as they are in training; where no gradient is taken, detached ones to descend on."""
    if torch.is_grad_enabled() and all(weight.requires_grad for weight in start.values()):
        return start
    return {name: weight.detach().requires_grad_() for name, weight in start.items()}


@dataclass(kw_only=True)
class InnerLoop(Episodic):
    """A method that learns a new task by ``steps`` of gradient descent at ``rate``, for ``ways`` classes at most."""

    moves: ClassVar[bool] = True

    ways: int = 5
    steps: int = 5
    rate: float = 0.1

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return body_alone(network, task, answer=answer_of(network, self.ways))
