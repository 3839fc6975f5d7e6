"""Any estimator on features that a map shares between two domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from headstart.shallow.adaptation import Array, DomainTransformer
from headstart.shallow.domains import Domains, stack
from headstart.shallow.shells.shell import Shell


@dataclass(kw_only=True, eq=False, repr=False)
class Adapted(Shell):
    """Any estimator on the features that a `DomainTransformer` shares between two domains.

    Fitted on every mapped row that has a label; new rows are mapped by the target's map.

    Parameters
    ----------
    transformer : a `DomainTransformer`; None leaves the features as they are (source-only, with labelled target rows
        pooled in).
    estimator : classifier or regressor; None for `TunedLogistic`.
    prefitted : whether the transformer was fitted already and is taken as it is.

    Attributes
    ----------
    transformer_, estimator_, classes_ (classification).
    """

    sparse_input: ClassVar[bool] = True
    transformer: Any = None
    estimator: Any = None
    prefitted: bool = False

    def _rows(self, X: Any, *, reset: bool) -> Any:
        if not isinstance(self.transformer, DomainTransformer):
            return super()._rows(X, reset=reset)
        return self.transformer.rows_of(self, X, reset=reset)

    def _learn(self, domains: Domains) -> None:
        self.transformer_: Any = None
        known = domains.known
        source, target = domains.source, domains.target[known]
        if self.transformer is not None:
            self.transformer_ = self.transformer if self.prefitted else self._fitted_map(domains)
            source = self._map(source, True)
            target = self._map(target, False) if len(known) else np.empty((0, source.shape[1]))
        rows = stack(source, target) if len(known) else source
        self._fit_inner(rows, np.concatenate([domains.labels, domains.target_labels[known]]))

    def _fitted_map(self, domains: Domains) -> Any:
        twin: Any = clone(self.transformer)
        rows = stack(domains.source, domains.target)
        labels = np.concatenate([domains.labels, domains.target_labels])
        domain = np.concatenate([domains.source_domain, np.full(len(domains.target_labels), -1)])
        return twin.fit(rows, labels, sample_domain=domain)

    def _map(self, rows: Any, is_source: bool) -> Any:
        if self.transformer_ is None:
            return rows
        return self.transformer_.transform(rows, sample_domain=np.full(rows.shape[0], 1 if is_source else -1))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self._ask_inner(self._map(rows, is_source))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.transformer is not None:
            tags.input_tags.sparse = tags.input_tags.sparse and get_tags(self.transformer).input_tags.sparse
        return tags
