"""No task, but a generator to go on from."""

from __future__ import annotations

from typing import Any

from headstart.tasks.nothing import NoTask


class GeneratingTask(NoTask):
    """Stands where a task would, for methods that draw; without ``generator`` and ``critic`` they begin anew."""

    def __init__(self, generator: Any = None, critic: Any = None) -> None:
        super().__init__()
        self.generator, self.critic = generator, critic
