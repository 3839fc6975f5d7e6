"""Columns in memory-mapped Arrow: what is indexed lies on disk, not in resident memory."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from headstart.storage import machine_faults


def spill(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Columns:
    """Stream record batches into a temporary Arrow file and return it memory-mapped.

    The file has no name: its space goes back when the mapping is dropped, even after ``kill -9``.
    """
    with machine_faults(tempfile.gettempdir()), tempfile.TemporaryFile() as file:
        with pa.ipc.new_file(pa.PythonFile(file, "w"), schema) as writer:
            for batch in batches:
                if batch.num_rows:
                    writer.write_batch(batch)
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    table = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()
    pa.default_memory_pool().release_unused()
    return Columns(table)


def scratch_array(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return a zeroed array that lies in a temporary file without a name instead of memory."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    with machine_faults(tempfile.gettempdir()), tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


class Columns:
    """A table that gives any rows in any order without gathering its chunks.

    `pyarrow.ChunkedArray.take` concatenates all chunks first, which would bring the whole file into memory.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.batches = table.to_batches()
        self.starts = np.cumsum([0] + [batch.num_rows for batch in self.batches])

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def names(self) -> list[str]:
        return self.table.column_names

    def select(self, names: Sequence[str]) -> Columns:
        """Return these columns alone; nothing is copied."""
        return Columns(self.table.select(list(names)))

    def take(self, rows: np.ndarray) -> pa.Table:
        """Return the rows in the order asked for, shape [len(rows), columns]."""
        rows = np.asarray(rows, dtype=np.int64)
        if not len(rows):
            return self.table.schema.empty_table()
        chunk = np.searchsorted(self.starts, rows, side="right") - 1
        order = np.argsort(chunk, kind="stable")
        pieces = [self.batches[c].take(pa.array(local)) for c, local in self._by_chunk(rows[order], chunk[order])]
        gathered = pa.Table.from_batches(pieces)
        return gathered if (np.diff(chunk) >= 0).all() else gathered.take(pa.array(np.argsort(order)))

    def _by_chunk(self, rows: np.ndarray, chunk: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        edges = np.flatnonzero(np.diff(chunk)) + 1
        for piece in np.split(np.arange(len(rows)), edges):
            number = int(chunk[piece[0]])
            yield number, rows[piece] - self.starts[number]

    def head(self, name: str, count: int = 1000) -> list:
        """Return the first ``count`` values of a column that are not null, as Python values."""
        return self.table.column(name).slice(0, 10 * count).drop_null().slice(0, count).to_pylist()

    def chunks(self, name: str) -> Iterator[tuple[int, pa.Array]]:
        """Yield (first row, values) of a column, chunk by chunk."""
        for start, batch in zip(self.starts, self.batches, strict=False):
            yield int(start), batch.column(name)
