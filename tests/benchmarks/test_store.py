"""Results of benchmarks: what is packed is read back as it was measured."""

from __future__ import annotations

import lzma

import pytest

from benchmarks import store

RUNS = [
    {"date": "2026-11-21", "machine": "two cores", "python": "3.11.7", "versions": {"numpy": "2.4.6"}, "commit": "a"},
    {"date": "2026-11-22", "machine": "one card", "python": "3.12.3", "versions": {}, "gpu": "a card"},
    {},
]
MEASURED = [
    {"cell": number, "accuracy": 0.1 + number / 3, "seconds": 1e-9, "raced": [{"name": "é", "scores": {}}]}
    | RUNS[number // 4 % 3]
    for number in range(24)
]


def test_loose_and_packed_lines_are_read_as_they_were_measured(tmp_path):
    for number, record in enumerate(MEASURED):
        store.append("cells", record, tmp_path)
        if number in (9, 15):
            store.pack("cells", tmp_path)
        assert store.read("cells", tmp_path) == MEASURED[: number + 1]
    store.pack_all(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.jsonl.xz"]
    assert store.read("cells", tmp_path) == MEASURED
    store.unpack("cells", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.jsonl"]
    assert store.read("cells", tmp_path) == MEASURED


def test_a_header_stands_once_per_run(tmp_path):
    for record in MEASURED:
        store.append("cells", record, tmp_path)
    store.pack("cells", tmp_path)
    lines = lzma.decompress((tmp_path / "cells.jsonl.xz").read_bytes()).decode().splitlines()
    assert sum('"header"' in line for line in lines) == 6
    assert sum("two cores" in line for line in lines) == 2


def test_a_torn_last_line_is_left_out(tmp_path):
    store.append("cells", MEASURED[0], tmp_path)
    with (tmp_path / "cells.jsonl").open("a") as file:
        file.write('{"cell": 1, "accu')
    assert store.read("cells", tmp_path) == MEASURED[:1]
    store.pack("cells", tmp_path)
    assert store.read("cells", tmp_path) == MEASURED[:1]


@pytest.mark.parametrize(
    ("folder", "name"), [(store.RESULTS, "peers"), (store.RESULTS.parent / "domains/results", "heart")]
)
def test_what_is_kept_in_the_tree_says_where_it_was_measured(folder, name):
    records = store.read(name, folder)
    assert len(records) > 50
    assert all(record["date"] and record["machine"] and record["versions"] for record in records)
