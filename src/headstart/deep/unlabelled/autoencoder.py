"""Autoencoder: inputs are reconstructed from a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups, inputs
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.networks.decoders import decoder_of

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Autoencoder(Method):
    """``mean_i error(d(W f(x_i)), x_i)``, f [n, d] the network's features, W f [n, code] the bottleneck, d the decoder.

    The error is the mean squared difference of pixels and standardised numbers, and the negative log-likelihood of
    categories (in nats), as a mean over what a sample consists of. What the code does not hold is not reconstructed,
    so that samples unlike those it learned from have a large error.

    Parameters
    ----------
    code : numbers between encoder and decoder; None for the features themselves.

    References
    ----------
    Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", Science 2006; errors that tell
    anomalies: Japkowicz, Myers and Gluck, "A Novelty Detection Approach to Classification", IJCAI 1995.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    code: int | None = 16

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return blind(network, task, decoder=decoder_of(network, self.code))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        x = inputs(batch)
        return {"reconstruction": nets.decoder.errors(nets.decoder(nets.network.features(x)), x).mean()}
