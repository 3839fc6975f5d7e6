"""Sources ``file:WEIGHTS`` with ``--network``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.build import build
from headstart.networks.network import Network
from headstart.networks.papers import paper_of
from headstart.networks.source import Source
from headstart.networks.source_timm import load_timm
from headstart.networks.source_torchvision import load_torchvision
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.timm_family import timm_spec
from headstart.networks.torchvision_family import torchvision_spec
from headstart.problem import Domain


def open_file(path: str, network: str | None) -> Source:
    """Open a weights file of the architecture ``network``, timm/NAME or torchvision/NAME."""
    weights = Path(path).expanduser()
    if not weights.is_file():
        raise UserError(f"The weights file {weights} does not exist.")
    if network is None:
        raise UserError(
            f"file:{path} tells no architecture; add --network timm/NAME or --network torchvision/NAME, the one its "
            "weights belong to."
        )
    spec, load = _architecture(network)

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        return load(spec, weights) if pretrained else build(spec)

    return Source(
        spec=f"file:{path}",
        kind="file",
        modality="image",
        domain=Domain("image", origin=str(weights)),
        task=None,
        title=f"{network} with the weights of {weights.name}",
        licence="",
        paper=paper_of(spec["name"]),
        make=make,
    )


def _architecture(network: str) -> tuple[dict[str, Any], Any]:
    library, _, name = network.partition("/")
    if library == "timm" and name:
        return timm_spec(name), load_timm
    if library == "torchvision" and name:
        return torchvision_spec(name), load_torchvision
    raise UserError(f"--network {network} is no architecture for a weights file; give timm/NAME or torchvision/NAME.")
