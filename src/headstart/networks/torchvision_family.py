"""torchvision's residual networks, VGG, MobileNet, EfficientNet, ConvNeXt, SqueezeNet and vision transformers, cut into
stages."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.errors import UserError, nearest
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.networks.parts import AsMap, AveragePool, TakeToken, chain, named
from headstart.networks.preprocess import Preprocess
from headstart.networks.timm_family import split_after

HEADS = {
    "ResNet": ("fc",),
    "VGG": ("classifier.6",),
    "MobileNetV2": ("classifier.1",),
    "MobileNetV3": ("classifier.3",),
    "EfficientNet": ("classifier.1",),
    "ConvNeXt": ("classifier.2",),
    "SqueezeNet": ("classifier.1",),
    "VisionTransformer": ("heads.head",),
}
"""Class of the model and the modules of its classifier, which are dropped."""

PREFIXES = (
    "resnet",
    "resnext",
    "wide_resnet",
    "vgg",
    "mobilenet_v",
    "efficientnet_",
    "convnext_",
    "squeezenet",
    "vit_",
)


def list_torchvision() -> list[str]:
    """Return the names of the architectures that can be cut."""
    from torchvision import models

    return [name for name in models.list_models(module=models) if name.startswith(PREFIXES)]


def check_torchvision_name(name: str) -> None:
    known = list_torchvision()
    if name not in known:
        raise UserError(f"torchvision has no architecture '{name}' that can be cut into stages; {nearest(name, known)}")


def create_torchvision(spec: dict[str, Any]) -> nn.Module:
    """Return torchvision's own model with its classifier, random weights: ``spec`` has ``name`` and ``options``."""
    from torchvision import models

    check_torchvision_name(spec["name"])
    return models.get_model(spec["name"], weights=None, **spec.get("options", {}))


def torchvision_weights(name: str) -> Any:
    """Return torchvision's description of the default weights: address, categories, transforms, licence."""
    from torchvision import models

    check_torchvision_name(name)
    return models.get_model_weights(name).DEFAULT  # type: ignore[attr-defined]


def torchvision_spec(name: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the spec of a torchvision architecture with the preprocessing of its default weights."""
    preset = torchvision_weights(name).transforms()
    size = (options or {}).get("image_size", preset.crop_size[0])
    preprocess = ImagePreprocess(
        size=size,
        crop_pct=preset.crop_size[0] / preset.resize_size[0],
        interpolation=preset.interpolation.value,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )
    return {"family": "torchvision", "name": name, "options": options or {}, "preprocess": preprocess.to_json()}


def cut_torchvision(model: nn.Module, spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Cut torchvision's model: stages, pooling, and its own last linear layer equal its forward bit for bit in
    evaluation mode. SqueezeNet, whose classifier is a convolution, is pooled instead."""
    cutters = {
        "ResNet": _resnet,
        "VGG": _vgg,
        "MobileNetV2": _mobilenet_v2,
        "MobileNetV3": _mobilenet_v3,
        "EfficientNet": _efficientnet,
        "ConvNeXt": _convnext,
        "SqueezeNet": _squeezenet,
        "VisionTransformer": _vit,
    }
    stages, pool, width = cutters[type(model).__name__](model)
    preprocess = preprocess or ImagePreprocess.from_json(spec["preprocess"])
    return Network(stages, pool, width, preprocess, spec)


Cut = tuple[dict[str, nn.Module], nn.Module, int]


def _resnet(model: Any) -> Cut:
    stem = chain(model.conv1, model.bn1, model.relu, model.maxpool)
    layers = {f"layer{i}": getattr(model, f"layer{i}") for i in range(1, 5)}
    return {"stem": stem, **layers}, chain(model.avgpool, nn.Flatten(1)), model.fc.in_features


def _vgg(model: Any) -> Cut:
    blocks = named("block", split_after(model.features, nn.MaxPool2d))
    last = list(blocks)[-1]
    blocks[last] = chain(blocks[last], model.avgpool, nn.Flatten(1), *model.classifier[:6], AsMap())
    return blocks, nn.Flatten(1), model.classifier[6].in_features


def _mobilenet_v2(model: Any) -> Cut:
    groups = group_by_width(model.features[1:-1])
    groups[-1] = chain(groups[-1], model.features[-1])
    return {"stem": model.features[0], **named("block", groups)}, AveragePool(), model.last_channel


def _mobilenet_v3(model: Any) -> Cut:
    groups = group_by_width(model.features[1:-1])
    tail = [model.features[-1], model.avgpool, nn.Flatten(1), *model.classifier[:2], AsMap()]
    groups[-1] = chain(groups[-1], *tail)
    stages = {"stem": model.features[0], **named("block", groups)}
    return stages, nn.Flatten(1), model.classifier[3].in_features


def _efficientnet(model: Any) -> Cut:
    blocks = list(model.features[1:-1])
    blocks[-1] = chain(blocks[-1], model.features[-1])
    pool = chain(model.avgpool, nn.Flatten(1))
    return {"stem": model.features[0], **named("block", blocks)}, pool, model.classifier[1].in_features


def _convnext(model: Any) -> Cut:
    parts = list(model.features)
    stages = [parts[1], *(chain(down, stage) for down, stage in zip(parts[2::2], parts[3::2], strict=True))]
    stages[-1] = chain(stages[-1], model.avgpool, model.classifier[0])
    return {"stem": parts[0], **named("stage", stages)}, nn.Flatten(1), model.classifier[2].in_features


def _squeezenet(model: Any) -> Cut:
    stem: list[nn.Module] = []
    fires: list[nn.Module] = []
    for module in model.features:
        if type(module).__name__ == "Fire":
            fires.append(module)
        elif not fires:
            stem.append(module)
        else:
            fires[-1] = chain(fires[-1], module)
    return {"stem": nn.Sequential(*stem), **named("fire", fires, 2)}, AveragePool(), 512


def _vit(model: Any) -> Cut:
    blocks = named("block", list(model.encoder.layers))
    last = list(blocks)[-1]
    blocks[last] = chain(blocks[last], model.encoder.ln)
    return {"embed": _Patches(model), **blocks}, TakeToken(), model.hidden_dim


class _Patches(nn.Module):
    """Patches, class token and positions of torchvision's vision transformer: [n, 3, h, w] to [n, l, d]."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.conv_proj = model.conv_proj
        self.class_token = model.class_token
        self.pos_embedding = model.encoder.pos_embedding
        self.dropout = model.encoder.dropout

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv_proj(x).flatten(2).permute(0, 2, 1)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), tokens], dim=1)
        return self.dropout(tokens + self.pos_embedding)


def group_by_width(blocks: Any) -> list[nn.Module]:
    """Group consecutive blocks that end in the same number of channels."""
    groups: list[list[nn.Module]] = []
    width = None
    for block in blocks:
        if block.out_channels != width:
            groups.append([])
            width = block.out_channels
        groups[-1].append(block)
    return [nn.Sequential(*group) for group in groups]
