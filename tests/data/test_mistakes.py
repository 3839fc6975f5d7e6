"""What is wrong with the data is said in one sentence that names file, row or column."""

import gzip
import os
import sys

import datasets
import numpy as np
import pandas as pd
import pytest

from headstart.data import open_data
from headstart.errors import UserError

TABLE = "x,z,label\n" + "".join(f"{i / 7:.3f},{i % 5},{'ab'[i % 2]}\n" for i in range(20))


def refused(data, *words, **options):
    with pytest.raises(UserError) as told:
        open_data(data, **options)
    message = str(told.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_a_path_that_does_not_exist_names_its_neighbours(folder, tmp_path):
    folder({"a": 1})
    refused(tmp_path / "picturs", "does not exist", "did you mean 'pictures'?")
    refused(tmp_path / "no" / "where" / "x.csv", "does not exist", "where")


def test_an_empty_folder(tmp_path):
    refused(tmp_path, "is empty")


def test_an_empty_class_folder(folder):
    refused(folder({"a": 3, "b": 0}), "b", "has no samples")


def test_one_class_only(folder, write):
    refused(folder({"cat": 3}), "one class only ('cat')")
    refused(write("one.csv", TABLE.replace(",b\n", ",a\n")), "one.csv", "one class only ('a')")


def test_a_class_with_one_sample(folder):
    refused(folder({"a": 3, "lonely": 1}), "'lonely'", "at least two")


def test_rows_of_another_length_are_named_even_where_no_other_row_is_left(write):
    refused(write("short.csv", "x,z,label\n1,2\n3,4\n"), "short.csv", "2 cells in row 2", "3 columns")


def test_images_without_class_folders(folder):
    refused(folder({".": 3}), "no folders", "0.png")


def test_loose_files_beside_class_folders(folder):
    root = folder({"a": 3, "b": 3})
    (root / "README.md").write_text("welcome")
    (root / "LICENSE.txt").write_text("free")
    assert len(open_data(root)) == 6
    (root / "labels.csv").write_text(TABLE)
    refused(root, "labels.csv")


@pytest.mark.parametrize("name", ["notes.csv", "notes.txt"])
def test_mixed_modalities_in_class_folders(folder, name):
    root = folder({"a": 3, "b": 3})
    (root / "a" / name).write_text("x")
    refused(root, "mixes", f"a/{name}")


def test_files_of_no_known_kind_in_class_folders_are_noted(folder):
    root = folder({"a": 3, "b": 3})
    (root / "a" / "camera.raw").write_bytes(b"x")
    assert "a/camera.raw" in open_data(root).inferred["ignored"]


def test_class_sets_that_differ_between_splits_print_both(folder, write):
    refused(
        folder({"train/ant": 2, "train/bee": 2, "test/ant": 2, "test/wasp": 2}),
        "ant, bee",
        "ant, wasp",
        "train",
        "test",
    )
    rows = "x,split,label\n" + "1,train,a\n2,train,b\n3,test,a\n4,test,c\n" * 2
    refused(write("s.csv", rows), "'a', 'b'", "'a', 'c'")


def test_a_label_column_that_is_not_there(write):
    refused(write("t.csv", TABLE), "'lable'", "did you mean 'label'?", label="lable")
    refused(write("u.csv", TABLE.replace("label", "outcome")), "--label", "x, z, outcome")


def test_labels_missing_in_some_rows(write):
    refused(
        write("t.csv", TABLE + "1,2,\n3,4,\n"), "'label'", "missing in 2 samples of 22", "t.csv row 22", "t.csv row 23"
    )


@pytest.mark.parametrize(("row", "cells"), [("1,2", "2 cells"), ("1,2,a,b", "4 cells")])
def test_a_ragged_row_is_named(write, row, cells):
    refused(write("t.csv", TABLE + row + "\n"), "t.csv", "row 22", cells, "3 columns")


def test_a_ragged_row_far_down_is_named(write):
    many = "x,label\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(200_000))
    refused(write("t.csv", many + "1\n"), "row 200002")


def test_a_wrong_encoding_is_named_with_its_row(write):
    refused(write("t.csv", TABLE.encode() + "1,2,café\n".encode("latin-1")), "not UTF-8", "row 22")
    refused(write("u.csv", TABLE.encode("utf-16")), "UTF-16", "UTF-8")
    refused(write("v.csv", "x,größe,label\n".encode("latin-1") + b"1,2,a\n"), "header", "not UTF-8")


def test_a_byte_order_mark_is_no_part_of_the_first_name(write):
    assert open_data(write("t.csv", b"\xef\xbb\xbf" + TABLE.encode())).columns.numeric == ("x", "z")


def test_a_header_that_is_data_is_refused(write):
    refused(write("t.csv", TABLE.split("\n", 1)[1]), "looks like data", "column names")


def test_a_column_twice_is_refused(write):
    refused(write("t.csv", TABLE.replace("z", "x", 1)), "'x' more than once")


def test_an_infinite_feature_names_row_and_column(write):
    refused(write("t.csv", TABLE + "inf,1,a\n"), "'x' is infinite", "t.csv row 22")
    x = np.zeros((10, 2))
    x[4, 1] = -np.inf
    refused((x, ["a", "b"] * 5), "'x1' is infinite", "row 5")


def test_an_unknown_ending(write):
    refused(write("t.xlsx", TABLE), "t.xlsx", ".csv", ".parquet")


def test_files_that_are_not_what_their_ending_says(write):
    refused(write("t.parquet", TABLE), "t.parquet", "Parquet")
    refused(write("t.npz", TABLE), "t.npz")
    refused(write("t.csv", ""), "empty")
    refused(write("u.csv", "a,label\n"), "no rows")
    refused(write("t.csv.gz", TABLE), "t.csv.gz")


def test_json_lines_name_the_row(write):
    good = '{"x": 1, "label": "a"}\n'
    refused(write("t.jsonl", good * 3 + "{broken\n"), "t.jsonl row 4")
    refused(write("u.json", "[" + good.strip() + "]"), "one object per line")
    refused(write("v.jsonl", good.encode() + b'{"x": "\xff"}\n'), "row 2", "UTF-8")


def test_a_file_that_breaks_off_is_named(write):
    whole = gzip.compress(("x,label\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(50_000))).encode())
    refused(write("t.csv.gz", whole[: len(whole) // 2]), "t.csv.gz", "cannot be read")
    refused(write("t.jsonl.gz", gzip.compress(b'{"x": 1, "label": "a"}\n' * 5000)[:60]), "t.jsonl.gz", "cannot be read")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep such names from being made")
def test_a_file_name_that_is_not_utf8_is_named(folder):
    root = folder({"a": 3, "b": 3})
    (root / "a" / "0.png").rename(os.fsdecode(os.fsencode(root / "a") + b"/caf\xe9.png"))
    refused(root, "not UTF-8", "caf")


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.array([{}, {}], object), y=np.array([0, 1]))
    refused(tmp_path / "t.npz", "Python objects")


def test_arrays_that_do_not_fit_together():
    refused((np.zeros((4, 2)), [0, 1]), "4 inputs", "2 labels")
    refused((np.zeros((4, 5, 6, 7)), [0, 1, 0, 1]), "(5, 6, 7)")
    refused((np.full((4, 5, 6), 9.0), [0, 1, 0, 1]), "row 1", "scale")
    refused({"a": np.zeros(3)}, "x and y")
    refused({"x_train": np.zeros((3, 2))}, "y_train")
    for names in (np.array("a"), np.eye(2), 3):
        refused({"x": np.zeros((4, 2)), "y": [0, 1, 0, 1], "classes": names}, "classes of", "dimensions")
    refused(3, "int")


def test_unknown_options_name_the_nearest():
    refused((np.eye(4), [0, 1, 0, 1]), "'classfication'", "did you mean 'classification'?", task="classfication")
    refused((np.eye(4), [0, 1, 0, 1]), "'images'", "'image'", modality="images")


def test_options_that_do_not_apply(folder):
    root = folder({"a": 3, "b": 3})
    refused(root, "--label", label="x")
    refused(root, "regression", task="regression")
    refused(root, "holds images", modality="text")


def test_a_table_without_inputs(write):
    refused(write("t.csv", "label\na\nb\na\nb\n"), "nothing is left")
    refused(write("u.csv", "id,label\np1,a\np2,b\np3,a\np4,b\n"), "--text", modality="table")


def test_columns_named_for_other_roles(write):
    refused(write("t.csv", TABLE), "'txt'", "--text", text="txt")
    refused(write("t.csv", TABLE), "both label and input", text="label")
    refused(write("t.csv", TABLE), "'gruop'", "--group", group="gruop")
    refused(write("t.csv", TABLE), "not texts", text="x")


def test_an_unknown_split_is_named(write):
    refused(write("t.csv", "x,split,label\n" + "1,train,a\n2,tset,b\n" * 3), "'tset'", "t.csv row 3")


def test_missing_groups_are_named(write):
    refused(write("t.csv", "x,g,label\n" + "1,p,a\n2,,b\n" * 3), "group is missing in 3 rows", "t.csv row 3", group="g")


def test_hub_labels_of_minus_one_are_missing():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b"])})
    data = datasets.Dataset.from_dict({"text": ["one", "two", "three"], "label": [0, 1, -1]}, features=features)
    refused(data, "'label' is missing in 1 sample")


def test_columns_of_mixed_types_are_refused():
    frame = pd.DataFrame({"x": [1, "a", 2.5, None], "label": ["a", "b", "a", "b"]})
    refused(frame, "mixed types", "x")
