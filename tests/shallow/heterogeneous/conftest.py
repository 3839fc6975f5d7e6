"""Two domains of one set of classes, the target turned into another dimension."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import ortho_group

from headstart.shallow.domains import mask
from headstart.shallow.heterogeneous.blocks import join_blocks


class Case(NamedTuple):
    source: np.ndarray
    labels: np.ndarray
    target: np.ndarray
    target_labels: np.ndarray
    known: np.ndarray

    def joined(self):
        return join_blocks(self.source, self.labels, self.target, mask(self.target_labels, ~self.known))

    def accuracy(self, model) -> float:
        X, y, sample_domain = self.joined()
        model.fit(X, y, sample_domain=sample_domain)
        found = model.predict(self.target[~self.known])
        return float((found == self.target_labels[~self.known]).mean())


def make(n=80, d=5, e=8, k=3, per_class=2, seed=0, same_rows=False) -> Case:
    """Rows of k far classes in d columns, and (other) rows of them turned by an orthogonal matrix into e columns."""
    rng = np.random.default_rng(seed)
    centres = 6 * np.eye(k, d) + rng.normal(size=(k, d))
    turn = ortho_group.rvs(e, random_state=seed)[:d]
    labels = np.arange(n) % k
    source = centres[labels] + rng.normal(size=(n, d))
    target = source if same_rows else centres[labels] + rng.normal(size=(n, d))
    known = np.zeros(n, dtype=bool)
    for c in range(k):
        known[np.flatnonzero(labels == c)[:per_class]] = True
    return Case(source, labels, target @ turn, labels, known)


@pytest.fixture
def turned():
    return make
