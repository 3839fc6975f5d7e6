"""Which column is what, decided column by column, and what each decision says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from headstart.data import open_counterpart, open_data
from headstart.data.columns import choose_inputs, choose_labels, choose_split
from headstart.data.conventions import Reading, affix_of, candidates, fits, read
from headstart.data.delimited import read_delimited
from headstart.data.frame import Columns, Frame, Part
from headstart.data.labels import LabelSource, encode_labels
from headstart.errors import UserError

N = 12
LONG = [f"the plot of number {i} is thin" for i in range(N)]
SHORT = [f"word{i}" for i in range(N)]
REPEATED = ["a rather long answer", "another long answer here"] * 6


def framed(class_names=None, **columns):
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return Frame(Columns(table), [Part("t.csv", N, None, first=2)], class_names=class_names or {})


def chosen(modality=None, text=None, image=None, **columns):
    return choose_inputs(framed(**columns), [], "t", modality, text, image)


def test_the_label_is_the_first_known_name_or_the_only_column_of_named_classes():
    names, reasons = choose_labels(framed(y=SHORT, Label=SHORT, x=SHORT), None, "t", said := {}), said
    assert names == ("Label",)
    assert "'Label' is called so" in reasons["label"]
    one = {"kind": ["a", "b"]}
    assert choose_labels(framed(one, x=SHORT, kind=[0, 1] * 6), None, "t", said) == ("kind",)
    assert "only column of named classes" in said["label"]
    for known in ({}, {"kind": ["a", "b"], "x": ["a", "b"]}):
        with pytest.raises(UserError, match="name the label with --label, one of: x, kind"):
            choose_labels(framed(known, x=[0, 1] * 6, kind=[0, 1] * 6), None, "t", {})


def test_labels_are_named_whole_or_by_commas():
    frame = framed(**{"a,b": SHORT, "a": SHORT, "b": SHORT})
    assert choose_labels(frame, "a,b", "t", {}) == ("a,b",)
    assert choose_labels(frame, "b, a", "t", {}) == ("b", "a")
    assert choose_labels(frame, ["a", "a,b"], "t", {}) == ("a", "a,b")
    with pytest.raises(UserError, match="no column 'c', which --label names"):
        choose_labels(frame, "a,c", "t", {})


def test_a_split_column_holds_split_names_and_is_not_taken_for_anything_else():
    parts = ["train", " Dev", "TEST"] * 4
    assert choose_split(framed(Split=parts), [], "t") == "Split"
    assert choose_split(framed(split=parts), ["split"], "t") is None
    assert choose_split(framed(split=[1, 2, 3] * 4), [], "t") is None
    assert choose_split(framed(split=["left", "right"] * 6), [], "t") is None
    assert choose_split(framed(part=parts), [], "t") is None
    with pytest.raises(UserError, match=r"the split 'odd' in t.csv row 4"):
        choose_split(framed(split=["train", "test", "odd"] * 4), [], "t")


def test_texts_are_the_column_called_so_then_the_longest_then_the_only_one():
    assert chosen(body=LONG, review=SHORT, n=range(N)).input_column == "review"  # by the order of known names
    longest = chosen(a=LONG, b=[f"{line} and far too long" for line in LONG], n=range(N))
    assert (longest.modality, longest.input_column) == ("text", "b")
    assert "11 words on average" in longest.reasons["modality"]
    assert longest.reasons["unused"] == "columns that are not read: a, n"
    lone = chosen(a=SHORT)
    assert (lone.modality, lone.input_column) == ("text", "a")
    assert "it is the only column" in lone.reasons["modality"]
    assert "unused" not in lone.reasons
    for columns in ({"a": SHORT, "n": range(N)}, {"a": REPEATED}, {"a": ["x", "y"] * 6}):
        assert chosen(**columns).modality == "table"
    wanted = chosen("text", a=SHORT, b=["two words", *SHORT[1:]], n=range(N))
    assert (wanted.input_column, "it holds strings" in wanted.reasons["modality"]) == ("b", True)
    with pytest.raises(UserError, match="no column that looks like texts; name it with --text, one of: n"):
        chosen("text", n=range(N))


def test_four_words_make_a_text_and_half_of_the_values_must_differ():
    three, four = ([f"{'w ' * count}{i}" for i in range(N)] for count in (2, 3))
    assert chosen(a=three, n=range(N)).modality == "table"
    assert chosen(a=four, n=range(N)).modality == "text"
    assert chosen(a=four[:6] * 2, n=range(N)).modality == "text"
    assert chosen(a=four[:5] * 2 + four[:2], n=range(N)).modality == "table"
    assert chosen(a=[*four[:11], None], n=range(N)).modality == "text"


def test_pictures_are_bytes_that_begin_so_then_names_of_files_then_what_was_asked_for():
    png = [b"\x89PNG\r\n\x1a\n" + bytes(20)] * N
    held = chosen(thumb=png, img=png, a=LONG)
    assert (held.modality, held.input_column) == ("image", "img")
    assert "it holds pictures" in held.reasons["modality"]
    assert chosen(a=[b"\0\1"] * N, b=LONG).modality == "text"
    assert chosen("image", a=[b"\0\1"] * N, b=LONG).input_column == "a"
    files = [f"{i}.png" for i in range(N)]
    named = chosen(where=files, told=LONG)
    assert (named.modality, named.input_column) == ("image", "where")
    assert "names of image files" in named.reasons["modality"]
    assert chosen(where=[*files[:9], "a", "b", "c"], told=LONG).modality == "text"  # three in four are too few
    asked = chosen("image", where=SHORT, n=range(N))
    assert (asked.modality, asked.input_column) == ("image", "where")
    assert "only column of strings" in asked.reasons["modality"]
    with pytest.raises(UserError, match="looks like images; name it with --image, one of: a, b"):
        chosen("image", a=SHORT, b=SHORT)
    assert chosen("text", where=files, a=LONG).input_column == "a"


def test_a_column_that_an_option_names_is_read_or_refused():
    assert chosen(text="b", a=LONG, b=SHORT).input_column == "b"
    assert chosen(image="b", a=LONG, b=SHORT).modality == "image"
    with pytest.raises(UserError, match="'n' holds int64 values, not texts"):
        chosen(text="n", a=LONG, n=range(N))
    with pytest.raises(UserError, match="no column 'c', which --text names"):
        chosen(text="c", a=LONG)
    with pytest.raises(UserError, match="no column beside a; nothing is left"):
        choose_inputs(framed(a=LONG), ["a"], "t", None, None, None)


def _encoded(values, kind=None, class_names=None):
    source = LabelSource({"y": pa.chunked_array([pa.array(values)])}, lambda rows: [f"row {i}" for i in rows], {})
    return encode_labels(LabelSource(source.columns, source.row_names, class_names or {}), kind)


def test_numbers_are_classes_where_they_count_something():
    kinds = {
        "twenty different whole numbers": (list(range(20)) * 2, "classification"),
        "twenty-one with gaps": (list(range(0, 42, 2)) * 2, "regression"),
        "twenty-one without a gap, five of each": (list(range(21)) * 5, "classification"),
        "twenty-one without a gap from one": (list(range(1, 22)) * 5, "classification"),
        "twenty-one without a gap from two": (list(range(2, 23)) * 5, "regression"),
        "twenty-one without a gap, fewer than five of each": (list(range(21)) * 4, "regression"),
        "twenty-one real ones": ([float(i) for i in range(21)] * 5, "regression"),
        "each once": (list(range(20)), "regression"),
        "halves": ([0.5, 1.5] * 20, "regression"),
    }
    for name, (values, kind) in kinds.items():
        assert _encoded(values).task.kind == kind, name
    assert "20 different whole numbers" in _encoded(list(range(20)) * 2).reason
    assert "integers 1 to 21 without a gap" in _encoded(list(range(1, 22)) * 5).reason


def test_classes_that_the_data_name_keep_their_order_and_lose_those_without_a_sample():
    names = {"y": ["wasp", "ant", "bee"]}
    found = _encoded([2, 0, 2, 0], class_names=names)
    assert found.task.classes == ("wasp", "bee")
    assert found.labels.tolist() == [1, 0, 1, 0]
    assert found.reason.endswith("without any sample, so left out: ant")
    assert _encoded([0, 1, 2], class_names=names).reason == "the data name the 3 classes of 'y'"
    sets = _encoded([[0, 2], [], [2]], class_names=names)
    assert (sets.task.kind, sets.task.classes) == ("multilabel", ("bee", "wasp"))
    assert sets.labels.tolist() == [[1, 1], [0, 0], [1, 0]]
    with pytest.raises(UserError, match="named classes, not numbers"):
        _encoded([0, 1, 2], "regression", names)
    with pytest.raises(UserError, match="missing in 1 sample of 3"):
        _encoded([0, -1, 2], class_names=names)
    assert _encoded([0, -1, 0]).task.classes == ("-1", "0")


def test_what_is_no_label_is_refused_by_row_and_kind():
    for values, kind, words in (
        ([{"a": 1}] * 2, None, "objects or nested lists"),
        ([["a"], ["b"]], "classification", "Lists of classes are multi-label"),
        ([b"a", b"b"], None, "type binary are not understood"),
        (["1", "x", "2"], "regression", "row 1 is 'x', which is no number"),
        ([1e308, 2.0, float("inf")], "regression", "not finite in 1 of 3 samples .row 2"),
        ([1.0, float("nan"), 2.0], None, "missing in 1 sample of 3"),
    ):
        with pytest.raises(UserError, match=words):
            _encoded(values, kind)
    assert _encoded(["1", "2.5"], "regression").labels.tolist() == [[1.0], [2.5]]


def test_several_label_columns_hold_marks_or_numbers():
    def several(kind=None, **columns):
        arrays = {name: pa.chunked_array([pa.array(values)]) for name, values in columns.items()}
        return encode_labels(LabelSource(arrays, lambda rows: [f"row {i}" for i in rows], {}), kind)

    marks = several(a=[True, False, True], b=[0, 0, 1])
    assert (marks.task.kind, marks.labels.tolist()) == ("multilabel", [[1, 0], [0, 0], [1, 1]])
    assert several("regression", a=[0, 1], b=[1, 0]).task.kind == "regression"
    assert several(a=[0, 1], b=[1, 2]).task.targets == ("a", "b")
    with pytest.raises(UserError, match="takes one label column, not 2"):
        several("classification", a=[0, 1], b=[1, 0])
    with pytest.raises(UserError, match="0 or 1, but row 1 hold other values"):
        several("multilabel", a=[0, 1], b=[1, 2])


def test_headers_and_rows_of_csv_files(write):
    frame = read_delimited([write("u.csv", ",b, ,label\n1,2,3,x\n4,5,6,y\n")], [None])
    assert frame.columns.names == ["unnamed", "b", "unnamed 3", "label"]
    assert frame.indexes == ("unnamed",)
    assert read_delimited([write("v.csv", "a,b\n1,x\n")], [None]).indexes == ()
    semi = read_delimited([write("s.csv", "a;b\n1;x\n2;y\n")], [None])
    assert (semi.columns.names, "';'" in semi.notes["delimiter"]) == (["a", "b"], True)
    tabs = read_delimited([write("t.tsv", "a,b\tc\n1\t2\n")], [None])
    assert (tabs.columns.names, dict(tabs.notes)) == (["a,b", "c"], {})
    assert read_delimited([write("one.csv", "5\n6\n")], [None]).columns.names == ["5"]  # one number may be a name
    assert read_delimited([write("half.csv", "a,b,5\n1,2,3\n")], [None]).columns.names == ["a", "b", "5"]
    two = read_delimited([write("p.csv", "a,b\n1,2\n"), write("q.csv", "b,a\n4,3\n7,6\n")], ["train", "test"])
    assert two.columns.table.column("a").to_pylist() == [1, 3, 6]
    assert two.row_names(np.arange(3)) == ["p.csv row 2", "q.csv row 2", "q.csv row 3"]
    for name, content, words in (
        ("empty.csv", "", "is empty or its first line is"),
        ("blank.csv", " \n1\n", "is empty or its first line is"),
        ("none.csv", "a,b", "has column names but no rows"),
        ("data.csv", "1,2\n3,4\n", "looks like data"),
        ("half.csv", "1,b\n3,4\n", "looks like data"),
        ("nul.csv", b"a,\0b\n1,2\n", "is UTF-16 or no text"),
        ("latin.csv", "a,b\n1,\xe4\n".encode("latin-1"), "not UTF-8 in row 2"),
        ("head.csv", "\xe4,b\n1,2\n".encode("latin-1"), "not UTF-8 in its header line"),
        ("short.csv", "a,b\n1,2\n3\n", "has 1 cells in row 3, but 2 columns"),
        ("open.csv", 'a,b\n1,2\n3,"4\n5,6\n', "a quote in row 3 that is never closed"),
    ):
        with pytest.raises(UserError, match=words):
            assert not read_delimited([write(name, content)], [None]), name
    lines = read_delimited([write("l.csv", 'a,b\n1,"x\ny ""z"""\n')], [None])  # quotes come in pairs
    assert lines.columns.table.column("b").to_pylist() == ['x\ny "z"']


