"""Variational autoencoder: a code that is drawn, near a standard normal distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from headstart.deep.blind import blind, blind_groups, inputs
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.networks.decoders import decoder_of

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class VariationalAutoencoder(Method):
    """``mean_i error(d(z_i), x_i) + beta KL_i``, z_i = m_i + s_i e_i, e_i standard normal.

    m_i = W f(x_i) and log s_i^2 = V f(x_i), [n, code], are linear in the network's features f; KL_i is half the sum of
    ``m^2 + s^2 - log s^2 - 1`` over the code, in nats. The error is a mean over what a sample consists of
    (`headstart.networks.decoders`), so that ``beta`` stands for the paper's 1 times twice the noise's variance over
    the number of pixels or columns.

    Parameters
    ----------
    code : numbers between encoder and decoder. beta : trade-off; at 0 it is an autoencoder whose code is noisy.

    References
    ----------
    Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, equation 10; the trade-off: Higgins et al.,
    "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", ICLR 2017.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    code: int = 16
    beta: float = 1e-3

    def build(self, network: Network, task: TaskLogic) -> Nets:
        decoder = decoder_of(network, self.code)
        return blind(network, task, decoder=decoder, spread=nn.Linear(network.n_features, self.code))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        x = inputs(batch)
        features = nets.network.features(x)
        mean, log_variance = nets.decoder.encode(features), nets.spread(features).clamp(-20, 20)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1)
        losses = {"reconstruction": nets.decoder.errors(nets.decoder.decode(code), x).mean()}
        return losses | {"divergence": self.beta * divergence.mean()}
