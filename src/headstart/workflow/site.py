"""Where a run is made: in its folder, or, where a former run is to be replaced, beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from headstart.data.folder_names import require_text
from headstart.errors import HeadstartWarning, UserError
from headstart.locks import PART, sweep_parts
from headstart.storage import machine_faults, write_json
from headstart.workflow.lock import NAME, Lock, holder, maybe_locked

ARGUMENTS = "arguments.json"
Made = TypeVar("Made")


@dataclass
class Site:
    """A run's folder while it is made.

    Attributes
    ----------
    folder : as the user named it. place : the same without links.
    work : where files are written: ``place``, or ``.NAME.new.part`` beside it until the run is finished.
    """

    folder: Path
    place: Path
    work: Path
    locks: list[Lock]

    def hand_over(self, run: Made) -> Made:
        """Put a finished `Run` where the user wants it; a former run goes only now. None passes."""
        if run is None:
            return run
        if self.work != self.place:
            swap(self.place)
            for held in self.locks:
                held.path = self.place / "state" / NAME
        return replace(run, path=self.folder)  # type: ignore[type-var]


def replacement(place: Path) -> Path:
    """Return where the run is made that will replace ``place``."""
    return place.with_name(f".{place.name}.new{PART}")


def former(place: Path) -> Path:
    """Return where a former run lies for the moment in which the new one takes its place."""
    return place.with_name(f".{place.name}.old{PART}")


def swap(place: Path) -> None:
    """Put the finished replacement in its place; killed at any line, `recover` does the rest."""
    old = former(place)
    with machine_faults(place):
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
        replacement(place).rename(place)
    shutil.rmtree(old, ignore_errors=True)


def recover(place: Path) -> None:
    """Do the rest of a swap that was killed; called by who holds the locks, or finds no run in ``place``."""
    new, old = replacement(place), former(place)
    if not place.exists():
        if (new / "run.json").exists():
            swap(place)
        elif old.exists():
            old.rename(place)
    elif old.exists():
        shutil.rmtree(old, ignore_errors=True)


def is_begun(folder: Path) -> bool:
    """Say whether a folder holds a run, finished or not."""
    return (folder / "run.json").exists() or (folder / "state" / ARGUMENTS).exists()


@contextlib.contextmanager
def new_run(
    out: str | Path,
    arguments: dict[str, Any],
    *,
    force: bool,
    is_main: bool = True,
    wait: Callable[[], None] = lambda: None,
) -> Iterator[Site]:
    """Give an empty, locked folder for a run, with what `resume` needs in its ``state/``.

    With ``force`` a former run stays until `Site.hand_over` puts the finished new one in its place. A run that fails
    before anything is trained leaves nothing behind; one that fails later, or is interrupted, can be resumed.

    Parameters
    ----------
    is_main, wait : of several processes the main one makes the folder, and all wait for that.
    """
    folder = Path(out)
    place = settled(folder)
    if not is_main:
        wait()
        new = replacement(place)
        yield Site(folder, place, new if is_begun(new) else place, [])
        return
    with contextlib.ExitStack() as stack, told_how_to_resume(folder):
        existed = place.exists()
        work = _make_room(folder, place, stack, force=force)
        try:
            held = stack.enter_context(_begin(work, folder, arguments))
            wait()
            yield Site(folder, place, work, [held])
        except Exception:
            if not _has_progress(work):
                _discard(work, keep_folder=existed and work == place)
            raise


def settled(out: Path) -> Path:
    """Return the folder without links; what cannot be a run's folder is refused in a sentence."""
    with machine_faults(out):
        os.stat(out.parent) if out.parent.exists() else None
        if out.is_symlink() and not out.exists():
            raise UserError(f"{out} is a link to {os.readlink(out)}, which does not exist; --out expects a folder.")
        with contextlib.suppress(FileNotFoundError):
            os.stat(out)
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file; --out expects a folder.")
        place = Path(os.path.realpath(out))
    require_text(place)  # safetensors opens no other
    return place


def check_out(out: str | Path | None, *, force: bool) -> None:
    """Refuse what cannot be a new run's folder, before anything is opened."""
    if out is None:
        return
    folder = Path(out)
    place = settled(folder)
    if not place.exists():
        _refuse_live(folder, replacement(place))
        if is_begun(replacement(place)) and not force:
            raise UserError(
                f"A run that was to replace {folder} was begun; `headstart resume {folder}` finishes it, and --force "
                "begins anew."
            )
    elif not _is_empty(place):
        _refuse_live(folder, place)
        if not force:
            raise UserError(f"{folder} exists already; choose another --out, or give --force to replace it.")
        if not any((place / name).exists() for name in ("run.json", "plan.json", "state")):
            raise UserError(
                f"{folder} exists and is not a run of Headstart; --force does not delete it: choose another --out."
            )
        if os.path.ismount(place):
            raise UserError(f"{folder} is a disk of its own, which cannot be replaced; choose an --out inside it.")
        _refuse_live(folder, replacement(place))


def _make_room(folder: Path, place: Path, stack: contextlib.ExitStack, *, force: bool) -> Path:
    """Return an empty folder to work in; with ``force`` what is there stays where it is."""
    check_out(folder, force=force)
    recover(place)
    new = replacement(place)
    if not place.exists() or _is_empty(place):
        _clear(new, folder)
        with machine_faults(folder):
            place.mkdir(parents=True, exist_ok=True)
        return place
    check_out(folder, force=force)
    stack.enter_context(Lock.take(place / "state" / NAME, folder))
    _clear(new, folder)
    with machine_faults(new):
        new.mkdir()
    return new


