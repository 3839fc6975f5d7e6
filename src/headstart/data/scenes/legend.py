"""What the values of masks mean: by a legend beside them, or by the values themselves, by stated rules."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headstart.errors import UserError
from headstart.kinds.masks import IGNORED

NAMES_FILES = ("classes.txt", "labels.txt")
COLOUR_FILES = ("legend.csv", "class_dict.csv", "classes.csv", "label_colors.csv")
WHITE = 65535
"""In masks of 16 bits."""
BINARY = ("background", "foreground")
MOST_CLASSES = 200
MOST_BYTES = 2**20
SURE = 0.98
"""Share of pixels near black or white from which grey masks are two classes with soft edges."""
Values = Sequence[tuple[str, dict[int, int]]]


@dataclass(frozen=True)
class Legend:
    """Value to class: numbers (0 and more), or colours as ``-1 - RGB``.

    Parameters
    ----------
    names : of the classes. places : value to class number. ignored : values of pixels without a label.
    halved : values up to 127 are the first class, and the others the second.
    """

    names: tuple[str, ...]
    places: dict[int, int]
    reason: str
    ignored: frozenset[int] = frozenset()
    halved: bool = False
    warnings: tuple[str, ...] = field(default=())

    def place(self, value: int, name: str) -> int:
        """Return a value's class number, or `IGNORED`."""
        if self.halved and value >= 0:
            return int(value > 127)
        if value in self.places:
            return self.places[value]
        if value in self.ignored:
            return IGNORED
        known = ", ".join(shown(one) for one in list(self.places)[:12])
        raise UserError(
            f"The mask {name} holds the {'colour' if value < 0 else 'value'} {shown(value)}, which means no class; "
            f"known are {known}{' ...' if len(self.places) > 12 else ''}: correct the mask, or add it to the legend."
        )


def shown(value: int) -> str:
    """Write a value of a mask: a number, or a colour.

    Examples
    --------
    >>> shown(7), shown(-1 - 0xFF8000)
    ('7', '#ff8000')
    """
    return str(value) if value >= 0 else f"#{-1 - value:06x}"


def find_legend(root: Path, values: Values, known: tuple[str, ...] | None = None) -> Legend:
    """Return the meaning of all values of some masks.

    ``classes.txt`` names the numbers from 0 in its lines, ``legend.csv`` has the columns name, r, g, b. Without either,
    masks of 0 and one other value (1 or 255) are background and foreground; up to 64 different numbers are classes that
    are named by them, where 255 is a pixel without a label; up to 64 colours likewise.

    Parameters
    ----------
    known : the classes of a finished model, so that fewer values than it learned from still mean the same.
    """
    for name in COLOUR_FILES:
        if (root / name).is_file():
            return _by_colours(root / name)
    for name in NAMES_FILES:
        if (root / name).is_file():
            return _by_names(root / name)
    every: dict[int, int] = {}
    for _, counts in values:
        for value, count in counts.items():
            every[value] = every.get(value, 0) + count
    return _by_values(every, known)


