"""Splitters across domains, and a search that routes ``sample_domain`` through all of its parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headstart.shallow.features.coral import Coral
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.splitters import LeaveOneDomainOut, SourceTargetSplit, StratifiedDomainShuffleSplit
from headstart.validators import LabelFreeScorer, scorer


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


def _noted(seen, name):
    """A validator that keeps the evidence it is given."""

    def validator(evidence):
        seen[name] = evidence
        return 0.0

    return LabelFreeScorer(validator=validator, seed=7)


@pytest.mark.parametrize("kind", ["numbers", "names", "values"])
def test_the_evidence_of_a_model_without_domains_is_what_it_says_of_both(rows, kind):
    X, y, domain = rows
    source, target = domain > 0, domain < 0
    labels = {"numbers": 2 * y + 1, "names": np.array(["ant", "bee", "wasp"])[y], "values": X[:, 0] - 2 * X[:, 1]}[kind]
    model = (Ridge() if kind == "values" else LogisticRegression()).fit(X[source], labels[source])
    seen = {}
    _noted(seen, kind)(model, pd.DataFrame(X), labels, sample_domain=domain)
    evidence = seen[kind]
    answer = model.predict if kind == "values" else model.predict_proba
    assert (evidence.regression, evidence.seed) == (kind == "values", 7)
    np.testing.assert_array_equal(evidence.source_features, X[source])
    np.testing.assert_array_equal(evidence.target_features, X[target])
    np.testing.assert_array_equal(evidence.source_labels, labels[source] if kind == "values" else y[source])
    np.testing.assert_allclose(evidence.source_outputs, answer(X[source]))
    np.testing.assert_allclose(evidence.target_outputs, answer(X[target]))
    np.testing.assert_allclose(evidence.predict(X[target][:3]), answer(X[target][:3]))
    given = evidence.target_outputs if kind == "values" else np.arange(40) % 2  # the third class is never answered
    back = evidence.refit(X[target], given, X[source])
    twin = clone(model).fit(X[target], given)
    if kind == "values":
        np.testing.assert_allclose(back, twin.predict(X[source]))
    else:
        np.testing.assert_allclose(back, np.column_stack([twin.predict_proba(X[source]), np.zeros(90)]))


def test_the_way_back_of_a_model_that_adapts_masks_what_it_is_asked_about(rows):
    X, y, domain = rows
    source, target = domain > 0, domain < 0
    values = X[:, 0] - 2 * X[:, 1]
    for labels in (y, np.where(y < 0, None, np.array(["ant", "bee", "wasp"], dtype=object)[y]), values):
        head = TunedRidge() if labels is values else TunedLogistic(strengths=(0.1,))
        hidden = np.where(target, np.nan, values) if labels is values else labels
        model = Adapted(transformer=Coral(), estimator=head).fit(X, hidden, sample_domain=domain)
        seen = {}
        _noted(seen, "it")(model, X, labels, sample_domain=domain)
        given = values[target] if labels is values else np.arange(40) % 3
        back = seen["it"].refit(X[target], given, X[source])
        truth = values[source] if labels is values else np.eye(3)[y[source]]
        if labels is values:
            assert np.corrcoef(back, truth)[0, 1] > 0.9
        else:  # answers without sense teach nothing that finds the source
            assert back.shape == (90, 3)
            assert (back.argmax(axis=1) == y[source]).mean() < 0.6


def test_a_scorer_says_what_it_lacks(rows):
    X, y, domain = rows
    model = LogisticRegression().fit(X[domain > 0], y[domain > 0])
    with pytest.raises(ValueError, match="rows of both domains; got 90 source and 0 target"):
        scorer("entropy")(model, X[:90], y[:90], sample_domain=domain[:90])
    with pytest.raises(ValueError, match="rows of both domains; got 0 source and 40 target"):
        scorer("entropy")(model, X[90:], y[90:], sample_domain=domain[90:])
    with pytest.raises(ValueError, match="has no validator"):
        LabelFreeScorer()(model, X, y, sample_domain=domain)
    blind = RidgeClassifier().fit(X[domain > 0], y[domain > 0])
    with pytest.raises(ValueError, match="RidgeClassifier has no predict_proba"):
        scorer("entropy")(blind, X, y, sample_domain=domain)


def test_folds_are_even_stratified_and_dealt_by_the_seed(rows):
    X, y, domain = rows
    y, domain = np.where(domain > 0, np.arange(len(y)) % 7 % 3, y), domain.copy()
    domain[:30] = 2
    held = {}
    for seed in (0, 0, 1):
        parts = list(SourceTargetSplit(n_splits=4, seed=seed).split(X, y, sample_domain=domain))
        held.setdefault(seed, []).append([test[domain[test] > 0].tolist() for _, test in parts])
    assert held[0][0] == held[0][1] != held[1][0]
    sizes = [len(fold) for fold in held[0][0]]
    assert max(sizes) - min(sizes) <= 1
    for number in (1, 2):
        for label in range(3):
            each = [((domain[fold] == number) & (y[fold] == label)).sum() for fold in held[0][0]]
            assert max(each) - min(each) <= 1
    assert SourceTargetSplit(n_splits=4).get_n_splits() == 4
    rows_alone = list(SourceTargetSplit(n_splits=90).split(X.tolist(), sample_domain=domain))
    assert len(rows_alone) == 90  # as many folds as source rows, without labels, rows in a list
    shuffles = StratifiedDomainShuffleSplit(n_splits=2, test_size=0.5, seed=3)
    (_, one), (_, two) = shuffles.split(X, y, sample_domain=domain)
    assert one.tolist() != two.tolist()
    assert [test.tolist() for _, test in shuffles.split(X, y, sample_domain=domain)] == [one.tolist(), two.tolist()]
    with pytest.raises(ValueError, match="to count the domains"):
        LeaveOneDomainOut().get_n_splits(X, y)
