"""A list of classes with attributes, or with names alone beside a table of word vectors."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from headstart.errors import UserError, nearest
from headstart.networks import Source, open_source
from headstart.workflow.opening.names import read_aloud

Array = np.ndarray
MOST = 2**26
"""Characters of a list of classes."""


class Listed(NamedTuple):
    """All classes, those of the data first and in their order, their attributes [k, a], and whether a side of the
    source itself read them: then they lie in the space of its features. ``texts`` are names or descriptions of
    classes that the source tells by entailment: each is then an attribute of its own."""

    classes: tuple[str, ...]
    attributes: Array
    aligned: bool = False
    texts: tuple[str, ...] = ()


def read_classes(
    path: str | Path,
    known: tuple[str, ...],
    words: str | None = None,
    *,
    reader: Source | None = None,
    prompts: tuple[str, ...] = ("{}",),
    entails: bool = False,
) -> Listed:
    """Return what a list of classes says.

    Parameters
    ----------
    path : CSV file with a header; the column ``class`` (or else the first) has names, every other column numbers.
    known : the classes that have samples.
    words : ``.npz`` file of ``words`` and ``vectors``, a class being the mean vector of its name's words; or a text
        source (``hf/DIRECTORY``, a run), which reads the column ``description`` where there is one, else the names.

    reader : the text side of the source, which reads names, or the column ``description``, where the list has nothing
        else. prompts : templates of what is read, ``{}`` in the name's place; a class is the mean over them.
        entails : whether the source tells entailment, and takes the place of ``reader``.

    Raises
    ------
    UserError
        For a file that cannot be read, lacks a class of the data or lists nothing new, and for attributes that are
        missing, no numbers, or the same for two classes.
    """
    header, rows = _table(Path(path))
    column = header.index("class") if "class" in header else 0
    names = [row[column].strip() for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{path} lists the class '{twice[0]}' twice; give each class one row.")
    if "" in names:
        raise UserError(f"{path} row {names.index('') + 2} has no class; name it in the column '{header[column]}'.")
    lacking = [name for name in known if name not in names]
    if lacking:
        raise UserError(
            f"{path} has no row for the class '{lacking[0]}' of the data ({len(lacking)} of {len(known)} lack one); "
            f"{nearest(lacking[0], names)}"
        )
    classes = (*known, *(name for name in names if name not in known))
    if len(classes) == len(known):
        raise UserError(f"{path} lists no class beyond those of the data; add rows of classes without a sample.")
    order, aligned = [names.index(name) for name in classes], False
    alone = not {*header} - {header[column], "description"}
    place = header.index("description") if "description" in header else column
    texts: tuple[str, ...] = ()
    if words is not None and words.endswith(".npz"):
        found = name_vectors(classes, words)
    elif words is not None:
        found = read_aloud(_texts(path, header, rows, order, place), open_source(words).facing("text"), prompts)
    elif reader is not None and alone:
        aligned = True
        found = read_aloud(_texts(path, header, rows, order, place), reader, prompts)
    elif entails and alone:
        texts = tuple(_texts(path, header, rows, order, place))
        # Classes of one text are of one attribute, and are refused below as such.
        found = np.eye(len(texts))[[texts.index(text) for text in texts]]
    elif len(header) < 2:
        raise UserError(
            f"{path} has names alone; add columns of attributes, or give --words, or a source that reads names: one of "
            "two sides, or a classifier one of whose labels is called entailment."
        )
    else:
        found = np.array([_numbers(path, header, rows[place], place, column) for place in order])
    _refuse_equal(path, classes, found)
    return Listed(classes, found, aligned, texts)


def _texts(path: str | Path, header: list[str], rows: list[list[str]], order: list[int], place: int) -> list[str]:
    """Return names or descriptions in the order of the classes."""
    found = [rows[row][place].strip() for row in order]
    if "" in found:
        raise UserError(
            f"{path} row {order[found.index('')] + 2} has an empty '{header[place]}'; say what the class is."
        )
    return found


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"--classes {path} does not exist; give a CSV file with one row per class.") from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"--classes {path} cannot be read ({str(error)[:80]}); give a CSV file in UTF-8.") from error
    if len(text) > MOST:
        raise UserError(f"--classes {path} has {len(text):,} characters; a list of classes has at most {MOST:,}.")
    try:
        lines = [line for line in csv.reader(text.splitlines(), strict=True) if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise UserError(f"--classes {path} is no CSV file ({error}).") from error
    if len(lines) < 2:
        raise UserError(f"--classes {path} has {max(0, len(lines) - 1)} rows below its header; give one row per class.")
    header = [name.strip() for name in lines[0]]
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header):
            raise UserError(f"{path} row {number} has {len(line)} cells, and the header has {len(header)}; fill it up.")
    return header, lines[1:]


def _numbers(path: str | Path, header: list[str], row: list[str], place: int, column: int) -> list[float]:
    found = []
    for name, cell in [pair for number, pair in enumerate(zip(header, row, strict=True)) if number != column]:
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            said = f"is '{cell[:40]}'" if cell.strip() else "is empty"
            raise UserError(f"{path} row {place + 2} ('{row[column]}'), column '{name}' {said}; a number was expected.")
        found.append(value)
    return found


def name_vectors(classes: tuple[str, ...], path: str | Path) -> Array:
    """Return the mean word vector [k, a] of each class's name, in small letters, split where no letter stands."""
    try:
        with np.load(path, allow_pickle=False) as file:
            words, vectors = file["words"], np.asarray(file["vectors"], dtype=np.float64)
    except FileNotFoundError as error:
        raise UserError(f"--words {path} does not exist; give an .npz file of 'words' and 'vectors'.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"--words {path} is no .npz file of 'words' and 'vectors' ({str(error)[:80]}).") from error
    if words.ndim != 1 or vectors.ndim != 2 or len(words) != len(vectors) or not np.isfinite(vectors).all():
        raise UserError(f"--words {path} needs 'words' [n] and 'vectors' [n, a] of finite numbers, one row per word.")
    place = {str(word): number for number, word in enumerate(words.tolist())}
    found = []
    for name in classes:
        spelled = [word for word in re.findall(r"[^\W\d_]+", name.lower()) if word in place]
        if not spelled:
            raise UserError(f"--words {path} has no word of the class '{name}'; give attributes for it instead.")
        found.append(vectors[[place[word] for word in spelled]].mean(axis=0))
    return np.array(found)


def _refuse_equal(path: str | Path, classes: tuple[str, ...], attributes: Array) -> None:
    _, first, inverse = np.unique(attributes, axis=0, return_index=True, return_inverse=True)
    for number, place in enumerate(first[inverse.ravel()]):
        if place != number:
            raise UserError(
                f"{path}: nothing tells '{classes[number]}' from '{classes[int(place)]}', whose attributes are the "
                "same; add an attribute that differs."
            )
