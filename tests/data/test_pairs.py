"""Labelled data from memory: (X, y) of anything that holds rows."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from headstart.data import check, open_data
from headstart.errors import UserError

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=20), "b": RNG.normal(size=20), "colour": ["red", "blue"] * 10})
Y = ["yes", "no"] * 10


@pytest.mark.parametrize(
    ("y", "name"),
    [
        (pd.Series(Y, name="ill"), "ill"),
        (pd.Series(Y), "y"),
        (pd.Series(Y, name="a"), "y"),
        (np.array(Y), "y"),
        (np.array(Y)[:, None], "y"),
        (Y, "y"),
        (iter(Y), "y"),
        (pd.DataFrame({"ill": Y}), "ill"),
        (pd.Series(Y, name="ill", dtype="category"), "ill"),
    ],
)
def test_a_frame_with_its_labels(y, name):
    dataset = open_data((X, y))
    assert dataset.columns.names == ("a", "b", "colour")
    assert dataset.label_columns == (name,)
    assert [dataset.task.classes[i] for i in dataset.labels([0, 1])] == ["yes", "no"]


def test_several_targets_and_columns_named_by_numbers():
    two = open_data((X, pd.DataFrame({0: RNG.normal(size=20), 1: RNG.normal(size=20)})))
    assert two.task.targets == ("0", "1")
    numbered = pd.DataFrame({0: RNG.normal(size=20), 1: RNG.normal(size=20), 2: Y})
    for label in (2, "2", [2]):
        dataset = open_data(numbered, label=label)
        assert dataset.columns.names == ("0", "1")
        assert dataset.label_columns == ("2",)
    assert open_data(numbered.assign(g=range(20)).rename(columns={"g": 3}), label=2, group=3).group is not None


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (Y[:-1], "20 rows but 19 labels"),
        (pd.Series(Y, index=range(19, -1, -1)), "another order"),
        (3, "no labels"),
        ("yes", "no labels"),
        ([["a"], ["b", "c"]] * 9 + [["a"], "b"], "."),
    ],
)
def test_labels_that_do_not_belong_to_the_rows(y, words):
    with pytest.raises(UserError, match=words):
        open_data((X, y))


def test_labels_of_another_index_go_by_position():
    dataset = open_data((X, pd.Series(Y, index=range(100, 120))))
    assert dataset.task.classes[dataset.labels([0])[0]] == "yes"


def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (12, 10, 14, 3), dtype=np.uint8)


def encoded(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


FIRST = np.moveaxis(pictures(), -1, 1).copy()


@pytest.mark.parametrize(
    "x",
    [
        pictures(),
        list(pictures()),
        tuple(pictures()),
        torch.from_numpy(FIRST),
        torch.from_numpy(FIRST) / 255,
        list(torch.from_numpy(FIRST)),
        list(FIRST),
        [Image.fromarray(one) for one in pictures()],
        (Image.fromarray(one) for one in pictures()),
        [encoded(one) for one in pictures()],
    ],
)
def test_pictures_however_they_are_held(x):
    dataset, checks = check(open_data((x, torch.arange(12) % 2)))
    assert dataset.modality == "image"
    assert not checks.damaged
    for raw, truth in zip(dataset.raw(range(12)), pictures(), strict=True):
        np.testing.assert_array_equal(np.asarray(raw), truth)


def test_pictures_of_several_sizes():
    x = [one[: 8 + i] for i, one in enumerate(pictures()[:6])]
    assert [raw.height for raw in open_data((x, [0, 1] * 3)).raw(range(6))] == [8, 9, 10, 10, 10, 10]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((np.array(3.0), np.array(1)), "no rows"),
        (({"a": 1}, [1]), "no rows"),
        (("text", ["a"]), "no rows"),
        ((None, [1]), "None"),
        ((["fine", 3], [0, 1]), "row 2 is an int among texts"),
        ((["fine", ["a"]], [0, 1]), "row 2 is a list among texts"),
        ((["fine", "\ud800"], [0, 1]), "row 2.*surrogate"),
        (([[1, 2], [3]], [0, 1]), "."),
        ((np.zeros((2, 2)), [[[1], [2, 3]], [[1]]]), "."),
        ((1, 2, 3), "tuple of 3"),
        ((np.zeros((4, 0)), [0, 1, 0, 1]), "no columns"),
    ],
)
def test_what_has_no_rows_is_refused(data, words):
    with pytest.raises(UserError, match=words):
        open_data(data)


def test_sparse_matrices_say_what_to_give():
    from scipy import sparse

    with pytest.raises(UserError, match="toarray"):
        open_data((sparse.eye(4).tocsr(), [0, 1, 0, 1]))
