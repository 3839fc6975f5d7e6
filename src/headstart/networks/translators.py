"""Networks that translate small pictures [n, c, h, w] from one domain to another, and that judge them."""

from __future__ import annotations

from torch import Tensor, nn

from headstart.networks.parts import chain

REFUSED = (
    "Small pictures are translated, and this network does not say that its rows are pictures; use --source "
    "headstart/pixels, or give the option grid: channels, height, width."
)


def create_translator(channels: int, width: int) -> nn.Module:
    """Return a network of three convolutions without strides: pictures to pictures of the same size.

    It sees 7 x 7 pixels at a time, so that it can change colours, contrast and strokes, but hardly turn what is shown
    into something else; it does not begin as the identity.
    """
    return chain(
        nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
        nn.Conv2d(width, channels, 3, padding=1),
    )  # fmt: skip


def create_judge(channels: int, width: int) -> nn.Module:
    """Return a network whose outputs, one per patch of 10 x 10 pixels, are high for pictures of one domain."""
    return chain(
        nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 1),
    )  # fmt: skip


def near(judged: Tensor, wanted: float) -> Tensor:
    """Return the mean squared distance of a judge's outputs from what is wanted."""
    return (judged - wanted).square().mean()
