"""Text becomes numbers by the convention that a whole column follows; what keeps it from that is named."""

import json
import random
import warnings

import numpy as np
import pandas as pd
import pytest

from headstart.data import open_data
from headstart.data.conventions import MISSING, Reading
from headstart.errors import UserError

ROWS = 60
RNG = np.random.default_rng(1)
LABELS = ["yes", "no"] * (ROWS // 2)


def saved(folder, frame, kind):
    """Write strings through one reader's door."""
    path = folder / f"data.{kind}"
    if kind in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
    elif kind == "parquet":
        frame.to_parquet(path, index=False)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")))
    else:
        return frame
    return path


DOORS = ["csv", "tsv", "jsonl", "parquet", "frame"]


def column(source, name="x", **options):
    dataset = open_data(source, label="label", **options)
    return dataset, np.array([row[name] for row in dataset.raw(np.arange(len(dataset)))])


def grouped(value, thousands, decimal, digits):
    whole, _, rest = f"{abs(value):,.{digits}f}".partition(".")
    sign = "-" if value < 0 else ""
    return sign + whole.replace(",", thousands) + (decimal + rest if rest else "")


STYLES = {
    "thousands": (lambda v: grouped(v, ",", ".", 0), 0, 1),
    "thousands and a point": (lambda v: grouped(v, ",", ".", 2), 2, 1),
    "thousands by dots, decimal comma": (lambda v: grouped(v, ".", ",", 2), 2, 1),
    "decimal comma": (lambda v: grouped(v, "", ",", 2), 2, 1),
    "blanks": (lambda v: grouped(v, " ", ".", 1), 1, 1),
    "narrow blanks, decimal comma": (lambda v: grouped(v, "\u202f", ",", 1), 1, 1),
    "no-break blanks": (lambda v: grouped(v, "\u00a0", ",", 0), 0, 1),
    "apostrophes": (lambda v: grouped(v, "'", ".", 2), 2, 1),
    "curly apostrophes": (lambda v: grouped(v, "\u2019", ".", 2), 2, 1),
    "percent": (lambda v: f"{v:.1f}%", 1, 100),
    "percent with a blank and a comma": (lambda v: grouped(v, "", ",", 1) + " %", 1, 100),
    "dollars": (lambda v: ("-$" if v < 0 else "$") + grouped(abs(v), ",", ".", 2), 2, 1),
    "euros behind": (lambda v: grouped(v, ".", ",", 2) + " \u20ac", 2, 1),
    "francs before": (lambda v: "CHF " + grouped(v, "'", ".", 2), 2, 1),
    "a true minus": (lambda v: f"{v:.1f}".replace("-", "\u2212"), 1, 1),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("door", DOORS)
def test_a_whole_column_in_another_convention_is_numbers_and_said(tmp_path, door, style):
    write, digits, divisor = STYLES[style]
    values = RNG.uniform(-9000, 90_000, ROWS).round(digits)
    values[:3] = [1890, -5230, 7.5 if digits else 8]  # some have groups, some have not
    frame = pd.DataFrame({"x": [write(v) for v in values], "z": RNG.normal(size=ROWS), "label": LABELS})
    dataset, found = column(saved(tmp_path, frame, door))
    np.testing.assert_allclose(found, values / divisor, atol=1e-9)
    assert "'x'" in dataset.inferred["conventions"]
    assert not dataset.warnings


@pytest.mark.parametrize("door", DOORS)
def test_every_spelling_of_missing_in_any_case_is_missing_in_a_column_of_numbers(tmp_path, door):
    random.seed(0)
    marks = sorted(MISSING - {""})
    for spell in (str.lower, str.upper, str.title):
        values = [f"{i / 7:.3f}" for i in range(ROWS)]
        rows = random.sample(range(ROWS), 12)
        for row in rows:
            values[row] = f" {spell(random.choice(marks))} "
        frame = pd.DataFrame({"x": values, "z": range(0, 7 * ROWS, 7), "label": LABELS})
        dataset, found = column(saved(tmp_path, frame, door))
        assert dataset.columns.numeric[0] == "x", [values[row] for row in rows]
        assert np.flatnonzero(np.isnan(found)).tolist() == sorted(rows)


@pytest.mark.parametrize("mark", sorted(MISSING - {""}))
def test_each_mark_alone_leaves_whole_numbers_numbers(write, mark):
    cells = [str(i % 9) for i in range(30)]
    cells[4] = mark
    text = "x\tz\tlabel\n" + "".join(f"{x}\t{i * 7 % 30 / 3}\t{'ab'[i % 2]}\n" for i, x in enumerate(cells))
    dataset, found = column(write("t.tsv", text))
    assert dataset.columns.numeric == ("x", "z")
    assert np.isnan(found[4])


@pytest.mark.parametrize("stray", ["abc", "12 kg", "1,2,3", "5..", "<5", "10+", "1-2", "$7", "50%"])
@pytest.mark.parametrize("door", DOORS)
def test_the_cell_that_keeps_a_column_from_being_numbers_is_named(tmp_path, door, stray):
    values = [f"{v:.3f}" for v in RNG.normal(size=ROWS)]
    values[37] = stray
    frame = pd.DataFrame({"x": values, "z": RNG.normal(size=ROWS), "label": LABELS})
    dataset = open_data(saved(tmp_path, frame, door), label="label")
    (told,) = dataset.warnings
    assert "'x'" in told
    assert f"{stray!r}" in told
    assert f"row {38 + (door in ('csv', 'tsv'))}" in told
    assert f"{ROWS - 1} of its {ROWS}" in told


def test_words_are_no_strays_and_get_no_warning(write):
    text = "x,z,label\n" + "".join(
        f"{['red', 'green', 'blue', 'NA', '7'][i % 5]},{i / 7},{'ab'[i % 2]}\n" for i in range(40)
    )
    dataset, found = column(write("w.csv", text))
    assert not dataset.warnings
    assert set(found) == {"red", "green", "blue", "NA", "7"}


def test_what_is_ambiguous_follows_the_stated_rule(write):
    def first(cells, other="1"):
        text = "x;z;label\n" + "".join(f"{x};{other};{'ab'[i % 2]}\n" for i, x in enumerate(cells * 10))
        return column(write("a.csv", text))[1][0]

    assert first(["1,890", "2,100"]) == 1890  # three digits behind every comma: thousands
    assert first(["1,890", "2,5"]) == 1.89  # another value cannot be
    assert first(["1,890", "0,125"]) == 1.89
    assert first(["1.890", "2.100"]) == 1.89  # a single point is a point
    assert first(["1.890", "1.234.567"]) == 1890
    assert first(["1,890", "2,100"], other="3,5") == 1.89  # another column of the file has a decimal comma
    assert first(["1.890", "2.100"], other="3,5") == 1890


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("names", [("007", "07"), ("7", "07"), ("00", "0"), ("+1", "01"), ("1", "01")])
def test_leading_zeros_are_text_in_labels_and_features(tmp_path, door, names):
    cells = [names[i % 2] for i in range(ROWS)]
    frame = pd.DataFrame({"code": cells[1:] + cells[:1], "z": RNG.normal(size=ROWS), "label": cells})
    dataset, found = column(saved(tmp_path, frame, door), "code")
    assert dataset.task.classes == tuple(sorted(names))
    assert dataset.columns.categorical["code"] == tuple(sorted(names))
    assert list(found) == frame["code"].tolist()


def test_identifiers_of_digits_too_long_to_count_stay_apart(write):
    codes = ["12345678901234567890", "12345678901234567891", "9007199254740993"]
    text = "x,z,label\n" + "".join(f"{codes[i % 3]},{i / 7},{codes[i % 3]}\n" for i in range(30))
    dataset, _ = column(write("long.csv", text))
    assert set(dataset.task.classes) == set(codes)
    assert set(dataset.columns.categorical["x"]) == set(codes)


def test_codes_that_a_reader_calls_text_stay_categories_and_that_is_said(tmp_path):
    frame = pd.DataFrame({"zip": [str(10 + i % 4) for i in range(ROWS)], "z": RNG.normal(size=ROWS), "label": LABELS})
    for door in ("jsonl", "parquet", "frame"):
        dataset, _ = column(saved(tmp_path, frame, door), "zip")
        assert dataset.columns.categorical["zip"] == ("10", "11", "12", "13")
        assert "'zip'" in dataset.inferred["text"]


def test_numbers_beside_marks_of_missing_in_an_object_column_are_numbers():
    frame = pd.DataFrame({"x": [1.5, "-", 2, "3.5", None, pd.NA] * 10, "z": RNG.normal(size=60), "label": LABELS})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset, found = column(frame)
    assert dataset.columns.numeric == ("x", "z")
    assert np.isnan(found[[1, 4, 5]]).all()
    assert found[[0, 2, 3]].tolist() == [1.5, 2, 3.5]


def test_a_reading_survives_json():
    for reading in (Reading(), Reading("number", ",", ".", "%"), Reading("date")):
        assert Reading.from_json(json.loads(json.dumps(reading.to_json()))) == reading


@pytest.mark.parametrize("cell", ["1e300", "-1.7e308", "1e20", "inf", "-Infinity", "1e400"])
@pytest.mark.parametrize("where", ["x", "y"])
def test_numbers_beyond_single_precision_are_refused_with_their_row(write, cell, where):
    rows = [[f"{v:.3f}", f"{v * 3:.3f}"] for v in RNG.normal(size=40)]
    rows[7][where == "y"] = cell
    path = write("huge.csv", "x,y\n" + "".join(",".join(row) + "\n" for row in rows))
    with pytest.raises(UserError) as told:
        open_data(path, label="y")
    assert f"'{where}'" in str(told.value)
    assert "row 9" in str(told.value)


def test_targets_keep_double_precision(write):
    values = 1e9 + RNG.normal(size=40).round(3)
    dataset = open_data(write("o.csv", "x,y\n" + "".join(f"{i / 7},{v!r}\n" for i, v in enumerate(map(float, values)))))
    np.testing.assert_array_equal(dataset.labels(np.arange(40))[:, 0], values)