def _by_values(every: dict[int, int], known: tuple[str, ...] | None) -> Legend:
    numbers = sorted(value for value in every if value >= 0)
    if len(numbers) < len(every):
        return _by_own_colours(every)
    two = set(numbers) <= {0, 1} or set(numbers) <= {0, 255} or set(numbers) == {0, WHITE}
    if two and (known is None or known == BINARY) and (len(numbers) == 2 or known == BINARY):
        return Legend(BINARY, {0: 0, 1: 1, 255: 1, WHITE: 1}, f"masks of two values, 0 and {numbers[-1] or 255}")
    near = sum(count for value, count in every.items() if value < 32 or value > 223)
    if len(numbers) > MOST_CLASSES_BY_VALUE and numbers[-1] <= 255:
        if near < SURE * sum(every.values()):
            raise UserError(
                f"The masks hold {len(numbers)} different grey values, too many to be classes; give masks of one "
                "number per class, or colours with a legend.csv (name, r, g, b)."
            )
        said = "The masks' edges are grey (a lossy format, or resizing); values from 128 up are the foreground."
        return Legend(BINARY, {}, "masks of black and white with soft edges", halved=True, warnings=(said,))
    if len(numbers) > MOST_CLASSES_BY_VALUE:
        raise UserError(f"The masks hold {len(numbers)} different values, up to {numbers[-1]}; a class is one of at "
                        f"most {MOST_CLASSES_BY_VALUE}, so give masks of one small number per class.")  # fmt: skip
    classes = [value for value in numbers if value != 255]
    if known is not None and all(str(value) in known for value in classes):
        classes = [int(name) for name in known if name.isdigit()]
    places = {value: number for number, value in enumerate(classes)}
    return Legend(tuple(map(str, classes)), places, f"masks of {len(classes)} numbers", frozenset({255}))


MOST_CLASSES_BY_VALUE = 64


def _by_own_colours(every: dict[int, int]) -> Legend:
    if len(every) > MOST_CLASSES_BY_VALUE:
        raise UserError(
            f"The masks hold {len(every)} different colours, too many to be classes; store them without loss (PNG), "
            "and name their colours in a legend.csv (name, r, g, b) beside them."
        )
    # in one mask grey and colour differ by the sign alone
    colours = sorted({value if value < 0 else -1 - value * 0x010101: value for value in every}, reverse=True)
    places = {value: number for number, value in enumerate(colours)}
    places |= {value: places[-1 - value * 0x010101] for value in every if value >= 0}
    return Legend(tuple(map(shown, colours)), places, f"masks of {len(colours)} colours, which name the classes")


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path} has more than {MOST_BYTES:,} bytes; a line per class is expected.")
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path} is no UTF-8 text; save it as such.") from None


def _by_names(path: Path) -> Legend:
    names = [line.strip() for line in _lines(path) if line.strip()]
    _require_names(names, path)
    places = {number: number for number in range(len(names))}
    return Legend(tuple(names), places, f"{path.name} names the numbers of the masks", frozenset({255}))


def _require_names(names: list[str], path: Path) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{path} names the class '{twice}' twice; give each class a name of its own.")
    if not 2 <= len(names) <= MOST_CLASSES:
        raise UserError(f"{path} names {len(names)} classes; 2 to {MOST_CLASSES} are expected, one a line.")


def _by_colours(path: Path) -> Legend:
    rows = list(csv.DictReader(_lines(path)))
    keys = {str(key).strip().lower(): key for key in (rows[0] if rows else {}) if key is not None}
    if not {"name", "r", "g", "b"} <= set(keys):
        raise UserError(f"{path} lacks columns; name, r, g and b are expected, with a row per class.")
    places: dict[int, int] = {}
    for number, row in enumerate(rows, 2):
        try:
            r, g, b = (int(str(row[keys[channel]]).strip()) for channel in "rgb")
        except ValueError:
            raise UserError(f"{path}, line {number}, has a colour that is no number; whole numbers 0 to 255 are "
                            "expected.") from None  # fmt: skip
        if not all(0 <= one <= 255 for one in (r, g, b)):
            raise UserError(f"{path}, line {number}, has the colour {r}, {g}, {b}; 0 to 255 are expected.")
        value = -1 - (r * 65536 + g * 256 + b)
        if value in places:
            raise UserError(f"{path}, line {number}, gives the colour {shown(value)} to a second class; each has one.")
        places[value] = number - 2
    names = [str(row[keys["name"]]).strip() for row in rows]
    _require_names(names, path)
    # a mask of greys alone is read as numbers, whatever the file's mode
    greys = {(-1 - value) % 256: place for value, place in places.items() if (-1 - value) % 0x010101 == 0}
    return Legend(tuple(names), greys | places, f"{path.name} names the colours of the masks")
