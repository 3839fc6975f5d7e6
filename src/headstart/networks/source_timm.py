"""Sources ``timm/NAME`` and ``timm/NAME.TAG``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.build import build
from headstart.networks.hub import address_file, cached_repository_file, repository_file, torch_cache
from headstart.networks.network import Network
from headstart.networks.papers import paper_of
from headstart.networks.source import Source
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.timm_family import create_timm, cut_timm, timm_head_keys, timm_spec
from headstart.networks.weights import load_matching, read_weights, require_finite
from headstart.problem import Domain, Task

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


def open_timm(name: str) -> Source:
    """Open ``timm/NAME[.TAG]``; nothing is downloaded before its weights are asked for."""
    spec = timm_spec(name)
    config = _config(name)

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        return cut_timm(_pretrained(spec), spec) if pretrained else build(spec)

    tag = f", weights {config.tag}" if config is not None and config.tag else ""
    return Source(
        spec=f"timm/{name}",
        kind="timm",
        modality="image",
        domain=Domain("image", origin=_training_set(config)),
        task=_imagenet(config),
        title=f"{name.partition('.')[0]} (timm{tag})",
        licence=(config.license if config is not None else None) or "",
        paper=paper_of(name),
        make=make,
    )


def load_timm(spec: dict[str, Any], weights: Path) -> Network:
    """Return the network with the weights of a file, which must be of the same architecture."""
    model = create_timm(spec)
    load_matching(model, read_weights(weights), str(weights), timm_head_keys(spec["name"]))
    return cut_timm(model, spec)


def timm_at_hand(name: str) -> bool:
    """Whether the weights are cached on this machine."""
    config = _config(name)
    if config is None:
        return False
    if config.hf_hub_id:
        return cached_repository_file(config.hf_hub_id, WEIGHT_FILES) is not None
    return bool(config.url) and (torch_cache() / str(config.url).rpartition("/")[2]).is_file()


def _pretrained(spec: dict[str, Any]) -> Any:
    import timm

    path = _weights_file(spec["name"])
    tensors = read_weights(path)
    # timm's own loader knows the layouts of weights that were published in another one.
    overlay = {"state_dict": tensors, "custom_load": False}
    model = timm.create_model(
        spec["name"], pretrained=True, pretrained_cfg_overlay=overlay, num_classes=0, **spec["options"]
    )
    require_finite(model.state_dict(), str(path))
    return model


def _weights_file(name: str) -> Path:
    config = _config(name)
    instead = f"pass a file with --source file:WEIGHTS.safetensors --network timm/{name.partition('.')[0]}"
    if config is not None and config.hf_hub_id:
        names = (config.hf_hub_filename,) if config.hf_hub_filename else WEIGHT_FILES
        return repository_file(config.hf_hub_id, names, f"The weights file of timm/{name}", instead)
    if config is not None and config.url:
        return address_file(config.url, f"The weights file of timm/{name}", instead)
    raise UserError(f"timm publishes no weights for {name}; {instead}.")


def _config(name: str) -> Any:
    import timm

    return timm.get_pretrained_cfg(name, allow_unregistered=True)


def _training_set(config: Any) -> str:
    tag = (config.tag if config is not None else "") or ""
    return "ImageNet-1k" if tag.endswith("in1k") or _imagenet(config) else tag


def _imagenet(config: Any) -> Task | None:
    if config is None or config.num_classes != 1000:
        return None
    from timm.data.imagenet_info import ImageNetInfo

    return Task("classification", classes=tuple(ImageNetInfo("imagenet-1k").label_descriptions()))
