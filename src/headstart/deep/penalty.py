"""What a fine-tuning penalty is: one more term of the loss, a value that composes with others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sklearn.base import BaseEstimator
from torch import Tensor

if TYPE_CHECKING:
    from headstart.data.batches import Samples
    from headstart.deep.method import Nets
    from headstart.networks.network import Network


class Passed(NamedTuple):
    """One forward pass: the samples, the states after the stages asked, features [n, d], outputs [n, k]."""

    samples: Samples
    states: dict[str, Any]
    features: Tensor
    outputs: Tensor


class Penalty(BaseEstimator, ABC):
    """A term added to the task's loss. Final subclasses are dataclasses of hyper-parameters.

    A penalty reads the pass that the task's loss has made, so that a step has one forward pass and batch
    norm and dropout see nothing of it.
    """

    needs_start: ClassVar[bool] = False
    """Whether ``nets.start``, a frozen copy of the network before training, is needed."""
    replaces_decay: ClassVar[bool] = False
    """Whether it takes the place of the optimizer's weight decay."""
    on_target: ClassVar[bool] = False
    """Whether methods across domains also ask it of the target, whose labels are hidden (`learn_source`)."""
    couples: ClassVar[bool] = False
    """Whether the term depends on the batch's samples jointly; see `headstart.deep.method.Method.couples`."""

    def stages(self, network: Network) -> list[str]:
        """Return the names of the stages whose states it reads."""
        return []

    @abstractmethod
    def term(self, nets: Nets, passed: Passed) -> Tensor:
        """Return the penalty, a scalar that already carries its trade-off."""


def penalty_terms(penalties: Sequence[Penalty], nets: Nets, passed: Passed) -> dict[str, Tensor]:
    """Return each penalty's term under its lower-case class name, numbered when it occurs again."""
    terms: dict[str, Tensor] = {}
    for penalty in penalties:
        name = type(penalty).__name__.lower()
        name = name if name not in terms else f"{name}_{len(terms)}"
        terms[name] = penalty.term(nets, passed)
    return terms


def stages_read(penalties: Sequence[Penalty], network: Network) -> list[str]:
    """Return the names of all stages that some penalty reads."""
    return sorted({name for penalty in penalties for name in penalty.stages(network)})