def test_conventions_are_said_by_an_example_and_read_what_they_say():
    for reading, words in (
        (Reading("number", ",", "."), "numbers written like '1.890,5'"),
        (Reading("number", ".", "", "%"), "numbers written like '1890.5 %'"),
        (Reading("number", ".", ",", "US$"), "numbers written like 'US$ 1,890.5'"),
        (Reading("truth"), "true and false"),
        (Reading("date"), "dates"),
    ):
        assert reading.words == words
        assert Reading.from_json(reading.to_json()) == reading
    assert Reading("number").is_plain
    assert Reading("whole").is_plain
    assert not Reading("truth").is_plain
    assert not Reading("number", ",").is_plain
    assert [affix_of(text) for text in ("12 %", "-$5", "5 EUR", "kr 7", "7", "%7")] == ["%", "$", "EUR", "kr", "", ""]
    assert {one.affix for one in candidates("5 EUR")} == {"EUR"}
    assert candidates("5")[0] == Reading("whole")
    big = pa.array(["9" * 25])
    assert not fits(big, Reading("whole"))
    assert fits(pa.array(["+7", "-8"]), Reading("whole"))
    assert read(pa.array(["+7", None]), Reading("whole")).to_pylist() == [7, None]
    assert read(pa.array(["5%", "−7 %"]), Reading("number", affix="%")).to_pylist() == [0.05, -0.07]
    assert read(pa.array(["True", "false"]), Reading("truth")).to_pylist() == [True, False]
    assert fits(pa.array(["2020-01-02", "2021-03-04"]), Reading("date"))
    assert not fits(pa.array(["2020-01-02", "soon"]), Reading("date"))
    with pytest.raises(pa.ArrowInvalid):
        read(pa.array(["1.5"]), Reading("number", ",", "."))


