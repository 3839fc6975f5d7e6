"""The sources that are to be ranked: named one by one, in a file, or all that are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headstart.data import Dataset
from headstart.errors import UserError
from headstart.networks import Source, open_source
from headstart.workflow.opening.refusals import check_fits
from headstart.workflow.opening.source_choice import at_hand

ALL_LOCAL = "all-local"
ARCHITECTURES = ("timm/", "torchvision/")
LONGEST = 40
"""Letters of a name that is shown whole."""
MOST = 200
"""Sources that are ranked at the utmost."""


def named_sources(dataset: Dataset, named: Sequence[str], listed: str | None, network: str | None) -> list[Source]:
    """Open what was named, each once, in the order in which it was named.

    Parameters
    ----------
    named : what follows ``--source``; a file of weights may bring its architecture after a blank,
        ``file:WEIGHTS torchvision/NAME``.
    listed : ``all-local``, or a text file of one source a line; empty lines and what follows # are left out.
    network : the architecture of files that bring none.

    Raises
    ------
    UserError
        If nothing was named, a name is unknown, or a source takes another kind of input.
    """
    lines = [*named, *([] if listed in (None, ALL_LOCAL) else read_list(str(listed)))]
    found: dict[str, Source] = {}
    for line in lines:
        source = open_named(line, network)
        check_fits(dataset, source)
        source = source.facing(dataset.modality)
        found.setdefault(source.spec, source)
    for source in at_hand(dataset, MOST) if listed == ALL_LOCAL else ():
        found.setdefault(source.spec, source)
    if not found:
        raise UserError(_nothing(dataset, listed))
    if len(found) > MOST:
        raise UserError(f"{len(found)} sources were named, and at most {MOST} are ranked at once; name fewer.")
    return list(found.values())


def open_named(line: str, network: str | None = None) -> Source:
    """Open one source by its line.

    Examples
    --------
    >>> open_named("headstart/glyphs").kind
    'bundled'
    """
    spec, _, architecture = line.strip().rpartition(" ")
    if spec and architecture.startswith(ARCHITECTURES):
        return open_source(spec.strip(), network=architecture)
    spec = line.strip()
    return open_source(spec, network=network if spec.startswith("file:") else None)


def short_names(sources: Sequence[Source]) -> dict[str, str]:
    """Return a name for people of every spec: a long path is cut to its last parts, as many as tell all names apart."""
    specs = [source.spec for source in sources]
    parts = {spec: [part for part in spec.split("/") if part] for spec in specs}
    for depth in range(1, max(map(len, parts.values())) + 1):
        names = {spec: "/".join(parts[spec][-depth:]) if len(spec) > LONGEST else spec for spec in specs}
        if len(set(names.values())) == len(names):
            return names
    return {spec: spec for spec in specs}


def read_list(path: str) -> list[str]:
    """Read a file of sources, one a line."""
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UserError(
            f"--sources {path} cannot be read ({why}); give {ALL_LOCAL}, or a text file of one source a line."
        ) from error
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    if not any(lines):
        raise UserError(f"--sources {path} names no source; write one a line, as after --source.")
    return [line for line in lines if line]


def _nothing(dataset: Dataset, listed: str | None) -> str:
    if listed == ALL_LOCAL:
        return (
            f"No source for {dataset.modality} data is at hand; name some with --source, such as those of `headstart "
            "sources`."
        )
    return f"No source was named to rank; give --source once or several times, or --sources {ALL_LOCAL} or a file."
