"""Laws of the source text: the paper in the docstring, one level of inheritance, no sibling, a short file."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from headstart.deep.episodic import Episodic
from headstart.deep.inner import InnerLoop
from headstart.deep.method import Method
from headstart.deep.penalty import Penalty
from headstart.deep.tasks_together import GradientWeighting, Weighting

LONGEST = 120
BASES = (Method, Penalty, Weighting, GradientWeighting, Episodic, InnerLoop, BaseEstimator)


def check_docstring(cls: Any) -> None:
    """The docstring holds an equation in double backquotes, and a paper with its year."""
    text = inspect.getdoc(cls) or ""
    assert "``" in text, f"{cls.__name__}: the docstring shows no equation in double backquotes."
    _, _, references = text.partition("References")
    assert re.search(r"\b(19|20)\d\d\b", references), f"{cls.__name__}: the docstring names no paper with its year."


def check_inheritance(cls: type) -> None:
    """The class stands directly on Method, Penalty, a base of several tasks or of episodes, or BaseEstimator."""
    assert len(cls.__bases__) == 1, f"{cls.__name__} has several bases; share by functions."
    assert cls.__bases__[0] in BASES, f"{cls.__name__} inherits from {cls.__bases__[0].__name__}; share by functions."


def check_file(cls: type) -> None:
    """The file is short, and imports no other file of its own folder."""
    path = Path(inspect.getfile(cls))
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    assert lines <= LONGEST, f"{path.name} has {lines} lines; at most {LONGEST}."
    package = cls.__module__.rpartition(".")[0]
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        level = node.level if isinstance(node, ast.ImportFrom) else 0
        siblings = [name for name in names if name == package or name.startswith(package + ".")]
        # A package outside any other has the whole world beside it.
        assert not (package and (siblings or level)), f"{path.name} imports a sibling: {siblings or 'relative import'}."


def check_writing(cls: type) -> None:
    """Run every law of the source text."""
    check_docstring(cls)
    check_inheritance(cls)
    check_file(cls)
