"""What all stages of a race share: training rows alone, a workbench per source, and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, folds
from headstart.engine.progress import Progress
from headstart.networks import Source
from headstart.tasks import TaskLogic
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.opening.target import draw_shots
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.planning.timetable import Timetable
from headstart.workflow.racing.record import Race

Array = np.ndarray
SHARE = 0.5
"""Of what is left of the budget when it begins that the race may take; the road with the winner has the rest."""
MOST_ROWS = 2_000
"""Training rows that a race reads at most."""
FOLDS = 3


@dataclass
class Alone:
    """One process: of several only the main one races, and the others wait for what it has decided."""

    device: Any
    process_index: int = 0
    num_processes: int = 1
    is_main_process: bool = True

    def wait_for_everyone(self) -> None:
        """Nobody else is there."""


@dataclass
class Ground:
    """Where a race is run.

    Attributes
    ----------
    transfer : what there is to work with. folder : of the run. device : that computes. before : seconds of former
        sessions. limit : seconds after which the race ends, what came before it counted in. clock : gives seconds.
    """

    transfer: Transfer
    folder: Path
    device: Any
    before: float = 0.0
    limit: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _benches: dict[str, Workbench] = field(default_factory=dict, repr=False)

    @property
    def options(self) -> FitOptions:
        return self.transfer.options

    @property
    def progress(self) -> Progress:
        return self.transfer.progress

    @property
    def sources(self) -> dict[str, Source]:
        """By name."""
        return {source.spec: source for source in self.transfer.sources}

    @cached_property
    def dataset(self) -> Dataset:
        """The target with the race's training rows as its only split: no other row can be read."""
        whole, options = self.transfer.target, self.options
        rows = whole.splits["train"]
        if options.shots is not None:
            rows = draw_shots(whole, options.shots, options.seed)
        rows = np.sort(np.random.default_rng(options.seed).permutation(rows)[:MOST_ROWS])
        return whole.with_splits({"train": rows})

    @property
    def rows(self) -> Array:
        return self.dataset.splits["train"]

    @cached_property
    def parts(self) -> list[tuple[Array, Array]]:
        """Folds of the rows: those to learn from, and those to be scored on."""
        return folds(self.dataset, FOLDS, self.options.seed)

    @property
    def spent(self) -> float:
        return self.before + self.clock() - self.transfer.began

    def begin(self) -> None:
        """Give the race its share of what is left of the budget when it begins."""
        budget = seconds_of(self.options.budget)
        self.limit = round(self.spent + SHARE * max(0.0, budget - self.spent), 3)

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.spent)

    def while_time(self, weights: Mapping[str, float], found: Sized) -> Iterator[str]:
        """Give names in order as long as another one is expected to fit into what is left.

        Parameters
        ----------
        weights : what each is expected to cost, in any unit; those before tell how many seconds a unit takes.
        found : what came of them so far: until something did, the next begins whatever the clock says.
        """
        took = done = 0.0
        for name, weight in weights.items():
            if len(found) and took / done * weight >= self.left:
                return
            began = self.clock()
            yield name
            took, done = took + self.clock() - began, done + weight

    def bench(self, source: str) -> Workbench:
        """Return the workbench of a source, on the race's rows and clock."""
        if source not in self._benches:
            alone = Alone(self.device)
            bench = Workbench.create(self.dataset, self.sources[source], self.options, alone, self.progress)
            bench.timetable = Timetable(self.limit, 0.0, {}, bench.clock, self.transfer.began - self.before)
            bench.alone = True
            self._benches[source] = bench
        return self._benches[source]

    @property
    def logic(self) -> TaskLogic:
        return self.bench(next(iter(self.sources))).logic

    def save(self, race: Race) -> Race:
        """Keep what was decided, and how long it took."""
        return replace(race, seconds=round(self.spent, 3)).save(self.folder)
