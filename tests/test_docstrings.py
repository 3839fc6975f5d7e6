"""The examples in docstrings are run, of the modules that have any: looking for them in all others takes seconds."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
WITH_EXAMPLES = sorted(file for file in (SRC / "headstart").rglob("*.py") if ">>> " in file.read_text("utf-8"))


def _name(file: Path) -> str:
    return ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("file", WITH_EXAMPLES, ids=_name)
def test_examples_print_what_they_say(file):
    found = doctest.testmod(importlib.import_module(_name(file)))
    assert found.attempted
    assert not found.failed
