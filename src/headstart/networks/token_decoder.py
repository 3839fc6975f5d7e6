"""Transformers on pictures by their tokens: those of some patches alone, and what decodes all patches from these."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.network import Network
from headstart.networks.parts import TakeToken


def reads_tokens(network: Network) -> bool:
    """Return whether a network is a transformer on square grids of patches whose blocks end in tokens."""
    vit: Any = getattr(network.stages[network.stage_names[0]], "vit", None)
    if vit is None or isinstance(network.pool, TakeToken):
        return False
    grid, patch = vit.patch_embed.grid_size, vit.patch_embed.patch_size
    return bool(grid) and grid[0] == grid[1] and patch[0] == patch[1]


def encode_visible(network: Network, x: Tensor, places: Tensor) -> Tensor:
    """Return the last tokens [n, prefix + v, d] of the patches at ``places`` [n, v] alone; no other is computed on.

    Positions are added before, so that each patch still knows where it was.
    """
    names = network.stage_names
    tokens = network.stages[names[0]](x)
    prefix = network.stages[names[0]].vit.num_prefix_tokens  # type: ignore[union-attr]
    rest = tokens[:, prefix:]
    state = torch.cat([tokens[:, :prefix], take(rest, places)], dim=1)
    for name in names[1:]:
        state = network.stages[name](state)
    return state[:, prefix:]


def take(tokens: Tensor, places: Tensor) -> Tensor:
    """Return ``tokens[i, places[i]]``, [n, v, d]."""
    return tokens.gather(1, places.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))


class TokenDecoder(nn.Module):
    """Tokens of visible patches to the pixels of all: a mark in each hidden place, positions, blocks, a linear map.

    Parameters
    ----------
    network : the encoder. width, depth, heads : of the decoder's own blocks.
    """

    def __init__(self, network: Network, width: int = 64, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        from timm.models.vision_transformer import Block

        vit: Any = network.stages[network.stage_names[0]].vit
        self.patch, channels = int(vit.patch_embed.patch_size[0]), int(vit.patch_embed.proj.in_channels)
        self.side = int(vit.patch_embed.grid_size[0])
        self.enter = nn.Linear(int(vit.embed_dim), width)
        self.mark = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, self.side**2, width))
        self.blocks = nn.Sequential(*(Block(width, heads, qkv_bias=True) for _ in range(depth)), nn.LayerNorm(width))
        self.leave = nn.Linear(width, channels * self.patch**2)

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Return pixels [n, l, c p p] of all patches, from tokens [n, v, d] at ``places`` [n, v]."""
        entered = self.enter(tokens)
        whole = self.mark.expand(len(tokens), self.side**2, -1)
        index = places.unsqueeze(-1).expand(-1, -1, entered.shape[-1])
        return self.leave(self.blocks(whole.scatter(1, index, entered.to(whole.dtype)) + self.places))

    def wanted(self, x: Tensor) -> Tensor:
        """Return the pixels [n, l, c p p] of each patch, brought to mean 0 and variance 1 within it."""
        patches = functional.unfold(x, self.patch, stride=self.patch).transpose(1, 2)
        centred = patches - patches.mean(dim=2, keepdim=True)
        return centred / (centred.square().mean(dim=2, keepdim=True) + 1e-6).sqrt()
