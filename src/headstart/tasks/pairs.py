"""No task, but a second network: of the other side of pairs, or one that teaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.tasks.nothing import NoTask

if TYPE_CHECKING:
    from headstart.networks.network import Network


class PairTask(NoTask):
    """Stands where a task would, for methods that learn from pairs.

    Attributes
    ----------
    other : the network of the side that the stream gives as its source.
    """

    def __init__(self, other: Network) -> None:
        super().__init__()
        self.other = other
