"""Make the next items by threads while the current one is used."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def depth() -> int:
    """Return how many items are made at once: one per core, from 2 to 16."""
    return max(2, min(16, os.cpu_count() or 2))


def ahead(make: Callable[[Any], Any], items: Sequence[Any], *, threads: bool = True) -> Iterator[Any]:
    """Yield ``make(item)`` in order; with ``threads``, the next ones are made meanwhile.

    Examples
    --------
    >>> list(ahead(lambda x: x * x, [1, 2, 3]))
    [1, 4, 9]
    """
    if not threads:
        yield from map(make, items)
        return
    pool = ThreadPoolExecutor(depth(), thread_name_prefix="headstart-fetch")
    try:
        waiting = deque(pool.submit(make, item) for item in items[: depth() + 1])
        for number in range(len(items)):
            following = number + depth() + 1
            result = waiting.popleft().result()
            if following < len(items):
                waiting.append(pool.submit(make, items[following]))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
