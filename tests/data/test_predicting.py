"""Unlabelled inputs for a model: folders, files, tables, standard input, objects."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

from headstart.data import TableColumns, open_files, open_inputs
from headstart.errors import UserError

COLUMNS = TableColumns(("x", "z"), {"colour": ("green", "red")})


class Pipe:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def piped(monkeypatch, content: bytes, **options):
    monkeypatch.setattr(sys, "stdin", Pipe(content))
    return open_files(["-"], **options)


def test_a_folder_of_images_at_any_depth(folder):
    dataset = open_inputs(folder({"a/b": 2, "c": 1}), modality="image")
    assert dataset.task is None
    assert dataset.names([0, 1, 2]) == ["a/b/0.png", "a/b/1.png", "c/0.png"]
    np.testing.assert_array_equal(dataset.splits["test"], np.arange(3))
    with pytest.raises(UserError, match="no labels"):
        dataset.labels([0])


def test_files_and_folders_mixed(folder):
    root = folder({"a": 2, "b": 2})
    dataset = open_inputs([str(root / "a" / "0.png"), root / "b"], modality="image")
    assert dataset.names([0, 2]) == [str(root / "a" / "0.png"), str(root / "b" / "1.png")]
    assert open_inputs(root / "a" / "0.png", modality="image").raw([0])[0].size == (24, 24)


def test_pictures_and_strings_in_memory(draw):
    assert open_inputs([draw(1), draw(2)], modality="image").raw([1])[0].mode == "RGB"
    assert open_inputs(["a text", "b"], modality="text").raw([0, 1]) == ["a text", "b"]
    assert len(open_inputs(np.zeros((4, 6, 6), np.uint8), modality="image")) == 4


def test_a_table_gives_the_columns_asked_for(write):
    path = write("new.csv", "extra,colour,z,x\n9,red,1,0.5\n9,,,1\n")
    for columns in (COLUMNS, COLUMNS.names):
        rows = open_inputs(path, modality="table", columns=columns)
        first, second = rows.raw([0, 1])
        assert first == {"x": 0.5, "z": 1, "colour": "red"}
        assert second["colour"] is None
        assert second["z"] is None or np.isnan(second["z"])
    assert open_inputs(path, modality="table", columns=COLUMNS).columns == COLUMNS


def test_numbers_that_name_categories_stay_their_names(write):
    path = write("new.csv", "x,z,colour\n1,2,7\n3,4,8\n")
    assert open_inputs(path, modality="table", columns=COLUMNS).raw([0])[0]["colour"] == "7"


def test_missing_columns_are_named_with_the_nearest(write):
    path = write("new.csv", "x,zz,Colour\n1,2,red\n")
    with pytest.raises(UserError, match=r"lacks the column 'z', 'colour'.*zz"):
        open_inputs(path, modality="table", columns=COLUMNS)


def test_a_word_where_a_number_must_be_is_named(write):
    path = write("new.csv", "x,z,colour\n1,2,red\n1,many,red\n")
    with pytest.raises(UserError, match=r"'z' holds 'many' in new.csv row 3"):
        open_inputs(path, modality="table", columns=COLUMNS)


def test_arrays_and_frames_of_rows():
    dataset = open_inputs(np.array([[1.0, 2.0]]), modality="table", columns=TableColumns(("a", "b")))
    assert dataset.raw([0]) == [{"a": 1.0, "b": 2.0}]
    with pytest.raises(UserError, match="2 columns, but the model takes 1"):
        open_inputs(np.array([[1.0, 2.0]]), modality="table", columns=TableColumns(("a",)))
    frame = pd.DataFrame({"x": [1], "z": [2], "colour": ["red"]})
    assert open_inputs(frame, modality="table", columns=COLUMNS).raw([0]) == [{"x": 1.0, "z": 2.0, "colour": "red"}]


def test_texts_from_a_table_or_text_files(write):
    table = write("t.csv", "id,review\n1,short\n2,texts\n")
    assert open_inputs(table, modality="text").raw([0, 1]) == ["short", "texts"]
    assert open_inputs(table, modality="text", columns="review").names([0]) == ["t.csv row 2"]
    one = write("one.txt", "a whole file\nwith lines")
    assert open_inputs([one], modality="text").raw([0]) == ["a whole file\nwith lines"]


def test_standard_input_holds_lines_or_csv(monkeypatch):
    lines = piped(monkeypatch, b"first, with comma\nsecond\n", modality="text")
    assert lines.raw([0, 1]) == ["first, with comma", "second"]
    assert lines.names([1]) == ["standard input row 2"]
    table = piped(monkeypatch, b"id,text\n1,hello\n", modality="text")
    assert table.raw([0]) == ["hello"]
    rows = piped(monkeypatch, b"x,z,colour\n1,2,red\n", modality="table", columns=COLUMNS)
    assert rows.raw([0]) == [{"x": 1.0, "z": 2.0, "colour": "red"}]


def test_standard_input_of_image_paths(monkeypatch, folder):
    root = folder({"a": 2})
    dataset = piped(monkeypatch, f"{root}/a/0.png\n{root}/a/1.png\n".encode(), modality="image")
    assert dataset.raw([1])[0].size == (24, 24)


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"fine\n\xff\xfe\n", "not UTF-8 in line 2")])
def test_standard_input_that_cannot_be_read(monkeypatch, content, words):
    with pytest.raises(UserError, match=words):
        piped(monkeypatch, content, modality="text")


def test_inputs_of_another_kind_are_refused(folder, write):
    root = folder({"a": 2})
    with pytest.raises(UserError, match="holds images"):
        open_inputs(root, modality="text")
    with pytest.raises(UserError, match="takes table rows"):
        open_inputs(root, modality="table")
    with pytest.raises(UserError, match="is no image file"):
        open_inputs([root / "a" / "0.png", write("x.txt", "hello")], modality="image")
    with pytest.raises(UserError, match="but the model takes texts"):
        open_inputs(np.zeros((2, 2)), modality="text")
