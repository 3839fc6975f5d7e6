"""DELTA: keep the behaviour of the feature maps, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from headstart.deep.channels import places, salience
from headstart.deep.method import Nets
from headstart.deep.parts import watch
from headstart.deep.penalty import Passed, Penalty
from headstart.networks.network import Network


@dataclass(kw_only=True)
class DELTA(Penalty):
    """``alpha/2 sum_l mean_i sum_j c_l a_lj mean_p (F_lj(x_i; w) - F_lj(x_i; w0))_p^2 + beta/2 ||w_H||^2``.

    F_lj is channel j (of c_l) of the map after stage l, p its places (pixels; the real tokens of a text). The
    network at the start, w0, runs in evaluation mode. The attention a_l sums to 1 over the channels:

    - "uniform": ``a_lj = 1 / c_l``, the paper's DELTA without attention.
    - "saliency": ``a_l = softmax_j(s_lj / t)`` with s the first-order estimate, on this batch and with the
      starting network and head, of the rise of the loss when channel j is set to zero,
      ``s_lj = - sum F_lj dL/dF_lj``,
      and t the standard deviation of s_l. The paper measures that rise by removing the channels one by one in
      a pass before the training. Give the head a start (LP-FT), since a head of zeros makes it uniform.

    Parameters
    ----------
    alpha : strength on the maps. beta : strength on the head.
    attention : "uniform" or "saliency".
    stages_compared : names of the stages compared; None for every stage that learns.

    References
    ----------
    Li et al., "DELTA: DEep Learning Transfer using Feature Map with Attention for Convolutional Networks",
    ICLR 2019, equations 4 to 6.
    """

    needs_start: ClassVar[bool] = True

    alpha: float = 0.1
    beta: float = 0.01
    attention: Literal["uniform", "saliency"] = "uniform"
    stages_compared: tuple[str, ...] | None = None

    def stages(self, network: Network) -> list[str]:
        learning = network.stage_names[max(network.frozen, network.entry) :]
        return [name for name in learning if self.stages_compared is None or name in self.stages_compared]

    def term(self, nets: Nets, passed: Passed) -> Tensor:
        total = passed.outputs.new_zeros(())
        if self.alpha:
            total = total + self.alpha / 2 * self._maps(nets, passed)
        if self.beta:
            total = total + self.beta / 2 * sum(w.square().sum() for w in nets.network.head.parameters())
        return total

    def _maps(self, nets: Nets, passed: Passed) -> Tensor:
        reference, attention = self._start(nets, passed)
        total = passed.outputs.new_zeros(())
        for name, state in passed.states.items():
            now, mask = places(state)
            gap = (now - places(reference[name])[0]).square()
            mean = (gap * mask).sum(1) / mask.sum(1)
            total = total + (attention[name] * mean).sum(1).mean()
        return total

    def _start(self, nets: Nets, passed: Passed) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the starting network's states and ``c_l a_l`` by stage."""
        start, samples = nets.start, passed.samples
        start.entry = nets.network.entry
        if self.attention == "uniform":
            with torch.no_grad(), watch(start, list(passed.states)) as states:
                start.features(samples.x)
            return states, dict.fromkeys(states, 1.0)
        return salience(nets, passed)
