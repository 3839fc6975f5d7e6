"""All kinds of data give the same data set."""

import gzip
import json

import datasets
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.data import Dataset, open_data

ROWS = 40
RNG = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, ROWS),
        "height": np.where(np.arange(ROWS) % 7 == 0, np.nan, RNG.normal(170, 10, ROWS).round(2)),
        "colour": [None if i == 3 else ["red", "green", "blue"][i % 3] for i in range(ROWS)],
        "label": ["yes", "no"] * (ROWS // 2),
    }
)


def everything(dataset: Dataset):
    rows = np.arange(len(dataset))
    return dataset.task, dataset.columns, dataset.labels(rows).tolist(), dataset.hashes(rows)


def people_files(folder):
    PEOPLE.to_csv(folder / "people.csv", index=False)
    PEOPLE.to_csv(folder / "people.tsv", index=False, sep="\t")
    PEOPLE.to_csv(folder / "semicolons.csv", index=False, sep=";")
    PEOPLE.to_parquet(folder / "people.parquet", index=False)
    records = [
        {key: None if pd.isna(value) else value for key, value in row.items()} for row in PEOPLE.to_dict("records")
    ]
    (folder / "people.jsonl").write_text("\n".join(json.dumps(row) for row in records))
    (folder / "people.csv.gz").write_bytes(gzip.compress((folder / "people.csv").read_bytes()))
    return sorted(path for path in folder.iterdir())


def test_a_table_is_the_same_from_every_file_and_object(tmp_path):
    first = open_data(PEOPLE)
    assert first.columns.numeric == ("age", "height")
    assert first.columns.categorical == {"colour": ("blue", "green", "red")}
    others = people_files(tmp_path)
    assert len(others) == 6
    for source in [*others, datasets.Dataset.from_pandas(PEOPLE)]:
        dataset = open_data(source)
        assert everything(dataset) == everything(first), source
        assert dataset.fingerprint == first.fingerprint, source


def test_missing_values_stay_missing_for_preprocessing():
    rows = open_data(PEOPLE).raw([0, 3])
    assert np.isnan(rows[0]["height"])
    assert rows[1]["colour"] is None
    assert rows[1]["age"] == PEOPLE["age"][3]


def test_marks_of_missing_numbers_are_read_but_words_stay_words(write):
    text = "x,c,label\n" + "1.5,NA,a\n?,b,b\nNaN,NA,a\n2,b,b\n" * 2
    dataset = open_data(write("t.csv", text))
    assert dataset.columns.numeric == ("x",)
    rows = dataset.raw([0, 1])
    assert rows[0] == {"x": 1.5, "c": "NA"}
    assert np.isnan(rows[1]["x"])


def test_types_are_those_of_the_whole_column_not_of_its_start(write):
    lines = [f"{i % 7},{'ab'[i % 2]}" for i in range(300_000)]
    lines[-1] = "seven,b"
    dataset = open_data(write("long.csv", "x,label\n" + "\n".join(lines)))
    assert dataset.columns.categorical["x"][-1] in {"6", "seven"}
    assert dataset.raw([299_999])[0] == {"x": "seven"}


def test_dates_and_booleans_become_numbers(write):
    text = "day,open,label\n" + "1970-01-02,true,a\n1970-01-11,false,b\n" * 5
    rows = open_data(write("d.csv", text)).raw([0, 1])
    assert rows == [{"day": 1.0, "open": 1.0}, {"day": 10.0, "open": 0.0}]


def test_identifiers_and_row_numbers_are_left_out_with_a_note():
    frame = PEOPLE.assign(who=[f"p{i}" for i in range(ROWS)], number=np.arange(ROWS) + 5, none=None)
    dataset = open_data(frame)
    assert dataset.columns.names == ("age", "height", "colour")
    for name in ("who", "number", "none"):
        assert f"'{name}'" in dataset.inferred["left out"]


def test_categories_are_those_of_the_training_split():
    split = ["train"] * 30 + ["test"] * 10
    frame = PEOPLE.assign(colour=["red", "green"] * 15 + ["violet"] * 10, split=split)
    dataset = open_data(frame)
    assert dataset.columns.categorical == {"colour": ("green", "red")}
    assert dataset.given_splits
    np.testing.assert_array_equal(dataset.splits["test"], np.arange(30, 40))


def test_a_split_column_without_split_names_is_a_feature():
    dataset = open_data(PEOPLE.assign(split=["left", "right"] * 20))
    assert "split" in dataset.columns.categorical
    assert not dataset.given_splits


