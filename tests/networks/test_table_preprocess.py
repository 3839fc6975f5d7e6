"""Tables: standardising, missing values, categories, columns by name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from small_networks import ROWS, TABLE

from headstart.errors import UserError
from headstart.networks import TablePreprocess, load_preprocess

COLUMNS = SimpleNamespace(numeric=("age", "size"), categorical={"city": ("Ulm", "Bonn")})
TRAIN = [
    {"age": 10, "size": 1.5, "city": "Ulm"},
    {"age": 20.0, "size": None, "city": "Bonn"},
    {"age": "60", "size": 1.5, "city": None},
]


def test_fit_takes_mean_and_deviation_of_what_is_there() -> None:
    fitted = TablePreprocess.fit(TRAIN, COLUMNS)
    assert fitted.mean == {"age": 30.0, "size": 1.5}
    assert fitted.std == {"age": pytest.approx(np.std([10, 20, 60])), "size": 1.0}
    assert fitted.columns == ("age", "size", "city")


def test_fit_reads_arrow_tables() -> None:
    numbers = [{**row, "age": float(row["age"])} for row in TRAIN]
    assert TablePreprocess.fit(pa.Table.from_pylist(numbers), COLUMNS) == TablePreprocess.fit(TRAIN, COLUMNS)


def test_numbers_are_standardised_and_missing_ones_flagged() -> None:
    state = TABLE(ROWS)
    torch.testing.assert_close(state["numeric"], torch.tensor([[1.0, 2.0], [0.0, -1.0], [0.0, 0.0]]))
    assert state["missing"].tolist() == [[0, 0], [1, 0], [1, 0]]
    assert state["numeric"].dtype == state["missing"].dtype == torch.float32


def test_categories_are_numbered_from_one_and_zero_is_missing_or_unknown() -> None:
    assert TABLE(ROWS)["categorical"].tolist() == [[2, 3], [0, 0], [1, 1]]
    assert TABLE(ROWS)["categorical"].dtype == torch.int64


def test_infinite_numbers_count_as_missing() -> None:
    state = TABLE([{**ROWS[0], "age": float("inf")}])
    assert state["missing"][0, 0] == 1
    assert state["numeric"].isfinite().all()


def test_seeds_make_no_difference() -> None:
    assert not TABLE.augments
    assert torch.equal(TABLE(ROWS, [1, 2, 3])["numeric"], TABLE(ROWS)["numeric"])


def test_a_lacking_column_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no column 'age'.*did you mean 'Age'"):
        TABLE([{"Age": 3, "income.net": 1.0, "city": "Ulm", "keys": "a"}])


def test_a_word_among_numbers_is_named() -> None:
    with pytest.raises(UserError, match=r"'age' is numeric.*'old'"):
        TABLE([{**ROWS[0], "age": "old"}])


def test_tables_of_one_kind_of_column() -> None:
    numbers = TablePreprocess({"a": 0.0}, {"a": 1.0}, {})([{"a": 2}])
    assert numbers["categorical"].shape == (1, 0)
    words = TablePreprocess({}, {}, {"w": ("x",)})([{"w": "x"}])
    assert words["numeric"].shape == words["missing"].shape == (1, 0)


def test_it_survives_save_and_load(tmp_path: Path) -> None:
    TABLE.save(tmp_path)
    loaded = load_preprocess(tmp_path)
    assert loaded == TABLE
    assert all(torch.equal(loaded(ROWS)[key], value) for key, value in TABLE(ROWS).items())
