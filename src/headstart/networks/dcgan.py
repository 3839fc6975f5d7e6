"""DCGAN's discriminator as a network, and the generator that it judges."""

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
from headstart.schema import Items, Number, Record, Whole

SIDE, WIDTH, BLOCKS, BASE = 32, 32, 3, 4
LARGEST, NOISE = 64, 64
GENERATOR = Record(
    {
        "noise": Whole(1, 4096),
        "width": Whole(4, 1024),
        "channels": Whole(1, 3),
        "side": Whole(BASE, LARGEST),
        "mean": Items(Number(), 1, 3),
        "std": Items(Number(1e-30), 1, 3),
        "n_features": Whole(1, 2**20),
    },
    open=False,
)
"""What a saved generator's spec must hold; ``n_features`` of the discriminator that judged it."""


def dcgan_spec(channels: int) -> dict[str, Any]:
    """Return the spec of ``headstart/dcgan`` (grey) or ``headstart/dcgan-colour``."""
    pre = ImagePreprocess(
        size=SIDE, crop_pct=1.0, interpolation="bilinear", mean=(0.5,) * channels, std=(0.5,) * channels,
        channels=channels, flip=False,  # type: ignore[arg-type]
    )  # fmt: skip
    return {"family": "dcgan", "width": WIDTH, "preprocess": pre.to_json()}


def build_dcgan(spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Build three blocks of convolution 4 x 4 with stride 2, batch norm (but in the first) and leaky ReLU.

    Stages ``block1`` to ``block3``; pictures of 32 x 32 pixels become 4 width maps of 4 x 4, which are the features.

    References
    ----------
    Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
    Networks", ICLR 2016.
    """
    seen = preprocess or ImagePreprocess.from_json(spec["preprocess"])
    widths = [getattr(seen, "channels", 1), *(spec["width"] * 2**i for i in range(BLOCKS))]
    stages = {f"block{i + 1}": _block(widths[i], widths[i + 1], norm=i > 0) for i in range(BLOCKS)}
    side = getattr(seen, "size", SIDE) // 2**BLOCKS
    return Network(stages, nn.Flatten(), widths[-1] * side**2, seen, spec)


def _block(n_in: int, n_out: int, *, norm: bool) -> nn.Module:
    layers = [nn.Conv2d(n_in, n_out, 4, 2, 1, bias=not norm), *([nn.BatchNorm2d(n_out)] if norm else [])]
    return nn.Sequential(*layers, nn.LeakyReLU(0.2))


class Generator(nn.Module):
    """Noise [n, noise] to pictures [n, channels, side, side] in the units of the network that judges them."""

    mean: Tensor
    std: Tensor

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.spec = spec
        side, widths = BASE, [spec["width"]]
        while side < spec["side"]:
            side, widths = 2 * side, [*widths, max(8, widths[-1] // 2)]
        self.begin = nn.Linear(spec["noise"], widths[0] * BASE**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for n_in, n_out in pairwise(widths):
            layers += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
        self.grow = nn.Sequential(*layers)
        self.end = nn.Conv2d(widths[-1], spec["channels"], 3, padding=1)
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(spec[name]).view(1, -1, 1, 1), persistent=False)

    def forward(self, noise: Tensor) -> Tensor:
        state = self.begin(noise).view(len(noise), -1, BASE, BASE)
        shown = self.end(self.grow(state)).sigmoid()
        if shown.shape[-1] != self.spec["side"]:
            shown = functional.interpolate(shown, self.spec["side"], mode="bilinear")
        return (shown - self.mean) / self.std

    def scales(self) -> list[nn.Parameter]:
        """Return the scales and shifts of the normalisations."""
        return [p for one in self.modules() if isinstance(one, nn.BatchNorm2d) for p in one.parameters()]

    def draw(self, n: int, seed: int) -> Tensor:
        """Return n pictures drawn by ``seed``, in evaluation mode."""
        noise = torch.randn(n, self.spec["noise"], generator=torch.Generator().manual_seed(seed))
        device = next(self.parameters()).device
        with torch.no_grad():
            return torch.cat([self.eval()(part.to(device)).cpu() for part in noise.split(64)])


def generator_of(network: Network, noise: int, width: int) -> Generator:
    """Return a generator with random weights for the pictures that a network takes.

    Raises
    ------
    UserError
        If it takes no pictures, or larger ones than 64 pixels.
    """
    seen = network.preprocess
    if not isinstance(seen, ImagePreprocess):
        raise UserError(
            f"DCGAN draws pictures, and this network takes {seen.modality} input; name one of pictures, such as "
            "headstart/dcgan."
        )
    if seen.size > LARGEST:
        raise UserError(
            f"DCGAN draws pictures of at most {LARGEST} pixels, and this network takes {seen.size}; name a smaller "
            "one, such as headstart/dcgan."
        )
    return Generator(
        {
            "noise": noise,
            "width": width,
            "channels": seen.channels,
            "side": seen.size,
            "mean": list(seen.mean),
            "std": list(seen.std),
            "n_features": network.n_features,
        }
    )
