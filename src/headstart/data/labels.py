"""From label columns to a task and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrowtypes import class_name, is_bytes
from headstart.data.projecting import require_range
from headstart.data.spellings import merged_spellings
from headstart.errors import UserError
from headstart.kinds import KINDS
from headstart.problem import Task, class_order

FEW_VALUES = 20
_SEPARATORS = ";|,"


@dataclass(frozen=True)
class Encoded:
    """A task, its labels (int64 [n], uint8 [n, classes] or float64 [n, targets]) and the reason in words."""

    task: Task
    labels: np.ndarray
    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSource:
    """Label columns before they are numbers.

    Parameters
    ----------
    columns : name to values, one row per sample.
    row_names : row numbers to names, for messages.
    class_names : names that the data themselves give to the numbers of a column (`datasets.ClassLabel`).
    """

    columns: Mapping[str, pa.ChunkedArray]
    row_names: Callable[[np.ndarray], list[str]]
    class_names: Mapping[str, Sequence[str]]

    def rows(self, found: np.ndarray) -> str:
        """Name the first few of some rows and count the others."""
        names = ", ".join(self.row_names(found[:3]))
        return names if len(found) <= 3 else f"{names} and {len(found) - 3} more"


def encode_labels(source: LabelSource, kind: str | None) -> Encoded:
    """Infer the task (unless ``kind`` names it) and turn labels into numbers.

    Raises
    ------
    UserError
        If a label is missing or infinite, or does not fit the task; rows and column are named.
    """
    for name, values in source.columns.items():
        if pa.types.is_nested(values.type) and not _is_list(values.type):
            raise UserError(f"The label '{name}' holds objects or nested lists; give names, numbers or lists of names.")
        require_present(source, name, values)
    if len(source.columns) > 1:
        return _several(source, kind)
    (name, values), *_ = source.columns.items()
    if name in source.class_names:
        return _named(source, name, values, kind)
    inferred, reason = (kind, f"--task {kind} was given") if kind else _infer(name, values)
    reads = KINDS[inferred].reads
    if reads == "values":
        return Encoded(Task(inferred, targets=(name,)), numbers(source, name, values)[:, None], reason)
    if reads == "classes":
        mark, words = choose_mark(values, given=kind is not None)
        return _encode_sets(_sets(values, mark), reason + words, mark, inferred)
    return _encode_classes(values, reason, inferred)


def require_present(source: LabelSource, name: str, values: pa.ChunkedArray) -> None:
    missing = pc.is_null(values, nan_is_null=True).to_numpy()  # type: ignore[attr-defined]
    if _is_text(values.type):
        blank = pc.equal(pc.utf8_trim_whitespace(values), "")  # type: ignore[attr-defined]
        missing = missing | blank.fill_null(True).to_numpy()
    if name in source.class_names and pa.types.is_integer(values.type):
        missing = missing | pc.less(values, 0).fill_null(True).to_numpy()  # type: ignore[attr-defined]
    rows = np.flatnonzero(missing)
    if len(rows):
        samples = "sample" if len(rows) == 1 else "samples"
        raise UserError(
            f"The label '{name}' is missing in {len(rows)} {samples} of {len(values)} ({source.rows(rows)}); "
            "label them, take them out, or let a fit learn from them without (--unlabelled rows)."
        )


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _infer(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    if _is_list(values.type):
        return "multilabel", f"column '{name}' holds lists of classes"
    if _is_text(values.type):
        if choose_mark(values, given=False)[0]:
            return "multilabel", f"column '{name}' holds several classes in one cell"
        return "classification", f"column '{name}' holds names"
    if not _is_number(values.type):
        return "classification", f"column '{name}' holds {values.type} values"
    return _infer_number(name, values)


def _infer_number(name: str, values: pa.ChunkedArray) -> tuple[str, str]:
    distinct = np.sort(pc.unique(values).to_numpy(zero_copy_only=False).astype(np.float64))  # type: ignore
    count = len(distinct)
    whole = bool(np.isfinite(distinct).all() and (distinct == np.rint(distinct)).all())
    if whole and count <= FEW_VALUES and count < len(values):
        return "classification", f"column '{name}' holds {count} different whole numbers, at most {FEW_VALUES}"
    counted = whole and pa.types.is_integer(values.type) and distinct[-1] - distinct[0] == count - 1
    if counted and distinct[0] in (0, 1) and len(values) >= 5 * count:
        return "classification", (
            f"column '{name}' holds the integers {int(distinct[0])} to {int(distinct[-1])} without a gap, "
            "at least 5 samples of each on average"
        )
    return "regression", f"column '{name}' holds {count} different numbers"


def numbers(source: LabelSource, name: str, values: pa.ChunkedArray) -> np.ndarray:
    """Return a label column as float64; an infinite or too large value, or a word, is an error that names its row."""
    try:
        found = values.cast(pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        row, value = next((i, v) for i, v in enumerate(values.to_pylist()) if not _parses(v))
        raise UserError(
            f"The label '{name}' of {source.rows(np.array([row]))} is {value!r}, which is no number, "
            "as regression needs; correct it or give --task classification."
        ) from None
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise UserError(
            f"The label '{name}' is not finite in {len(bad)} of {len(values)} samples ({source.rows(bad)}); "
            "correct them or take them out."
        )
    require_range(found, f"The label '{name}'", source.row_names)
    return found


def _parses(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _several(source: LabelSource, kind: str | None) -> Encoded:
    names = tuple(source.columns)
    matrix = np.stack([numbers(source, n, _as_numbers(v)) for n, v in source.columns.items()], axis=1)
    binary = bool(np.isin(matrix, (0, 1)).all())
    reads = KINDS[kind].reads if kind else ""
    if reads == "class":
        raise UserError(f"Classification takes one label column, not {len(names)} ({', '.join(names)}); name one.")
    if reads == "classes" and not binary:
        row = np.flatnonzero(~np.isin(matrix, (0, 1)).all(axis=1))
        raise UserError(f"Multi-label columns hold 0 or 1, but {source.rows(row)} hold other values; correct them.")
    if reads == "classes" or (not reads and binary):
        reason = f"{len(names)} label columns hold only 0 and 1"
        return Encoded(Task(kind or "multilabel", classes=names), matrix.astype(np.uint8), reason)
    return Encoded(Task(kind or "regression", targets=names), matrix, f"{len(names)} label columns hold numbers")


def _as_numbers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(pa.int8()) if pa.types.is_boolean(values.type) else values


def _named(source: LabelSource, name: str, values: pa.ChunkedArray, kind: str | None) -> Encoded:
    kind = kind or "classification"
    reads, known = KINDS[kind].reads, list(source.class_names[name])
    reason = f"the data name the {len(known)} classes of '{name}'"
    if _is_list(values.type):
        sets = [[known[c] for c in row] for row in values.to_pylist()]
        return _encode_sets(sets, reason, "", kind if reads == "classes" else "multilabel")
    if reads == "values":
        raise UserError(f"The label '{name}' holds named classes, not numbers; give --task classification.")
    codes = values.cast(pa.int64()).to_numpy()
    used = np.unique(codes)
    left_out = [known[c] for c in range(len(known)) if c not in set(used.tolist())]
    if left_out:
        reason += f"; without any sample, so left out: {', '.join(left_out)}"
    classes = tuple(known[c] for c in used)
    return Encoded(Task(kind if reads == "class" else "classification", classes), np.searchsorted(used, codes), reason)


def _encode_classes(values: pa.ChunkedArray, reason: str, kind: str) -> Encoded:
    own, warnings = values, ()
    if _is_text(values.type):
        values = pc.utf8_trim_whitespace(values)  # type: ignore[attr-defined]
        warnings = merged_spellings(pc.unique(own).to_pylist())  # type: ignore[attr-defined]
    elif _is_list(values.type):
        raise UserError("Lists of classes are multi-label, not classification; give --task multilabel.")
    elif pa.types.is_nested(values.type) or is_bytes(values.type):
        raise UserError(
            f"Labels of the type {values.type} are not understood; give numbers, strings or lists of strings."
        )
    found = pc.unique(values).to_pylist()  # type: ignore[attr-defined]
    distinct = class_order(found) if _is_text(values.type) else sorted(found)
    order = pa.array(distinct, type=values.type)
    codes = pc.index_in(values, value_set=order).to_numpy().astype(np.int64)  # type: ignore[attr-defined]
    return Encoded(Task(kind, tuple(class_name(v) for v in distinct)), codes, reason, warnings)


def choose_mark(values: pa.ChunkedArray, *, given: bool) -> tuple[str, str]:
    """Return the one separator of a column of sets of classes, and the sentence about it; empty for none.

    It is ``;`` or ``|``, whichever stands in more cells; a comma only where multi-label was asked for (``given``)
    and neither of the two occurs. Other separators are parts of names.
    """
    if not _is_text(values.type):
        return "", ""
    counts = {mark: int(pc.sum(pc.match_substring(values, mark)).as_py() or 0) for mark in _SEPARATORS}  # type: ignore
    found = [mark for mark in _SEPARATORS if counts[mark] and (mark != "," or given)]
    if not found:
        return "", "; no cell has a separator (; | or ,), so that each is one class" if given else ""
    mark = max(found, key=lambda sign: (sign != ",", counts[sign]))
    others = [sign for sign in found if sign != mark]
    kept = f"; '{others[0]}' in {counts[others[0]]} cells is part of a name" if others else ""
    return mark, f"; classes are separated by '{mark}'{kept}"


def _sets(values: pa.ChunkedArray, mark: str) -> list[list[str]]:
    """Return each sample's classes: a list's items, or what ``mark`` separates."""
    if _is_list(values.type):
        return [[class_name(item) for item in row] for row in values.to_pylist()]
    texts = values.cast(pa.string()).to_pylist()
    pieces = [text.split(mark) if mark else [text] for text in texts]
    return [[piece.strip() for piece in row if piece.strip()] for row in pieces]


def label_sets(values: pa.ChunkedArray, separator: str = "") -> list[list[str]]:
    """Return each sample's classes, by the separator that a model learned with, or else that the column has."""
    return _sets(values, separator or choose_mark(values, given=True)[0])


def _encode_sets(sets: list[list[str]], reason: str, separator: str, kind: str) -> Encoded:
    classes = tuple(class_order({name for row in sets for name in row}))
    number = {name: index for index, name in enumerate(classes)}
    labels = np.zeros((len(sets), len(classes)), np.uint8)
    for row, names in enumerate(sets):
        labels[row, [number[name] for name in names]] = 1
    return Encoded(Task(kind, classes, separator=separator), labels, reason)
