"""Results that several candidates of one race ask for alike are computed once: a shelf that lives as long as the race.

What is looked up is the content of what was asked, so that a result never depends on whether it was on the shelf.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import numpy as np
from scipy import sparse

P = ParamSpec("P")
T = TypeVar("T")
Array = np.ndarray
LIMIT = 1_000_000_000
"""Bytes that a shelf may hold; what was asked for longest ago makes room."""


class Shelf:
    """Results by what was asked, those asked for longest ago first, within a number of bytes."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit, self.held, self.hits = limit, 0, 0
        self._results: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._promised: dict[int, tuple[Array, bytes]] = {}

    def promise(self, array: Array) -> Array:
        """Return an array that will not be written to while the shelf stands: its content is read once, not anew each
        time that something asks by it."""
        self._promised[id(array)] = array, _content(array)
        return array

    def promised(self, array: Array) -> bytes | None:
        """Return the content of a promised array, as `promise` read it."""
        known = self._promised.get(id(array))  # what is promised is kept, so that no other array gets its number
        return None if known is None else known[1]

    def ask(self, key: bytes, compute: Callable[[], T]) -> T:
        """Return the result of ``key``, computed if it is not there."""
        if key in self._results:
            self._results.move_to_end(key)
            self.hits += 1
            return self._results[key][0]
        result = compute()
        size = _guarded(result)
        if size < self.limit:
            self._results[key] = result, size
            self.held += size
        while self.held > self.limit:
            self.held -= self._results.popitem(last=False)[1][1]
        return result


_shelf: ContextVar[Shelf | None] = ContextVar("headstart_shelf", default=None)


@contextlib.contextmanager
def reusing(limit: int = LIMIT) -> Iterator[Shelf]:
    """Keep what functions under `reused` return until the end; within another `reusing` the outer shelf serves."""
    outer = _shelf.get()
    if outer is not None:
        yield outer
        return
    token = _shelf.set(Shelf(limit))
    try:
        yield _shelf.get()  # type: ignore[misc]
    finally:
        _shelf.reset(token)


def reused(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that is determined by its arguments return what it returned before, inside `reusing`.

    Arguments are arrays (dense or CSR), named tuples of them, or plain values. Arrays that come back from a shelf
    cannot be written to, as others hold them too.
    """
    name = f"{function.__module__}:{function.__qualname__}"

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return shared(name, (args, tuple(sorted(kwargs.items()))), lambda: function(*args, **kwargs))

    return run


def shared(name: str, arguments: tuple[Any, ...], compute: Callable[[], T]) -> T:
    """Return what ``compute`` gives, inside `reusing` once for a name and the content of the arguments."""
    shelf = _shelf.get()
    if shelf is None:
        return compute()
    digest = hashlib.blake2b(name.encode(), digest_size=24)
    _read(digest, arguments)
    return shelf.ask(digest.digest(), compute)


def _read(digest: Any, part: Any) -> None:
    """Take the content of an argument into the digest, with what tells kinds and shapes apart."""
    if sparse.issparse(part):
        part = part.tocsr()
        _read(digest, ("csr", part.shape, part.data, part.indices, part.indptr))
    elif isinstance(part, np.ndarray):
        shelf = _shelf.get()
        digest.update((None if shelf is None else shelf.promised(part)) or _content(part))
    elif isinstance(part, tuple):
        digest.update(f"({len(part)}".encode())
        for one in part:
            _read(digest, one)
    elif part is None or isinstance(part, (bool, int, float, str, np.number)):
        digest.update(f"{type(part).__name__}{part!r};".encode())
    else:
        raise TypeError(f"Results are not looked up by a {type(part).__name__}; expected arrays or plain values.")


def _content(array: Array) -> bytes:
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=24)
    digest.update(np.ascontiguousarray(array).data if array.size else b"")
    return digest.digest()


def _guarded(result: Any) -> int:
    """Make the arrays of a result unwritable and return their bytes."""
    if isinstance(result, np.ndarray):
        result.flags.writeable = False
        return result.nbytes
    return sum(_guarded(part) for part in result) if isinstance(result, tuple) else 0
