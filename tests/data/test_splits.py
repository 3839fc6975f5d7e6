"""Splits: shares, strata, groups, seeds; and the folds of cross-validation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from headstart.data import folds, open_data
from headstart.data.splits import make_splits
from headstart.errors import UserError
from headstart.problem import Task
from headstart.workflow.opening.transfer import split_notes

TWO = Task("classification", ("a", "b"))


def table(y, **options):
    return open_data((np.random.default_rng(0).normal(size=(len(y), 2)), np.asarray(y)), **options)


def sizes(splits):
    return {name: len(rows) for name, rows in splits.items()}


def test_without_given_splits_it_is_60_20_20():
    y = np.repeat([0, 1], 500)
    splits = make_splits(TWO, y, None, None, 0)
    assert sizes(splits) == {"train": 600, "validation": 200, "test": 200}
    together = np.concatenate(list(splits.values()))
    np.testing.assert_array_equal(np.sort(together), np.arange(1000))
    for rows in splits.values():
        assert (y[rows] == 0).mean() == 0.5


def test_a_validation_of_under_100_is_not_made():
    splits = make_splits(TWO, np.repeat([0, 1], 200), None, None, 0)
    assert sizes(splits) == {"train": 320, "validation": 0, "test": 80}


def test_a_validation_with_under_5_of_a_class_is_not_made():
    splits = make_splits(TWO, np.repeat([0, 1], [990, 10]), None, None, 0)
    assert sizes(splits)["validation"] == 0


def test_every_class_of_two_samples_has_one_on_either_side():
    y = np.repeat(np.arange(30), 2)
    task = Task("classification", tuple(map(str, range(30))))
    splits = make_splits(task, y, None, None, 3)
    assert set(y[splits["train"]]) == set(range(30))
    assert set(y[splits["test"]]) == set(range(30))


def test_the_same_seed_gives_the_same_splits_and_another_others():
    y = np.repeat([0, 1], 100)
    first, again, other = (make_splits(TWO, y, None, None, seed)["test"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_train_and_validation_without_test_take_the_test_from_train():
    given = np.repeat([0, 1], [200, 60]).astype(np.int8)
    splits = make_splits(TWO, np.tile([0, 1], 130), given, None, 0)
    assert sizes(splits) == {"train": 160, "validation": 60, "test": 40}
    np.testing.assert_array_equal(splits["validation"], np.arange(200, 260))


def test_train_and_test_without_validation_take_the_validation_from_train():
    given = np.repeat([0, 2], [600, 60]).astype(np.int8)
    splits = make_splits(TWO, np.tile([0, 1], 330), given, None, 0)
    assert sizes(splits) == {"train": 480, "validation": 120, "test": 60}


@pytest.mark.parametrize("per_class", [10, 300])
def test_a_given_validation_part_without_a_test_is_the_test(per_class, tmp_path):
    """The verdict gets all that was set apart, and no training sample is spent on a test."""
    for name, n in (("train", per_class), ("val", 8)):
        pd.DataFrame({"x": np.arange(2.0 * n) % 7, "label": ["a", "b"] * n}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    dataset = open_data(tmp_path, label="label")
    validation = 120 if per_class == 300 else 0
    assert sizes(dataset.splits) == {"train": 2 * per_class - validation, "validation": validation, "test": 16}
    assert all("val.csv" in name for name in dataset.names(dataset.splits["test"]))
    assert "the given validation part is the test split" in dataset.inferred["splits"]
    assert split_notes(dataset)[0].startswith("The given validation part is the test split")


def test_all_given_splits_are_kept():
    given = np.tile([0, 1, 2], 20).astype(np.int8)
    splits = make_splits(TWO, np.repeat([0, 1], 30), given, None, 0)
    for number, rows in enumerate(splits.values()):
        np.testing.assert_array_equal(rows, np.flatnonzero(given == number))


def test_no_group_straddles_a_split():
    rng = np.random.default_rng(0)
    group, y = rng.integers(0, 60, 1200), rng.integers(0, 2, 1200)
    splits = make_splits(TWO, y, None, group, 0)
    seen = [set(group[rows]) for rows in splits.values()]
    assert all(seen)
    assert not (seen[0] & seen[1]) | (seen[0] & seen[2]) | (seen[1] & seen[2])
    assert 0.12 < len(splits["test"]) / 1200 < 0.28


def test_a_regression_is_split_along_its_values():
    y = np.random.default_rng(0).exponential(size=(1000, 1)).astype(np.float32)
    splits = make_splits(Task("regression", targets=("y",)), y, None, None, 0)
    assert sizes(splits) == {"train": 600, "validation": 200, "test": 200}
    assert abs(np.median(y[splits["test"]]) - np.median(y)) < 0.1


def test_the_rarest_labels_of_a_multilabel_set_reach_both_sides():
    labels = np.zeros((200, 3), np.uint8)
    labels[:, 0] = 1
    labels[:4, 2] = 1
    splits = make_splits(Task("multilabel", ("a", "b", "c")), labels, None, None, 0)
    assert labels[splits["train"], 2].sum() > 0
    assert labels[splits["test"], 2].sum() > 0


def test_given_splits_that_a_group_straddles_are_an_error():
    data = {"x_train": np.eye(6), "y_train": [0, 1] * 3, "x_test": np.eye(6), "y_test": [0, 1] * 3}
    with pytest.raises(UserError, match="more than one of its splits"):
        open_data(data, group=np.arange(12) % 5)


def test_folds_partition_the_training_split_by_strata():
    dataset = table(np.repeat([0, 1], [60, 30]))
    parts = folds(dataset, 3, seed=0)
    np.testing.assert_array_equal(np.sort(np.concatenate([v for _, v in parts])), dataset.splits["train"])
    for train, validation in parts:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), dataset.splits["train"])
        assert (dataset.labels(validation) == 1).sum() == 8


def test_a_single_training_sample_of_a_class_stays_in_every_training_part():
    dataset = table([0] * 10 + [1, 1])
    (lonely,) = [row for row in dataset.splits["train"] if dataset.labels([row])[0] == 1]
    for train, validation in folds(dataset, 4, seed=0):
        assert lonely in train
        assert lonely not in validation


def test_folds_keep_groups_together():
    group = np.arange(90) // 3
    dataset = table(np.tile([0, 1, 1], 30), group=group)
    for train, validation in folds(dataset, 3, seed=0):
        assert not set(group[train]) & set(group[validation])


def test_there_are_no_more_folds_than_rows():
    dataset = table([0, 0, 1, 1])
    assert len(folds(dataset, 10, seed=0)) <= len(dataset.splits["train"])


def test_the_shares_hold_however_small_the_strata_are():
    """A fifth of all rows is tested, and no class of one row loses it."""
    y = np.concatenate([np.repeat(np.arange(40), 5), np.arange(40, 60)])
    task = Task("classification", tuple(map(str, range(60))))
    splits = make_splits(task, y, None, None, 0)
    assert len(splits["test"]) == 40
    assert np.bincount(y[splits["test"]]).tolist() == [1] * 40
    odd = np.repeat(np.arange(30), 7)
    assert len(make_splits(task, odd, None, None, 0)["test"]) == round(0.2 * 210)


def test_groups_are_parted_where_there_are_two_and_refused_where_there_is_one():
    y = np.tile([0, 1], 30)
    splits = make_splits(TWO, y, None, np.repeat([3, 7], 30), 0)
    assert sizes(splits) == {"train": 30, "validation": 0, "test": 30}
    with pytest.raises(UserError, match="one group only"):
        make_splits(TWO, y, None, np.full(60, 3), 0)
    rare = np.zeros(60, dtype=int)
    rare[:2] = 1  # a class of two rows: nothing is balanced by it alone
    assert len(make_splits(TWO, rare, None, np.arange(60) // 3, 0)["test"]) == 12


def test_groups_are_dealt_by_the_seed_and_with_the_classes_in_proportion():
    group = np.arange(300) // 3
    y = (group % 4 == 0).astype(int)
    first, again, other = (make_splits(TWO, y, None, group, seed)["test"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or (first != other).any()
    assert y[first].mean() == pytest.approx(0.25, abs=0.02)
    dataset = table(y, group=group)
    parts = folds(dataset, 5, seed=0)
    assert len(parts) == 5
    assert all(y[held].mean() == pytest.approx(0.25, abs=0.05) for _, held in parts)
    assert len(folds(table([0, 1] * 3, group=np.arange(6) // 2), 5, seed=0)) == 2  # no more folds than groups


def test_what_has_no_labels_has_no_folds():
    dataset = table([0, 1] * 5)
    for nothing in (
        replace(dataset, targets=None),
        replace(dataset, task=None),
        replace(dataset, splits=dataset.splits | {"train": dataset.splits["train"][:1]}),
    ):
        with pytest.raises(UserError, match="no labelled training rows"):
            folds(nothing)
    two = replace(dataset, splits=dataset.splits | {"train": dataset.splits["train"][:2]})
    assert len(folds(two, 2)) <= 2
