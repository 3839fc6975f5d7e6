"""Two domains as one table, as scikit-learn takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from headstart.isolated import isolate
from headstart.shallow.domains import SOURCE, TARGET, Array, mask, stack


@isolate
def join(source: Any, labels: Any, target: Any, target_labels: Any = None) -> tuple[Any, Array, Array]:
    """Return ``X, y, sample_domain`` of a labelled source and a target, whose labels are masked unless given.

    Examples
    --------
    >>> X, y, sample_domain = join([[0.0], [1.0]], [0, 1], [[0.5]])
    >>> y, sample_domain
    (array([ 0,  1, -1]), array([ 1,  1, -1]))
    """
    labels = np.asarray(labels)
    n, m = len(labels), (target.shape[0] if hasattr(target, "shape") else len(target))
    if target_labels is None:
        target_labels = mask(np.resize(labels, m), np.ones(m, dtype=bool))
    domain = np.repeat([SOURCE, TARGET], [n, m])
    if hasattr(source, "columns"):
        import pandas as pd

        return pd.concat([source, target], ignore_index=True), np.concatenate([labels, target_labels]), domain
    source = source if sparse.issparse(source) else np.asarray(source)
    target = target if sparse.issparse(target) else np.asarray(target)
    return stack(source, target), np.concatenate([labels, target_labels]), domain
