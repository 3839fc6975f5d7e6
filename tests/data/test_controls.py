"""Control characters in tables: a NUL is one sentence with its place, others are kept and said, by every reader."""

import json

import numpy as np
import pandas as pd
import pytest

from headstart.data import open_data
from headstart.errors import UserError

N = 40
FRAME = pd.DataFrame({
    "a": np.arange(N) % 7 + 0.5, "b": [f"{i % 3} of" for i in range(N)], "label": ["yes", "no"] * (N // 2),
})  # fmt: skip


def with_cell(value, place, column, kind, folder):
    frame = FRAME.astype({"a": object})
    frame.loc[place, column] = value
    path = folder / f"x.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in frame.astype(str).to_dict("records")))
    elif kind == "parquet":
        frame.astype(str).to_parquet(path, index=False)
    else:
        return frame.astype(str)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "frame"])
@pytest.mark.parametrize(("column", "value"), [("a", "1.5\0"), ("b", "\0"), ("b", "x\0y"), ("label", "yes\0")])
def test_a_nul_is_one_sentence_with_row_and_column(kind, column, value, tmp_path):
    row = 14 if kind == "csv" else 13
    with pytest.raises(UserError, match=rf"column '{column}' holds a NUL byte in .*row {row}, "):
        open_data(with_cell(value, 12, column, kind, tmp_path), label="label")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "frame"])
@pytest.mark.parametrize("value", ["1 of\x01", "\x1a", "a\x7fb", "\x1b[31mred", "two\x0cpages"])
def test_other_control_characters_are_kept_and_said(kind, value, tmp_path):
    found = open_data(with_cell(value, 12, "b", kind, tmp_path), label="label")
    assert found.raw([12])[0]["b"] == value
    (told,) = [text for text in found.warnings if "control characters" in text]
    assert f"column 'b' holds control characters in 1 of {N} rows, first {value!r} in" in told


def test_tabs_and_line_breaks_are_no_control_characters(tmp_path):
    path = with_cell("a\tb\r\nc", 3, "b", "csv", tmp_path)
    assert not open_data(path, label="label").warnings
