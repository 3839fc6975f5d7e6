"""What differs between kinds of task is said by the kinds: nobody else compares a task's kind."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

import headstart
from headstart.kinds import KINDS
from headstart.problem import Task
from headstart.tasks import TaskLogic, create_task, logic_of
from headstart.tasks.base import draw

ROOT = Path(headstart.__file__).parent
SAYS = {"kinds/__init__.py"}
"""The table itself."""
STILL = {"checks": 12, "choice": 3, "shallow": 30}
"""Comparisons that are still in rooms where a kind is the name of a loss; a number may fall, and a room leave."""


def named(node):
    """Return whether a node is the name of a kind, or lists one."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(named(one) for one in node.elts)
    return isinstance(node, ast.Constant) and node.value in KINDS


def asks(node):
    """Return whether a node of the syntax tree tells kinds of task apart."""
    if isinstance(node, ast.Compare):
        return any(named(side) for side in (node.left, *node.comparators))
    if isinstance(node, ast.Dict):
        return any(key is not None and named(key) for key in node.keys)
    if isinstance(node, ast.MatchValue):
        return named(node.value)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
        classes = {space.__name__ for space in KINDS.values()} | {logic_of(kind).__name__ for kind in KINDS}
        return any(getattr(part, "attr", getattr(part, "id", "")) in classes for part in ast.walk(node.args[1]))
    return False


def test_nobody_but_the_kinds_tells_kinds_of_task_apart():
    found = Counter()
    for file in sorted(ROOT.rglob("*.py")):
        if str(file.relative_to(ROOT)) not in SAYS:
            asked = sum(asks(node) for node in ast.walk(ast.parse(file.read_text())))
            found += Counter({file.relative_to(ROOT).parts[0]: asked})
    assert found == STILL


def test_no_page_tells_kinds_of_task_apart():
    quoted = re.compile(rf"""["']({"|".join(KINDS)})["']""")
    assert [str(file) for file in sorted(ROOT.rglob("*.html")) if quoted.search(file.read_text())] == []


@pytest.mark.parametrize(
    "line",
    [
        "task.kind == 'regression'",
        "kind in ('classification', 'multilabel')",
        "{'regression': 1}.get(kind, 2)",
        "isinstance(logic, tasks.Regression)",
        "match kind:\n    case 'multilabel': pass",
    ],
)
def test_the_count_sees_each_way_of_asking(line):
    assert sum(asks(node) for node in ast.walk(ast.parse(line))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_torch_side_of_its_own(kind):
    assert issubclass(logic_of(kind), TaskLogic)
    assert len({logic_of(one) for one in KINDS}) == len(KINDS)
    task = Task(kind, **{KINDS[kind].names_in: ("a", "b")})
    assert create_task(task).task.label_space.names == ("a", "b")
    assert task.n_outputs == 2


def test_a_head_that_is_drawn_has_the_bits_of_one_that_its_layers_drew_themselves():
    torch.manual_seed(3)
    wanted = nn.Linear(5, 2)
    head = create_task(Task("classification", ("a", "b"))).head(5)
    assert not head.weight.any()
    torch.manual_seed(3)
    assert torch.equal(draw(head).weight, wanted.weight)
    assert torch.equal(head.bias, wanted.bias)
