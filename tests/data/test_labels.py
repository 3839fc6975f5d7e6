"""Tasks are inferred by written rules, shown with a reason, and can be overridden."""

import numpy as np
import pandas as pd
import pytest

from headstart.data import open_data
from headstart.errors import UserError

N = 60


def opened(y, **options):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=len(y)), "label": y})
    return open_data(frame, **options)


@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        (["cat", "dog"] * 30, "classification", ("cat", "dog")),
        ([True, False] * 30, "classification", ("False", "True")),
        ([10, 2] * 30, "classification", ("2", "10")),
        ([1.0, 3.0] * 30, "classification", ("1", "3")),
        (list(np.arange(30)) * 6, "classification", tuple(map(str, range(30)))),
        (list(np.arange(0, 60, 2)) * 6, "regression", ()),
        (list(np.linspace(0, 1, N)), "regression", ()),
        ([0.5, 1.5] * 30, "regression", ()),
        (["a;b", "b"] * 30, "multilabel", ("a", "b")),
        (["a | b", "b"] * 30, "multilabel", ("a", "b")),
        ([["a", "b"], ["b"], []] * 20, "multilabel", ("a", "b")),
    ],
)
def test_the_task_is_inferred_from_the_values(y, kind, classes):
    dataset = opened(y)
    assert dataset.task is not None
    assert dataset.task.kind == kind
    assert dataset.task.classes == classes
    assert dataset.inferred["task"].startswith(f"{kind}: ")


def test_class_numbers_follow_the_order_of_the_classes():
    dataset = opened(["b", "a", "c"] * 10)
    labels = dataset.labels([0, 1, 2])
    assert labels.tolist() == [1, 0, 2]
    assert labels.dtype == np.int64


def test_multilabel_rows_hold_0_and_1_per_class():
    labels = opened([["x"], ["x", "y"], []] * 10).labels([0, 1, 2])
    np.testing.assert_array_equal(labels, np.array([[1, 0], [1, 1], [0, 0]], np.float32))
    assert labels.dtype == np.float32


def test_regression_keeps_values_and_names_of_targets():
    dataset = opened(np.linspace(-1, 1, N))
    assert dataset.task.targets == ("label",)
    assert dataset.labels([0, N - 1]).tolist() == [[-1.0], [1.0]]


def test_task_overrides_what_would_be_inferred():
    assert opened([1, 2] * 30, task="regression").task.kind == "regression"
    assert opened(["a;b", "c"] * 30, task="classification").task.classes == ("a;b", "c")
    assert opened([1.5, 2.5] * 30, task="classification").task.classes == ("1.5", "2.5")


def several(**columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=40), **columns})


def test_several_columns_of_0_and_1_are_multilabel():
    frame = several(hat=[0, 1] * 20, tie=[1, 1, 0, 0] * 10)
    dataset = open_data(frame, label="hat,tie")
    assert dataset.task.classes == ("hat", "tie")
    assert dataset.labels([0, 1]).tolist() == [[0, 1], [1, 1]]
    assert open_data(frame, label=["hat", "tie"]).task == dataset.task


def test_several_columns_of_numbers_are_several_targets():
    dataset = open_data(several(u=np.linspace(0, 1, 40), v=np.linspace(5, 9, 40)), label="u,v")
    assert dataset.task.targets == ("u", "v")
    assert dataset.labels([0]).shape == (1, 2)


def test_several_columns_with_words_are_an_error_naming_row_and_column():
    with pytest.raises(UserError, match=r"'v' of row 1 is 'x'"):
        open_data(several(u=np.linspace(0, 1, 40), v=["x"] * 40), label="u,v")


def test_the_label_is_found_by_its_name_and_the_reason_is_readable():
    frame = several(Target=["a", "b"] * 20)
    assert open_data(frame).label_columns == ("Target",)
    assert "Target" in open_data(frame).inferred["label"]


@pytest.mark.parametrize("value", [np.nan, None])
def test_missing_labels_are_counted_and_named(value):
    y = [1.5, 2.5, value, 3.5, value] * 8
    with pytest.raises(UserError, match=r"'label' is missing in 16 samples of 40 \(row 3, row 5, row 8 and 13 more\)"):
        opened(y)


def test_blank_labels_are_missing():
    with pytest.raises(UserError, match="missing in 1 sample of 40"):
        opened(["a", "b"] * 19 + ["a", "  "])


def test_an_infinite_label_is_an_error_naming_row_and_column():
    with pytest.raises(UserError, match=r"'label' is not finite .*row 2"):
        opened([1.5, np.inf, 2.5, 3.5] * 10)


def test_words_are_no_regression():
    with pytest.raises(UserError, match=r"row 1 is 'a', which is no number"):
        opened(["a", "b"] * 20, task="regression")


def test_one_value_only_cannot_be_regressed():
    with pytest.raises(UserError, match="one value only"):
        opened([2.5] * 20, task="regression")


def test_a_rare_label_may_be_absent_from_a_multilabel_test_but_not_from_training():
    frame = several(label=["a;b"] * 20 + ["a"] * 20, split=["train"] * 20 + ["test"] * 20)
    assert open_data(frame).task.classes == ("a", "b")
    with pytest.raises(UserError, match="differ between splits"):
        open_data(frame.assign(split=["test"] * 20 + ["train"] * 20))


def test_one_separator_is_chosen_and_said():
    both = opened(["a;b", "b;c", "a|x", "b"] * 15)
    assert both.task.classes == ("a", "a|x", "b", "c")
    assert "separated by ';'" in both.inferred["task"]
    assert "'|' in 15 cells is part of a name" in both.inferred["task"]
    bars = opened(["a|b", "b|c", "a;x", "b"] * 15)
    assert bars.task.classes == ("a", "a;x", "b", "c")


def test_commas_separate_where_several_labels_were_asked_for():
    films = ["war, love", "love", "war,history"] * 20
    assert opened(films).task.classes == ("love", "war, love", "war,history")
    asked = opened(films, task="multilabel")
    assert asked.task.classes == ("history", "love", "war")
    assert "separated by ','" in asked.inferred["task"]
    semicolons = opened(["war, cold; love", "love", "love"] * 20, task="multilabel")
    assert semicolons.task.classes == ("love", "war, cold")
    assert "','" in semicolons.inferred["task"]
    lone = opened(["war", "love"] * 30, task="multilabel")
    assert "no cell has a separator" in lone.inferred["task"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["0", "1", "10", "2"], ("0", "1", "2", "10")),
        (["-1", "1.5", "1"], ("-1", "1", "1.5")),
        (["b10", "b2"], ("b10", "b2")),
    ],
)
def test_classes_called_by_numbers_are_in_the_order_of_numbers(names, expected, tmp_path, draw):
    assert opened(names * 12).task.classes == expected
    assert opened([f"{name};{names[0]}" for name in names] * 12).task.classes == expected
    for name in names:
        (tmp_path / name).mkdir()
        for i in range(4):
            draw(i).save(tmp_path / name / f"{i}.png")
    folder = open_data(tmp_path)
    assert folder.task.classes == expected
    for row, name in enumerate(folder.names(range(len(folder)))):
        assert folder.task.classes[folder.labels([row])[0]] == name.split("/")[0]
    rows = [[float(i)] for i in range(12 * len(names))]
    assert open_data((rows, names * 12)).task.classes == expected
