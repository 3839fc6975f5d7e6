"""No task, but a second network: of the other side of pairs, or one that teaches."""

from __future__ import annotations

from typing import Any

from headstart.tasks.nothing import NoTask


class PairTask(NoTask):
    """Stands where a task would, for methods that learn from pairs.

    Attributes
    ----------
    other : the `headstart.networks.Network` of the side that the stream gives as its source.
    """

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.other = other
