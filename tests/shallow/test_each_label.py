"""Several labels a row across domains are as many problems of two classes, on one map where none is read."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import headstart as hs
from headstart.shallow.features.coral import Coral
from headstart.shallow.features.jda import JDA


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 4))
    labels = (rows[:, :3] + 0.1 * rng.normal(size=(80, 3)) > 0).astype(int)
    rows[40:] = 2 * rows[40:] + 1
    return rows, labels, np.where(np.arange(80)[:, None] < 40, labels, -1), np.repeat([1, -1], 40)


@pytest.mark.parametrize("make", [
    lambda: hs.Adapted(estimator=LogisticRegression()),
    lambda: hs.Adapted(transformer=Coral(), estimator=LogisticRegression()),
    lambda: hs.Adapted(transformer=JDA(n_iterations=1), estimator=LogisticRegression()),
    lambda: hs.Reweighted(weights="kmm", estimator=LogisticRegression()),
])  # fmt: skip
def test_each_label_is_learned_as_if_it_were_alone(sides, make):
    rows, _, seen, domain = sides
    found = hs.EachLabel(estimator=make()).fit(rows, seen, sample_domain=domain).predict_proba(rows[40:])
    alone = [make().fit(rows, one, sample_domain=domain).predict_proba(rows[40:])[:, 1] for one in seen.T]
    assert np.array_equal(found, np.stack(alone, axis=1))


def test_a_map_that_reads_no_label_is_fitted_once_for_all(sides, monkeypatch):
    rows, labels, seen, domain = sides
    fits = []
    for kind in (Coral, JDA):
        counted = lambda self, domains, learn=kind._learn: fits.append(self) or learn(self, domains)  # noqa: E731
        monkeypatch.setattr(kind, "_learn", counted)
    model = hs.EachLabel(estimator=hs.Adapted(transformer=Coral(), estimator=LogisticRegression()))
    right = clone(model).fit(rows, seen, sample_domain=domain).predict(rows[40:]) == labels[40:]
    assert len(fits) == 1
    hs.EachLabel(estimator=hs.Adapted(transformer=JDA(n_iterations=1))).fit(rows, seen, sample_domain=domain)
    assert len(fits) == 4
    unmoved = hs.EachLabel(estimator=hs.Adapted(estimator=LogisticRegression())).fit(rows, seen, sample_domain=domain)
    assert right.mean() > (unmoved.predict(rows[40:]) == labels[40:]).mean()


def test_what_is_no_table_of_labels_is_refused_in_one_sentence(sides):
    rows, _, seen, domain = sides
    partly = seen.copy()
    partly[3, 1] = -1
    for y, said in (
        (seen[:, 0], "expected 80 rows of labels"),
        (2 * seen, "of 0 and 1"),
        (np.where(np.arange(3) == 1, np.where(seen < 0, -1, 0), seen), "Label 1 of y is the same"),
        (partly, "some labels of a row"),
    ):
        with pytest.raises(ValueError, match=said):
            hs.EachLabel().fit(rows, y, sample_domain=domain)
