"""Classes that a person would call the same: they differ by case, blanks, marks without width, or normal form only."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_SHOWN = 5


def similar_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return a warning per group of classes that look alike, their spellings made visible by escapes."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(likeness(name), []).append(name)
    alike = [names for names in groups.values() if len(names) > 1]
    warnings = [
        f"The classes {' and '.join(visible(name) for name in names)} differ only by case, blanks, marks without width "
        "or normal form; give them one spelling if they are one class."
        for names in alike[:_SHOWN]
    ]
    if len(alike) > _SHOWN:
        warnings.append(f"{len(alike) - _SHOWN} more groups of classes look alike in the same way.")
    return tuple(warnings)


def merged_spellings(names: Sequence[str]) -> tuple[str, ...]:
    """Return a warning if some classes are one only because blanks around them do not count."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.strip(), []).append(name)
    merged = [spelt for spelt in groups.values() if len(spelt) > 1]
    if not merged:
        return ()
    shown = "; ".join(" and ".join(visible(name) for name in sorted(spelt)) for spelt in merged[:_SHOWN])
    return (f"Labels that differ only by blanks around them were taken as one class: {shown}.",)


def likeness(name: str) -> str:
    """Return what is left of a name without case, blanks, marks without width, and normal form."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(letter for letter in folded if not (letter.isspace() or _has_no_width(letter)))


def _has_no_width(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cf", "Cc") or letter in "\ufe0e\ufe0f\u034f"


def visible(name: str) -> str:
    """Quote a name, everything beyond ASCII and every blank at an edge as escapes."""
    text = name.replace("\t", r"\t").replace("\n", r"\n").encode("ascii", "backslashreplace").decode()
    inner = text.strip(" ")
    left, right = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    return "'" + r"\x20" * left + inner + r"\x20" * (right if inner else 0) + "'"
