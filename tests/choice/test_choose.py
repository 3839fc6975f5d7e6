"""The choice: what it hands back, what it refuses, and that held-back labels cannot reach it."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils.estimator_checks import estimator_checks_generator

from headstart.choice import AutoAdaptClassifier, AutoAdaptRegressor, Candidate, choose
from headstart.choice.candidates import NOT_OF_WORDS, as_candidates
from headstart.choice.choosing import select
from headstart.choice.gain import Gain, feature_names, features, from_json, learn, shipped, to_json
from headstart.choice.racing import prepare, race
from headstart.errors import UserError
from headstart.shallow.domains import Domains, mask
from headstart.shallow.joining import join

FEW = ["easytl", "coral"]


def _rows(n=90, m=75, shift=0.8, seed=0):
    rng = np.random.default_rng(seed)
    labels, hidden = np.arange(n) % 3, np.arange(m) % 3
    source = rng.normal(size=(n, 5)) + 3 * np.eye(5)[labels]
    return source, labels, rng.normal(size=(m, 5)) + 3 * np.eye(5)[hidden] + shift, hidden


def _domains(labels=None):
    source, known, target, _ = _rows()
    given = np.full(len(target), -1) if labels is None else labels
    return Domains(source, known, target, given, np.ones(len(known), dtype=np.int64))


def _always(value):
    """Evidence that predicts the same gain for every model that is not source-only, and believes it."""
    names = feature_names(False)
    coef = np.zeros(len(names))
    coef[names.index("constant")] = value
    return Gain(names, np.ones(len(names)), coef, 1.0, slope=1.0)


def test_a_choice_says_what_was_raced_and_predicts_new_rows():
    source, labels, target, hidden = _rows()
    names = np.array(["ant", "bee", "wasp"])
    choice = choose(*join(source, names[labels], target), candidates=[*FEW, Candidate("coral", label="second")])
    assert {row["name"] for row in choice.table} >= {"source_only", "easytl", "coral", "second"}
    assert sum(row["kept"] for row in choice.table) == 1
    assert all(row["seconds"] >= 0 and math.isfinite(row["predicted_gain"]) for row in choice.table)
    assert choice.name in choice.reason
    assert (choice.model.predict(target) == names[hidden]).mean() > 0.8
    assert np.allclose(choice.model.predict_proba(target + 0.01).sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(choice.model))
    assert (again.predict_proba(target) == choice.model.predict_proba(target)).all()


def test_held_back_labels_cannot_reach_the_choice():
    source, labels, target, hidden = _rows()
    outcomes = []
    for truth in (hidden, (hidden + 1) % 3):
        everything = np.concatenate([labels, truth])
        domain = np.repeat([1, -1], [len(labels), len(truth)])
        X, y = np.concatenate([source, target]), mask(everything, domain < 0)
        choice = choose(X, y, domain, candidates=FEW)
        scores = [[row["scores"], row["predicted_gain"]] for row in choice.table]
        outcomes.append((choice.name, scores, choice.model.predict_proba(target).tobytes()))
    assert outcomes[0] == outcomes[1]


def test_evaluation_labels_are_refused():
    X, y, domain = join(*_rows()[:3])
    for name in ("evaluation_labels", "target_labels", "y_target"):
        with pytest.raises(TypeError, match=name):
            choose(X, y, domain, candidates=FEW, **{name: _rows()[3]})


def test_the_guard_follows_the_evidence():
    domains = _domains()
    data = prepare(domains, n_classes=3)
    raced = race(data, [Candidate("source_only"), *map(Candidate, FEW)])
    for value, kept in ((5.0, ("blend", "smoothed")), (-5.0, ("source_only",)), (0.1, ("source_only",))):
        selection = select(data, raced, _always(value))
        assert selection.finished[selection.chosen].name in kept


def test_a_failing_candidate_is_noted_and_the_budget_kept():
    data = prepare(_domains(), n_classes=3)
    broken = Candidate("coral", head=_Broken())
    raced = race(data, [Candidate("source_only"), broken, Candidate("easytl")])
    assert [one.note for one in raced] == ["", "RuntimeError: this head is broken", ""]
    assert select(data, raced, _always(0.0)).table()[-1]["note"] == "RuntimeError: this head is broken"
    raced = race(data, [Candidate("source_only"), Candidate("easytl")], budget=0.0)
    assert raced[0].note == ""
    assert raced[1].note.startswith("left out: about")


class _Broken:
    def get_params(self, deep=True):
        return {}

    def fit(self, *_):
        raise RuntimeError("this head is broken")

    def __sklearn_clone__(self):
        return self

    def __sklearn_tags__(self):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().__sklearn_tags__()


def test_known_target_labels_are_learned_from():
    source, labels, target, hidden = _rows(shift=0.0)
    turned = target[:, [1, 2, 0, 3, 4]]  # the classes' centres change places, so that the source misleads
    given = mask(hidden, np.arange(len(hidden)) >= 45)
    choice = choose(*join(source, labels, turned, given), candidates=["coral"])
    assert {row["name"] for row in choice.table} >= {"source_only", "target_only", "pooled", "coral"}
    blind = choose(*join(source, labels, turned), candidates=["coral"])
    rest = slice(45, None)
    with_labels = (choice.model.predict(turned[rest]) == hidden[rest]).mean()
    assert with_labels > (blind.model.predict(turned[rest]) == hidden[rest]).mean()


def test_values():
    rng = np.random.default_rng(0)
    slope = rng.normal(size=4)
    source, target = rng.normal(size=(80, 4)), rng.normal(size=(60, 4)) + 1
    choice = choose(*join(source, source @ slope, target), candidates=["coral"])
    assert np.abs(choice.model.predict(target) - target @ slope).max() < 0.5
    assert set(choice.table[0]["scores"]) == {"source_accuracy", "importance_weighted", "dev", "circular"}
    assert choose(*join(source, np.round(source @ slope), target), candidates=["coral"], task="regression").model


def test_sparse_rows():
    source, labels, target, _ = _rows()
    X, y, domain = join(sparse.csr_matrix(source), labels, sparse.csr_matrix(target))
    thin = choose(X, y, domain, candidates=FEW)
    assert all(not row["note"] for row in thin.table)
    assert len(thin.model.predict(sparse.csr_matrix(target))) == len(target)


def test_of_bags_of_words_no_aligned_kernel_or_covariance_races():
    source, labels, target, _ = _rows()
    known = np.full(len(target), -1)
    dense = Domains(source, labels, target, known, np.ones(len(labels), dtype=int))
    thin = dense._replace(source=sparse.csr_matrix(source), target=sparse.csr_matrix(target))
    all_of_them, of_words = ({one.name for one in as_candidates(None, rows, False)} for rows in (dense, thin))
    assert all_of_them - of_words == set(NOT_OF_WORDS)
    assert of_words - all_of_them == {"msda"}
    assert [one.name for one in as_candidates(["coral"], thin, False)] == ["source_only", "coral"]


def test_what_is_unknown_is_refused_in_a_sentence():
    with pytest.raises(UserError, match="There is no method 'coral2'"):
        choose(*join(*_rows()[:3]), candidates=["coral2"])
    with pytest.raises(ValueError, match="task is 'ranking'"):
        choose(*join(*_rows()[:3]), task="ranking")


def test_learned_coefficients_find_the_gain_that_evidence_shows():
    names = feature_names(False)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, len(names)))
    truth = np.zeros(len(names))
    truth[:2] = 3.0, -2.0
    groups = np.arange(300) % 5
    gain = learn(rows, rows @ truth, groups, names, strength=1e-3)
    assert np.allclose(gain.predict(rows), rows @ truth, atol=0.5)
    assert gain.predict(np.zeros((1, len(names)))) == 0
    again = from_json(to_json(gain))
    assert np.allclose(again.predict(rows), gain.predict(rows), atol=1e-3)


@pytest.mark.parametrize("regression", [False, True])
def test_shipped_coefficients_fit_the_features(regression):
    gain = shipped(regression)
    assert gain.names == feature_names(regression)
    assert gain.deviation > 0
    if not regression:
        data = prepare(_domains(), n_classes=3)
        raced = race(data, [Candidate("source_only"), Candidate("coral")])
        found = features(data, raced)
        assert found.shape == (2, len(gain.names))
        assert gain.predict(found)[0] == 0


QUICK = {
    "check_classifiers_one_label",
    "check_dict_unchanged",
    "check_dont_overwrite_attributes",
    "check_estimator_cloneable",
    "check_estimators_nan_inf",
    "check_estimators_pickle",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_n_features_in",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_requires_y_none",
}


def _checks(face):
    """The fast suite tries some, on classes; `test_estimators` has all of the face of arrays."""
    for estimator, check in estimator_checks_generator(face(candidates=("coral",))):
        slow = face is AutoAdaptRegressor or check.func.__name__ not in QUICK
        yield pytest.param(estimator, check, marks=pytest.mark.slow if slow else (), id=check.func.__name__)


@pytest.mark.parametrize(("estimator", "check"), [*_checks(AutoAdaptClassifier), *_checks(AutoAdaptRegressor)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
