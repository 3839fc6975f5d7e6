"""MixStyle: samples of one domain in the style of another, made by mixing the statistics of their features."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, labelled_source, learn_source, stage_groups, stages_above
from headstart.functional.style import restyled

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MixStyle(Method):
    """``mean_i loss(f(x_i), y_i)``, in ``probability`` of the steps with ``s_mix (z - m) / s + m_mix`` for a state z.

    m and s are mean and deviation of one sample's state after a stage, for each channel over space or tokens (over its
    entries where the state is a vector); ``m_mix = l m + (1 - l) m'``, likewise s, m' of a sample of another domain in
    the batch and l drawn from Beta(alpha, alpha). Statistics pass no gradient. Partners couple the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    probability : share of the steps with mixed styles; at 0 it is ERM. alpha : of the Beta distribution, above 0.
    stages : number of first stages, of those that are computed, after which styles are mixed.

    References
    ----------
    Zhou et al., "Domain Generalization with MixStyle", ICLR 2021, section 2.2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "domains"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    probability: float = 0.5
    alpha: float = 0.1
    stages: int = 1

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        if not self.probability or torch.rand(()) >= self.probability:
            return learn_source(nets, batch, self.penalties)[1]
        domain = labelled_source(batch)[0].domain
        assert domain is not None
        with mixing(nets.network, self.stages, partners(domain), self.alpha):
            return learn_source(nets, batch, self.penalties)[1]


def partners(domain: Tensor) -> Tensor:
    """Return for each sample the number of one of another domain; of its own where the batch has no other."""
    other = torch.rand(len(domain), len(domain)) * (domain[:, None] != domain[None, :]).cpu()
    return torch.where(other.amax(dim=1) > 0, other.argmax(dim=1), torch.arange(len(domain))).to(domain.device)


@contextlib.contextmanager
def mixing(network: Network, count: int, partner: Tensor, alpha: float) -> Iterator[None]:
    """Mix styles after the first ``count`` stages that run."""
    share = torch.distributions.Beta(alpha, alpha).sample((len(partner),))

    def mix(module: Any, inputs: Any, state: Any) -> Any:
        if isinstance(state, dict):
            hidden = restyled(state["hidden"], partner, share.to(state["hidden"]), state["attention_mask"])
            return state | {"hidden": hidden}
        return restyled(state, partner, share.to(state))

    running = list(network.stages.values())[network.entry :][:count]
    handles = [stage.register_forward_hook(mix) for stage in running]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
