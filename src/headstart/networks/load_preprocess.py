"""Preprocessing from what was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.preprocess import Preprocess
from headstart.networks.table_preprocess import TablePreprocess
from headstart.storage import read_json


def load_preprocess(directory: str | Path) -> Preprocess:
    """Load what `Preprocess.save` wrote into ``directory``."""
    path = Path(directory) / "preprocess.json"
    if not path.is_file():
        raise UserError(f"{path} does not exist; {directory} is no whole saved network.")
    value = read_json(path)
    try:
        return _from_json(value, Path(directory))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UserError(f"{path} cannot be used ({error}); the file is damaged or of another version.") from error


def _from_json(value: dict[str, Any], directory: Path) -> Preprocess:
    if value["modality"] == "image":
        return ImagePreprocess.from_json(value)
    if value["modality"] == "table":
        return TablePreprocess.from_json(value)
    if value["modality"] == "text":
        from headstart.networks.text_preprocess import TextPreprocess

        return TextPreprocess.load(value, directory)
    raise ValueError(f"unknown modality {value['modality']!r}")
