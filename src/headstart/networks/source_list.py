"""What can be typed after ``--source``, and whether it is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.networks.papers import paper_of
from headstart.storage import read_json

SUGGESTED_TIMM = (
    "resnet18.a1_in1k",
    "resnet50.a1_in1k",
    "mobilenetv3_large_100.ra_in1k",
    "efficientnet_b0.ra_in1k",
    "convnext_tiny.fb_in22k_ft_in1k",
    "vit_small_patch16_224.augreg_in21k_ft_in1k",
    "vgg16.tv_in1k",
    "xception41.tf_in1k",
)
SUGGESTED_TORCHVISION = ("mobilenet_v2", "mobilenet_v3_small", "resnet18", "squeezenet1_0", "vit_b_16")
SUGGESTED_HF = ("sentence-transformers/all-MiniLM-L6-v2", "distilbert-base-uncased", "roberta-base", "gpt2")


@isolate
def list_sources(runs: str | Path = "runs") -> list[dict[str, Any]]:
    """Return one dict per source: ``spec``, ``kind``, ``modality``, ``title``, ``paper``, ``at_hand``.

    Bundled sources come first, then finished runs under ``runs``, then models from the libraries: some to begin with,
    and whatever else is cached on this machine.
    """
    return [*_bundled(), *_runs(Path(runs)), *_timm(), *_torchvision(), *_hf()]


def _row(spec: str, kind: str, modality: str, title: str, paper: str, at_hand: bool) -> dict[str, Any]:
    return {"spec": spec, "kind": kind, "modality": modality, "title": title, "paper": paper, "at_hand": at_hand}


def _bundled() -> list[dict[str, Any]]:
    from headstart.networks.source_bundled import (
        open_conv4,
        open_conv4_group,
        open_dcgan,
        open_dcgan_colour,
        open_glyphs,
        open_pixels,
        open_tabular,
    )

    bundled = (
        open_glyphs(),
        open_pixels(),
        open_conv4(),
        open_conv4_group(),
        open_dcgan(),
        open_dcgan_colour(),
        open_tabular(),
    )
    return [_row(one.spec, "bundled", one.modality, one.title, one.paper, True) for one in bundled]


def _runs(folder: Path) -> list[dict[str, Any]]:
    from headstart.networks.projection import PAIRS, SIDES
    from headstart.networks.source_run import open_run

    rows = []
    for run in sorted(folder.iterdir()) if folder.is_dir() else ():
        both = (run / "model" / PAIRS).is_file()
        if not both and not (run / "model" / "network.json").is_file():
            continue
        for place in [run / side for side in SIDES] if both else [run]:
            try:
                source = open_run(str(place))
            except UserError:
                continue
            rows.append(_row(source.spec, "run", source.modality, source.title, "", True))
    return rows


def _timm() -> list[dict[str, Any]]:
    from headstart.networks.hub import hub_cache
    from headstart.networks.source_timm import timm_at_hand

    folder = hub_cache()
    cached = [p.name.removeprefix("models--timm--") for p in sorted(folder.glob("models--timm--*"))]
    names = [*SUGGESTED_TIMM, *(name for name in cached if name not in SUGGESTED_TIMM)]
    return [
        _row(f"timm/{name}", "timm", "image", f"{name.partition('.')[0]} (timm)", paper_of(name), timm_at_hand(name))
        for name in names
    ]


def _torchvision() -> list[dict[str, Any]]:
    from headstart.networks.source_torchvision import torchvision_at_hand

    return [
        _row(
            f"torchvision/{name}",
            "torchvision",
            "image",
            f"{name} (torchvision)",
            paper_of(name),
            torchvision_at_hand(name),
        )
        for name in SUGGESTED_TORCHVISION
    ]


def _hf() -> list[dict[str, Any]]:
    from headstart.networks.hub import cached_repository_file

    rows = []
    for name in [*SUGGESTED_HF, *(name for name in _cached_texts() if name not in SUGGESTED_HF)]:
        at_hand = cached_repository_file(name, ("model.safetensors", "pytorch_model.bin")) is not None
        paper = paper_of(name.rpartition("/")[2].lower())
        rows.append(_row(f"hf/{name}", "hf", "text", f"{name} (transformers)", paper, at_hand))
    return rows


def _cached_texts() -> list[str]:
    from headstart.networks.hub import cached_repository_file, hub_cache
    from headstart.networks.transformers_family import LAYOUTS

    names = []
    for folder in sorted(hub_cache().glob("models--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        config = cached_repository_file(name, ("config.json",))
        if config is not None and _model_type(config) in LAYOUTS:
            names.append(name)
    return names


def _model_type(config: Path) -> str | None:
    """Return the kind of a cached model; None where its file cannot be read: a list leaves out what cannot serve."""
    try:
        value = read_json(config)
    except UserError:
        return None
    kind = value.get("model_type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None
