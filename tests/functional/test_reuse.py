"""A shelf never changes a result: what it hands out is what would have been computed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from headstart.functional.linear import Basis
from headstart.functional.reuse import reused, reusing

ASKED: list[tuple] = []


@reused
def doubled(rows, factor: float = 2.0):
    ASKED.append((rows.shape, factor))
    return np.asarray(rows @ np.eye(rows.shape[1])) * factor


@pytest.fixture(autouse=True)
def _forget():
    ASKED.clear()


def test_the_same_content_is_computed_once_and_nothing_else_is_taken_for_it():
    rows = np.arange(6.0).reshape(2, 3)
    others = [rows + 1, rows.reshape(3, 2), rows.astype(np.float32), -rows, sparse.csr_matrix(rows)]
    with reusing():
        assert doubled(rows) is doubled(rows.copy())
        assert len(ASKED) == 1
        for number, other in enumerate(others, start=2):
            assert np.array_equal(doubled(other), 2 * (other.toarray() if sparse.issparse(other) else other))
            assert len(ASKED) == number
        doubled(rows, 3.0)
        doubled(rows, factor=3.0)
        assert len(ASKED) >= len(others) + 2
        changed = rows.copy()
        changed[0, 0] = 7  # what was asked before is looked up by what it holds now
        assert doubled(changed)[0, 0] == 14


def test_two_functions_share_no_result():
    def first(rows):
        return rows + 1

    def second(rows):
        return rows + 2

    with reusing():
        assert reused(first)(np.zeros(2))[0] == 1
        assert reused(second)(np.zeros(2))[0] == 2


def test_without_a_shelf_and_after_it_everything_is_computed():
    rows = np.ones((2, 2))
    for _ in range(2):
        doubled(rows)
    with reusing():
        doubled(rows)
    doubled(rows)
    assert len(ASKED) == 4


def test_what_others_hold_cannot_be_written_to():
    with reusing():
        found = doubled(np.ones((2, 2)))
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 5.0


def test_a_shelf_keeps_within_its_bytes_and_serves_those_inside():
    with reusing(limit=100) as outer:
        for number in range(5):
            doubled(np.full((2, 2), float(number)))  # 32 bytes each
        assert outer.held <= 100
        with reusing() as inner:
            assert inner is outer
            doubled(np.full((2, 2), 4.0))
        assert (len(ASKED), outer.hits) == (5, 1)
        doubled(np.zeros((2, 2)))  # made room long ago
        doubled(np.zeros((9, 9)))  # larger than all of it: handed out, not kept
        assert len(ASKED) == 7
        assert outer.held <= 100


def test_an_argument_that_has_no_content_to_look_up_is_refused():
    named = reused(lambda part: part)
    with reusing():
        assert named(Basis(*[np.ones(2)] * 5)).mean[0] == 1
        with pytest.raises(TypeError, match="dict"):
            named({})


def test_a_promised_array_is_read_once_and_no_other_is_taken_for_it():
    with reusing() as shelf:
        rows = shelf.promise(np.arange(6.0).reshape(2, 3))
        found = doubled(rows)
        assert doubled(rows.copy()) is found
        rows[0, 0] = 7  # against the promise: it is not looked at again
        assert doubled(rows) is found
        for number in range(40):  # numbers of arrays that are gone come back
            shelf.promise(np.full((2, 3), float(number)))
            assert (doubled(np.full((2, 3), float(number))) == 2 * number).all()
