"""Two domains with different columns in one table: a row holds NaN in the columns that its domain does not have.

This is what ``pandas.concat`` makes of two frames with different columns. A column that is NaN in every row of a domain
is no column of that domain; columns that both domains have are shared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.functional.linear import Basis, principal
from headstart.functional.order import canonical_order
from headstart.shallow.adaptation import (
    DomainAware,
    DomainTransformer,
    _all_target,  # pyright: ignore[reportPrivateUsage]
    by_domain,
)
from headstart.shallow.domains import SOURCE, TARGET, Domains, mask
from headstart.shallow.predictors import (
    DomainClassifier,
)

Array = np.ndarray


class Blocks(NamedTuple):
    """Column numbers of the joint table: source [d_s] and target [d_t], rising; they may overlap."""

    source: Array
    target: Array

    @property
    def shared(self) -> tuple[Array, Array]:
        """Where the shared columns stand in the source's block and in the target's."""
        _, first, second = np.intersect1d(self.source, self.target, return_indices=True)
        return first, second


def join_blocks(source: Any, labels: Any, target: Any, target_labels: Any = None) -> tuple[Any, Array, Array]:
    """Return ``X, y, sample_domain`` of two domains that differ in their columns.

    Frames are joined by column name. Arrays [n, d_s] and [m, d_t] share no column: X has d_s + d_t columns, the
    source's first. Labels of the target are masked unless given.

    Examples
    --------
    >>> X, y, sample_domain = join_blocks([[1.0, 2.0]], [0], [[3.0]])
    >>> X
    array([[ 1.,  2., nan],
           [nan, nan,  3.]])
    """
    labels = np.asarray(labels)
    if hasattr(source, "columns"):
        import pandas as pd

        X: Any = pd.concat([source, target], ignore_index=True)
        n, m = len(source), len(target)
    else:
        source, target = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
        (n, d), (m, e) = source.shape, target.shape
        X = np.full((n + m, d + e), np.nan)
        X[:n, :d], X[n:, d:] = source, target
    if target_labels is None:
        target_labels = mask(np.resize(labels, m), np.ones(m, dtype=bool))
    return X, np.concatenate([labels, target_labels]), np.repeat([SOURCE, TARGET], [n, m])


def find_blocks(source: Array, target: Array) -> Blocks:
    """Return which columns each domain has: those that are not NaN in all of its rows [n, D] and [m, D].

    Raises
    ------
    ValueError : when a column belongs to neither domain, or a domain has no column.
    """
    has = [(~np.isnan(rows)).sum(axis=0) > 0 for rows in (source, target)]
    for name, own in zip(("source", "target"), has, strict=True):
        if not own.any():
            raise ValueError(f"The {name} rows are NaN in every column; at least one column of numbers is needed.")
    nowhere = np.flatnonzero(~(has[0] | has[1]))
    if len(nowhere):
        raise ValueError(f"Column {nowhere[0]} is NaN in every row of both domains; leave it out.")
    return Blocks(np.flatnonzero(has[0]), np.flatnonzero(has[1]))


def cut_block(rows: Array, blocks: Blocks, is_source: bool, names: Any = None) -> Array:
    """Return rows [n, D] in the columns of their domain, [n, d_s] or [n, d_t].

    Raises
    ------
    ValueError : when a row holds NaN in a column that its domain has; the sentence lists all such columns.
    """
    domain, columns = ("source", blocks.source) if is_source else ("target", blocks.target)
    own = rows[:, columns]
    missing = np.isnan(own)
    if missing.any():
        row = int(np.flatnonzero(missing.any(axis=1))[0])
        found = columns[np.flatnonzero(missing[row])]
        shown = ", ".join(str(number if names is None else names[number]) for number in found[:5])
        shown += f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise ValueError(
            f"Row {row} of the {domain} rows holds NaN in column {shown}, which the {domain} has; fill or drop missing "
            "values, since NaN stands for the other domain's columns only."
        )
    return own


def block_rows(estimator: Any, X: Any, blocks: Blocks | None, *, reset: bool) -> Array:
    """Check X as scikit-learn does, NaN allowed; rows of one domain's own columns alone are widened with NaN."""
    if blocks is not None and not reset:
        X = _widen(estimator, X, blocks)
    return validate_data(estimator, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")  # pyright: ignore


def _widen(estimator: Any, X: Any, blocks: Blocks) -> Any:
    names = getattr(estimator, "feature_names_in_", None)
    if hasattr(X, "columns") and names is not None:
        own = [list(names[columns]) for columns in (blocks.target, blocks.source)]
        return X.reindex(columns=names) if list(X.columns) in own else X
    X = np.asarray(X) if isinstance(X, list) else X
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] == estimator.n_features_in_:
        return X
    for columns in (blocks.target, blocks.source):
        if X.shape[1] == len(columns):
            wide = np.full((len(X), estimator.n_features_in_), np.nan)
            wide[:, columns] = X
            return wide
    return X


