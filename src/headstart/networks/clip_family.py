"""Both sides of CLIP from transformers, each cut into stages that end in the space that they share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess
from headstart.networks.projection import STAGE
from headstart.networks.unset_preprocess import UnsetPreprocess
from headstart.schema import Number, Record, Text, Whole

_SIZE = Whole(1, 2**20)
_SHARED = {
    "hidden_size": _SIZE,
    "intermediate_size": _SIZE,
    "projection_dim": _SIZE,
    "num_hidden_layers": Whole(1, 1000),
    "num_attention_heads": _SIZE,
    "hidden_act": Text(choices=("quick_gelu", "gelu", "gelu_new", "relu", "silu")),
    "layer_norm_eps": Number(0, 1),
    "attention_dropout": Number(0, 1),
}
CONFIG = {
    "vision": Record({**_SHARED, "image_size": Whole(1, 2**12), "patch_size": Whole(1, 2**12)}, open=False),
    "text": Record({**_SHARED, "vocab_size": _SIZE, "max_position_embeddings": Whole(1, 2**16)}, open=False),
}
"""The settings of each side that a saved network has."""


def clip_spec(side: str, config: Any, preprocess: Preprocess | None = None) -> dict[str, Any]:
    """Return the spec of a side, ``vision`` or ``text``, of a library's configuration of both."""
    own = getattr(config, f"{side}_config")
    value = {name: getattr(own, name) for name in CONFIG[side].needs if name != "projection_dim"}
    spec = {"family": "clip", "side": side, "config": value | {"projection_dim": config.projection_dim}}
    return spec if preprocess is None else spec | {"preprocess": preprocess.to_json()}


def clip_kind(spec: dict[str, Any]) -> tuple[Any, Any]:
    """Return the library's class of one side with its projection, and its configuration."""
    from transformers import (
        CLIPTextConfig,
        CLIPTextModelWithProjection,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    if spec["side"] == "vision":
        return CLIPVisionModelWithProjection, CLIPVisionConfig(**spec["config"])
    return CLIPTextModelWithProjection, CLIPTextConfig(**spec["config"])


def create_clip(spec: dict[str, Any]) -> Any:
    """Return the library's model of one side with its projection, random weights."""
    kind, config = clip_kind(spec)
    return kind(config)


def cut_clip(model: Any, spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Cut a side: after the stage ``project`` the features are the library's embeddings, not normalised."""
    if spec["side"] == "vision":
        body = model.vision_model
        first: nn.Module = VisionEmbed(body.embeddings, body.pre_layrnorm)
        last: nn.Module = VisionProject(body.post_layernorm, model.visual_projection)
        block: Any = VisionBlock
        seen = preprocess or ImagePreprocess.from_json(spec["preprocess"])
    else:
        body = model.text_model
        first = TextEmbed(body.embeddings)
        last = TextProject(body.final_layer_norm, model.text_projection)
        block, seen = TextBlock, preprocess or UnsetPreprocess("text")
    layers = {f"block{index}": block(layer) for index, layer in enumerate(body.encoder.layers, 1)}
    width = int(spec["config"]["projection_dim"])
    return Network({"embed": first, **layers, STAGE: last}, nn.Identity(), width, seen, spec)


class VisionEmbed(nn.Module):
    """Pictures [n, 3, s, s] to tokens [n, l, d], the class token first."""

    def __init__(self, embeddings: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.embeddings, self.norm = embeddings, norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.embeddings(x))


class VisionBlock(nn.Module):
    """A layer: tokens to tokens."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, attention_mask=None)


class VisionProject(nn.Module):
    """The class token's projection [n, p]."""

    def __init__(self, norm: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.norm, self.projection = norm, projection

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(self.norm(x[:, 0]))


class TextEmbed(nn.Module):
    """Token numbers to hidden states, with the mask beside them."""

    def __init__(self, embeddings: nn.Module) -> None:
        super().__init__()
        self.embeddings = embeddings

    def forward(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        hidden = self.embeddings(input_ids=state["input_ids"])
        return {"hidden": hidden, "attention_mask": state["attention_mask"]}


class TextBlock(nn.Module):
    """A layer: each token looks at itself and at those before it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        hidden, mask = state["hidden"], state["attention_mask"]
        length = hidden.shape[1]
        before = torch.ones(length, length, dtype=torch.bool, device=hidden.device).tril()
        seen = before[None, None] & mask[:, None, None, :].bool()
        hidden_from = torch.zeros(seen.shape, dtype=hidden.dtype, device=hidden.device)
        barred = hidden_from.masked_fill(~seen, torch.finfo(hidden.dtype).min)
        return {"hidden": self.layer(hidden, attention_mask=barred), "attention_mask": mask}


class TextProject(nn.Module):
    """The projection [n, p] of each text's last token, which ends it."""

    def __init__(self, norm: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.norm, self.projection = norm, projection

    def forward(self, state: dict[str, Tensor]) -> Tensor:
        hidden, mask = state["hidden"], state["attention_mask"]
        ends = (mask.sum(dim=1) - 1).clamp(min=0)
        return self.projection(self.norm(hidden[torch.arange(len(hidden), device=hidden.device), ends]))
