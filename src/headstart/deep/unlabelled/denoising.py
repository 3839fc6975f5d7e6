"""Denoising autoencoder: inputs are reconstructed from spoiled copies of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups, inputs, spoiled
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.networks.decoders import decoder_of

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DenoisingAutoencoder(Method):
    """``mean_i error(d(f(x_i')), x_i)``, x_i' a spoiled copy of x_i, f [n, d] the network's features, d the decoder.

    Pictures are spoiled by Gaussian noise, rows of a table by cells swapped with other rows'. The error is the mean
    squared difference of pixels and standardised numbers, and the negative log-likelihood of categories (in nats), as a
    mean over what a sample consists of (`headstart.networks.decoders`).

    Parameters
    ----------
    noise : standard deviation of a pixel's noise, in the network's units. swap : share of a row's cells, in [0, 1].
    code : numbers between encoder and decoder; None for the features themselves.

    References
    ----------
    Vincent, Larochelle, Bengio and Manzagol, "Extracting and Composing Robust Features with Denoising Autoencoders",
    ICML 2008, section 2.3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    noise: float = 0.5
    swap: float = 0.2
    code: int | None = None

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return blind(network, task, decoder=decoder_of(network, self.code))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        x = inputs(batch)
        decoded = nets.decoder(nets.network.features(spoiled(x, self.noise, self.swap)))
        return {"reconstruction": nets.decoder.errors(decoded, x).mean()}
