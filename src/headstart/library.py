"""The user's own library of sources: what every finished run was trained on, and what it gave where it was a source.

One SQLite file. `HEADSTART_LIBRARY` names another one, or is ``off`` for none. Every change is one transaction, so that
two processes may write at once, and a kill leaves it as it was before or after.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from headstart.errors import UserError, nearest

VARIABLE = "HEADSTART_LIBRARY"
OFF = "off"
PREFIX = "mine:"
"""What stands before a name after ``--source``."""
SCHEMA = 1
PATIENCE = 30.0
"""Seconds for which another process's change is waited for."""
TABLES = """
CREATE TABLE sources (name TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT;
CREATE TABLE gains (run TEXT PRIMARY KEY, source TEXT NOT NULL, record TEXT NOT NULL) STRICT;
CREATE INDEX gains_of ON gains (source);
"""


@dataclass(frozen=True)
class Gain:
    """What a source gave to one target, as the run's verdict says.

    Attributes
    ----------
    target, fingerprint : name and fingerprint of its data. kind : positive, none or negative. gain, low, high : in the
        metric's own units, over ``baseline``. created : when.
    """

    target: str
    fingerprint: str
    kind: str
    metric: str
    gain: float | None
    low: float | None
    high: float | None
    n_test: int
    arm: str
    baseline: str
    run: str
    created: str


@dataclass(frozen=True)
class Mine:
    """A source of the user's own.

    Attributes
    ----------
    name : after ``mine:``. path : the run's folder. serves : whether it can stand after ``--source``: its model is a
        network. predicts : what, in words. data, origin, fingerprint : what it was trained on. source : where it
        started from. score : of its model on rows that nothing had seen, by ``metric``. size : bytes of the model.
    """

    name: str
    path: str
    serves: bool
    modality: str
    kind: str
    classes: tuple[str, ...]
    predicts: str
    data: str
    origin: str
    fingerprint: str
    source: str
    licence: str
    metric: str
    score: float | None
    n_test: int
    parameters: int | None
    size: int
    created: str
    gains: tuple[Gain, ...] = field(default=())

    @property
    def spec(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def at_hand(self) -> bool:
        return (Path(self.path) / "run.json").is_file()

    def to_json(self) -> dict[str, Any]:
        return (
            asdict(self)
            | {"spec": self.spec, "at_hand": self.at_hand, "classes": list(self.classes)}
            | {"gains": [asdict(one) for one in self.gains]}
        )


def place() -> Path | None:
    """Return the library's file; None where the user wants none."""
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() == OFF:
        return None
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("headstart")) / "sources.sqlite"


def put(entry: Mine, *, name: str | None = None) -> str:
    """Add a source, or replace what is known of the same folder, and return its name.

    Parameters
    ----------
    name : the user's choice; None for the folder's name, or the one that it has, with a number behind where another
        folder has it.

    Raises
    ------
    UserError
        If another folder has the name that was chosen, or the library is switched off or cannot be written.
    """
    record = asdict(entry)
    for key in ("name", "path", "gains"):
        del record[key]
    with _changing() as base:
        known = base.execute("SELECT name FROM sources WHERE path = ?", (entry.path,)).fetchone()
        taken = {row[0] for row in base.execute("SELECT name FROM sources WHERE path != ?", (entry.path,))}
        if name is not None and name in taken:
            raise UserError(
                f"The library has another source of the name '{name}'; choose another --name, or remove it."
            )
        chosen = name or (known[0] if known else _free(entry.name, taken))
        base.execute("DELETE FROM sources WHERE path = ?", (entry.path,))
        base.execute("INSERT INTO sources VALUES (?, ?, ?)", (chosen, entry.path, json.dumps(record)))
    return chosen


def put_gain(source: str, gain: Gain) -> None:
    """Record what a source gave; what the same run said before is replaced.

    Parameters
    ----------
    source : the folder of a run, or what is typed after ``--source`` of any other.
    """
    with _changing() as base:
        base.execute("INSERT OR REPLACE INTO gains VALUES (?, ?, ?)", (gain.run, source, json.dumps(asdict(gain))))


def remove(name: str) -> None:
    """Forget a source, with the gains measured with it; its folder stays."""
    with _changing() as base:
        path = _known(base, name)
        base.execute("DELETE FROM sources WHERE path = ?", (path,))
        base.execute("DELETE FROM gains WHERE source = ?", (path,))


