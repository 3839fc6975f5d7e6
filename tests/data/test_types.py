"""Every type that Arrow and pandas have is read by a rule or named; new data are read with the types of the run."""

import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headstart.data import check, open_data, open_inputs
from headstart.errors import UserError

N = 40
RNG = np.random.default_rng(2)
SECONDS = np.arange(N) * 3600 * 5
LABELS = ["yes", "no"] * (N // 2)
DAYS = pa.array([datetime.date(2020, 1, 1 + i % 28) for i in range(N)])

UNITS = ("s", "ms", "us", "ns")
NUMBERS = {
    **{kind: pa.array([i % 7 for i in range(N)], getattr(pa, kind)()) for kind in (
        "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32")},
    "half": pa.array(np.arange(N).astype(np.float16) / 2, pa.float16()),
    "decimal": pa.array([decimal.Decimal(i % 5) / 4 for i in range(N)], pa.decimal128(10, 2)),
    "decimal256": pa.array([decimal.Decimal(i % 5) for i in range(N)], pa.decimal256(40, 0)),
    "bool": pa.array([i % 3 == 0 for i in range(N)]),
    "date32": DAYS.cast(pa.date32()),
    "date64": DAYS.cast(pa.date64()),
    **{f"timestamp {u}": pa.array(SECONDS).cast(pa.timestamp("s")).cast(pa.timestamp(u)) for u in UNITS},
    "zoned": pa.array(SECONDS).cast(pa.timestamp("s")).cast(pa.timestamp("us")).cast(pa.timestamp("us", "Asia/Tokyo")),
    **{f"duration {u}": pa.array(SECONDS).cast(pa.duration("s")).cast(pa.duration(u)) for u in UNITS},
    "time32": pa.array([i * 60 for i in range(N)], pa.int32()).cast(pa.time32("s")),
    "time64": pa.array([i * 60 for i in range(N)], pa.int64()).cast(pa.time64("us")),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([i % 2 for i in range(N)], pa.int8())),
}  # fmt: skip
WORDS = [["a", "b", "c"][i % 3] for i in range(N)]
STRINGS = {
    "string": pa.array(WORDS),
    "large": pa.array(WORDS, pa.large_string()),
    "view": pa.array(WORDS, pa.string_view()),
    "dictionary": pa.array(WORDS).dictionary_encode(),
    "bytes of text": pa.array([word.encode() for word in WORDS], pa.binary()),
    "large bytes of text": pa.array([word.encode() for word in WORDS], pa.large_binary()),
    "too long": pa.array([2**64 - 1 - i % 3 for i in range(N)], pa.uint64()),
}
LEFT_OUT = {
    "null": pa.nulls(N),
    "list": pa.array([[1, 2]] * N),
    "large list": pa.array([[1, 2]] * N, pa.large_list(pa.int8())),
    "fixed list": pa.array([[1, 2]] * N, pa.list_(pa.int8(), 2)),
    "struct": pa.array([{"a": 1}] * N),
    "map": pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int8())),
    "bytes": pa.array([b"\x00\xff" + bytes([i]) for i in range(N)], pa.binary()),
    "fixed bytes": pa.array([bytes([i, 0, 255]) for i in range(N)], pa.binary(3)),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes([i] * 16) for i in range(N)], pa.binary(16))),
    "counting down": pa.array([2**64 - 1 - i for i in range(N)], pa.uint64()),
}


def sentence(data) -> str | None:
    """Open, and return what is said where that is refused."""
    try:
        dataset = open_data(data)
    except UserError as told:
        assert "\n" not in str(told)  # noqa: PT017
        return str(told)
    assert len(dataset.labels(np.arange(len(dataset)))) == len(dataset)
    return None


def opened(tmp_path, values, door):
    table = pa.table({"x": values, "z": pa.array(RNG.normal(size=N)), "label": LABELS})
    if door == "frame":
        return open_data(table.to_pandas())
    pq.write_table(table, tmp_path / "t.parquet")
    return open_data(tmp_path / "t.parquet")


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_and_times_of_every_type_are_numbers(tmp_path, kind):
    dataset = opened(tmp_path, NUMBERS[kind], "parquet")
    assert dataset.columns.numeric == ("x", "z")
    found = np.array([row["x"] for row in dataset.raw(np.arange(N))])
    assert np.isfinite(found).all()
    assert len(set(found)) > 1
    check(dataset)


