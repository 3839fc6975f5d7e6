"""Bi-Tuning: fine-tuning whose head and features also learn from contrasts with all samples of the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows
from headstart.deep.parts import begin, forward, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic

WIDTH, MOST = 128, 4096
"""Dimensions of the projection, and most keys that are kept."""


@dataclass(kw_only=True)
class BiTuning(Method):
    """``mean_i loss(f(x_i), y_i) + strength * (mean_i c(w_{y_i}; h) + mean_i c(z_i; z))``.

    ``c(q; k) = -mean_{j: y_j = y_i} log(exp(q . k_j / t) / sum_j exp(q . k_j / t))`` over the keys of all samples: the
    features h_j [d], of length 1, asked by the class's weights w [d] of the head (contrastive cross-entropy), and a
    learned projection z_j [128] of them, of length 1, asked by the sample's own (categorical contrast). Keys are taken
    anew before every epoch and hold no gradient; the paper queues those of a slowly moving copy, which with few samples
    come to the same. At strength 0 it is fine-tuning.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in fine-tuning. strength : trade-off, at least 0.
    temperature : t, above 0.

    References
    ----------
    Zhong et al., "Bi-Tuning: Efficient Transfer from Pre-Trained Models", ECML PKDD 2023, equations 3 to 5.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0
    temperature: float = 0.07

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        if self.strength:
            nets.projection = nn.Linear(network.n_features, WIDTH)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        if not self.strength:
            return {}
        found = [(nets.network.features(one.x), torch.as_tensor(one.y)) for one in rows("target")]
        features, labels = (torch.cat(part) for part in zip(*found, strict=True))
        step = -(-len(labels) // MOST)  # rows may lie class by class, so some of all of them
        features, labels = features[::step], labels[::step]
        return {"h": normalize(features), "z": normalize(nets.projection(features)), "labels": labels}

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        losses = {"task": nets.task.loss(passed.outputs, y, samples.weight)}
        if self.strength:
            same = (y[:, None] == nets.memory["labels"].to(y.device)).float()
            head: Any = nets.network.head
            projected = normalize(nets.projection(passed.features))
            losses["head_contrast"] = self.strength * self._contrast(head.weight[y], nets.memory["h"], same)
            losses["contrast"] = self.strength * self._contrast(projected, nets.memory["z"], same)
        return losses | penalty_terms(self.penalties, nets, passed)

    def _contrast(self, asked: Tensor, keys: Tensor, same: Tensor) -> Tensor:
        logs = (asked @ keys.T / self.temperature).log_softmax(1)
        return -((logs * same).sum(1) / same.sum(1).clamp(min=1)).mean()
