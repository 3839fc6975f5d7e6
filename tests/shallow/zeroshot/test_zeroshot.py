"""Classes told by attributes: what each paper's equation says, and what no method may do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from headstart.catalogue.zero_shot import ZERO_SHOT
from headstart.checks.writing import check_docstring
from headstart.errors import UserError
from headstart.shallow.zeroshot.ale import ranked
from headstart.shallow.zeroshot.devise import each
from headstart.shallow.zeroshot.eszsl import eszsl
from headstart.shallow.zeroshot.predictor import ZeroShot, strengths_of, unit_attributes
from headstart.shallow.zeroshot.sae import sae
from headstart.shallow.zeroshot.sje import worst

RNG = np.random.default_rng(0)
ATTRIBUTES = RNG.normal(size=(16, 6))
LABELS = np.repeat(np.arange(16), 12)
FEATURES = ATTRIBUTES[LABELS] @ RNG.normal(size=(6, 20)) + 1.5 * RNG.normal(size=(len(LABELS), 20)) + 4
SEEN = LABELS < 12
NAMES = [entry.name for entry in ZERO_SHOT]
LEARNED = [name for name in NAMES if name not in ("aligned", "entailed")]
"""Those that learn how features and attributes go together: the others take a source where they already do."""


@pytest.mark.parametrize("name", LEARNED)
def test_a_class_without_a_sample_is_told_and_more_often_where_the_others_are_lowered(name):
    model = ZeroShot(name).fit(FEATURES[SEEN], LABELS[SEEN], ATTRIBUTES)
    new = model.decision_function(FEATURES[~SEEN])
    assert (new[:, 12:].argmax(axis=1) + 12 == LABELS[~SEEN]).mean() > 0.8, "among four classes"
    known = model.predict(FEATURES[SEEN]) == LABELS[SEEN]
    assert known.mean() > 0.5
    lowered = clone(model).set_params(calibration=1.5).fit(FEATURES[SEEN], LABELS[SEEN], ATTRIBUTES)
    assert (lowered.predict(FEATURES) >= 12).mean() > (model.predict(FEATURES) >= 12).mean()
    again = clone(model).fit(FEATURES[SEEN], LABELS[SEEN], ATTRIBUTES)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    np.testing.assert_allclose(model.predict_proba(FEATURES).sum(axis=1), 1)
    check_docstring(ZERO_SHOT[NAMES.index(name)].load())
    assert strengths_of(name)


@pytest.mark.parametrize("name", LEARNED)
def test_units_of_features_change_nothing_and_a_constant_one_does_no_harm(name):
    scaled = np.concatenate([FEATURES * 1e3 - 7, np.full((len(LABELS), 1), 2.0)], axis=1)
    first = ZeroShot(name).fit(FEATURES[SEEN], LABELS[SEEN], ATTRIBUTES).decision_function(FEATURES)
    second = ZeroShot(name).fit(scaled[SEEN], LABELS[SEEN], ATTRIBUTES).decision_function(scaled)
    assert np.isfinite(second).all()
    assert (first.argmax(axis=1) == second.argmax(axis=1)).mean() > 0.95


def test_eszsl_is_where_its_gradient_is_zero():
    x, a, y = FEATURES[SEEN] - 4, unit_attributes(ATTRIBUTES), LABELS[SEEN]
    wanted = 2.0 * (y[:, None] == np.arange(12)) - 1
    s = a[:12]
    light = np.trace(s.T @ s) / 6 / 100
    v = np.linalg.lstsq(a, eszsl(x, y, a, strength=5.0), rcond=None)[0].T
    slope = x.T @ (x @ v @ s.T - wanted) @ s + 5.0 * v @ s.T @ s + light * x.T @ x @ v + 5.0 * light * v
    assert np.abs(slope).max() < 1e-6 * np.abs(x.T @ wanted @ s).max()


def test_sae_solves_its_sylvester_equation():
    x, a, y = FEATURES[SEEN] - 4, unit_attributes(ATTRIBUTES), LABELS[SEEN]
    s = a[y].T
    light = np.trace(s @ s.T) / np.trace(x.T @ x)
    decoded = sae(x, y, a, strength=1.0)
    kernel = np.kron(np.eye(20), s @ s.T) + np.kron(light * x.T @ x, np.eye(6))
    w = np.linalg.solve(kernel, ((1 + light) * s @ x).ravel(order="F")).reshape(6, 20, order="F")
    wanted = a @ w
    np.testing.assert_allclose(decoded, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)


def test_what_a_violating_class_weighs():
    violated = np.array([[0.0, 0.5, 2.0, 0.1], [0.0, 0.0, 0.0, 0.0]])
    assert each(violated).tolist() == [[0, 1, 1, 1], [0, 0, 0, 0]]
    assert worst(violated).tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(ranked(violated), [[0, *[(1 + 1 / 2 + 1 / 3) / 3] * 3], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "eszl"}, "no zero-shot method 'eszl'; choose of eszsl, sae"),
        ({"attributes": np.full((16, 6), np.nan)}, "finite numbers, one row per class"),
        ({"attributes": ATTRIBUTES[:5]}, "A label is 11, and the attributes have 5 rows"),
        ({"y": np.zeros(int(SEEN.sum()), int)}, "two classes with samples or more"),
    ],
)
def test_what_cannot_be_learned_from_is_one_sentence(change, message):
    given = {"X": FEATURES[SEEN], "y": LABELS[SEEN], "attributes": ATTRIBUTES} | change
    with pytest.raises(UserError, match=message):
        ZeroShot(given.pop("method", "eszsl")).fit(**given)