@pytest.mark.parametrize("kind", STRINGS)
def test_texts_of_every_type_are_categories(tmp_path, kind):
    dataset = opened(tmp_path, STRINGS[kind], "parquet")
    assert len(dataset.columns.categorical["x"]) == 3
    check(dataset)


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_all_other_types_are_left_out_and_named(tmp_path, kind):
    dataset = opened(tmp_path, LEFT_OUT[kind], "parquet")
    assert dataset.columns.names == ("z",)
    assert "'x'" in dataset.inferred["left out"]
    check(dataset)


@pytest.mark.parametrize("kind", [*NUMBERS, *STRINGS, *LEFT_OUT])
def test_a_label_of_any_type_is_read_or_refused(tmp_path, kind):
    values = (NUMBERS | STRINGS | LEFT_OUT)[kind]
    table = pa.table({"x": pa.array(RNG.normal(size=N)), "label": values})
    pq.write_table(table, tmp_path / "t.parquet")
    told = sentence(tmp_path / "t.parquet")
    assert told is None or "label" in told.lower() or "class" in told


def test_durations_times_and_instants_have_stated_units(tmp_path):
    assert opened(tmp_path, NUMBERS["duration us"], "parquet").raw([24])[0]["x"] == 5.0  # 120 hours
    assert opened(tmp_path, NUMBERS["time32"], "parquet").raw([36])[0]["x"] == 36 / 1440
    zoned = opened(tmp_path, NUMBERS["zoned"], "parquet")
    assert zoned.raw([24])[0]["x"] == 5.0  # as UTC
    assert "UTC" in zoned.inferred["types"]


