"""The studies behind the pages: what is kept has every cell, and is not measured again."""

from __future__ import annotations

import shutil

from benchmarks import store
from benchmarks.pages.__main__ import HERE, measured, when
from benchmarks.pages.cells import gain, known_rows


def test_what_is_kept_is_not_measured_again(tmp_path):
    shutil.copy(HERE / "results/unsupervised.jsonl.xz", tmp_path)
    kept = store.read("unsupervised", tmp_path)
    assert measured("unsupervised", tmp_path, again=False) == kept
    assert [path.name for path in tmp_path.iterdir()] == ["unsupervised.jsonl.xz"]
    assert store.read("unsupervised", tmp_path) == kept


def test_the_line_below_a_table_has_every_day_and_machine():
    records = [
        {"date": f"2026-11-2{day}", "machine": machine, "seconds": 1.4}
        for day, machine in ((8, "one"), (7, "other"), (8, "one"))
    ]
    assert when(records) == "Measured 2026-11-27 to 2026-11-28 on one; other; 4 CPU s in all, one thread."
    assert when(records[:1]) == "Measured 2026-11-28 on one; 1 CPU s in all, one thread."


def test_labelled_rows_are_as_many_of_each_class():
    labels = [0, 1, 1, 2, 0, 2, 1, 0, 2, 1]
    known = known_rows(labels, 2, seed=3)
    assert sorted(label for label, shown in zip(labels, known, strict=True) if shown) == [0, 0, 1, 1, 2, 2]
    assert (known_rows(labels, 2, seed=3) == known).all()


def test_a_gain_is_paired_over_draws():
    assert gain([90.0, 80.0, 71.0], [89.0, 79.0, 70.0]) == "+1.0 (+1.0 to +1.0)"
    assert gain([1.0, 3.0], [0.0, 0.0]).startswith("+2.0 (-10.7")  # t of 0.975 with one degree of freedom: 12.706