class _Blocked(DomainAware):
    """Opens a joint table: `_learn` and `_map` see each domain's rows in its own columns only.

    scikit-learn's tag ``allow_nan`` stays False: a missing value in a column that the row's domain has is refused.
    """

    blocks_: Blocks

    def _rows(self, X: Any, *, reset: bool) -> Array:
        return block_rows(self, X, getattr(self, "blocks_", None), reset=reset)

    def _open(self, X: Any, y: Any, sample_domain: Any, kind: str) -> Domains:
        domains = super()._open(X, y, sample_domain, kind)
        self.blocks_ = find_blocks(domains.source, domains.target)
        return domains._replace(source=self._cut(domains.source, True), target=self._cut(domains.target, False))

    def _cut(self, rows: Array, is_source: bool) -> Array:
        return cut_block(rows, self.blocks_, is_source, getattr(self, "feature_names_in_", None))


class BlockTransformer(_Blocked, DomainTransformer):
    """A `DomainTransformer` between different columns: `_map` sees rows in their domain's own columns."""

    def rows_of(self, shell: Any, X: Any, *, reset: bool) -> Any:
        """Check a joint table, or one domain's own columns where the shell is fitted."""
        return block_rows(shell, X, None if reset else shell.transformer_.blocks_, reset=reset)

    def transform(self, X: Any, sample_domain: Any = None) -> Array:
        """Map rows into the shared space; rows are the target's unless ``sample_domain`` says otherwise.

        X has the columns of `fit`, or those of one domain alone (where both have as many, the target's).
        """
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        place = lambda part, is_source: self._map(self._cut(part, is_source), is_source)  # noqa: E731
        return by_domain(rows, _all_target(sample_domain, len(rows)), place)


class BlockClassifier(_Blocked, DomainClassifier):
    """A `DomainClassifier` between different columns: `_outputs` sees rows in their domain's own columns."""

    def _answer(self, X: Any, sample_domain: Any) -> Array:
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        judge = lambda part, is_source: self._outputs(self._cut(part, is_source), is_source)  # noqa: E731
        return by_domain(rows, _all_target(sample_domain, len(rows)), judge)


def in_order(domains: Domains) -> Domains:
    """Return the domains with rows sorted by content, so that nothing depends on the order of the table's rows."""
    first = canonical_order(domains.source, domains.labels)
    second = canonical_order(domains.target, domains.target_labels)
    return Domains(
        domains.source[first],
        domains.labels[first],
        domains.target[second],
        domains.target_labels[second],
        domains.source_domain[first],
    )


def class_numbers(domains: Domains, bins: int = 5) -> tuple[Array, Array]:
    """Return labels as class numbers, [n] and [m], -1 where masked; values become quantile bins of the source's."""
    if domains.labels.dtype.kind != "f":
        return domains.labels, domains.target_labels
    edges = np.unique(np.quantile(domains.labels, np.arange(1, bins) / bins))
    target = np.searchsorted(edges, domains.target_labels, side="right")
    return (
        np.searchsorted(edges, domains.labels, side="right"),
        np.where(np.isnan(domains.target_labels), -1, target),
    )


class Standard(NamedTuple):
    """Mean and standard deviation of columns; constant columns keep scale 1."""

    mean: Array
    scale: Array

    def __call__(self, rows: Array) -> Array:
        """Return standardised rows."""
        return (rows - self.mean) / self.scale


def standard(rows: Array) -> Standard:
    """Learn the `Standard` of rows [n, d]."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    return Standard(mean, np.where(spread > 1e-9 * np.maximum(1.0, np.abs(mean)), spread, 1.0))


def coordinates(rows: Array, *, standardise: bool = True) -> Basis:
    """Return `principal` axes of rows [n, d]; where all rows agree, one axis on which every row is 0."""
    basis = principal(rows, standardise=standardise)
    if len(basis.singular):
        return basis
    n, d = rows.shape
    return basis._replace(singular=np.zeros(1), axes=np.zeros((d, 1)), rotated=np.zeros((n, 1)))
