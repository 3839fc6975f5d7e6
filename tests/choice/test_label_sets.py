"""Which label sets it looks like: blobs whose classes are taken from one side, and where it cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart.choice.label_sets import COEFFICIENTS, EVIDENCE, NAMED, SETS, LabelSets, tell_label_sets

CENTRES = 2.0 * np.random.default_rng(99).normal(size=(8, 10))


def blobs(seed, classes, n=240):
    y = np.asarray(classes)[np.arange(n) % len(classes)]
    return np.random.default_rng(seed).normal(size=(n, 10)) + CENTRES[y], y


def told(known, there):
    (x, y), (z, _) = blobs(0, known), blobs(50, there)
    return tell_label_sets(x, y, z)


def test_classes_that_the_target_lacks_and_classes_of_its_own_are_seen():
    partial, opened, closed = told(range(6), range(3)), told(range(4), range(8)), told(range(6), range(6))
    assert (partial.looks, partial.absent) == ("partial", (3, 4, 5))
    assert opened.looks == "open"
    assert closed.looks in (None, "closed")
    assert max(closed.chances, key=lambda name: closed.chances[name]) == "closed"
    for found in (partial, opened, closed):
        assert sum(found.chances.values()) == pytest.approx(1, abs=0.01)
        assert (found.looks is None) == (max(found.chances.values()) < NAMED)


def test_a_table_of_coefficients_has_a_row_per_set_and_a_column_per_evidence_and_one():
    assert COEFFICIENTS.shape == (len(SETS), len(EVIDENCE) + 1)


def test_it_says_so_where_it_cannot_know():
    (x, y), (z, _) = blobs(0, range(6)), blobs(1, range(6))
    rng = np.random.default_rng(0)
    for found, why in (
        (tell_label_sets(x, y % 2, z), "the source has 2 classes"),
        (tell_label_sets(x, y, z[:30]), "fewer than 40 rows"),
        (tell_label_sets(x, rng.permutation(y), z), "a linear model of the source is right on only"),
    ):
        assert found.looks is None
        assert found.chances == {}
        assert why in found.words()
        assert "cannot be told" in found.words()


def test_its_words():
    some = LabelSets("partial", {"closed": 0.2, "partial": 0.7, "open": 0.1}, (0, 2))
    assert "hardly answered: cat, owl" in some.words(("cat", "dog", "owl"))
    assert some.to_json(("cat", "dog", "owl"))["absent"] == ["cat", "owl"]
    torn = LabelSets(None, {"closed": 0.4, "partial": 0.3, "open": 0.3})
    assert "cannot be told (closed 40%, partial 30%, open 30%)" in torn.words()


def test_describe_and_a_fit_say_it(tmp_path):
    names = np.array([f"kind {i}" for i in range(8)])
    tables = [pd.DataFrame(x, columns=list("abcdefghij")).assign(kind=names[y])
              for x, y in (blobs(0, range(6)), blobs(50, range(3)))]  # fmt: skip
    described = hs.describe(tables[1], source_data=tables[0], label="kind")
    assert "it looks partial" in "\n".join(described.lines())
    assert "hardly answered: kind 3, kind 4, kind 5" in "\n".join(described.lines())
    assert described.to_json()["label_sets"]["looks"] == "partial"
    run = hs.fit(tables[1].drop(columns="kind"), source_data=tables[0], label="kind", method="standardize",
                 out=tmp_path / "run", quiet=True)  # fmt: skip
    assert run.result["across"]["label_sets"]["absent"] == ["kind 3", "kind 4", "kind 5"]
    assert "it looks partial" in (run.path / "report.html").read_text()
