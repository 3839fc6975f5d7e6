"""Stands for a preprocessing that was not given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.preprocess import Preprocess


class UnsetPreprocess(Preprocess):
    """The preprocessing of an architecture that was built without one (a text network without its tokenizer)."""

    def __init__(self, modality: str) -> None:
        self.modality = modality

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> Any:
        raise UserError(f"This {self.modality} network was built without its preprocessing; open it from its source.")

    def to_json(self) -> dict[str, Any]:
        return {"modality": self.modality, "unset": True}

    def save(self, directory: Path) -> None:
        raise UserError(f"This {self.modality} network was built without its preprocessing and cannot be saved.")
