"""From a network's features back to its inputs: what autoencoders learn beside it, and how far off they are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.errors import UserError
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess
from headstart.networks.table_preprocess import TablePreprocess
from headstart.schema import Items, Maybe, Record, Rule, Text, Whole

LARGEST, WIDTHS, BASE, HIDDEN, LARGEST_CODE = 64, (64, 48, 32, 16), 4, 128, 4096
_SIZE = Whole(1, 2**16)
SPEC: dict[str, Rule] = {
    "image": Record(
        {
            "kind": Text(choices=("image",)),
            "n_features": _SIZE,
            "code": Maybe(Whole(1, LARGEST_CODE)),
            "channels": Whole(1, 3),
            "side": Whole(1, LARGEST),
        },
        open=False,
    ),
    "table": Record(
        {
            "kind": Text(choices=("table",)),
            "n_features": _SIZE,
            "code": Maybe(Whole(1, LARGEST_CODE)),
            "numeric": Whole(0, 2**16),
            "sizes": Items(_SIZE),
        },
        open=False,
    ),
}
"""What a saved decoder's spec must hold, by what it decodes to."""


class Decoder(nn.Module):
    """A bottleneck [n, code] and what is reconstructed from it; the error [n] of a reconstruction."""

    spec: dict[str, Any]
    narrow: nn.Module

    def encode(self, features: Tensor) -> Tensor:
        """Return the code [n, code]: a linear map of the features, or the features themselves."""
        return self.narrow(features)

    def decode(self, code: Tensor) -> Tensor:
        raise NotImplementedError

    def errors(self, decoded: Tensor, x: Any) -> Tensor:
        """Return how far each reconstruction is off [n]: a mean over what one sample consists of."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        return self.decode(self.encode(features))


def narrowing(spec: dict[str, Any]) -> tuple[nn.Module, int]:
    """Return the map from features to the code, and the code's width; without one the features are the code."""
    if spec["code"] is None:
        return nn.Identity(), spec["n_features"]
    return nn.Linear(spec["n_features"], spec["code"]), spec["code"]


class PictureDecoder(Decoder):
    """A code to a picture [n, channels, side, side] in the network's units: doublings of a small map, each followed by
    a convolution.

    The error is the mean squared difference from the input, averaged down to ``side`` pixels where it is larger.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.spec, self.side = spec, spec["side"]
        self.narrow, width = narrowing(spec)
        self.begin = nn.Linear(width, WIDTHS[0] * BASE * BASE)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(WIDTHS):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU()]
        self.grow = nn.Sequential(*layers)
        self.end = nn.Conv2d(WIDTHS[-1], spec["channels"], 3, padding=1)

    def decode(self, code: Tensor) -> Tensor:
        state = self.grow(functional.relu(self.begin(code)).view(-1, WIDTHS[0], BASE, BASE))
        if state.shape[-1] != self.side:
            state = functional.interpolate(state, self.side, mode="bilinear")
        return self.end(state)

    def wanted(self, x: Tensor) -> Tensor:
        """Return what a reconstruction is compared with."""
        return functional.adaptive_avg_pool2d(x, self.side) if x.shape[-1] > self.side else x

    def errors(self, decoded: Tensor, x: Any) -> Tensor:
        return (decoded - self.wanted(x)).square().flatten(1).mean(dim=1)


class TableDecoder(Decoder):
    """A code to a row: standardised numbers [n, p], then logits of every column's categories.

    The error is the mean over the columns that the row has a value in: the squared difference of a number, the negative
    log-likelihood (in nats) of a category.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.spec, self.numeric, self.sizes = spec, spec["numeric"], list(spec["sizes"])
        self.narrow, width = narrowing(spec)
        self.body = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU())
        self.end = nn.Linear(HIDDEN, self.numeric + sum(self.sizes))

    def decode(self, code: Tensor) -> Tensor:
        return self.end(self.body(code))

    def errors(self, decoded: Tensor, x: Any) -> Tensor:
        numbers, *logits = decoded.split([self.numeric, *self.sizes], dim=1)
        given = 1 - x["missing"]
        total, count = ((numbers - x["numeric"]).square() * given).sum(dim=1), given.sum(dim=1)
        for column, found in enumerate(logits):
            number = x["categorical"][:, column]
            known = (number > 0).to(total)
            wrong = functional.cross_entropy(found, (number - 1).clamp(min=0), reduction="none")
            total, count = total + wrong * known, count + known
        return total / count.clamp(min=1)


def decoder_spec(preprocess: Preprocess, n_features: int, code: int | None) -> dict[str, Any]:
    """Return what a decoder to a network's inputs is built from.

    Raises
    ------
    UserError
        If the network takes texts.
    """
    if isinstance(preprocess, ImagePreprocess):
        side = min(preprocess.size, LARGEST)
        sizes: dict[str, Any] = {"kind": "image", "channels": preprocess.channels, "side": side}
    elif isinstance(preprocess, TablePreprocess):
        known = [max(1, len(one)) for one in preprocess.categories.values()]
        sizes = {"kind": "table", "numeric": len(preprocess.numeric), "sizes": known}
    else:
        raise UserError("An autoencoder reconstructs pictures or rows of a table, not texts; give such data.")
    return {"n_features": n_features, "code": code, **sizes}


def build_decoder(spec: dict[str, Any]) -> Decoder:
    """Return a decoder with random weights from torch's generator."""
    return PictureDecoder(spec) if spec["kind"] == "image" else TableDecoder(spec)


def decoder_of(network: Network, code: int | None) -> Decoder:
    """Return a new decoder for a network, with a code of so many numbers; None: its features are the code."""
    if code is not None and not 1 <= code <= LARGEST_CODE:
        raise UserError(
            f"The code has {code} numbers; expected 1 to {LARGEST_CODE:,}, or none for the features themselves."
        )
    return build_decoder(decoder_spec(network.preprocess, network.n_features, code))


@torch.no_grad()
def reconstruct(network: Network, decoder: Decoder, x: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return codes [n, code], reconstructions and their errors [n] of inputs of the network."""
    code = decoder.encode(network.features(x))
    decoded = decoder.decode(code)
    return code, decoded, decoder.errors(decoded, x)
