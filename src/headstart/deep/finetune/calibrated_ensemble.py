"""Frozen and fine-tuned answers averaged, each with a temperature of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Score
from headstart.deep.parts import begin, forward, frozen_copy, labelled, stage_groups, stages_above
from headstart.deep.penalty import Penalty, penalty_terms, stages_read
from headstart.errors import UserError
from headstart.networks.network import Network
from headstart.networks.twin import twin_of

if TYPE_CHECKING:
    from headstart.tasks import TaskLogic

STEEPNESS = (0.25, 0.35, 0.5, 0.71, 1.0, 1.41, 2.0)
"""No more than 2: a handful of rows that are all told apart would ask for ever more."""


@dataclass(kw_only=True)
class CalibratedEnsemble(Method):
    """Fine-tune from the linear probe, and keep ``f(x) = (1 - share) s_0 f_0(x) + share s_1 f_1(x)``.

    ``f_0`` are the outputs of the source's stages under the probe's head (``starts_from_probe``), ``f_1`` those of the
    fine-tuned network, ``s`` one number each (1 / temperature) with the least loss on rows that the training has not
    seen; without such rows they are as given. Of logits the mean is the geometric mean of both networks' probabilities.
    Both are one network, whose stages that learned stand there twice. At share 1 it is fine-tuning.

    Parameters
    ----------
    depth, stage_decay, body_rate, head_rate, penalties : as in LP-FT. share : of the fine-tuned answers, in [0, 1].
    frozen_steepness, tuned_steepness : s_0 and s_1; values take none.

    References
    ----------
    Kumar, Ma, Liang and Raghunathan, "Calibrated Ensembles Can Mitigate Accuracy Tradeoffs under Distribution Shift",
    UAI 2022, section 3.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification", "multilabel", "regression"})
    starts_from_probe: ClassVar[bool] = True

    depth: int | None = None
    stage_decay: float = 0.9
    body_rate: float = 0.1
    head_rate: float = 0.1
    penalties: tuple[Penalty, ...] = ()
    share: float = 0.5
    frozen_steepness: float = 1.0
    tuned_steepness: float = 1.0

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        if network.taps or network.frames:
            raise UserError("calibrated_ensemble takes no network of clips or of tapped stages; name another --method.")
        nets = begin(network, task, self.frozen_stages(network), self.penalties)
        nets.start = frozen_copy(network)
        return nets

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=self.head_rate, body_rate=self.body_rate, stage_decay=self.stage_decay)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        samples, y = labelled(batch)
        passed = forward(nets.network, samples, stages_read(self.penalties, nets.network))
        task = nets.task.loss(passed.outputs, y, samples.weight)
        return {"task": task} | penalty_terms(self.penalties, nets, passed)

    def evaluated(self, nets: Nets) -> Network:
        # A refit goes on from such a network: it is one already.
        if self.share == 1.0 or "twin" in nets.network.spec:
            return nets.network
        both = twin_of(nets.network, nets.network.frozen, nets.start)
        both.head = self._head(nets)
        return both

    def chosen(self, nets: Nets, score: Score) -> dict[str, Any]:
        if "twin" in nets.network.spec or not nets.task.task.label_space.of_classes:
            return {}
        both = twin_of(nets.network, nets.network.frozen, nets.start)

        def best(share: float, name: str) -> float:
            def by(steepness: float) -> float:
                both.head = replace(self, share=share, **{name: steepness})._head(nets)
                return score(both)[1]

            return max(STEEPNESS, key=by)

        return {"frozen_steepness": best(0.0, "frozen_steepness"), "tuned_steepness": best(1.0, "tuned_steepness")}

    @torch.no_grad()
    def _head(self, nets: Nets) -> nn.Linear:
        """Return the linear map of both networks' features whose outputs are the mean of theirs."""
        tuned, frozen = nets.network.head, nets.start.head
        assert isinstance(tuned, nn.Linear)
        assert isinstance(frozen, nn.Linear)
        one, other = self.share * self.tuned_steepness, (1 - self.share) * self.frozen_steepness
        head = nn.Linear(2 * tuned.in_features, tuned.out_features).to(tuned.weight.device)
        head.weight.copy_(torch.cat([one * tuned.weight, other * frozen.weight], dim=1))
        head.bias.copy_(one * tuned.bias + other * frozen.bias)
        return head
