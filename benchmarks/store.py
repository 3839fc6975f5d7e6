"""Results of benchmarks: one JSON line per measurement, packed with one header per run into ``NAME.jsonl.xz``.

A measurement is first a loose line in ``NAME.jsonl``, so that an interrupted benchmark loses nothing; `pack` moves the
loose lines into the packed file, at the end of a run. ``python -m benchmarks.store unpack FILE.jsonl.xz ...`` turns
packed files into loose lines, to look at them or to take some out; ``pack FILE.jsonl ...`` packs them again.
"""

from __future__ import annotations

import json
import lzma
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
HEADER = ("date", "machine", "python", "versions", "commit", "gpu")
"""What all measurements of a run share."""
Record = dict[str, Any]


def read(name: str, folder: Path = RESULTS) -> list[Record]:
    """Return all measurements in the order in which they were made; a torn last line is left out."""
    packed, loose = _files(name, folder)
    found = list(_whole(lzma.decompress(packed.read_bytes()).decode())) if packed.exists() else []
    return found + (list(_whole(loose.read_text(encoding="utf-8"))) if loose.exists() else [])


def append(name: str, record: Record, folder: Path = RESULTS) -> None:
    """Add one loose line."""
    folder.mkdir(parents=True, exist_ok=True)
    with _files(name, folder)[1].open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def pack(name: str, folder: Path = RESULTS) -> None:
    """Move the loose lines into the packed file."""
    packed, loose = _files(name, folder)
    text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in _short(read(name, folder)))
    draft = packed.with_name(f"{packed.name}.part")
    draft.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    os.replace(draft, packed)
    loose.unlink(missing_ok=True)


def pack_all(folder: Path = RESULTS) -> None:
    """Pack every file that has loose lines."""
    for loose in sorted(folder.glob("*.jsonl")):
        pack(loose.stem, folder)


def unpack(name: str, folder: Path = RESULTS) -> None:
    """Turn a packed file into loose lines."""
    packed, loose = _files(name, folder)
    loose.write_text("".join(f"{json.dumps(record)}\n" for record in read(name, folder)), encoding="utf-8")
    packed.unlink(missing_ok=True)


def forget(folder: Path = RESULTS) -> None:
    """Remove all that was measured."""
    for path in [*folder.glob("*.jsonl"), *folder.glob("*.jsonl.xz")]:
        path.unlink()


def _files(name: str, folder: Path) -> tuple[Path, Path]:
    return folder / f"{name}.jsonl.xz", folder / f"{name}.jsonl"


def _short(records: Iterable[Record]) -> Iterator[Record]:
    """Put what a run's records share into a header before them."""
    former = None
    for record in records:
        header = {key: record[key] for key in HEADER if key in record}
        if header != former:
            yield {"header": header}
        former = header
        yield {key: value for key, value in record.items() if key not in HEADER}


def _whole(text: str) -> Iterator[Record]:
    """Give each record its run's header again."""
    header: Record = {}
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if record.keys() == {"header"}:
            header = record["header"]
        else:
            yield record | header


def main() -> None:
    verb, *files = sys.argv[1:] or [""]
    if verb not in {"pack", "unpack"} or not files:
        raise SystemExit(__doc__)
    for path in map(Path, files):
        name = path.name.removesuffix(".xz").removesuffix(".jsonl")
        (pack if verb == "pack" else unpack)(name, path.parent)


if __name__ == "__main__":
    main()
