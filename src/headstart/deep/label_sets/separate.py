"""Open sets: target samples unlike the source become the class "unknown", the others grow sure of a known one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.functional.confusion import entropy
from headstart.functional.separation import standard_scores, upper_part

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Separate(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_j [u_j CE(f(x_j), k) + (1 - u_j) (H(q_j) - log(1 - p_jk))]``.

    The task's last class k is "unknown" and has no source sample; p_j = softmax f(x_j) of target samples, q_j the same
    over the other classes, H the entropy in nats. u_j, the probability that x_j is of no known class, is found over all
    target samples before each epoch: the standardised sum of H(q_j) and of minus the mean cosine of its features to the
    ``neighbours`` nearest source samples, as a mixture of two normals (`headstart.functional.separation`). The first
    share of the training learns the source alone. Where the target holds nothing unknown the mixture finds it all the
    same, and what is far off is rejected.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone. first : share that learns the source alone.
    neighbours : source samples that a target sample is compared with.

    References
    ----------
    Liu et al., "Separate to Adapt: Open Set Domain Adaptation via Progressive Separation", CVPR 2019 (there two binary
    networks separate, and an adversary aligns). Bucci, Loghmani and Tommasi, "On the Effectiveness of Image Rotation
    for Open Set Domain Adaptation", ECCV 2020 (first separate, then adapt).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0
    first: float = 0.4
    neighbours: int = 5

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        if not self.strength:
            return {}
        last, near = nets.task.task.n_outputs - 1, []
        for samples in rows("source"):
            near.append(forward(nets.network, samples).features.float()[samples.y < last])  # type: ignore[operator]
        known = F.normalize(torch.cat(near), dim=1)
        far, torn = [], []
        for passed in (forward(nets.network, samples) for samples in rows("target")):
            close = F.normalize(passed.features.float(), dim=1) @ known.T
            far.append(-close.topk(min(self.neighbours, len(known)), dim=1).values.mean(dim=1))
            torn.append(entropy(passed.outputs.float()[:, :-1]))
        return {"unknown": upper_part(standard_scores(torch.cat(far)) + standard_scores(torch.cat(torn)))}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        _, losses = learn_source(nets, batch, self.penalties)
        if self.strength and progress >= self.first:
            samples = unlabelled(batch)
            outputs = forward(nets.network, samples).outputs
            odds, unknown = outputs[:, -1] - outputs[:, :-1].logsumexp(dim=1), nets.memory["unknown"][samples.rows]
            losses["unknown"] = self.strength * (unknown * F.softplus(-odds)).mean()
            losses["known"] = self.strength * ((1 - unknown) * (entropy(outputs[:, :-1]) + F.softplus(odds))).mean()
        return losses
