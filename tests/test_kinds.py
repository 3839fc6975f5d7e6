"""What differs between kinds of task is said by the kinds: nobody else compares a task's kind."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

import headstart
from headstart.kinds import KINDS
from headstart.problem import Task
from headstart.tasks import TaskLogic, create_task, logic_of
from headstart.tasks.base import draw
from headstart.workflow.judging.predictions import plain

ROOT = Path(headstart.__file__).parent
SAYS = {"kinds/__init__.py"}
"""The table itself."""
STILL = {"checks": 12, "choice": 3, "functional": 2, "shallow": 5}
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


NAMES = ("a", "b", "c")
LABELS = {
    "class": np.array([0, 2, 1, 2, 2]),
    "classes": np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 0, 1], [1, 0, 0]], dtype=np.float32),
    "values": np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 7.0], [2.0, 2.0, 2.0], [-1.0, 4.0, 0.25], [0.0, 1.0, 9.0]]),
}


@pytest.fixture(params=[kind for kind in KINDS if KINDS[kind].reads in LABELS])
def task(request):
    return Task(request.param, **{KINDS[request.param].names_in: NAMES})


@pytest.fixture
def labels(task):
    return LABELS[task.label_space.reads]


def test_what_is_certain_and_right_is_answered_as_the_labels_are_and_is_no_mistake(task, labels):
    space, right = task.label_space, task.label_space.indicators(labels)
    assert space.answers(right) == space.label_answers(labels)
    assert not space.mistakes(right, labels)[0].any()
    assert create_task(task, labels).scores(right, labels).tolist() == [1.0 if space.has_shares else 0.0] * 5
    wrong, _ = space.mistakes(right[::-1], labels)
    said = [given == true for given, true in zip(space.answers(right[::-1]), space.label_answers(labels), strict=True)]
    assert wrong.tolist() == [not same for same in said]
    assert wrong.any()
    assert all(sure in (None, 1.0) for sure in space.confidence(right))


def test_outputs_that_are_wanted_are_predicted_as_the_labels(task, labels):
    logic, space = create_task(task, labels), task.label_space
    wanted = torch.as_tensor(logic.wanted(labels)).double()
    outputs = wanted if space.link == "identity" else 80 * (wanted - 0.5)
    np.testing.assert_allclose(logic.predict(outputs).numpy(), space.indicators(labels), atol=1e-6)


def test_labels_survive_the_table_of_predictions(task, labels):
    written = [plain(answer) for answer in task.label_space.label_answers(labels)]
    np.testing.assert_array_equal(task.label_space.read_answers(written), labels)


def test_labels_of_other_names_are_brought_into_order_by_name(task, labels):
    space = task.label_space
    other = type(space)(("c", "a"))
    if not space.of_classes:
        assert space.renumbered(labels, NAMES) is labels
        return
    mine = other.read_answers(["c", "a", "c"])
    assert space.label_answers(space.renumbered(mine, other.names)) == other.label_answers(mine)


def test_labels_are_counted_refused_and_put_into_strata(task, labels):
    space = task.label_space
    counts = {"class": {"a": 1, "b": 1, "c": 3}, "classes": {"a": 3, "b": 1, "c": 2}, "values": {"rows": 5}}
    assert space.counts(labels) == counts[space.reads]
    assert space.per_class(labels) == {"class": 1, "classes": 2, "values": 5}[space.reads]
    assert space.refused(labels) == ""
    assert type(space)(("a",)).refused(labels[[0, 0, 0]])
    strata = {"class": [0, 2, 1, 2, 2], "classes": [1, 2, 0, 3, 1], "values": [0, 0, 0, 0, 0]}
    assert space.strata(labels).tolist() == strata[space.reads]


def test_the_constant_answer_is_the_shares_of_classes_or_the_mean(task, labels):
    name, constant = task.label_space.constant(labels)
    assert name == ("majority" if task.label_space.one_class else "mean")
    np.testing.assert_allclose(constant, task.label_space.indicators(labels).mean(axis=0))


def test_how_sure_how_wrong_and_what_is_told_of_a_sample():
    one, sets, values = (KINDS[kind](NAMES) for kind in ("classification", "multilabel", "regression"))
    shares = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    assert one.confidence(shares) == [0.7, 0.4]
    wrong, how = one.mistakes(shares, np.array([0, 1]))
    assert (wrong.tolist(), how.tolist()) == ([False, True], [0.7, 0.4])
    told = {"label": "b", "prediction": "c", "confidence": 0.4, "truth": 0.3}
    assert one.told(shares[1], np.int64(1)) == told
    each = np.array([[0.9, 0.2, 0.6], [0.1, 0.75, 0.5]])
    assert sets.confidence(each) == pytest.approx([0.6, 0.5])  # as sure as of its least sure label
    wrong, how = sets.mistakes(each, np.array([[1, 0, 1], [1, 1, 0]]))
    assert wrong.tolist() == [False, True]
    assert how == pytest.approx([0.4, 0.9])
    assert sets.told(each[1], np.array([1, 1, 0])) == {
        "label": ["a", "b"], "prediction": ["b"], "confidence": 0.9, "about": "a"
    }  # fmt: skip
    labels = np.array([[0.0, 0.0, 5.0], [2.0, 4.0, 5.0]])
    off = np.array([[0.0, 0.0, 0.0], [0.5, -3.0, 1.0]])
    wrong, how = values.mistakes(labels + off, labels)
    assert wrong.tolist() == [False, True]
    assert how == pytest.approx([0.0, 1.5])  # in units of a target's spread, or of 1 where it has none
    assert values.confidence(labels) == [None, None]
    assert values.details(labels[1]) == {"a": 2.0, "b": 4.0, "c": 5.0}
    assert KINDS["regression"](("a",)).details(labels[1, :1]) == {}
    assert values.explained(labels[1]) == 0
    assert one.explained(shares[1]) == 2


def test_a_class_has_as_many_samples_as_the_middle_one():
    one, sets, values = (KINDS[kind](NAMES) for kind in ("classification", "multilabel", "regression"))
    labels = np.repeat([0, 1, 2], [5, 9, 7])
    assert one.per_class(labels) == 7
    assert one.per_class(labels[:14]) == 7  # of two, half the way between; classes that are not there do not count
    assert sets.per_class(np.eye(3)[labels]) == 7
    assert values.per_class(np.zeros((21, 3))) == 21


def test_values_are_put_into_ten_bins_of_five_samples_at_least():
    space = KINDS["regression"](("a",))
    for n, bins in ((4, 1), (20, 4), (50, 10), (1000, 10)):
        strata = space.strata(np.random.default_rng(0).normal(size=(n, 1)) ** 3)
        assert sorted(set(strata)) == list(range(bins))
        assert np.ptp(np.bincount(strata)) <= 1
    values = np.array([[3.0], [1.0], [2.0], [0.0]] * 5)
    assert (np.diff(space.strata(values)[np.argsort(values[:, 0], kind="stable")]) >= 0).all()
    assert len(space.strata(np.zeros((0, 1)))) == 0


def test_what_a_table_of_predictions_cannot_hold_is_refused_or_read():
    one, sets, values = (KINDS[kind](NAMES) for kind in ("classification", "multilabel", "regression"))
    assert one.read_answers(["c", 0, "a", 2]).tolist() == [2, 0, 0, 2]
    for cell in (3, -1, "d"):
        with pytest.raises(ValueError, match=r"."):
            one.read_answers([cell])
    assert sets.read_answers(["a|c", "", [0, 1, 1], ["b"]]).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 1], [0, 1, 0]]
    assert values.read_answers(["1|2|3", [4.0, 5, 6]]).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert KINDS["regression"](("a",)).answers(np.array([[1.0], [2.0]])) == [1.0, 2.0]
    assert values.refused(np.ones((3, 3)))
    assert values.refused(np.zeros((1, 3)))
    assert values.refused(np.eye(3)) == ""
    assert [space.not_across for space in (one, values, KINDS["regression"](("a",)))] == ["", "multi-target", ""]
    assert [said for said, _, _ in sets.outputs(LABELS["classes"], 2)] == ["the class 'a'", "the class 'b'"]
    assert [is_value for _, _, is_value in values.outputs(LABELS["values"], 3)] == [True] * 3
    assert [is_value for _, _, is_value in one.outputs(LABELS["class"], 1)] == [False]


def test_estimators_that_saw_some_classes_only_give_the_others_no_probability():
    one = KINDS["classification"](NAMES)
    rows = np.random.default_rng(0).normal(size=(20, 2))
    model = LogisticRegression().fit(rows, np.where(np.arange(20) % 2, 0, 2))
    found = one.predicted(model, rows)
    assert not found[:, 1].any()
    np.testing.assert_allclose(found[:, [0, 2]], model.predict_proba(rows))
