"""What a caller holds in memory: one thing is one sample, or one sentence."""

import io
from collections import namedtuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from headstart.data import TableColumns, open_inputs
from headstart.errors import UserError

GREY = np.arange(28 * 20, dtype=np.uint8).reshape(28, 20)
COLOUR = np.random.default_rng(0).integers(0, 255, (28, 20, 3), dtype=np.uint8)
TWO = TableColumns(("a", "b"))


def encoded(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(data) -> list[np.ndarray]:
    dataset = open_inputs(data, modality="image")
    return [np.asarray(picture) for picture in dataset.raw(range(len(dataset)))]


FIRST = np.moveaxis(COLOUR, -1, 0)
ONE = {
    "an array [h, w, 3]": lambda tmp: COLOUR,
    "floats 0 to 1": lambda tmp: COLOUR / 255,
    "16 bits": lambda tmp: COLOUR.astype(np.uint16) * 257,
    "a batch of one": lambda tmp: COLOUR[None],
    "channels first in a batch of one": lambda tmp: FIRST[None],
    "channels first in a list": lambda tmp: [FIRST],
    "a tensor [1, 3, h, w]": lambda tmp: torch.from_numpy(FIRST[None].copy()),
    "a list of one tensor [3, h, w]": lambda tmp: [torch.from_numpy(FIRST.copy()) / 255],
    "a PIL picture": lambda tmp: Image.fromarray(COLOUR),
    "a generator": lambda tmp: (picture for picture in [Image.fromarray(COLOUR)]),
    "a Series": lambda tmp: pd.Series([COLOUR]),
    "encoded bytes": lambda tmp: encoded(COLOUR),
    "a list of encoded bytes": lambda tmp: [bytearray(encoded(COLOUR))],
    "an open file": lambda tmp: io.BytesIO(encoded(COLOUR)),
    "a path": lambda tmp: saved(tmp),
    "the name of a path": lambda tmp: str(saved(tmp)),
    "a list of a path": lambda tmp: [saved(tmp)],
    "an array of a path's name": lambda tmp: np.array([str(saved(tmp))]),
}


def saved(tmp: Path) -> Path:
    path = tmp / "one.png"
    path.write_bytes(encoded(COLOUR))
    return path


@pytest.mark.parametrize("kind", ONE)
def test_one_picture_is_one_sample_however_it_is_held(kind, tmp_path):
    (found,) = pixels(ONE[kind](tmp_path))
    np.testing.assert_array_equal(found, COLOUR)


def test_grey_pictures_and_pictures_of_several_sizes():
    assert len(pixels(GREY)) == 1
    assert len(pixels(GREY > 99)) == 1
    assert pixels(np.ones((5, 9), bool))[0].min() == 255
    assert len(pixels(np.stack([GREY] * 5))) == 5
    several = pixels([COLOUR, GREY, FIRST[:, :9], Image.fromarray(GREY), encoded(GREY)])
    assert [picture.shape[:2] for picture in several] == [(28, 20), (28, 20), (9, 20), (28, 20), (28, 20)]
    four = np.concatenate([COLOUR, COLOUR[..., :1]], axis=2)
    four[..., 3] = 255
    np.testing.assert_array_equal(pixels(four)[0], COLOUR)


REFUSED = {
    "three grey pictures or one": (np.zeros((3, 28, 28)), "3 grey pictures"),
    "three grey pictures or one, a tensor": (torch.zeros(3, 28, 28), "3 grey pictures"),
    "channels at both ends": (np.zeros((7, 3, 28, 3)), "first or last"),
    "channels at both ends of one": ([np.zeros((3, 28, 3))], "first or last"),
    "five axes": (np.zeros((1, 1, 3, 8, 8)), "holds no pictures"),
    "one axis": (np.zeros(8), "holds no pictures"),
    "a list of batches": ([np.zeros((9, 28, 28))], "Input 1 of 1"),
    "floats to 255": (np.full((9, 9, 3), 255.0), "scale"),
    "floats to 255 in a list": ([GREY, np.full((9, 9, 3), 255.0)], "Input 2 of 2"),
    "not a number": (np.full((9, 9, 3), np.nan), "nan"),
    "complex": (np.zeros((9, 9), complex), "complex"),
    "no pixels": (np.zeros((4, 0, 9)), "no pixels"),
    "paths and pictures": ([GREY, "x.png"], "mix paths"),
    "numbers": ([1, 2], "Input 1 of 2"),
    "nothing in the list": ([GREY, None], "Input 2 of 2 is None"),
    "None": (None, "None holds no pictures"),
    "a number": (7, "an int holds no pictures"),
    "an empty list": ([], "nothing to predict"),
    "a set": ({"a.png"}, "no order"),
    "a dict": ({"image": GREY}, "a dict holds no pictures"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(kind):
    data, words = REFUSED[kind]
    with pytest.raises(UserError, match=words):
        open_inputs(data, modality="image")


@pytest.mark.parametrize("data", ["good", ["good"], ("good",), np.array(["good"]), pd.Series(["good"]), iter(["good"])])
def test_a_text_is_a_text_beside_a_folder_of_its_name(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "good" / name).write_text("in a file")
    dataset = open_inputs(data, modality="text")
    assert dataset.raw(range(len(dataset))) == ["good"]
    assert len(open_inputs(Path("good"), modality="text")) == 2


@pytest.mark.parametrize("text", ["readme.txt", "-", "table.csv", "~", "", " ", "a\x00b"])
def test_a_text_that_looks_like_something_else(text):
    assert open_inputs([text, "more"], modality="text").raw([0, 1]) == [text, "more"]
    assert open_inputs(text, modality="text").raw([0]) == [text]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (["a", None], "Input 2 of 2 is None"),
        (["a", 3.5], "Input 2 of 2 is a float"),
        ([b"a"], "is a bytes"),
        (["a", Path("b")], "mix paths"),
        (3, "an int holds no texts"),
        ({"text": "a"}, "a dict holds no texts"),
        (np.zeros((2, 2)), "holds no texts"),
        (["fine", "\ud800"], "row 2.*surrogate"),
    ],
)
def test_what_is_no_text_is_refused(data, words):
    with pytest.raises(UserError, match=words):
        open_inputs(data, modality="text")


Row = namedtuple("Row", ["b", "a"])
ROWS = {
    "[columns]": np.array([1.0, 2.0]),
    "a list of numbers": [1, 2],
    "[1, columns]": np.array([[1, 2]]),
    "a list of a list": [[1, 2]],
    "a tensor": torch.tensor([1.0, 2.0]),
    "a dict": {"b": 2, "a": 1},
    "a list of a dict": [{"b": 2, "a": 1}],
    "a dict of columns": {"b": [2], "a": np.array([1])},
    "a Series": pd.Series({"b": 2, "a": 1}),
    "a row of a DataFrame": pd.DataFrame({"b": [2], "a": [1.0], "other": ["x"]}).iloc[0],
    "a DataFrame": pd.DataFrame({"b": [2], "a": [1.0]}),
    "a named tuple": Row(2, 1),
    "a generator of dicts": ({"b": 2, "a": a} for a in [1]),
}


@pytest.mark.parametrize("kind", ROWS)
def test_one_row_is_one_sample_however_it_is_held(kind):
    dataset = open_inputs(ROWS[kind], modality="table", columns=TWO)
    assert dataset.raw(range(len(dataset))) == [{"a": 1.0, "b": 2.0}]


def test_rows_by_name_may_lack_values_and_hold_words():
    columns = TableColumns(("a",), {"colour": ("red",)})
    rows = [{"a": 1, "colour": "red"}, {"a": None, "colour": "red"}, {"colour": "red", "a": 3}]
    found = open_inputs(rows, modality="table", columns=columns).raw([0, 1, 2])
    assert [row["colour"] for row in found] == ["red"] * 3
    assert found[2]["a"] == 3
    assert found[1]["a"] is None or np.isnan(found[1]["a"])
    (empty,) = open_inputs({"a": None, "colour": None}, modality="table", columns=columns).raw([0])
    assert empty["colour"] is None
    named = open_inputs(pd.DataFrame({0: [1.0], 1: [2.0]}), modality="table", columns=TableColumns(("0", "1")))
    assert named.raw([0]) == [{"0": 1.0, "1": 2.0}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros(3), r"one row \[2\]"),
        (np.zeros((1, 3)), "3 columns, but the model takes 2"),
        (np.zeros((1, 2, 1)), "no rows of numbers"),
        ([[1, 2], [3]], "differ in length"),
        ([["x", 2]], "of words"),
        ({"a": 1}, "lacks the column 'b'"),
        ({"a": [1, 2], "b": 3}, "'a' but one of 'b'"),
        ({"a": [1, 2], "b": [3]}, "differ in length"),
        ([{"a": 1, "b": [3]}], "column 'b'"),
        ([{"a": 1, "b": 2}, [1, 2]], "Row 2 of 2"),
        (pd.Series([1.0, 2.0]), "index names none"),
        (None, "no rows of numbers"),
        (3, "no rows of numbers"),
        ({}, "."),
    ],
)
def test_what_is_no_row_is_refused(data, words):
    with pytest.raises(UserError, match=words):
        open_inputs(data, modality="table", columns=TWO)


def test_an_array_for_a_model_with_words_is_refused():
    with pytest.raises(UserError, match="names no columns"):
        open_inputs(np.zeros((1, 2)), modality="table", columns=TableColumns(("a",), {"colour": ("red",)}))
