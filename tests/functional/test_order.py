"""Rows in canonical order, and folds that keep equal rows together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from headstart.functional.folds import climb, default_strengths
from headstart.functional.order import canonical_order
from headstart.functional.order_free import content_folds, order_free, same_scale
from headstart.shallow.instances import density, held_out, kliep, ulsif

rng = np.random.default_rng(0)


def test_order_depends_on_content_alone() -> None:
    rows = np.round(rng.normal(size=(50, 3)), 0)  # many equal rows
    labels = rng.integers(0, 2, 50)
    shuffle = rng.permutation(50)
    first, second = canonical_order(rows, labels), canonical_order(rows[shuffle], labels[shuffle])
    np.testing.assert_array_equal(rows[first], rows[shuffle][second])
    np.testing.assert_array_equal(labels[first], labels[shuffle][second])


def test_rows_that_a_rounded_projection_confuses_are_told_apart_by_column() -> None:
    rows = np.stack([np.full(9, 1e16), np.arange(9.0)], axis=1)
    np.testing.assert_array_equal(rows[canonical_order(rows[::-1])], rows[::-1][canonical_order(rows)])
    np.testing.assert_array_equal(rows[::-1][canonical_order(rows[::-1])], rows[canonical_order(rows)])


def test_sparse_rows_sort_as_dense_ones() -> None:
    rows = rng.normal(size=(20, 4)) * (rng.random((20, 4)) < 0.5)
    shuffle = rng.permutation(20)
    first = rows[canonical_order(sparse.csr_matrix(rows))]
    np.testing.assert_array_equal(first, rows[shuffle][canonical_order(sparse.csr_matrix(rows[shuffle]))])


def test_equal_rows_share_a_fold_across_domains() -> None:
    source = rng.integers(0, 3, (40, 2)).astype(float)
    target = rng.integers(0, 3, (30, 2)).astype(float)
    folds, target_folds = content_folds(source, target, n_folds=4)
    for row, fold in zip(target, target_folds, strict=True):
        assert set(folds[(source == row).all(axis=1)]) <= {fold}


def test_labels_are_spread_over_the_folds() -> None:
    labels = np.repeat([0, 1], [90, 10])
    folds, _ = content_folds(rng.normal(size=(100, 2)), rng.normal(size=(100, 2)), labels=labels, n_folds=5)
    for fold in range(5):
        assert (labels[folds == fold] == 1).sum() == 2


def test_constant_columns_become_zero() -> None:
    first, second = same_scale(np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[5.0, 7.0]]))
    pooled = np.concatenate([first, second])
    np.testing.assert_allclose(pooled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(pooled.std(axis=0), [1, 0])


@pytest.mark.parametrize(
    ("source", "target", "labels", "words"),
    [
        (np.ones((3, 2)), np.ones((3, 4)), None, "2 columns and target has 4"),
        (np.ones((0, 2)), np.ones((3, 2)), None, r"source has shape \(0, 2\)"),
        (np.ones((3, 2)), np.full((3, 2), np.nan), None, "Row 0 of target holds NaN"),
        (np.ones((3, 2)), np.ones((3, 2)), [0, 1], r"labels has shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    source: np.ndarray, target: np.ndarray, labels: list[int] | None, words: str
) -> None:
    @order_free
    def ones(source: np.ndarray, target: np.ndarray, *, labels: np.ndarray | None = None) -> np.ndarray:
        return np.ones(len(source))

    with pytest.raises(ValueError, match=words):
        ones(source, target, labels=labels)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("losses", "judged"), [([5, 4, 3, 4, 9, 9], 4), ([5, 4, 3, 2, 1, 2, 0], 6), ([1, 1, 1, 1, 1], 5), ([2, 1], 2)]
)
def test_a_ladder_is_climbed_while_its_last_rung_is_the_best(losses: list[float], judged: int) -> None:
    asked: list[int] = []
    assert climb(lambda number: asked.append(number) or losses[number], len(losses)) == losses[:judged]
    assert asked == list(range(judged))


def test_searches_of_weighers_judge_no_rung_beyond_the_first_that_is_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide kernels and strong penalties are best here, so that half of the widths and strengths are left alone."""
    source, target = rng.normal(size=(40, 12)), rng.normal(size=(30, 12)) + 0.3
    counts = dict.fromkeys(("kliep", "ulsif", "classifier"), 0)

    def counted(name: str, room: Any, function: str) -> None:
        whole = getattr(room, function)

        def run(*args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            return whole(*args, **kwargs)

        monkeypatch.setattr(room, function, run)

    counted("kliep", kliep, "_held_out")
    counted("ulsif", ulsif, "_losses")
    counted("classifier", held_out, "_loss")
    kliep.kliep_weights(source, target)
    ulsif.ulsif_weights(source, target)
    density.classifier_weights(source, target)
    assert 4 <= counts["kliep"] < len(kliep.WIDTHS)
    assert 4 <= counts["ulsif"] < len(ulsif.WIDTHS)
    assert 4 <= counts["classifier"] < len(default_strengths("classification"))