def test_an_image_folder_of_classes(folder):
    dataset = open_data(folder({"bees": 8, "ants/deep": 7, ".hidden": 1}))
    assert (dataset.modality, dataset.task.classes) == ("image", ("ants", "bees"))
    assert len(dataset) == 15
    assert dataset.names([0, 14]) == ["ants/deep/0.png", "bees/7.png"]
    assert dataset.labels([0, 14]).tolist() == [0, 1]
    assert dataset.raw([3])[0].mode == "RGB"
    assert not dataset.given_splits


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
def test_an_image_folder_of_splits(folder, validation):
    places = {f"{split}/{name}": 4 for split in ("train", validation, "test") for name in ("a", "b")}
    dataset = open_data(folder(places))
    assert dataset.given_splits
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {"train": 8, "validation": 8, "test": 8}
    assert dataset.names(dataset.splits["validation"][:1]) == [f"{validation}/a/0.png"]


def test_a_folder_with_one_split_only_is_split(folder):
    dataset = open_data(folder({"train/a": 10, "train/b": 10}))
    assert not dataset.given_splits
    assert len(dataset.splits["test"]) == 4


def test_a_folder_of_text_files(tmp_path):
    for name in ("good", "bad"):
        (tmp_path / "t" / name).mkdir(parents=True)
        for i in range(5):
            (tmp_path / "t" / name / f"{i}.txt").write_text(f"{name} café {i}", encoding="utf-8")
    (tmp_path / "t" / "README.txt").write_text("about")
    dataset = open_data(tmp_path / "t")
    assert dataset.modality == "text"
    assert dataset.raw([0]) == ["bad café 0"]


def test_a_folder_of_tables_by_split(tmp_path):
    PEOPLE[:30].to_csv(tmp_path / "train.csv", index=False)
    PEOPLE[30:].to_csv(tmp_path / "test.csv", index=False)
    dataset = open_data(tmp_path)
    assert dataset.given_splits
    assert len(dataset.splits["test"]) == 10
    assert dataset.names(dataset.splits["test"][:1]) == ["test.csv row 2"]


def test_a_table_of_image_paths_relative_to_the_file(folder, write):
    root = folder({"all": 12})
    lines = [f"pictures/all/{i}.png,{'ab'[i % 2]}" for i in range(12)]
    dataset = open_data(write("labels.csv", "file,label\n" + "\n".join(lines)))
    assert dataset.modality == "image"
    assert dataset.input_column == "file"
    assert dataset.names([2]) == ["pictures/all/2.png"]
    with Image.open(root / "all" / "2.png") as expected:
        np.testing.assert_array_equal(np.asarray(dataset.raw([2])[0]), np.asarray(expected))


def test_texts_by_name_by_length_or_by_option(write):
    long = "the plot is thin but number {} works".format
    body = "".join(f'"{long(i)}","s{i % 3}",{"ab"[i % 2]}\n' for i in range(20))
    by_length = open_data(write("l.csv", "opinion,mood,label\n" + body))
    assert (by_length.modality, by_length.input_column) == ("text", "opinion")
    assert "words" in by_length.inferred["modality"]
    assert by_length.raw([4]) == [long(4)]
    assert by_length.names([4]) == ["l.csv row 6"]
    by_name = open_data(write("n.csv", "review,mood,label\n" + body.replace("the plot is thin but", "")))
    assert by_name.input_column == "review"
    assert open_data(write("o.csv", "opinion,mood,label\n" + body), text="mood").input_column == "mood"
    assert open_data(write("o.csv", "opinion,mood,label\n" + body), modality="table").columns.categorical


def test_quoted_cells_may_hold_commas_quotes_and_line_breaks(write):
    text = 'text,label\n"one, ""two""\nthree and four five",a\nplain words of some length,b\n' * 1
    dataset = open_data(write("q.csv", text + "more words for good measure,a\nand yet more words here,b\n"))
    assert dataset.raw([0]) == ['one, "two"\nthree and four five']


def test_arrays_of_numbers_keep_every_column():
    x = np.column_stack([np.arange(50), np.zeros(50), np.full(50, np.nan)])
    dataset = open_data((x, np.repeat(["a", "b"], 25)))
    assert dataset.columns.numeric == ("x0", "x1", "x2")
    assert dataset.raw([7])[0]["x0"] == 7.0


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3), (3, 9, 7)])
def test_arrays_of_images(shape):
    x = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    dataset = open_data((x, np.repeat([0, 1], 10)))
    assert dataset.modality == "image"
    assert dataset.raw([5])[0].size == (7, 9)
    assert ("channels" in dataset.inferred) == (shape[0] == 3)


