"""What has no meaning in a race of several sources is refused before anything is opened."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from headstart.errors import UserError
from headstart.workflow.options import FitOptions, is_source_free


def check_race(options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse a source that is named twice, and what several sources or trials do not go with."""
    named = ", ".join(options.sources)[:200]
    if options.study is not None and not options.races:
        raise UserError(
            "--study shares the trials of a race, and there is none with one source; give --source again for another, "
            "or say with --trials how many to run."
        )
    if not options.races:
        return
    if options.study is not None and urlsplit(options.study).password:
        raise UserError(
            "--study holds a password, which the run's folder would keep; leave it out of the URL and give it as the "
            "database's own driver takes it (PGPASSWORD, ~/.pgpass, a file of options)."
        )
    what = f"--source names several ({named})" if options.sources else f"--trials {options.trials}"
    if has_source_data:
        raise UserError(
            f"{what}, which race for a labelled target alone; with --source-data name one network with --source, whose "
            "methods race (--method a,b), or leave --source-data out."
        )
    if is_source_free(options.method):
        raise UserError(
            f"{what}, which race on labels; --method {options.method} learns without: name one run with --source."
        )
    if options.shots is not None and options.seeds > 1:
        raise UserError(
            f"{what}, which race on one draw of {options.shots} labels per class, while --seeds {options.seeds} draws "
            "others, in which the race's choice would have seen rows; leave --seeds or --shots out."
        )
    _check_once(options.sources)


def _check_once(sources: tuple[str, ...]) -> None:
    counts = Counter(_place(spec) for spec in sources)
    twice = next((spec for spec in sources if counts[_place(spec)] > 1), None)
    if twice is not None:
        raise UserError(f"--source {twice[:200]} is given {counts[_place(twice)]} times; name every source once.")


def _place(spec: str) -> str:
    """Return what is the same for two names of one folder or file."""
    prefix = next((known for known in ("file:", "hf/") if spec.startswith(known)), "")
    path = Path(spec.removeprefix(prefix)).expanduser()
    try:
        return f"{prefix}{path.resolve()}" if path.exists() else spec
    except OSError:  # a name too long for a file, which opening it refuses
        return spec
