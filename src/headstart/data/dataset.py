"""An opened data set: raw samples, labels, splits, names and hashes, by row number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from headstart.data.conventions import Reading
from headstart.data.folder_names import printable
from headstart.data.inputs import DIGEST_BYTES, Inputs, digest
from headstart.data.memory import ran_out, too_little
from headstart.errors import UserError
from headstart.problem import Task

SPLITS = ("train", "validation", "test")
_CHUNK = 512


@dataclass(frozen=True)
class TableColumns:
    """The features of a table.

    Parameters
    ----------
    numeric : names of the columns of numbers.
    categorical : column to its categories, sorted, as the training split has them.
    readings : numeric columns whose text is not read as plain numbers, and how it is read.
    usual : numeric columns to mean and standard deviation of what a model learned from; empty where none did yet.
    """

    numeric: tuple[str, ...] = ()
    categorical: dict[str, tuple[str, ...]] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    usual: dict[str, tuple[float, float]] = field(default_factory=dict, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        return self.numeric + tuple(self.categorical)


@dataclass(frozen=True, eq=False)
class Dataset:
    """An opened data set. Made by `open_data` and `open_inputs`; never changed, only derived from.

    Rows are numbered from 0 to ``len(dataset) - 1``; `without` numbers the remaining rows anew.

    Parameters
    ----------
    name, origin : a short name, and the path or kind of object the data came from.
    modality : image, text or table.
    task : None for unlabelled inputs.
    splits : "train", "validation" (may be empty) and "test" to row numbers (int64). Unlabelled inputs lie in "test".
    given_splits : whether the data came with splits.
    columns : features of a table; else None.
    group : group number per row (int64), or None; a group lies in one split.
    input_column : the column of texts or images that is read, where there is one.
    label_columns : the columns that are predicted.
    inferred : what was concluded from the data, and why, in sentences.
    warnings : what the user should know though nothing stops, in sentences.
    """

    name: str
    origin: str
    modality: str
    task: Task | None
    splits: dict[str, np.ndarray]
    given_splits: bool
    inputs: Inputs = field(repr=False)
    targets: np.ndarray | None = field(repr=False)
    row_names: Callable[[np.ndarray], list[str]] = field(repr=False)
    columns: TableColumns | None = None
    group: np.ndarray | None = field(default=None, repr=False)
    input_column: str | None = None
    label_columns: tuple[str, ...] = ()
    inferred: dict[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    kept: np.ndarray | None = field(default=None, repr=False)
    _digests: list[np.ndarray] = field(default_factory=list, repr=False)

    def __len__(self) -> int:
        return len(self.inputs) if self.kept is None else len(self.kept)

    @property
    def frames(self) -> int:
        """Frames of a clip; 0 where samples are no clips."""
        return self.inputs.frames

    def stored(self, rows: Iterable[int] | np.ndarray) -> np.ndarray:
        """Return the row numbers in the data as opened."""
        rows = np.asarray(rows, dtype=np.int64)
        return rows if self.kept is None else self.kept[rows]

    def raw(self, rows: Iterable[int] | np.ndarray) -> list[Any]:
        """Return raw samples: PIL images in RGB, strings, or dicts of column to value (NaN or None where missing).

        Raises
        ------
        UserError
            If a file cannot be read or decoded; its name is in the message.
        """
        rows = np.asarray(rows, dtype=np.int64)
        handles = self.inputs.handles(self.stored(rows))
        return [self._decode(row, handle) for row, handle in zip(rows, handles, strict=True)]

    def _decode(self, row: int, handle: Any) -> Any:
        try:
            return self.inputs.decode(self.inputs.load(handle))
        except Exception as error:  # Pillow raises nearly anything on a damaged file
            name = self.names([row])[0]
            if ran_out(error):
                raise too_little(name) from error
            unknown = type(error).__name__ == "UnidentifiedImageError"  # whose words hold an address in memory
            what = "it is no image that can be recognised" if unknown else error
            raise UserError(f"{name} cannot be read ({what}); repair it or take it out of the data.") from error

    def labels(self, rows: Iterable[int] | np.ndarray) -> np.ndarray:
        """Return class numbers int64 [n], 0/1 per class float32 [n, classes], values float64 [n, targets], or objects
        [n] (`headstart.kinds.structured`)."""
        if self.task is None or self.targets is None:
            raise UserError(f"{self.name} has no labels; name the label column with --label.")
        return np.asarray(self.targets[self.stored(rows)]).astype(self.task.label_space.dtype)

    def names(self, rows: Iterable[int] | np.ndarray) -> list[str]:
        """Return what a person would call these samples: ``ants/1.jpg``, ``reviews.csv row 17``."""
        return [printable(name) for name in self.row_names(self.stored(rows))]

    def hashes(self, rows: Iterable[int] | np.ndarray) -> list[str]:
        """Return the BLAKE2b hash (hex, 16 bytes) of each sample's input, whatever its label or name."""
        rows = np.asarray(rows, dtype=np.int64)
        if self._digests:
            return [bytes(value).hex() for value in self._digests[0][rows]]
        return [value.hex() for value in self._read_digests(rows)]

    def _read_digests(self, rows: np.ndarray) -> list[bytes]:
        return [digest(self.inputs.load(handle)) for handle in self.inputs.handles(self.stored(rows))]

    def digests(self) -> np.ndarray:
        """Return all hashes as bytes [n, 16] (uint8), computed once, in chunks."""
        if not self._digests:
            found = np.zeros((len(self), DIGEST_BYTES), np.uint8)
            for start in range(0, len(self), _CHUNK):
                rows = np.arange(start, min(start + _CHUNK, len(self)))
                joined = b"".join(self._read_digests(rows))
                found[rows] = np.frombuffer(joined, np.uint8).reshape(len(rows), DIGEST_BYTES)
            self._digests.append(found)
        return self._digests[0]

    @property
    def fingerprint(self) -> str:
        """Hash (hex) of all contents, labels and splits; the same on every machine, whatever the paths."""
        state = blake2b(digest_size=DIGEST_BYTES)
        state.update(repr((self.modality, self.task and self.task.to_json())).encode())
        state.update(self.digests().tobytes())
        if self.task is not None:
            state.update(self.task.label_space.content(self.labels(np.arange(len(self)))))
        for name in SPLITS:
            state.update(name.encode() + self.splits[name].astype("<i8").tobytes())
        return state.hexdigest()

    def without(self, rows: Iterable[int] | np.ndarray) -> Dataset:
        """Return the data set without these rows; the others are numbered anew, in the same order."""
        keep = np.ones(len(self), bool)
        keep[np.asarray(rows, dtype=np.int64)] = False
        if keep.all():
            return self
        number = np.cumsum(keep) - 1
        splits = {name: number[old[keep[old]]] for name, old in self.splits.items()}
        group = None if self.group is None else self.group[keep]
        known = [found[keep] for found in self._digests]
        kept = self.stored(np.flatnonzero(keep))
        return replace(self, kept=kept, splits=splits, group=group, _digests=known)

    def with_splits(self, splits: Mapping[str, np.ndarray]) -> Dataset:
        """Return the data set with other splits; those not named are empty."""
        whole = {name: np.asarray(splits.get(name, ()), dtype=np.int64) for name in SPLITS}
        return replace(self, splits=whole)
