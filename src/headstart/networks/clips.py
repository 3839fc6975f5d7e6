"""A network of pictures made one of clips: every stage runs on each frame, and the pooled features come in time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from headstart.errors import UserError
from headstart.networks.clip_preprocess import ClipPreprocess
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network

READERS = ("gru", "attention", "mean")
"""What reads the frames' features, the default first; ``mean`` averages them for a plain head."""


class PooledFrames(nn.Module):
    """A picture's pooling on every frame: features [n, frames * d] in the order of time, or their mean [n, d]."""

    def __init__(self, pool: nn.Module, mean: bool) -> None:
        super().__init__()
        self.pool, self.mean = pool, mean

    def forward(self, x: Tensor) -> Tensor:
        features = self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return features.mean(dim=1) if self.mean else features.flatten(1)


def of_clips(network: Network, frames: int, across: int, reader: str) -> Network:
    """Return the network of clips of so many frames; one that is a network of clips already is given back.

    Raises
    ------
    UserError
        If it does not take pictures.
    """
    if "clip" in network.spec:
        return network
    picture = network.preprocess
    if isinstance(picture, ClipPreprocess):
        frames, across = picture.frames, picture.across
    elif isinstance(picture, ImagePreprocess):
        network.preprocess = ClipPreprocess(replace(picture, flip=False), frames, across)
    else:
        raise UserError("Clips are made of pictures, and this source takes none; name a source of images.")
    for stage in network.stages.values():
        stage.register_forward_pre_hook(_frames_as_samples)
        stage.register_forward_hook(_samples_as_frames)
        stage.__dict__["frames"] = frames
    network.pool = PooledFrames(network.pool, reader == "mean")
    network.n_features *= 1 if reader == "mean" else frames
    network.own_head = partial(head_in_time, network.n_features, frames, reader)
    network.spec = network.spec | {"clip": {"frames": frames, "across": across, "reader": reader}}
    return network


def _frames_as_samples(stage: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (inputs[0].flatten(0, 1), *inputs[1:])


def _samples_as_frames(stage: nn.Module, inputs: tuple[Any, ...], state: Tensor) -> Tensor:
    return state.unflatten(0, (-1, stage.__dict__["frames"]))


class Recurrent(nn.Module):
    """A GRU over the frames' features; the head reads its last state.

    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.
    """

    reads = "features"

    def __init__(self, frames: int, n_in: int, n_out: int, width: int = 64) -> None:
        super().__init__()
        self.frames = frames
        self.norm = nn.LayerNorm(n_in)
        self.recurrent = nn.GRU(n_in, width, batch_first=True)
        self.exit = nn.Linear(width, n_out)

    def forward(self, features: Tensor) -> Tensor:
        _, last = self.recurrent(self.norm(features.unflatten(1, (self.frames, -1))))
        return self.exit(last[0])


class Attention(nn.Module):
    """One layer of self-attention over the frames, each with its place in time, and their mean.

    Vaswani et al., "Attention Is All You Need", NeurIPS 2017.
    """

    reads = "features"

    def __init__(self, frames: int, n_in: int, n_out: int, width: int = 64) -> None:
        super().__init__()
        self.frames = frames
        self.norm = nn.LayerNorm(n_in)
        self.entry = nn.Linear(n_in, width)
        self.places = nn.Embedding(frames, width)
        self.mix = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.exit = nn.Linear(width, n_out)

    def forward(self, features: Tensor) -> Tensor:
        found = self.entry(self.norm(features.unflatten(1, (self.frames, -1))))
        return self.exit(self.mix(found + self.places.weight).mean(dim=1))


HEADS: dict[str, type[Recurrent] | type[Attention]] = {"gru": Recurrent, "attention": Attention}


def head_in_time(n_features: int, frames: int, reader: str, n_out: int) -> nn.Module | None:
    """Return the head that reads the features of all frames; None where a plain head does."""
    return HEADS[reader](frames, n_features // frames, n_out) if reader in HEADS else None
