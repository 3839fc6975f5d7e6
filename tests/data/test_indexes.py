"""Indexes and row numbers are no features, and are named; what alone predicts the label is named as well."""

import numpy as np
import pandas as pd
import pytest

from headstart.data import open_data, open_inputs

N = 60
RNG = np.random.default_rng(3)
SHUFFLED = RNG.permutation(N)
FRAME = pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.normal(size=N), "label": ["yes", "no"] * (N // 2)})

COUNTS = {
    "from 0": np.arange(N),
    "from 1": np.arange(N) + 1,
    "from a million": np.arange(N) + 1_000_000,
    "down": N - np.arange(N),
    "shuffled": SHUFFLED,
    "shuffled from 1": SHUFFLED + 1,
    "with gaps": np.sort(RNG.choice(2 * N, N, replace=False)),
    "with gaps and shuffled": RNG.choice(2 * N, N, replace=False),
    "as floats": SHUFFLED.astype(float),
}


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("door", ["csv", "parquet", "frame"])
def test_row_numbers_are_left_out_whatever_their_order(tmp_path, count, door):
    frame = FRAME.assign(number=COUNTS[count])
    source = frame if door == "frame" else tmp_path / f"t.{door}"
    if door != "frame":
        getattr(frame, f"to_{door}")(source, index=False)
    dataset = open_data(source)
    assert dataset.columns.names == ("a", "b")
    assert "'number'" in dataset.inferred["left out"]


def test_ordinary_whole_numbers_stay():
    frame = FRAME.assign(
        age=RNG.integers(18, 90, N), income=RNG.choice(90_000, N, replace=False), year=1990 + SHUFFLED % 30
    )
    assert open_data(frame).columns.numeric == ("a", "b", "age", "income", "year")


@pytest.mark.parametrize("index", [SHUFFLED, RNG.normal(size=N), [f"p{i % 7}" for i in range(N)]])
@pytest.mark.parametrize("name", [None, "patient", "index", "a b"])
def test_the_index_that_pandas_wrote_is_no_feature(tmp_path, index, name):
    frame = FRAME.set_index(pd.Index(index, name=name))
    frame.to_parquet(tmp_path / "t.parquet")
    dataset = open_data(tmp_path / "t.parquet")
    assert dataset.columns.names == ("a", "b")
    assert f"'{name or '__index_level_0__'}' is an index" in dataset.inferred["left out"]
    new = open_inputs(FRAME[["b", "a"]], modality="table", columns=dataset.columns)  # which predict does not ask for
    assert len(new) == N


@pytest.mark.parametrize("index", [SHUFFLED, RNG.normal(size=N), [f"p{i % 7}" for i in range(N)]])
def test_the_unnamed_first_column_is_no_feature(tmp_path, index):
    FRAME.set_index(pd.Index(index)).to_csv(tmp_path / "t.csv")
    dataset = open_data(tmp_path / "t.csv")
    assert dataset.columns.names == ("a", "b")
    assert "'unnamed' is an index" in dataset.inferred["left out"]
    pd.read_csv(tmp_path / "t.csv").to_csv(tmp_path / "again.csv")  # "Unnamed: 0", and a new one before it
    assert open_data(tmp_path / "again.csv").columns.names == ("a", "b")


def test_an_index_that_is_named_as_the_label_is_the_label(tmp_path):
    FRAME.set_index("label").to_parquet(tmp_path / "t.parquet")
    assert open_data(tmp_path / "t.parquet").task.classes == ("no", "yes")
