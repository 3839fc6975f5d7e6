"""Sources ``torchvision/NAME``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.networks.build import build
from headstart.networks.hub import address_file, torch_cache
from headstart.networks.network import Network
from headstart.networks.papers import paper_of
from headstart.networks.source import Source
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.torchvision_family import (
    HEADS,
    create_torchvision,
    cut_torchvision,
    torchvision_spec,
    torchvision_weights,
)
from headstart.networks.weights import load_matching, read_weights
from headstart.problem import Domain, Task


def open_torchvision(name: str) -> Source:
    """Open ``torchvision/NAME`` with its default weights; nothing is downloaded before they are asked for."""
    spec = torchvision_spec(name)
    weights = torchvision_weights(name)

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        if not pretrained:
            return build(spec)
        instead = f"pass a file with --source file:WEIGHTS.pth --network torchvision/{name}"
        return load_torchvision(spec, address_file(weights.url, f"The weights file of torchvision/{name}", instead))

    return Source(
        spec=f"torchvision/{name}",
        kind="torchvision",
        modality="image",
        domain=Domain("image", origin="ImageNet-1k"),
        task=Task("classification", classes=tuple(weights.meta["categories"])),
        title=f"{name} (torchvision, weights {weights.name})",
        licence="BSD-3-Clause",
        paper=paper_of(name),
        make=make,
        accuracy=_accuracy(weights.meta),
    )


def _accuracy(meta: dict[str, Any]) -> float | None:
    """Return the top-1 accuracy on ImageNet that torchvision publishes with its weights."""
    percent = meta.get("_metrics", {}).get("ImageNet-1K", {}).get("acc@1")
    return None if percent is None else float(percent) / 100


def load_torchvision(spec: dict[str, Any], weights: Path) -> Network:
    """Return the network with the weights of a file, which must be of the same architecture."""
    model = create_torchvision(spec)
    load_matching(model, read_weights(weights), str(weights), HEADS[type(model).__name__])
    return cut_torchvision(model, spec)


def torchvision_at_hand(name: str) -> bool:
    """Whether the default weights are cached on this machine."""
    return (torch_cache() / torchvision_weights(name).url.rpartition("/")[2]).is_file()
