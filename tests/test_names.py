"""A table of names that select something is checked when it is imported: a misspelt one would select nothing."""

from __future__ import annotations

import ast
import importlib
import types
from dataclasses import fields, replace
from pathlib import Path

import pytest

import headstart
from headstart import catalogue
from headstart.choice.candidates import RACED
from headstart.kinds import METRICS
from headstart.validators import VALIDATORS
from headstart.workflow.arm import PLAIN

ROOT = Path(headstart.__file__).parent
NAMES = {*catalogue.names(), *RACED, *VALIDATORS, *PLAIN, *(name for row in METRICS.values() for name in row)}
TABLES_THEMSELVES = {
    "choice.candidates.BASELINES",
    "choice.candidates.BLENDS",
    "validators.VALIDATORS",
}
OTHER_NAMES = {
    "report.headline.BASELINE_LABELS",  # words for people, by what the run says
    "report.headline.BASELINE_WORDS",
    "shallow.parameters.contest.PLAIN",  # of its own contest
}


def modules():
    for file in sorted(ROOT.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), file


def assigned(tree):
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and getattr(node, "value", None) is not None:
            yield target.id, node.value


def checked(tree):
    """Return the names of the tables that a module hands to `check_names`."""
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    calls = [call for call in calls if getattr(call.func, "id", "") == "check_names"]
    return {node.id for call in calls for node in ast.walk(call.args[0]) if isinstance(node, ast.Name)}


def texts(value):
    return [node for node in ast.walk(value) if isinstance(node, ast.Constant) and node.value in NAMES]


CHECKED = [
    (module, table)
    for module, file in modules()
    for tree in [ast.parse(file.read_text())]
    for table, value in assigned(tree)
    if table in checked(tree) and texts(value)
]


def is_table(value):
    """Whether a value lists names that select something: two or more of them, and little else."""
    if isinstance(value, ast.Call):
        value = value.args[0] if value.args else value
    listed = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", [])
    words = [node.value for node in listed if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    known = [word for word in words if word in NAMES]
    return len(known) >= 2 and 2 * len(known) > len(words)


def test_every_table_of_names_is_checked():
    found = {
        f"{module}.{table}": table in checked(tree)
        for module, file in modules()
        if not module.startswith("catalogue")
        for tree in [ast.parse(file.read_text())]
        for table, value in assigned(tree)
        if is_table(value) and table != "__all__"
    }
    unchecked = {name for name, is_checked in found.items() if not is_checked}
    assert unchecked == TABLES_THEMSELVES | OTHER_NAMES


def test_tables_are_found():
    assert ("workflow.adapting.plan", "FIRST") in CHECKED
    assert ("choice.candidates", "LEARNED") in CHECKED
    assert len(CHECKED) >= 10


@pytest.mark.parametrize(("module", "table"), CHECKED)
def test_a_misspelt_name_fails_at_import(module, table):
    imported = importlib.import_module(f"headstart.{module}")
    tree = ast.parse(Path(imported.__file__).read_text())
    value = next(value for name, value in assigned(tree) if name == table)
    first = texts(value)[0]
    first.value = f"{first.value[:-1]}zz"
    again = types.ModuleType(imported.__name__)
    again.__package__ = imported.__package__
    with pytest.raises(ValueError, match=first.value):
        exec(compile(tree, "misspelt", "exec"), again.__dict__)


def test_what_the_catalogue_says_is_checked_when_it_is_made():
    entry = catalogue.get("coral")
    wrong = {"kind": "mapp", "needs": ("target_label",), "carries": "feature", "scenario": "inductiv", "space": "same"}
    wrong["applies"] = "table; clasification"
    assert wrong.keys() <= {field.name for field in fields(entry)}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=f"{name} of 'coral' names"):
            replace(entry, **{name: value})
    for said, missing in (("pictures; classification", "modality"), ("table; every job", "task")):
        with pytest.raises(ValueError, match=f"applies of 'coral' names no {missing}; known: "):
            replace(entry, applies=said)