PANDAS = {
    "Int64": pd.array([1, 2, None, 4] * 10, dtype="Int64"),
    "Float32": pd.array([1.5, None] * 20, dtype="Float32"),
    "boolean": pd.array([True, None, False, True] * 10, dtype="boolean"),
    "timedelta": pd.to_timedelta(SECONDS, unit="s"),
    "zoned": pd.date_range("2020", periods=N, freq="7h", tz="US/Eastern"),
    "period": pd.period_range("2020-01", periods=N, freq="M"),
    "sparse": pd.arrays.SparseArray([0.0, 1.5] * 20),
    "decimals": pd.Series([decimal.Decimal(i) / 8 for i in range(N)]),
    "dates": pd.Series([datetime.date(2020, 1, 1 + i % 28) for i in range(N)]),
    "arrow": pd.Series(SECONDS, dtype=pd.ArrowDtype(pa.duration("s"))),
}
PANDAS_WORDS = {
    "category": pd.Categorical(WORDS),
    "category of whole numbers": pd.Categorical([i % 3 for i in range(N)]),
    "category of numbers": pd.Categorical([i % 3 / 2 for i in range(N)]),
    "category of booleans": pd.Categorical([bool(i % 2) for i in range(N)]),
    "category of days": pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"] * (N // 2))),
    "category of intervals": pd.cut(pd.Series(np.arange(N)), 3),
    "category of tuples": pd.Categorical(pd.Index([(1, 2), (3, 4)] * (N // 2), tupleize_cols=False)),
    "intervals": pd.arrays.IntervalArray.from_breaks(range(4)).take([i % 3 for i in range(N)]),
}


@pytest.mark.parametrize("kind", PANDAS)
def test_pandas_numbers_and_times_are_numbers(kind):
    dataset = open_data(pd.DataFrame({"x": PANDAS[kind], "z": RNG.normal(size=N), "label": LABELS}))
    assert dataset.columns.numeric == ("x", "z")
    check(dataset)


@pytest.mark.parametrize("kind", PANDAS_WORDS)
def test_pandas_categories_of_anything_are_categories(kind):
    dataset = open_data(pd.DataFrame({"x": PANDAS_WORDS[kind], "z": RNG.normal(size=N), "label": LABELS}))
    assert "x" in dataset.columns.categorical
    check(dataset)


@pytest.mark.parametrize("value", [1j, {"a": 1}, object(), {1, 2}, (1, "a"), np.eye(2)])
@pytest.mark.parametrize("beside", [1.5, "word", None])
def test_pandas_objects_of_other_kinds_are_left_out_or_refused_by_name(value, beside):
    cells = pd.Series([value, beside] * (N // 2), dtype=object)
    frame = pd.DataFrame({"x": cells, "z": RNG.normal(size=N), "label": LABELS})
    told = sentence(frame)
    assert told is None or "'x'" in told
    assert told is not None or "x" not in open_data(frame, modality="table").columns.names


MEANING = {
    "codes": ([str(10 + i % 4) for i in range(N)], "categorical"),
    "leading zeros": ([f"0{i % 4}" for i in range(N)], "categorical"),
    "words": (WORDS, "categorical"),
    "truth": ([i % 3 == 0 for i in range(N)], "numeric"),
    "whole": ([(i * i) % 17 for i in range(N)], "numeric"),
    "gaps": ([None if i % 5 == 0 else i % 4 for i in range(N)], "numeric"),
    "fractions": ([i % 9 / 4 for i in range(N)], "numeric"),
    "days": ([datetime.date(2020, 1, 1 + i % 28) for i in range(N)], "numeric"),
}


def doors(frame, folder):
    frame.to_csv(folder / "d.csv", index=False)
    frame.to_csv(folder / "d.tsv", index=False, sep="\t")
    frame.to_parquet(folder / "d.parquet", index=False)
    frame.astype(dict.fromkeys(frame, "category")).to_parquet(folder / "c.parquet", index=False)
    rows = json.loads(frame.to_json(orient="records", date_format="iso"))
    (folder / "d.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    strings = [{k: None if pd.isna(v) else str(v) for k, v in row.items()} for row in frame.to_dict("records")]
    (folder / "s.jsonl").write_text("\n".join(json.dumps(row) for row in strings))
    return [folder / name for name in ("d.csv", "d.tsv", "d.parquet", "c.parquet", "d.jsonl", "s.jsonl")] + [frame]


@pytest.mark.parametrize("kind", MEANING)
def test_new_rows_mean_the_same_through_every_reader(tmp_path, kind):
    cells, role = MEANING[kind]
    frame = pd.DataFrame({"x": cells, "z": np.arange(N) / 8})
    run = open_data(frame.assign(label=LABELS)).columns
    assert "x" in getattr(run, role)
    first = open_inputs(frame, modality="table", columns=run)
    for source in doors(frame, tmp_path):
        dataset = open_inputs(source, modality="table", columns=run)
        assert dataset.hashes(np.arange(N)) == first.hashes(np.arange(N)), source
        assert not dataset.warnings, source


def test_codes_match_whatever_number_they_are_written_as(tmp_path):
    run = open_data(
        pd.DataFrame({"x": pd.Categorical([1, 2, 3, 1] * 10), "label": LABELS, "z": RNG.normal(size=N)})
    ).columns
    assert run.categorical == {"x": ("1", "2", "3")}
    for cells in (
        [1, 2, 3],
        [1.0, 2.0, 3.0],
        ["1", "2", "3"],
        ["1.0", "2.0", "3.0"],
        pd.array([1, 2, 3], dtype="Int8"),
    ):
        new = open_inputs(pd.DataFrame({"x": cells, "z": 0.5}), modality="table", columns=run)
        assert [row["x"] for row in new.raw([0, 1, 2])] == ["1", "2", "3"]
        assert not new.warnings


def test_the_convention_of_the_run_reads_its_new_data(write):
    text = "x;z;label\n" + "".join(f"{i % 7}.890,{i % 10};{i / 7};{'ab'[i % 2]}\n" for i in range(1, 40))
    run = open_data(write("t.csv", text.replace("0.890", "890"))).columns
    assert run.readings["x"].decimal == ","
    new = open_inputs(write("n.csv", "x;z\n1.890;1\n2,5;2\n-;3\n"), modality="table", columns=run)
    found = [row["x"] for row in new.raw([0, 1, 2])]
    assert found[:2] == [1890, 2.5]
    assert np.isnan(found[2])
    assert not new.warnings


def test_a_convention_that_the_run_did_not_know_is_said(write):
    text = "x,z,label\n" + "".join(f"{i % 7}.5,{i / 7},{'ab'[i % 2]}\n" for i in range(40))
    run = open_data(write("t.csv", text)).columns
    new = open_inputs(write("n.csv", "x;z\n1,5;1\n2,5;2\n"), modality="table", columns=run)
    assert [row["x"] for row in new.raw([0, 1])] == [1.5, 2.5]
    (told,) = new.warnings
    assert "'x'" in told


@pytest.mark.parametrize("door", ["csv", "frame", "parquet"])
def test_unknown_categories_and_other_types_are_said_with_row_and_example(tmp_path, door):
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.arange(N) % 9, unit="D")
    run = open_data(pd.DataFrame({"c": WORDS, "d": days, "n": RNG.normal(size=N), "label": LABELS})).columns
    new = pd.DataFrame({"c": ["a"] + ["zebra"] * 9, "d": np.arange(10) % 3 + 0.5, "n": days[:10]})
    if door != "frame":
        getattr(new, f"to_{door}")(tmp_path / f"n.{door}", index=False)
        new = tmp_path / f"n.{door}"
    warnings = open_inputs(new, modality="table", columns=run).warnings
    told = {name: next(text for text in warnings if f"'{name}'" in text) for name in "cdn"}
    assert len(warnings) == 3
    assert "9 of 10" in told["c"]
    assert "'zebra'" in told["c"]
    assert f"row {2 + (door == 'csv')}" in told["c"]
    assert "dates" in told["d"]
    assert "dates" in told["n"]


def test_a_few_unknown_categories_are_no_news():
    run = open_data(pd.DataFrame({"c": WORDS, "n": RNG.normal(size=N), "label": LABELS})).columns
    new = open_inputs(pd.DataFrame({"c": ["a", "b", "zebra"], "n": [1, 2, 3]}), modality="table", columns=run)
    assert not new.warnings


def test_a_word_among_new_numbers_is_refused_with_its_row(write):
    run = open_data(pd.DataFrame({"c": WORDS, "n": RNG.normal(size=N), "label": LABELS})).columns
    with pytest.raises(UserError, match=r"'n' holds 'many' in n.csv row 3"):
        open_inputs(write("n.csv", "c,n\na,1\nb,many\n"), modality="table", columns=run)


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n", "mixed"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_of_every_system_are_read(write, end, mark):
    ends = ["\r", "\r\n", "\n"] if end == "mixed" else [end]
    lines = ["a,b,label"] + [f"{i / 7},{'pq'[i % 2]},{'xy'[i % 2]}" for i in range(30)]
    text = "".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
    dataset = open_data(write("l.csv", mark + text.encode()))
    assert len(dataset) == 30
    assert dataset.columns.names == ("a", "b")
    assert dataset.names([0]) == ["l.csv row 2"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_named(write, encoding):
    text = "a,b,label\n" + "1,2,x\n3,4,y\n" * 10
    with pytest.raises(UserError, match="UTF"):
        open_data(write("u.csv", text.encode(encoding)))


@pytest.mark.parametrize("row", [2, 9, 20])
def test_a_quote_that_is_never_closed_is_named_with_its_row(write, row):
    lines = ["a,label"] + [f"{i / 7},{'xy'[i % 2]}" for i in range(20)]
    for place in (0, 1):
        cells = lines[row - 1].split(",")
        cells[place] = '"' + cells[place]
        text = "\n".join([*lines[: row - 1], ",".join(cells), *lines[row:]]) + "\n"
        with pytest.raises(UserError) as told:
            open_data(write("q.csv", text))
        assert f"row {row}" in str(told.value) or "cells" in str(told.value)


def test_quoted_cells_may_hold_lines(write):
    text = "a,b,label\n" + '1.5,"two\nlines",x\n2.5,"one",y\n' * 10 + '1.5,"two\nlines",x\n'
    assert open_data(write("q.csv", text)).columns.categorical["b"] == ("one", "two\nlines")


def test_a_parquet_file_cut_or_broken_anywhere_is_one_sentence(tmp_path):
    whole = tmp_path / "w.parquet"
    pq.write_table(pa.table({"a": RNG.normal(size=400), "c": WORDS * 10, "label": LABELS * 10}), whole)
    content = whole.read_bytes()
    broken = [content[:cut] for cut in (0, 3, len(content) // 3, len(content) // 2, len(content) - 9, len(content) - 1)]
    for place in np.random.default_rng(0).integers(4, len(content), 25):
        broken.append(
            content[:place] + bytes(byte ^ 0x55 for byte in content[place : place + 8]) + content[place + 8 :]
        )
    for number, part in enumerate(broken):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(part)
        sentence(path)
