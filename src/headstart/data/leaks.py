"""Columns that alone predict the label almost perfectly, as an answer in disguise does and hardly any feature."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.inputs import Records

MOST_ROWS = 1000
LEAST_ROWS = 20
FOLDS = 3
ACCURACY, R2 = 0.99, 0.999
TIMES = 5.0
"""The best column that is no leak errs at least so many times as often as a leak may."""
_OUTPUTS = 20
_MANY = 20
_FOLLOWS = 0.1

Array = np.ndarray


class Column(NamedTuple):
    """A column's values as numbers: of a category its number, NaN (or a number of its own) where missing."""

    name: str
    values: Array
    is_words: bool


def likely_leaks(dataset: Dataset) -> list[str]:
    """Return a warning per column of a table that alone predicts the label, by cross-validation on training rows.

    At most 1000 different rows are read, drawn by a fixed seed. A column is named if its balanced accuracy is at least
    99% (regression: R² of 0.999) and the best column that is not so good errs at least five times as often; or if each
    of its values stands for one class and each class for one value. Where half of the columns or more (and more than
    one) are so good, none is named: then the task is easy.
    """
    if dataset.task is None or not isinstance(dataset.inputs, Records) or not len(dataset.splits["train"]):
        return []
    rows = _rows(dataset)
    if len(rows) < LEAST_ROWS:
        return []
    columns = _columns(dataset, rows)
    told: dict[str, str] = {}
    for what, y, is_regression in _outputs(dataset, rows):
        for name, sentence in _named(columns, y, what, is_regression).items():
            told.setdefault(name, sentence)
    return list(told.values())