def mine() -> list[Mine]:
    """Return all sources, by name; none where there is no library yet, or it is switched off."""
    with _reading() as base:
        rows = [] if base is None else base.execute("SELECT name, path, record FROM sources ORDER BY name").fetchall()
        return [_entry(name, path, record, _gains(base, path)) for name, path, record in rows if base is not None]


def get(name: str) -> Mine:
    """Return one source, by its name with or without ``mine:``."""
    with _reading() as base:
        path = _known(base, name.removeprefix(PREFIX))
        assert base is not None
        known, _, record = base.execute("SELECT name, path, record FROM sources WHERE path = ?", (path,)).fetchone()
        return _entry(known, path, record, _gains(base, path))


def gains_of(source: str) -> tuple[Gain, ...]:
    """Return what a source gave so far: the folder of a run, or what is typed after ``--source``."""
    with _reading() as base:
        return () if base is None else _gains(base, source)


def located(spec: str | None) -> str | None:
    """Return the run's folder for ``mine:NAME``, and anything else as it is.

    Raises
    ------
    UserError
        If there is no such source, or its folder is gone.
    """
    if spec is None or not spec.startswith(PREFIX):
        return spec
    found = get(spec)
    if not found.at_hand:
        raise UserError(
            f"{spec} was in {found.path}, where there is no finished run any more; put it back, or "
            f"`headstart sources remove {found.name}`."
        )
    return found.path


def _free(name: str, taken: set[str]) -> str:
    number = 2
    chosen = name
    while chosen in taken:
        chosen, number = f"{name}-{number}", number + 1
    return chosen


def _known(base: sqlite3.Connection | None, name: str) -> str:
    """Return the folder of a source."""
    if base is None:
        raise UserError(f"There is no source '{PREFIX}{name}': the library is empty, or {VARIABLE} switches it off.")
    paths = dict(base.execute("SELECT name, path FROM sources").fetchall())
    if name not in paths:
        raise UserError(
            f"There is no source '{PREFIX}{name}'; {nearest(name, paths) if paths else 'the library is empty.'}"
        )
    return paths[name]


def _gains(base: sqlite3.Connection, source: str) -> tuple[Gain, ...]:
    rows = base.execute("SELECT record FROM gains WHERE source = ? ORDER BY rowid", (source,)).fetchall()
    return tuple(Gain(**json.loads(row[0])) for row in rows)


def _entry(name: str, path: str, record: str, gains: tuple[Gain, ...]) -> Mine:
    value = json.loads(record)
    return Mine(name=name, path=path, gains=gains, **value | {"classes": tuple(value["classes"])})


@contextlib.contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UserError(
            f"The library of sources, {path}, cannot be used ({error}); free it, or name another file in {VARIABLE}, "
            f"or {VARIABLE}={OFF} for none."
        ) from error
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} is no library of sources, or is damaged ({error}); move it away, and `headstart sources add RUN` "
            "fills a new one."
        ) from error
    except OSError as error:
        raise UserError(
            f"The library of sources, {path}, cannot be used ({error.strerror}); name another file in {VARIABLE}, or "
            f"{VARIABLE}={OFF} for none."
        ) from error


@contextlib.contextmanager
def _changing() -> Iterator[sqlite3.Connection]:
    """Give the library for one change: all of it happens or nothing, and others wait."""
    path = place()
    if path is None:
        raise UserError(f"The library of sources is switched off by {VARIABLE}={OFF}; unset it.")
    with _faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as base:
            base.execute("PRAGMA synchronous = FULL")
            base.execute("BEGIN IMMEDIATE")
            try:
                _prepare(base, path)
                yield base
            except BaseException:
                base.execute("ROLLBACK")
                raise
            base.execute("COMMIT")


@contextlib.contextmanager
def _reading() -> Iterator[sqlite3.Connection | None]:
    """Give the library to read from; None where there is none."""
    path = place()
    if path is None or not path.is_file() or not path.stat().st_size:
        yield None
        return
    with _faults(path), contextlib.closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as base:
        base.execute("BEGIN")
        if _version(base, path) == 0:
            yield None
            return
        yield base


def _version(base: sqlite3.Connection, path: Path) -> int:
    version = int(base.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA:
        raise UserError(f"{path} was written by a newer version of Headstart; upgrade to use it.")
    return version


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    if _version(base, path) == 0:
        for statement in filter(None, map(str.strip, TABLES.split(";"))):
            base.execute(statement)
        base.execute(f"PRAGMA user_version = {SCHEMA}")
