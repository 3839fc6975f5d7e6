"""Preprocessing from what was saved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.clip_preprocess import ClipPreprocess
from headstart.networks.expected import preprocess_rule
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.preprocess import Preprocess
from headstart.networks.scene_preprocess import ScenePreprocess
from headstart.networks.table_preprocess import TablePreprocess
from headstart.schema import require
from headstart.storage import read_json


def load_preprocess(directory: str | Path) -> Preprocess:
    """Load what `Preprocess.save` wrote into ``directory``."""
    path = Path(directory) / "preprocess.json"
    if not path.is_file():
        raise UserError(f"{path} does not exist; {directory} is no whole saved network.")
    value = read_json(path)
    require(value, preprocess_rule(value), path)
    try:
        _require_finite(value)
        return _from_json(value, Path(directory))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UserError(f"{path} cannot be used ({error}); the file is damaged or of another version.") from error


def _require_finite(value: dict[str, Any]) -> None:
    """Refuse means and standard deviations by which nothing can be standardised."""
    for what, least in (("mean", -math.inf), ("std", 0.0)):
        found = value.get(what) or {}
        for name, number in found.items() if isinstance(found, dict) else enumerate(found):
            if not math.isfinite(number) or number <= least:
                raise ValueError(f"the {what} of {name!r} is {number}")


def _from_json(value: dict[str, Any], directory: Path) -> Preprocess:
    if value["modality"] == "image" and "frame" in value:
        return ScenePreprocess.from_json(value)
    if value["modality"] == "image" and "frames" in value:
        return ClipPreprocess.from_json(value)
    if value["modality"] == "image":
        return ImagePreprocess.from_json(value)
    if value["modality"] == "table":
        return TablePreprocess.from_json(value)
    if value["modality"] == "text":
        from headstart.networks.text_preprocess import TextPreprocess

        return TextPreprocess.load(value, directory)
    raise ValueError(f"unknown modality {value['modality']!r}")