def test_a_targets_values_and_texts_are_read_as_the_sources(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=40), "b": rng.normal(size=40), "y": rng.normal(size=40)})
    source = open_data(rows, label="y")
    assert np.isnan(open_counterpart(rows[["a", "b"]], source).labels).all()
    pair = open_counterpart((rows[["a", "b"]], [1.0, "", None, 2] + [0.5] * 36), source).labels
    np.testing.assert_array_equal(pair[:4], [1.0, np.nan, np.nan, 2.0])
    with pytest.raises(UserError, match="label 'y' holds words, but the source's holds numbers"):
        open_counterpart((rows[["a", "b"]], ["x"] * 40), source)
    same, other = (open_counterpart(rows.assign(y=value), source) for value in (1.0, 2.0))
    assert same.fingerprint != other.fingerprint
    assert same.fingerprint == open_counterpart(rows.assign(y=1.0), source).fingerprint
    texts = pd.DataFrame({"text": LONG * 4, "mood": ["good", "bad"] * 24})
    words = open_data(texts, label="mood")
    found = open_counterpart(texts.rename(columns={"mood": "other"}), words)
    assert found.dataset.modality == "text"
    assert (found.labels == -1).all()
    texts[["mood"]].to_csv(tmp_path / "t.csv", index=False)
    for target, name in ((texts[["mood"]], "The target"), (tmp_path / "t.csv", r".*t\.csv")):
        with pytest.raises(UserError, match=rf"^{name} lacks 1 columns of the source data \('text'\)"):
            open_counterpart(target, words)
    sets = open_data(texts.assign(mood=["a;b", "b"] * 24), label="mood")
    with pytest.raises(UserError, match="is a multi-label problem"):
        open_counterpart(texts, sets)
