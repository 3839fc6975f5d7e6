"""Files, rooms and names of the package that the pages speak of exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "headstart"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
FILE = re.compile(r"(?<![\w/.:<>{}-])[a-z_][\w.<>{}*/-]*/[\w.<>{}*-]*\.(?:py|toml|txt|sh|jsonl\.xz)\b")
ROOM = re.compile(r"(?<![\w/.:<>{}-])(?:src/headstart|tests|benchmarks|docs)/[\w.<>{}*/-]*")
NAME = re.compile(r"(?<![\w/.:-])headstart(?:\.[A-Za-z_]\w*)+")
MADE = {"benchmarks/domains/CELLS.md"}
"""Pages that a command makes, which the tree does not keep."""


def spoken(page):
    """Return the paths and the dotted names in a page's code."""
    code = "\n".join(CODE.findall(page.read_text(encoding="utf-8")))
    paths = {*FILE.findall(code), *ROOM.findall(code)} - MADE
    return {path.rstrip("./") for path in paths}, set(NAME.findall(code))


def exists(path):
    """Whether a path is there, from the root or inside the package; NAME and <name> stand for any."""
    pattern = re.sub(r"<[^>]*>|\{[^}]*\}|NAME", "*", path)
    return any(any(place.glob(pattern)) for place in (ROOT, PACKAGE))


def is_there(name):
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        module = ".".join(parts[:depth])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            if not hasattr(found, part):
                return part in getattr(found, "__annotations__", {})
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page):
    paths, names = spoken(page)
    assert [path for path in sorted(paths) if not exists(path)] == []
    assert [name for name in sorted(names) if not is_there(name)] == []


def test_the_rooms_of_the_architecture_are_all_rooms():
    """The table has every module and folder at the top of the package, and no other."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`([\w/]+)`", row)}
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert named == {name for name in there if not name.startswith("__")}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`src/headstart/catalogue.py`", "src/headstart/catalogue.py"),
        ("`shallow/nothing.py` and `shallow/domains.py`", "shallow/nothing.py"),
        ("```\npython tests/mutants/go.py\n```", "tests/mutants/go.py"),
        ("`src/headstart/deep/<family>/<method>.py`", None),
        ("`headstart.deep.nothing`", "headstart.deep.nothing"),
        ("`headstart.deep.method.Method.lose`", "headstart.deep.method.Method.lose"),
        ("`headstart.deep.method.Method.loss`", None),
    ],
)
def test_a_name_that_is_gone_is_found(text, missing, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(text)
    paths, names = spoken(page)
    assert paths | names
    assert {p for p in paths if not exists(p)} | {n for n in names if not is_there(n)} == (
        {missing} if missing else set()
    )
