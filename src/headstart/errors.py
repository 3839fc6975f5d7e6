"""The user's mistakes, told in one sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LONGEST = 200
_MOST = 1_000


class UserError(Exception):
    """A mistake of the user's, or of the machine's, that no traceback would help with.

    The message is one sentence: what was wrong, where (file, row, column, argument), what was expected,
    and what to do. The command line prints it and leaves with exit code 2. Line breaks, which the messages of other
    libraries bring along, become blanks.
    """

    def __init__(self, sentence: str) -> None:
        told = re.sub(r"[\r\n]+\s*", " ", sentence.strip())
        super().__init__(told if len(told) <= _MOST else f"{told[: _MOST - 400]} ... {told[-400:]}")


class HeadstartWarning(UserWarning):
    """What a user should know and can do something about; the command line prints the sentence alone."""


def check_names(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse names that select nothing: a table of names is checked against what it names when it is imported.

    Examples
    --------
    >>> check_names(["standardise"], ["standardize", "coral"], "FIRST")
    Traceback (most recent call last):
    ValueError: FIRST names 'standardise', which does not exist; did you mean 'standardize'?
    """
    there = list(known)
    for name in names:
        if name not in there:
            raise ValueError(f"{where} names '{name}', which does not exist; {nearest(name, there)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint naming the nearest known words, or all of them when none is near.

    Examples
    --------
    >>> nearest("finetun", ["finetune", "probe"])
    "did you mean 'finetune'?"
    >>> nearest("xyz", ["finetune", "probe"])
    'known: finetune, probe'
    """
    names = list(known)
    word = word[:_LONGEST]  # longer ones are no slip of a name, and comparing them takes minutes
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "known: " + ", ".join(names)
