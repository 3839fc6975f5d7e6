"""Splitters across domains, and a search that routes ``sample_domain`` through all of its parts."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.splitters import LeaveOneDomainOut, SourceTargetSplit, StratifiedDomainShuffleSplit
from headstart.validators import scorer


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    source = rng.normal(size=(90, 4)) + np.eye(4)[labels] * 3
    hidden = rng.integers(0, 3, 40)
    target = rng.normal(size=(40, 4)) + np.eye(4)[hidden] * 3 + 0.5
    return join(source, labels, target)


def test_source_target_split_parts_the_source_and_keeps_the_target(rows):
    X, y, domain = rows
    seen = []
    for train, test in SourceTargetSplit(n_splits=3).split(X, y, sample_domain=domain):
        assert set((domain < 0).nonzero()[0]) <= set(train) & set(test)
        held = test[domain[test] > 0]
        assert not set(held) & set(train)
        seen += held.tolist()
    assert sorted(seen) == (domain > 0).nonzero()[0].tolist()


def test_shuffle_split_keeps_the_shares_of_domains_and_classes(rows):
    X, y, domain = rows
    for train, test in StratifiedDomainShuffleSplit(n_splits=2, test_size=0.25).split(X, y, sample_domain=domain):
        assert not set(train) & set(test)
        assert len(train) + len(test) == len(X)
        for number in (1, -1):
            for label in np.unique(y[domain == number]):
                wanted = 0.25 * ((domain == number) & (y == label)).sum()
                assert abs(((domain[test] == number) & (y[test] == label)).sum() - wanted) <= 0.5


def test_leave_one_domain_out(rows):
    X, y, domain = rows
    domain = domain.copy()
    domain[:20] = 2
    splitter = LeaveOneDomainOut()
    assert splitter.get_n_splits(X, y, sample_domain=domain) == 3
    parts = [[np.unique(domain[rows]).tolist() for rows in part] for part in splitter.split(X, y, sample_domain=domain)]
    assert parts == [[[1, 2], [-1]], [[-1, 2], [1]], [[-1, 1], [2]]]


@pytest.mark.parametrize(
    ("splitter", "domain", "sentence"),
    [
        (SourceTargetSplit(), None, "needs sample_domain"),
        (SourceTargetSplit(n_splits=200), "given", "200"),
        (StratifiedDomainShuffleSplit(test_size=1.5), "given", "between 0 and 1"),
        (StratifiedDomainShuffleSplit(test_size=0.001), "given", "leaves one part"),
        (StratifiedDomainShuffleSplit(test_size=0.999), "given", "leaves one part"),
        (LeaveOneDomainOut(), "one", "belong to domain"),
    ],
)
def test_refusals(rows, splitter, domain, sentence):
    X, y, given = rows
    chosen = {"given": given, "one": np.ones(len(X)), None: None}[domain]
    with pytest.raises(ValueError, match=sentence):
        list(splitter.split(X, y, sample_domain=chosen))


@pytest.mark.parametrize("name", ["entropy", "importance_weighted", "circular"])
def test_a_search_routes_the_domains_end_to_end(rows, name):
    X, y, domain = rows
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), Adapted(estimator=TunedLogistic(strengths=(1.0,))))
        grid = {"adapted__estimator__strengths": [(1.0,), (0.01,)]}
        search = GridSearchCV(pipeline, grid, scoring=scorer(name), cv=SourceTargetSplit(n_splits=3))
        search.fit(X, y, sample_domain=domain)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        answers = search.best_estimator_.predict(X[domain < 0], sample_domain=domain[domain < 0])
    assert set(answers) <= {0, 1, 2}
    if name == "entropy":
        assert search.best_params_["adapted__estimator__strengths"] == (0.01,)


def test_the_scorer_reads_no_target_label(rows):
    X, y, domain = rows
    y = y.copy()
    model = Adapted(estimator=TunedLogistic(strengths=(0.1,))).fit(X, y, sample_domain=domain)
    scores = []
    for value in (0, 2, -1):
        y[domain < 0] = value
        scores.append(scorer("circular")(model, X, y, sample_domain=domain))
    assert scores[0] == scores[1] == scores[2]
    with pytest.raises(ValueError, match="needs sample_domain"):
        scorer("circular")(model, X, y)


def test_classes_may_have_names(rows):
    X, y, domain = rows
    scores = []
    named = np.where(y < 0, None, np.array(["ant", "bee", "wasp"], dtype=object)[y])
    for labels in (y, named):
        model = Adapted(estimator=TunedLogistic(strengths=(0.1,))).fit(X, labels, sample_domain=domain)
        scores.append(scorer("circular")(model, X, labels, sample_domain=domain))
    assert scores[0] == scores[1]
