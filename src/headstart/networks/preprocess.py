"""How raw samples become tensors; travels with the weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from headstart.errors import UserError


class Preprocess(ABC):
    """Turns raw samples of one modality into the state that enters a network.

    Final subclasses, one per modality: `ImagePreprocess`, `TextPreprocess`, `TablePreprocess`.
    """

    modality: str

    @abstractmethod
    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> Any:
        """Return the batch.

        Parameters
        ----------
        raws : n PIL images, strings, or dicts of column name to value.
        seeds : one integer per sample asks for an augmented view made from that seed alone, None in its place for
            that sample's plain view; None for the plain view of all. A text or a table without augmentation ignores it.

        Returns
        -------
        Tensor [n, c, h, w] for images; dict of ``input_ids`` and ``attention_mask`` [n, l] for texts, padded to
        the longest in the batch; dict of ``numeric`` and ``missing`` [n, p] (float32) and ``categorical`` [n, q]
        (int64) for tables.
        """

    def whole(self, size: int) -> Preprocess:
        """Return preprocessing that shows whole samples, so that labels in space can follow; of pictures alone."""
        raise UserError(f"Masks and boxes lie in pictures, and this source takes {self.modality}s; name one of images.")

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return a JSON value with ``modality`` in it that tells all settings; also a part of the cache's key."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write ``preprocess.json`` (and what else is needed, such as a tokenizer's files) into ``directory``."""

    @property
    def augments(self) -> bool:
        """Whether seeds make a difference."""
        return False
