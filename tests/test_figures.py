"""A figure in a page has a command beside it; tables stand in the page as their command prints them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import store
from benchmarks.pages import across
from benchmarks.pages.__main__ import HERE, STUDIES, study_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HISTORY = {"log.md"}
"""Pages whose figures are not to be made again."""

BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")
FIGURE = re.compile(
    r"\d\.\d+ ?%"  # a share that was measured; whole ones are mostly settings
    r"|[+-]?\d+(?:\.\d+)? (?:percentage )?points\b"
    r"|\d CPU s(?:econds)?\b"
    r"|^\|.*\|[^|a-z]*\d\.\d[^|]*\|",  # a cell of a table that begins with a number of decimals
    re.MULTILINE,
)
COMMAND = re.compile(r"\bmake (?:demo|test|mutants|docs|bench[a-z-]*)\b|python -m benchmarks[.\w]*|\bheadstart demo\b")
PRINTS = re.compile(r"^```python\n(?:(?!```).)*^(?:>>> )?print\(", re.DOTALL | re.MULTILINE)


def figures(text):
    """Return what in a page's words looks measured; code, be it a block or a word, is left out."""
    return FIGURE.findall(CODE.sub("", BLOCK.sub("", text)))


def has_command(text):
    """Whether a page's code has a command that makes figures, or a block that prints them."""
    code = "\n".join([*BLOCK.findall(text), *CODE.findall(BLOCK.sub("", text))])
    return bool(COMMAND.search(code) or PRINTS.search(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_with_figures_names_the_command_that_makes_them(page):
    text = page.read_text(encoding="utf-8")
    found = [] if page.name in HISTORY else figures(text)
    assert not found or has_command(text), f"{page.name} holds {found[:5]} and no command"
    assert page.name in HISTORY or not re.search(r"scripts are not in the repository|No command in the rep", text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("It reached 60.8% there.", True),
        ("a gain of +4.2 points", True),
        ("at most 5% of the files are damaged", False),
        ("| a | b |\n|---|---|\n| PCA | 65.9 / 68.4 |", True),
        ("| a | b |\n|---|---|\n| `1.5` | plain numbers |", False),
        ("```\n60.8%\n```\n", False),
        ("took 22.5 CPU s", True),
    ],
)
def test_what_counts_as_a_figure(text, held):
    assert bool(figures(text)) is held


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Made by `make bench-domains`.", True),
        ("```\npython -m benchmarks.speed 3 5\n```", True),
        ("```python\nrun = fit()\nprint(run.verdict)\n```", True),
        ("```python\nrun = fit()\n```\n and print(run)", False),
        ("They make bench marks, as python -m benchmarks would.", False),
        ("`make constraints`", False),
    ],
)
def test_what_counts_as_a_command(text, named):
    assert has_command(text) is named


def lines_of(table):
    return [line for line in table.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("name", STUDIES)
def test_a_page_holds_the_tables_of_its_study(name):
    """The tables of what is kept of the study, with their dates."""
    records = store.read(name, HERE / "results")
    printed = lines_of(study_of(name).tables(records))
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert [line for line in printed if line not in page.splitlines()] == []
    dates = {record["date"] for record in records}
    assert dates
    assert all(date in page for date in dates)


@pytest.mark.parametrize("name", across.PAGES)
def test_a_page_holds_the_tables_of_the_benchmark_across_domains(name):
    printed = across.tables(name).splitlines()
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in printed if line not in page] == []
