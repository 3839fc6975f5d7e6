"""JSON lines: one type per column; what is nested is not read, and that is said."""

import json

import pytest

from headstart.data import open_data
from headstart.errors import UserError

ROWS = [{"x": i / 7, "label": "ab"[i % 2]} for i in range(12)]


def written(tmp_path, rows, name="t.jsonl"):
    path = tmp_path / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


@pytest.mark.parametrize("nested", [{"id": 3}, [[1], [2]], [{"a": 1}], {}, [None], [True]])
def test_nested_values_are_left_out_and_said(nested, tmp_path):
    rows = [row | {"meta": nested} for row in ROWS]
    dataset = open_data(written(tmp_path, rows))
    assert dataset.columns.names == ("x",)
    assert "meta" in dataset.inferred["nested"]
    one = [*ROWS[:-1], ROWS[-1] | {"x": nested}]
    with pytest.raises(UserError, match=r"no column to learn from.*'x'"):
        open_data(written(tmp_path, one))


@pytest.mark.parametrize("nested", [{"id": 3}, [["a"], ["b"]]])
def test_nested_labels_and_texts_are_refused(nested, tmp_path):
    with pytest.raises(UserError):
        open_data(written(tmp_path, [row | {"label": nested} for row in ROWS]))
    texts = [{"text": f"four words and {i}", "label": row["label"]} for i, row in enumerate(ROWS)]
    with pytest.raises(UserError, match="text"):
        open_data(written(tmp_path, [*texts[:-1], texts[-1] | {"text": nested}]), text="text")


@pytest.mark.parametrize(("first", "second"), [(1.5, "word"), ("word", 3), (True, 2), (["a"], "b"), ("b", ["a"])])
def test_mixed_types_name_a_row_of_each(first, second, tmp_path):
    rows = [row | {"odd": second if i == 4 else first} for i, row in enumerate(ROWS)]
    with pytest.raises(UserError, match=r"'odd'.*t.jsonl row 1.*t.jsonl row 5") as told:
        open_data(written(tmp_path, rows))
    assert "one type" in str(told.value)


def test_marks_of_missing_among_numbers_are_missing(tmp_path):
    rows = [row | {"odd": "N/A" if i == 4 else None if i == 5 else i} for i, row in enumerate(ROWS)]
    dataset = open_data(written(tmp_path, [row | {"odd": row["odd"]} for row in rows]))
    found = [row["odd"] for row in dataset.raw(range(12))]
    assert found[3] == 3
    assert all(value is None or value != value for value in found[4:6])


def test_half_a_character_is_named_by_row_and_column(tmp_path):
    rows = [*ROWS, '{"x": 1, "label": "a\\ud800"}']
    with pytest.raises(UserError, match=r"row 13 column 'label' holds a lone surrogate"):
        open_data(written(tmp_path, rows))
    whole = [*ROWS, '{"x": 1, "label": "\\ud83d\\ude00"}', '{"x": 1, "label": "😀"}']
    assert "😀" in open_data(written(tmp_path, whole)).task.classes


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('{"x": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"x": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}", "nested too deeply"),
        ('{"x": ' + "9" * 5000 + "}", "not readable JSON"),
    ],
)
def test_what_json_allows_and_nobody_can_use(row, words, tmp_path):
    with pytest.raises(UserError, match=f"row 13 is {words}"):
        open_data(written(tmp_path, [*ROWS, row]))


def test_a_whole_number_beyond_64_bits_is_a_number(tmp_path):
    rows = [row | {"x": 10**19 + i * 10**17} for i, row in enumerate(ROWS)]
    assert open_data(written(tmp_path, rows)).raw([1])[0]["x"] == pytest.approx(1.01e19)