def test_a_dict_and_an_npz_file_of_splits(tmp_path):
    x, y = np.random.default_rng(0).random((30, 6, 6)), np.tile([0, 1, 2], 10)
    parts = {"x_train": x[:20], "y_train": y[:20], "x_test": x[20:], "y_test": y[20:]}
    np.savez(tmp_path / "a.npz", **parts)
    names = {"x_train": "train_images", "y_train": "train_labels", "x_test": "test_images", "y_test": "test_labels"}
    other_names = {names[key]: value for key, value in parts.items()}
    for dataset in (open_data(parts), open_data(tmp_path / "a.npz"), open_data(other_names)):
        assert dataset.given_splits
        np.testing.assert_array_equal(dataset.splits["test"], np.arange(20, 30))
        assert dataset.names([20]) == ["x_test row 1"]
        expected = np.rint(x[20] * 255).astype(np.uint8)
        np.testing.assert_array_equal(np.asarray(dataset.raw([20])[0])[..., 0], expected)


def test_lists_of_strings_are_texts():
    dataset = open_data((["some text", "another"] * 10, ["a", "b"] * 10))
    assert dataset.modality == "text"
    assert dataset.raw([1]) == ["another"]


def test_datasets_with_class_labels_and_images(draw, tmp_path):
    features = datasets.Features({"img": datasets.Image(), "kind": datasets.ClassLabel(names=["wasp", "ant", "none"])})
    data = {"img": [draw(i) for i in range(12)], "kind": [0, 1] * 6}
    whole = datasets.Dataset.from_dict(data, features=features)
    pair = datasets.DatasetDict(train=whole.shuffle(seed=1).select(range(6)), test=whole, extra=whole)
    whole.to_parquet(tmp_path / "w.parquet")
    pair.save_to_disk(tmp_path / "saved")
    for source, count in ((whole, 12), (pair, 18), (tmp_path / "w.parquet", 12), (tmp_path / "saved", 18)):
        dataset = open_data(source, label="kind")
        assert len(dataset) == count
        assert dataset.task.classes == ("wasp", "ant")  # in the data's own order, without the class never used
        expected = np.asarray(draw(11))
        np.testing.assert_array_equal(np.asarray(dataset.raw([count - 1])[0]), expected)
    assert "extra" in open_data(pair, label="kind").inferred["ignored"]


def test_a_dataset_opened_twice_is_itself():
    dataset = open_data(PEOPLE)
    assert open_data(dataset) is dataset


def test_the_fingerprint_knows_contents_labels_and_splits_but_no_paths(folder, tmp_path):
    places = {"a": 6, "b": 6}
    here, there = open_data(folder(places)), open_data(folder(places, tmp_path / "elsewhere" / "moved"))
    assert here.fingerprint == there.fingerprint
    moved = here.with_splits({"train": here.splits["test"], "test": here.splits["train"]})
    assert moved.fingerprint != here.fingerprint
    assert here.without([0]).fingerprint != here.fingerprint
    (tmp_path / "elsewhere" / "moved" / "a" / "0.png").rename(tmp_path / "elsewhere" / "moved" / "b" / "zz.png")
    assert open_data(tmp_path / "elsewhere" / "moved").fingerprint != here.fingerprint


def test_hashes_are_of_the_content_alone(folder):
    root = folder({"a": 3, "b": 3})
    (root / "b" / "copy.png").write_bytes((root / "a" / "0.png").read_bytes())
    dataset = open_data(root)
    found = dict(zip(dataset.names(range(7)), dataset.hashes(range(7)), strict=True))
    assert found["a/0.png"] == found["b/copy.png"]
    assert len(set(found.values())) == 6
    dataset.digests()
    assert dataset.hashes(range(7)) == list(found.values())


def test_without_numbers_the_remaining_rows_anew(folder):
    dataset = open_data(folder({"train/a": 4, "train/b": 4, "test/a": 2, "test/b": 2}))
    hashes = dataset.hashes(np.arange(12))
    fewer = dataset.without([0, 9]).without([0])
    assert len(fewer) == 9
    assert fewer.names([0]) == [dataset.names([2])[0]]
    kept = [row for row in range(12) if row not in (0, 1, 9)]
    assert fewer.hashes(np.arange(9)) == [hashes[row] for row in kept]
    assert fewer.labels(np.arange(9)).tolist() == dataset.labels(kept).tolist()
    split = np.concatenate([fewer.splits["train"], fewer.splits["validation"], fewer.splits["test"]])
    np.testing.assert_array_equal(np.sort(split), np.arange(9))
    assert all(name.startswith("test/") for name in fewer.names(fewer.splits["test"]))


def test_rows_may_be_asked_in_any_order_and_twice():
    dataset = open_data(pd.concat([PEOPLE] * 500, ignore_index=True))
    rows = [19_999, 3, 8_200, 3, 0]
    assert [row["age"] for row in dataset.raw(rows)] == [PEOPLE["age"][row % ROWS] for row in rows]
