"""timm's residual networks, VGG, Xception, MobileNet, EfficientNet, ConvNeXt and vision transformers, in stages."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from headstart.errors import UserError, nearest
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.networks.parts import AsMap, AsToken, TakeToken, chain, has_parameters, named
from headstart.networks.preprocess import Preprocess

MODULES = {
    "resnet": "ResNet",
    "vgg": "VGG",
    "xception": "Xception",
    "xception_aligned": "XceptionAligned",
    "mobilenetv3": "MobileNetV3",
    "efficientnet": "EfficientNet",
    "convnext": "ConvNeXt",
    "vision_transformer": "VisionTransformer",
}
"""timm's module files that can be cut, and the class in each."""


def check_timm_name(name: str) -> str:
    """Return the architecture's name without its tag, or say in one sentence why it cannot be used."""
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        known = [n for module in MODULES for n in timm.list_models(module=module)]
        hint = nearest(architecture, known)
        hint = hint if hint.startswith("did") else "`headstart sources` names some"
        raise UserError(f"timm has no architecture '{architecture}'; {hint}")
    module = timm.model_entrypoint(architecture).__module__.rpartition(".")[2]
    if module not in MODULES:
        raise UserError(
            f"timm/{architecture} belongs to timm's family '{module}', which Headstart does not cut into stages; "
            f"take one of {', '.join(MODULES)}."
        )
    tags = [n.partition(".")[2] for n in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise UserError(f"timm/{architecture} has no weights called '{tag}'; {nearest(tag, tags)}")
    return architecture


def create_timm(spec: dict[str, Any]) -> nn.Module:
    """Return timm's own model without a classifier, random weights: ``spec`` has ``name`` and ``options``."""
    import timm

    check_timm_name(spec["name"])
    return timm.create_model(spec["name"], pretrained=False, num_classes=0, **spec.get("options", {}))


def timm_spec(name: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the spec of a timm architecture with the preprocessing its weights were trained with."""
    import timm
    from timm.data.config import resolve_data_config

    options = options or {}
    check_timm_name(name)
    model_config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    config = resolve_data_config(
        {"in_chans": options["in_chans"]} if "in_chans" in options else {},
        pretrained_cfg=model_config.to_dict() if model_config else {},
    )
    size = options.get("img_size", config["input_size"][-1])
    channels = options.get("in_chans", config["input_size"][0])
    preprocess = ImagePreprocess(
        size=size,
        crop_pct=config["crop_pct"],
        interpolation=config["interpolation"],
        mean=tuple(config["mean"])[:channels],
        std=tuple(config["std"])[:channels],
        channels=channels,
        crop_mode="squash" if config["crop_mode"] == "squash" else "center",
    )
    return {"family": "timm", "name": name, "options": options, "preprocess": preprocess.to_json()}


def timm_head_keys(name: str) -> tuple[str, ...]:
    """Return the names of the classifier's modules in timm's state dict, which are dropped."""
    import timm

    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    names = config.classifier if config else ()
    return (names,) if isinstance(names, str) else tuple(names or ())


def cut_timm(model: nn.Module, spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Cut timm's model: its stages in order, then the pooling, equal
    ``forward_head(forward_features(x), pre_logits=True)`` bit for bit in evaluation mode."""
    kind = type(model).__name__
    cutters = {
        "ResNet": _resnet,
        "VGG": _vgg,
        "Xception": _xception,
        "XceptionAligned": _xception_aligned,
        "MobileNetV3": _mobilenet_v3,
        "EfficientNet": _efficientnet,
        "ConvNeXt": _convnext,
        "VisionTransformer": _vit,
    }
    if kind not in cutters:
        raise UserError(f"timm/{spec['name']} is a {kind}, which Headstart does not cut into stages.")
    stages, pool = cutters[kind](model)
    preprocess = preprocess or ImagePreprocess.from_json(spec["preprocess"])
    return Network(stages, pool, int(model.head_hidden_size), preprocess, spec)  # type: ignore[arg-type]


Cut = tuple[dict[str, nn.Module], nn.Module]


def _resnet(model: Any) -> Cut:
    stem = chain(model.conv1, model.bn1, model.act1, model.maxpool)
    layers = {f"layer{i}": getattr(model, f"layer{i}") for i in range(1, 5)}
    return {"stem": stem, **layers}, model.global_pool


def _vgg(model: Any) -> Cut:
    blocks = named("block", split_after(model.features, nn.MaxPool2d))
    last = list(blocks)[-1]
    blocks[last] = chain(blocks[last], model.pre_logits)
    return blocks, model.head


def _xception(model: Any) -> Cut:
    stem = chain(model.conv1, model.bn1, model.act1, model.conv2, model.bn2, model.act2)
    blocks = named("block", [getattr(model, f"block{i}") for i in range(1, 13)])
    exit_flow = chain(model.conv3, model.bn3, model.act3, model.conv4, model.bn4, model.act4)
    blocks["block12"] = chain(blocks["block12"], exit_flow)
    return {"stem": stem, **blocks}, model.global_pool


def _xception_aligned(model: Any) -> Cut:
    blocks = named("block", model.blocks)
    last = list(blocks)[-1]
    blocks[last] = chain(blocks[last], model.act)
    return {"stem": model.stem, **blocks}, model.head


def _mobilenet_v3(model: Any) -> Cut:
    blocks = named("block", model.blocks)
    last = list(blocks)[-1]
    # This family pools before its last convolution, so the pooling lies inside the last stage.
    blocks[last] = chain(
        blocks[last], model.global_pool, model.conv_head, getattr(model, "norm_head", None), model.act2
    )
    return {"stem": chain(model.conv_stem, model.bn1), **blocks}, nn.Flatten(1)


def _efficientnet(model: Any) -> Cut:
    blocks = named("block", model.blocks)
    last = list(blocks)[-1]
    blocks[last] = chain(blocks[last], model.conv_head, model.bn2)
    return {"stem": chain(model.conv_stem, model.bn1), **blocks}, model.global_pool


def _convnext(model: Any) -> Cut:
    stages = named("stage", model.stages)
    last = list(stages)[-1]
    stages[last], pool = chain(stages[last], model.norm_pre), model.head
    if has_parameters(model.head):
        stages[last], pool = chain(stages[last], model.head, AsMap()), nn.Flatten(1)
    return {"stem": model.stem, **stages}, pool


def _vit(model: Any) -> Cut:
    blocks = named("block", model.blocks)
    last = list(blocks)[-1]
    blocks[last] = chain(blocks[last], model.norm)
    pool: nn.Module = chain(_VitPool(model), model.fc_norm)
    model.blocks, model.norm, model.fc_norm = nn.Sequential(), nn.Identity(), nn.Identity()
    model.attn_pool = None
    if has_parameters(pool):
        blocks[last], pool = chain(blocks[last], pool, AsToken()), TakeToken()
    return {"embed": _VitEmbed(model), **blocks}, pool


class _VitPool(nn.Module):
    """timm's pooling of tokens [n, l, d] to [n, d]: class token, mean, maximum, or attention."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.attention = model.attn_pool
        self.kind = model.global_pool
        self.prefix = model.num_prefix_tokens
        self.include_prefix = getattr(model, "pool_include_prefix", False)

    def forward(self, x: Tensor) -> Tensor:
        from timm.layers.pool1d import global_pool_nlc

        if self.attention is not None:
            return self.attention(x if self.include_prefix else x[:, self.prefix :])
        return global_pool_nlc(x, self.kind, self.prefix, self.include_prefix)


class _VitEmbed(nn.Module):
    """timm's own transformer without its blocks: patches, class and register tokens, positions."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vit = model

    def forward(self, x: Tensor) -> Tensor:
        return self.vit.forward_features(x)


def split_after(modules: nn.Sequential, kind: type[nn.Module]) -> list[nn.Sequential]:
    """Split a chain after every module of ``kind``."""
    parts: list[list[nn.Module]] = [[]]
    for module in modules:
        parts[-1].append(module)
        if isinstance(module, kind):
            parts.append([])
    return [nn.Sequential(*part) for part in parts if part]
