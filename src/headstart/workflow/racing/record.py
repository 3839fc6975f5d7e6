"""What a race has decided so far, as ``race.json`` in the run's folder holds it: a resumed run goes on from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.schema import Items, Maybe, Text, Whole, read_checked, record_of
from headstart.storage import write_json

FILE = "race.json"
SCHEMA = 1
SCORES, PROBES, TUNING, OVER = "scores", "probes", "tuning", "over"
STAGES = (SCORES, PROBES, TUNING, OVER)
"""What comes next, in order."""
FINISHED, DROPPED, CUT = "finished", "dropped", "cut"
"""How a fine-tuning ended: on all folds, as one of the worse on its rung, or at the clock."""
NOT_BEGUN = "No time was left to begin it."
"""Why a source left that a stage did not come to."""


@dataclass(frozen=True)
class Standing:
    """One source in the first two stages.

    Attributes
    ----------
    source, title : as it was named, and its title. scores : on cached features, higher is better. rank : mean rank over
        them, 1 the best; None where it could not be scored. probe : cross-validated score of a head on its features.
    seconds : that it took. left : the stage after which it left the race; None where it went on. why : it did.
    """

    source: str
    title: str
    scores: dict[str, float] = field(default_factory=dict)
    rank: float | None = None
    probe: float | None = None
    seconds: float = 0.0
    left: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Rung:
    """What a fine-tuning gets: so many epochs, scored on so many folds of the training rows."""

    epochs: float
    folds: int


@dataclass(frozen=True)
class Trial:
    """One fine-tuning: which source, method and depth, with which settings, and how far it came.

    Attributes
    ----------
    settings : hyper-parameters. scores : mean score of the folds of each rung that it ran. steps : of the optimiser
        that each rung made per fold. ended : one of ``finished``, ``dropped``, ``cut``. why : it ended there.
    merit : its last score, equal ones told apart by their loss.
    """

    number: int
    source: str
    method: str
    depth: int
    settings: dict[str, Any]
    scores: tuple[float, ...]
    steps: tuple[int, ...]
    seconds: float
    ended: str
    why: str = ""
    merit: float | None = None


@dataclass(frozen=True)
class Winner:
    """What the road goes on with; ``method`` and ``depth`` None: the plan decides. ``trial`` : that won, if one did."""

    source: str
    method: str | None
    depth: int | None
    settings: dict[str, Any]
    score: float | None
    trial: int | None
    why: str


@dataclass(frozen=True)
class Race:
    """All of it.

    Attributes
    ----------
    sources : that were named. n : training rows that it read. metric : of all scores but those of the first stage.
    stage : what comes next, of `STAGES`. rungs, trials : of the fine-tuning. seconds : spent so far; ``limit`` : at
        most. coming : what the next minute would most likely have bought. notes : sentences.
    mark : tells this run's fine-tunings from those of other machines in a shared study.
    """

    sources: tuple[str, ...]
    n: int
    metric: str
    limit: float
    stage: str = SCORES
    seconds: float = 0.0
    standings: tuple[Standing, ...] = ()
    rungs: tuple[Rung, ...] = ()
    trials: tuple[Trial, ...] = ()
    winner: Winner | None = None
    coming: str = ""
    notes: tuple[str, ...] = ()
    mark: str = ""
    schema: int = SCHEMA

    @property
    def running(self) -> list[Standing]:
        """The sources that are still in it."""
        return [one for one in self.standings if one.left is None]

    def save(self, folder: Path) -> Race:
        """Write it into a run's folder."""
        write_json(folder / FILE, asdict(self))
        return self


_TRIAL = record_of(Trial, ended=Text(choices=(FINISHED, DROPPED, CUT)), number=Whole())
RACE = record_of(
    Race,
    stage=Text(choices=STAGES),
    standings=Items(record_of(Standing, left=Maybe(Text(choices=STAGES)))),
    rungs=Items(record_of(Rung, folds=Whole(1))),
    trials=Items(_TRIAL),
    winner=Maybe(record_of(Winner)),
    schema=Whole(SCHEMA, SCHEMA),
    sources=Items(Text(), least=1),
)
"""What ``race.json`` holds."""


def read_race(folder: Path) -> Race | None:
    """Return the race of a run; None where there is none.

    Raises
    ------
    UserError
        If the file is damaged or was edited into something that no race says.
    """
    path = folder / FILE
    if not path.exists():
        return None
    value = read_checked(path, RACE)
    standings = tuple(Standing(**one) for one in value["standings"])
    trials = tuple(Trial(**one | {key: tuple(one[key]) for key in ("scores", "steps")}) for one in value["trials"])
    winner = None if value["winner"] is None else Winner(**value["winner"])
    listed = {name: tuple(value[name]) for name in ("sources", "notes")}
    rungs = tuple(Rung(**one) for one in value["rungs"])
    race = Race(**value | listed | {"standings": standings, "rungs": rungs, "trials": trials, "winner": winner})
    _require_sense(race, path)
    return race


def _require_sense(race: Race, path: Path) -> None:
    """Refuse what is well-formed and cannot be: another source, or a race that is over without a winner."""
    named = [one.source for one in (*race.standings, *race.trials, *([race.winner] if race.winner else []))]
    strange = next((source for source in named if source not in race.sources), None)
    wrong = (
        f"{strange[:60]} is none of its sources"
        if strange is not None
        else "the race is over and has no winner"
        if race.stage == OVER and race.winner is None
        else "it has a winner and is not over"
        if race.stage != OVER and race.winner is not None
        else None
    )
    if wrong is not None:
        raise UserError(f"{path}: {wrong}; the file is damaged or was edited.")
