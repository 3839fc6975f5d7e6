"""Sources ``hf/DIRECTORY`` of CLIP's layout: a side of pictures that knows its side of texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.networks.build import build
from headstart.networks.clip_family import clip_kind, clip_spec, create_clip, cut_clip
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.loading import load_pretrained
from headstart.networks.network import Network
from headstart.networks.sized import measured
from headstart.networks.source import Source
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.text_preprocess import TextPreprocess
from headstart.problem import Domain
from headstart.schema import Items, Number, Record, read_checked

PAPER = "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_UNITS = Record({}, {"image_mean": Items(Number(), 3, 3), "image_std": Items(Number(1e-30), 3, 3)})


def open_clip(name: str, directory: Path, config: Any, tokenizer: Any, licence: str) -> Source:
    """Open both sides; the pictures' side is the source, and the texts' side its other one."""
    seen = pictures_of(directory, int(config.vision_config.image_size))
    length = min(77, int(config.text_config.max_position_embeddings))
    vision, text = clip_spec("vision", config, seen), clip_spec("text", config)
    reads = TextPreprocess(tokenizer, length)

    def side(modality: str, spec: dict[str, Any], preprocess: Any) -> Source:
        def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
            measured(lambda: create_clip(spec), directory / "config.json")
            return (
                cut_clip(_pretrained(name, directory, spec), spec, preprocess)
                if pretrained
                else build(spec, preprocess)
            )

        return Source(
            spec=f"hf/{name}",
            kind="hf",
            modality=modality,
            domain=Domain(modality, origin=name),  # type: ignore[arg-type]
            task=None,
            title=f"{Path(name).name} (clip, {'pictures' if modality == 'image' else 'texts'})",
            licence=licence,
            paper=PAPER,
            make=make,
        )

    return replace(side("image", vision, seen), others=(side("text", text, reads),))


def pictures_of(directory: Path, size: int) -> ImagePreprocess:
    """Return how pictures enter: CLIP's own units unless a file says others."""
    path = directory / "preprocessor_config.json"
    value = read_checked(path, _UNITS) if path.is_file() else {}
    mean, std = (tuple(value.get(key) or usual) for key, usual in (("image_mean", MEAN), ("image_std", STD)))
    return ImagePreprocess(size=size, crop_pct=1.0, interpolation="bicubic", mean=mean, std=std)


def _pretrained(name: str, directory: Path, spec: dict[str, Any]) -> Any:
    kind, config = clip_kind(spec)
    return load_pretrained(kind, directory, f"hf/{name}", config=config)