def _refuse_live(folder: Path, place: Path) -> None:
    owner = holder(place / "state" / NAME)
    if owner is not None:
        raise UserError(f"{folder} is being made by {owner}; wait until that is done, or choose another --out.")


def _is_empty(place: Path) -> bool:
    """Say whether a folder holds nothing; what was being written when a process was killed is nothing."""
    with machine_faults(place):
        entries = list(place.iterdir())
    return all(entry.name.startswith(".state.") and entry.name.endswith(PART) for entry in entries)


def _clear(new: Path, folder: Path) -> None:
    """Remove a replacement that was begun and is not being made any more."""
    if is_begun(new):
        Lock.take(new / "state" / NAME, folder).release()
    shutil.rmtree(new, ignore_errors=True)


def _begin(work: Path, folder: Path, arguments: dict[str, Any]) -> Lock:
    """Make ``state/`` with the lock and the arguments at one stroke."""
    sweep_drafts(work)
    with machine_faults(work):
        draft = Path(tempfile.mkdtemp(prefix=".state.", suffix=PART, dir=work))
        held = Lock.take(draft / NAME, folder)
        try:
            write_json(draft / ARGUMENTS, arguments)
            draft.chmod(0o755)
            draft.rename(work / "state")
        except BaseException as error:
            held.release()
            shutil.rmtree(draft, ignore_errors=True)
            if isinstance(error, OSError) and (work / "state").exists():
                raise UserError(f"{folder} was begun by another process just now; choose another --out.") from error
            raise
    held.path = work / "state" / NAME
    return held


def _has_progress(work: Path) -> bool:
    """Say whether something was trained that a resumed run would go on from."""
    return (work / "run.json").exists() or any((work / "state").rglob("*.safetensors"))


def _discard(work: Path, *, keep_folder: bool) -> None:
    """Remove what was begun; ``state/`` last, so that a kill in between leaves a run that can be resumed."""
    for entry in sorted(work.iterdir(), key=lambda entry: entry.name == "state"):
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
    if not keep_folder:
        with contextlib.suppress(OSError):
            work.rmdir()


def is_helper() -> bool:
    """Say whether this is one of several processes that ``accelerate launch`` started, and not the main one."""
    return os.environ.get("RANK", "0") != "0"


@contextlib.contextmanager
def begun_run(run: str | Path) -> Iterator[Site]:
    """Lock a run that was begun, to finish it: the one that was to replace it, where there is one."""
    folder = Path(run)
    place = settled(folder)
    if is_helper():
        yield Site(folder, place, replacement(place) if is_begun(replacement(place)) else place, [])
        return
    with contextlib.ExitStack() as stack, told_how_to_resume(folder):
        locks = []
        if is_begun(place):
            locks.append(stack.enter_context(maybe_locked(place / "state" / NAME, folder)))
        new = replacement(place)
        if is_begun(new):
            locks.append(stack.enter_context(Lock.take(new / "state" / NAME, folder)))
        elif new.exists():
            shutil.rmtree(new, ignore_errors=True)
        recover(place)
        waiting = is_begun(new)
        yield Site(folder, place, new if waiting else place, [held for held in locks if held is not None])


@contextlib.contextmanager
def told_how_to_resume(folder: Path) -> Iterator[None]:
    """Say with Ctrl-C how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        if is_begun(folder) or is_begun(replacement(Path(os.path.realpath(folder)))):
            raise KeyboardInterrupt(f"Interrupted; `headstart resume {folder}` goes on from here.") from error
        raise


def sweep_run(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a run."""
    for place, _, _ in os.walk(folder):
        sweep_parts(Path(place))
    sweep_drafts(folder)


def sweep_drafts(folder: Path) -> None:
    """Remove what processes left that were killed while they began a run here."""
    for left in folder.glob(f".state.*{PART}"):
        if holder(left / NAME) is None:
            shutil.rmtree(left, ignore_errors=True)


def warning_of(folder: Path) -> str | None:
    """Return what a reader of a finished run should know: that it is about to be another."""
    new = replacement(Path(os.path.realpath(folder)))
    if not is_begun(new):
        return None
    owner = holder(new / "state" / NAME)
    if owner is not None:
        return f"{folder} is being replaced by {owner}; this is still the former run."
    return (
        f"A run that was to replace {folder} stopped before it was finished; this is still the former run, and "
        f"`headstart resume {folder}` finishes the new one."
    )


def check_finished(folder: Path) -> None:
    """Refuse to read what is not a finished run, and say what it is; warn where it is about to be replaced."""
    with machine_faults(folder):
        there = folder.is_dir()
    new = replacement(Path(os.path.realpath(folder)))
    if not there and is_begun(new):
        raise UserError(f"{folder} was being replaced; `headstart resume {folder}` finishes that.")
    if not there:
        raise UserError(f"{folder} does not exist; expected the folder of a run.")
    if not (folder / "run.json").exists():
        owner = holder(folder / "state" / NAME)
        if owner is not None:
            raise UserError(f"{folder} is not finished: it is being made by {owner}; wait until that is done.")
        if (folder / "state" / ARGUMENTS).exists() or is_begun(new):
            raise UserError(f"{folder} is not finished; `headstart resume {folder}` finishes it.")
        raise UserError(f"{folder} has no run.json; it is not the folder of a run.")
    said = warning_of(folder)
    if said is not None:
        warnings.warn(said, HeadstartWarning, stacklevel=3)
