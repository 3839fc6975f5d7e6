"""Which column of a table is what. Every choice has a reason that can be read on the data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
import pyarrow.compute as pc

from headstart.data.arrowtypes import begins_like_picture, is_picture, is_string
from headstart.data.features import choose_features
from headstart.data.frame import Frame
from headstart.data.images import ENDINGS
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError, nearest

LABEL_NAMES = ("label", "labels", "class", "target", "y")
TEXT_NAMES = ("text", "sentence", "review", "content", "document", "comment", "message", "body")
IMAGE_NAMES = ("image", "img", "image_path", "path", "file", "file_name", "filename")
WORDS_OF_A_TEXT = 4


@dataclass(frozen=True)
class Choice:
    """What each column is for, with reasons in sentences."""

    modality: str
    input_column: str | None = None
    features: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


def require_column(name: str, known: Iterable[str], place: str, option: str) -> str:
    """Return ``name`` if it is a column; else one sentence with the nearest names."""
    known = list(known)
    if name not in known:
        raise UserError(f"{place} has no column '{name}', which {option} names; {nearest(name, known)}")
    return name


def choose_labels(
    frame: Frame, label: str | Sequence[str] | None, place: str, reasons: dict[str, str]
) -> tuple[str, ...]:
    """Return the label columns: those named, or the first of ``label, labels, class, target, y``."""
    names = frame.columns.names
    if label is not None:
        if isinstance(label, str) and label in names:
            wanted = [label]
        else:
            wanted = [part.strip() for part in label.split(",")] if isinstance(label, str) else list(label)
        reasons["label"] = f"--label named {', '.join(wanted)}"
        return tuple(require_column(name, names, place, "--label") for name in wanted)
    lowered = {name.lower(): name for name in reversed(names)}
    for name in LABEL_NAMES:
        if name in lowered:
            reasons["label"] = f"the column '{lowered[name]}' is called so"
            return (lowered[name],)
    if len(frame.class_names) == 1:
        (only,) = frame.class_names
        reasons["label"] = f"'{only}' is the only column of named classes"
        return (only,)
    raise UserError(
        f"{place} has no column called {', '.join(LABEL_NAMES)}; name the label with --label, "
        f"one of: {', '.join(names)}."
    )


def choose_split(frame: Frame, taken: Iterable[str], place: str) -> str | None:
    """Return the column ``split`` if it holds train, validation and test; words beside these are an error."""
    found = [name for name in frame.columns.names if name.lower() == "split" and name not in set(taken)]
    if not found or not is_string(frame.columns.table.schema.field(found[0]).type):
        return None
    values = pc.unique(frame.columns.table.column(found[0])).to_pylist()  # type: ignore[attr-defined]
    unknown = [value for value in values if str(value).strip().lower() not in SPLIT_NAMES]
    if len(unknown) == len(values):
        return None
    if unknown:
        row = frame.columns.table.column(found[0]).to_pylist().index(unknown[0])
        name = frame.row_names(np.array([row]))[0]
        raise UserError(f"{place} has the split '{unknown[0]}' in {name}; train, validation or test is expected.")
    return found[0]


def choose_inputs(
    frame: Frame, taken: Sequence[str], place: str, modality: str | None, text: str | None, image: str | None
) -> Choice:
    """Decide whether rows are images, texts or table rows, and which columns hold them.

    Options come first; then a column of pictures or of names of picture files; then a column of strings of at
    least four words, mostly different from each other; else the remaining columns are a table's features.
    """
    names = frame.columns.names
    free = [name for name in names if name not in taken]
    if not free:
        raise UserError(f"{place} has no column beside {', '.join(taken)}; nothing is left to predict from.")
    for kind, option, value in (("image", "--image", image), ("text", "--text", text)):
        if value is not None:
            return _one(frame, kind, require_column(value, names, place, option), f"{option} named it", free)
    found = {"image": _image_column, "text": _text_column}
    for kind in ("image", "text"):
        if modality not in (None, kind):
            continue
        name, reason = found[kind](frame, free, modality == kind)
        if name is not None:
            return _one(frame, kind, name, reason, free)
        if modality == kind:
            raise UserError(f"{place} has no column that looks like {kind}s; name it with --{kind}, one of: "
                            f"{', '.join(free)}.")  # fmt: skip
    features, reasons = choose_features(frame, free, place, modality == "table")
    return Choice("table", features=features, reasons=reasons)


def _one(frame: Frame, modality: str, name: str, reason: str, free: list[str]) -> Choice:
    reasons = {"modality": f"{modality}: column '{name}': {reason}"}
    unused = [other for other in free if other != name]
    if unused:
        reasons["unused"] = f"columns that are not read: {', '.join(unused)}"
    kind = frame.columns.table.schema.field(name).type
    if modality == "text" and not is_string(kind):
        raise UserError(f"The column '{name}' holds {kind} values, not texts; name a column of strings with --text.")
    return Choice(modality, name, reasons=reasons)


def _image_column(frame: Frame, free: list[str], wanted: bool) -> tuple[str | None, str]:
    schema = frame.columns.table.schema
    pictures = [
        name for name in free if is_picture(schema.field(name).type) and (wanted or _holds_pictures(frame, name))
    ]
    if pictures:
        return _by_name(pictures, IMAGE_NAMES), "it holds pictures"
    paths = [name for name in free if is_string(schema.field(name).type) and _share_of_images(frame, name) >= 0.9]
    if paths:
        return _by_name(paths, IMAGE_NAMES), "its values are names of image files"
    strings = [name for name in free if is_string(schema.field(name).type)]
    if wanted and len(strings) == 1:
        return strings[0], "it is the only column of strings"
    return None, ""


def _holds_pictures(frame: Frame, name: str) -> bool:
    some = frame.columns.head(name, 20)
    return any(begins_like_picture(value.get("bytes") if isinstance(value, dict) else value) for value in some)


def _share_of_images(frame: Frame, name: str) -> float:
    values = frame.columns.head(name)
    return sum(PurePath(value.lower()).suffix in ENDINGS for value in values) / max(len(values), 1)


def _text_column(frame: Frame, free: list[str], wanted: bool) -> tuple[str | None, str]:
    schema = frame.columns.table.schema
    strings = [name for name in free if is_string(schema.field(name).type)]
    named = [name for name in strings if name.lower() in TEXT_NAMES]
    if named:
        return _by_name(named, TEXT_NAMES), "it is called so and holds strings"
    words = {name: _words(frame, name) for name in strings}
    long = {name: count for name, count in words.items() if count >= WORDS_OF_A_TEXT}
    if long:
        name = max(long, key=lambda column: long[column])
        return name, f"its strings have {long[name]:.0f} words on average"
    lone = len(strings) == len(free) == 1 and words[strings[0]] > 0
    if strings and (wanted or lone):
        return max(strings, key=lambda column: words[column]), "it is the only column" if lone else "it holds strings"
    return None, ""


def _words(frame: Frame, name: str) -> float:
    """Return the mean number of words, or 0 for a column whose values mostly repeat (a category)."""
    values = frame.columns.head(name)
    if not values or len(set(values)) * 2 < len(values):
        return 0.0
    return sum(len(value.split()) for value in values) / len(values)


def _by_name(names: list[str], order: Sequence[str]) -> str:
    rank = {name: number for number, name in enumerate(order)}
    return min(names, key=lambda name: rank.get(name.lower(), len(order)))