def _rows(dataset: Dataset) -> Array:
    """Return some training rows that differ in content."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(dataset.splits["train"])[: 2 * MOST_ROWS]
    digests = np.ascontiguousarray(dataset.digests()[rows]).view("V16").ravel()
    first = np.sort(np.unique(digests, return_index=True)[1])
    return rows[first][:MOST_ROWS]


def _columns(dataset: Dataset, rows: Array) -> list[Column]:
    inputs = dataset.inputs
    assert isinstance(inputs, Records)
    table = inputs.columns.take(dataset.stored(rows))
    found = []
    for name in table.column_names:
        values = table.column(name)
        if values.type == "double":
            found.append(Column(name, values.to_numpy(), False))
        else:
            encoded = values.combine_chunks().dictionary_encode().indices
            found.append(Column(name, encoded.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.float64), True))
    return found


def _outputs(dataset: Dataset, rows: Array) -> list[tuple[str, Array, bool]]:
    """Return what is predicted, as (name in words, class numbers or values, whether values)."""
    task = dataset.task
    assert task is not None
    return task.label_space.outputs(dataset.labels(rows), _OUTPUTS)


def _named(columns: list[Column], y: Array, what: str, is_regression: bool) -> dict[str, str]:
    if is_regression:
        y = y.astype(np.float64)
        if not y.std() > 0:
            return {}
    else:
        y = np.unique(y, return_inverse=True)[1]
        if np.bincount(y).min() < FOLDS or y.max() < 1:
            return {}
    fold = _folds(y, is_regression)
    scores = {one.name: _score(one, y, fold, is_regression) for one in columns}
    bar = R2 if is_regression else ACCURACY
    leaks = [one for one in columns if scores[one.name] >= bar]
    if not leaks:
        return {}
    rest = _best_of_others([one for one in columns if scores[one.name] < bar], scores, y, fold, is_regression)
    twins = {one.name for one in leaks if not is_regression and _is_one_to_one(one.values, y)}
    few = len(leaks) == 1 or 2 * len(leaks) < len(columns)
    far = rest is not None and 1 - rest >= TIMES * (1 - bar)
    named = [one for one in leaks if one.name in twins or (few and far)]
    return {one.name: _sentence(one, scores[one.name], rest, what, len(y), is_regression) for one in named}


def _best_of_others(
    others: list[Column], scores: dict[str, float], y: Array, fold: Array, is_regression: bool
) -> float | None:
    """Return the best score of columns that are no leaks; trees are grown where classes lie together."""
    if not others:
        return None
    best = max(scores[one.name] for one in others)
    if is_regression:
        return best
    numbers = sorted((one for one in others if not one.is_words), key=lambda one: _changes(one.values, y))[:_OUTPUTS]
    return max([best, *(_balanced(y, _tree(one.values, y, fold)) for one in numbers)])


def _sentence(column: Column, score: float, rest: float | None, what: str, n: int, is_regression: bool) -> str:
    measure = f"R² {score:.4f}" if is_regression else f"{score:.1%} balanced accuracy"
    next_best = (
        ""
        if rest is None
        else f" (the best of the others: {rest:.2f})"
        if is_regression
        else f" (the best of the others: {rest:.1%})"
    )
    distinct = len(np.unique(column.values))
    many = not is_regression and distinct > max(_MANY, n / 10)
    advice = (
        f"with {distinct} values in {n} rows it may identify whose rows these are: leave it out, or give it as --group."
        if many and (column.is_words or _is_whole(column.values))
        else "leave it out unless it is known before the answer is."
    )
    return (
        f"Likely leak: the column '{column.name}' alone predicts {what} with {measure} in cross-validation on {n} "
        f"rows{next_best}; {advice}"
    )


def _folds(y: Array, is_regression: bool) -> Array:
    """Return the fold of each row: stratified by class, or every third of the order of values."""
    order = np.lexsort((np.random.default_rng(0).permutation(len(y)), y))
    fold = np.empty(len(y), np.int64)
    fold[order] = np.arange(len(y)) % FOLDS
    return fold if not is_regression else np.random.default_rng(1).permutation(fold)


def _score(column: Column, y: Array, fold: Array, is_regression: bool) -> float:
    """Return the better of the column as categories and as numbers, on held-out rows."""
    as_words = column.is_words or _is_whole(column.values)
    codes = np.unique(column.values, return_inverse=True)[1]
    if is_regression:
        found = [_r2(y, _means(codes, y, fold))] if as_words else []
        return max([*found, *([] if column.is_words else [_r2(y, _curve(column.values, y, fold))])])
    found = [_balanced(y, _majorities(codes, y, fold))] if as_words else []
    if not column.is_words and _changes(codes, y) <= _FOLLOWS * len(y) + y.max() + 1:
        found.append(_balanced(y, _tree(column.values, y, fold)))
    return max(found, default=0.0)


def _is_whole(values: Array) -> bool:
    known = values[np.isfinite(values)]
    return bool((known == np.rint(known)).all())


def _is_one_to_one(values: Array, y: Array) -> bool:
    codes = np.unique(values, return_inverse=True)[1]
    pairs = len(np.unique(codes * (y.max() + 1) + y))
    return pairs == codes.max() + 1 == y.max() + 1


def _changes(values: Array, y: Array) -> int:
    """How often the class changes along a column: where it does often, no small tree can tell classes by it."""
    return int((np.diff(y[np.lexsort((y, values))]) != 0).sum())


def _majorities(codes: Array, y: Array, fold: Array) -> Array:
    """Predict the commonest class of a category in the other folds; -1 for a category that they lack."""
    shape = (codes.max() + 1, y.max() + 1)
    found = np.empty_like(y)
    for number in range(FOLDS):
        train, held = fold != number, fold == number
        table = np.zeros(shape, np.int64)
        np.add.at(table, (codes[train], y[train]), 1)
        found[held] = np.where(table.any(axis=1), table.argmax(axis=1), -1)[codes[held]]
    return found


def _tree(values: Array, y: Array, fold: Array) -> Array:
    from sklearn.tree import DecisionTreeClassifier

    known = values[np.isfinite(values)]
    low = float(known.min() - (known.max() - known.min()) - 1) if len(known) else 0.0
    x = np.where(np.isfinite(values), values, low)[:, None]
    x = (x - x.mean()) / (x.std() or 1.0)  # trees compare in single precision
    found = np.empty_like(y)
    for number in range(FOLDS):
        model = DecisionTreeClassifier(max_leaf_nodes=2 * int(y.max() + 1) + 2, random_state=0)
        found[fold == number] = model.fit(x[fold != number], y[fold != number]).predict(x[fold == number])
    return found


def _means(codes: Array, y: Array, fold: Array) -> Array:
    found = np.empty_like(y)
    for number in range(FOLDS):
        train, held = fold != number, fold == number
        count = np.bincount(codes[train], minlength=codes.max() + 1)
        total = np.bincount(codes[train], weights=y[train], minlength=codes.max() + 1)
        found[held] = np.where(count > 0, total / np.maximum(count, 1), y[train].mean())[codes[held]]
    return found


def _curve(values: Array, y: Array, fold: Array) -> Array:
    """Predict by straight lines between the means of neighbouring values in the other folds."""
    known = np.isfinite(values)
    found = np.full(len(y), y.mean())
    for number in range(FOLDS):
        train, held = known & (fold != number), known & (fold == number)
        if train.any():
            places, codes = np.unique(values[train], return_inverse=True)
            heights = np.bincount(codes, weights=y[train]) / np.bincount(codes)
            found[held] = np.interp(values[held], places, heights)
    return found


def _balanced(y: Array, found: Array) -> float:
    """Return the balanced accuracy on rows with an answer; 0 where half have none, or all of a class."""
    answered = found >= 0
    n = np.bincount(y[answered], minlength=y.max() + 1)
    if 2 * answered.sum() < len(y) or not n.all():
        return 0.0
    return float((np.bincount(y[answered], weights=(found == y)[answered], minlength=len(n)) / n).mean())


def _r2(y: Array, found: Array) -> float:
    return float(1 - np.square(y - found).sum() / np.square(y - y.mean()).sum())
