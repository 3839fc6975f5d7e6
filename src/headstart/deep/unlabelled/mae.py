"""Masked pictures: what is hidden is reconstructed from what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from headstart.deep.blind import blind, blind_groups, inputs
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.errors import UserError
from headstart.networks.decoders import decoder_of
from headstart.networks.token_decoder import TokenDecoder, encode_visible, reads_tokens, take

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MaskedAutoencoder(Method):
    """``mean_i sum_p h_ip (d(f((1 - h_i) x_i))_p - x_ip)^2 / sum_p h_ip``, h_i the hidden pixels of picture x_i.

    A transformer of timm whose blocks end in tokens encodes the visible patches alone, as MAE does: a small one, which
    is dropped afterwards, decodes them and a mark in every hidden place, and is asked for each hidden patch's pixels
    at mean 0 and variance 1. Any other body sees the whole grid with zeros (in its units) for hidden patches, and the
    decoder starts from its features.

    Parameters
    ----------
    share : of the patches that are hidden, in (0, 1); None for 0.75 where visible patches are encoded alone, else 0.6.
    patches : along each side; a transformer has its own.

    References
    ----------
    He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022; masks at the input, for any body: Xie et
    al., "SimMIM: A Simple Framework for Masked Image Modeling", CVPR 2022.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    share: float | None = None
    patches: int = 8

    def build(self, network: Network, task: TaskLogic) -> Nets:
        if network.preprocess.modality != "image":
            raise UserError(
                f"A masked autoencoder hides patches of pictures, and this network takes "
                f"{network.preprocess.modality} input; choose denoising, scarf or another method."
            )
        if reads_tokens(network):
            return blind(network, task, tokens=TokenDecoder(network))
        return blind(network, task, decoder=decoder_of(network, None))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        x = inputs(batch)
        if hasattr(nets, "tokens"):
            return {"reconstruction": self.of_tokens(nets, x)}
        hidden = self.hidden(x)
        decoded = nets.decoder(nets.network.features(x * (1 - hidden)))
        wanted, mask = nets.decoder.wanted(x), nets.decoder.wanted(hidden)
        wrong = ((decoded - wanted).square() * mask).flatten(1).sum(dim=1)
        return {"reconstruction": (wrong / (x.shape[1] * mask.flatten(1).sum(dim=1)).clamp(min=1e-6)).mean()}

    def of_tokens(self, nets: Nets, x: Tensor) -> Tensor:
        """Return the mean square error on hidden patches, of which the network has seen nothing."""
        count = nets.tokens.side**2
        order = torch.rand(len(x), count, device=x.device).argsort(dim=1)
        cut = count - self.count(count, 0.75)
        seen, hidden = order[:, :cut], order[:, cut:]
        drawn = nets.tokens(encode_visible(nets.network, x, seen), seen)
        return functional.mse_loss(take(drawn, hidden), take(nets.tokens.wanted(x), hidden))

    def count(self, patches: int, usual: float) -> int:
        """Return how many patches are hidden: one at least, and not all."""
        return max(1, min(patches - 1, round((usual if self.share is None else self.share) * patches)))

    def hidden(self, x: Tensor) -> Tensor:
        """Return 1 where a pixel is hidden [n, 1, h, w]: in every picture the same number of patches, drawn anew."""
        count = self.patches**2
        ranks = torch.rand(len(x), count, device=x.device).argsort(dim=1).argsort(dim=1)
        chosen = (ranks < self.count(count, 0.6)).to(x)
        return functional.interpolate(chosen.view(-1, 1, self.patches, self.patches), x.shape[-2:], mode="nearest")
