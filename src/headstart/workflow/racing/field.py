"""The race before the road: several sources, or trials of one, lead to one field of networks."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.workflow.field import Field
from headstart.workflow.network_field import NetworkField
from headstart.workflow.opening.fingerprint import weights_of
from headstart.workflow.options import depth_of
from headstart.workflow.raced import Raced
from headstart.workflow.racing.deciding import decide
from headstart.workflow.racing.ground import Ground
from headstart.workflow.racing.heats import probe_sources, score_sources
from headstart.workflow.racing.record import FILE, Race, read_race
from headstart.workflow.racing.study import open_storage
from headstart.workflow.racing.telling import lines_of, reasons_of
from headstart.workflow.racing.tuning import tune


class RaceField(NetworkField):
    """Sources that race for a target; the winner's field then walks the road."""

    def check(self) -> None:
        """Build every source once before anything is written."""
        for source in self.transfer.sources:
            network = self._build(source)
            depth_of(self.bench.options.depth, len(network.stages))
        if self.bench.options.study is not None:
            open_storage(self.bench.options.study, Path())

    def _build(self, source: Any) -> Any:
        return replace(self.bench, source=source).network(pretrained=True, seed=self.bench.options.seed)

    def weights(self) -> str | None:
        """Return one hash of all sources' weights, in order."""
        found = [str(weights_of(self._build(source))) for source in self.transfer.sources]
        return hashlib.blake2b("|".join(found).encode(), digest_size=16).hexdigest()

    def ready(self, folder: Path) -> Field[Any, Any]:
        """Race, or go on with a race that was stopped, and return the winner's field."""
        if self.is_main:
            with self.at_work():
                self._race(folder)
        self.wait()
        race = read_race(folder)
        if race is None or race.winner is None:
            raise UserError(f"{folder / FILE} holds no finished race; begin the run anew with --force.")
        return NetworkField(after(self, race))

    def _race(self, folder: Path) -> None:
        race = read_race(folder)
        ground = Ground(self.transfer, folder, self.bench.device, 0.0 if race is None else race.seconds)
        if race is None:
            named = tuple(ground.sources)
            mark = "" if self.bench.options.study is None else uuid.uuid4().hex
            ground.begin()
            first = Race(named, len(ground.rows), self.logic.task.metric, ground.limit, mark=mark)
            race = ground.save(first)
        ground.limit = race.limit
        if race.sources != tuple(ground.sources):
            raise UserError(f"{folder / FILE} is of another run's sources; begin the run anew with --force.")
        if race.winner is None:
            race = decide(ground, tune(ground, probe_sources(ground, score_sources(ground, race))))
        for line in lines_of(race):
            self.transfer.progress.note(line)


def after(field: RaceField, race: Race) -> Any:
    """Return the transfer that the winner leads to."""
    transfer, winner = field.transfer, race.winner
    assert winner is not None
    source = next(one for one in transfer.sources if one.spec == winner.source)
    raced = Raced(
        winner.method, winner.depth, winner.settings, race.seconds, time.monotonic(), reasons_of(race),
        {"winner": winner.source, "seconds": race.seconds, "trials": len(race.trials), "lines": lines_of(race)},
    )  # fmt: skip
    options = replace(transfer.options, source=source.spec)
    notes = (*transfer.notes, *reasons_of(race))
    return replace(transfer, source=source, sources=(), options=options, notes=notes, raced=raced)
