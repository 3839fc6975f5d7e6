"""The study that holds a race's fine-tunings: a journal in the run's ``state/``, or a database that machines share."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.errors import UserError

REDUCTION = 3
"""Of the fine-tunings that reach a rung, one in so many goes on."""


@contextlib.contextmanager
def quiet_optuna() -> Iterator[Any]:
    """Give optuna, saying nothing of its own; what the caller had set comes back."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def open_storage(url: str | None, journal: Path) -> Any:
    """Open a shared database, or a run's own journal.

    Raises
    ------
    UserError
        If the database cannot be opened, or the journal holds something else than it should.
    """
    with quiet_optuna() as optuna:
        if url is None:
            return _open_journal(optuna, journal)
        try:
            return optuna.storages.RDBStorage(url)
        except Exception as error:  # drivers, SQLAlchemy and alembic have no error in common
            said = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise UserError(
                f"--study {url[:100]} cannot be opened ({said}); give the URL of a database whose driver is installed, "
                "such as sqlite:////shared/race.db or postgresql://host/name."
            ) from error


def _open_journal(optuna: Any, journal: Path) -> Any:
    """Open a journal that no other process has, for the run's folder is locked: what a kill left is mended."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.with_name(f"{journal.name}.lock").unlink(missing_ok=True)
    if journal.exists():
        kept = journal.read_bytes()
        whole = kept[: kept.rfind(b"\n") + 1]  # a kill may leave half a line
        if whole != kept:
            journal.write_bytes(whole)
    try:
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{journal} is no journal of a race; it is damaged: begin the run anew with --force."
        ) from error


def open_study(storage: Any, name: str, seed: int) -> Any:
    """Return the study of this name, begun if it is not there."""
    with quiet_optuna() as optuna:
        return optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION),
            sampler=sampler_of(optuna, seed),
        )


def sampler_of(optuna: Any, seed: int) -> Any:
    """Return a sampler whose draws depend on the seed and on what the study holds, and on nothing before."""
    return optuna.samplers.TPESampler(seed=seed % 2**32)


def study_name(*parts: Any) -> str:
    """Return the name under which equal races on several machines meet."""
    text = json.dumps(parts, sort_keys=True, default=list)
    return f"headstart-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
