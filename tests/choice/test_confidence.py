"""`choose`, `AutoAdaptClassifier` and `TransferClassifier` hand back models as sure as held-out rows say."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

import headstart as hs
from headstart.choice import AutoAdaptClassifier, choose
from headstart.functional.temperature import LEAST, held_out_steepness, sharpened
from headstart.shallow.joining import join


def rows(seed, n, shift=0.0):
    """Three classes that overlap."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, 4)) * 1.6 + 2 * np.eye(4)[labels] + shift, labels


@pytest.mark.parametrize("learned", [0, 30])
def test_a_choice_is_as_sure_as_held_out_rows_say(learned):
    (X, y), (Z, truth) = rows(0, 120), rows(1, 90, 0.3)
    shown = np.where(np.arange(90) < learned, truth, -1)
    choice = choose(*join(X, y, Z, target_labels=shown), candidates=["coral"])
    one, data = choice.selection.finished[choice.selection.chosen], choice.selection.data
    if learned:
        steepness = held_out_steepness(one.crossed, truth[:learned], "softmax")
    else:
        steepness = held_out_steepness(one.held, y[data.held], "softmax")
        steepness = steepness if steepness < 1 else steepness**0.5
    assert choice.model.temperature_ == pytest.approx(1 / steepness)
    assert abs(steepness - 1) > 0.01
    assert np.allclose(choice.model.predict_proba(Z), sharpened(one.target, steepness, "softmax"), atol=1e-9)
    assert (choice.model.predict(Z) == one.target.argmax(axis=1)).all()


def test_a_handful_of_held_out_rows_sets_no_confidence():
    (X, y), (Z, _) = rows(0, 5 * LEAST - 10), rows(1, 30)
    model = AutoAdaptClassifier(candidates=["coral"]).fit(*join(X, y, Z))
    assert len(model.selection_.data.held) < LEAST
    assert model.temperature_ == 1


def test_a_source_that_is_too_sure_is_handed_back_less_so():
    (X, y), (few, labels), (new, truth) = rows(0, 300), rows(5, 60), rows(2, 300)
    source = LogisticRegression(max_iter=500).fit(X, y)
    source.coef_, source.intercept_ = 3 * source.coef_, 3 * source.intercept_
    model = hs.TransferClassifier(source, alpha=10.0, trees=False).fit(few, labels)
    assert model.kept_ == "source"
    assert model.temperature_ > 1.5
    scores = model.decision_function(new)
    assert np.allclose(model.predict_proba(new), softmax(scores / model.temperature_, axis=1))
    assert (model.predict(new) == scores.argmax(axis=1)).all()

    def surprise(outputs):
        return -log_softmax(outputs, axis=1)[np.arange(len(truth)), truth].mean()

    assert surprise(scores / model.temperature_) < surprise(scores) - 0.1


def test_rows_that_were_learned_from_do_not_set_the_confidence():
    """Labels of a coin: a model learned by heart is sure of its own rows, and nothing can be known of others."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 30)), np.arange(40) % 2
    model = hs.TransferClassifier(alpha=0.01, trees=False).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.95
    assert model.temperature_ > 3
    assert hs.TransferClassifier(alpha=0.01, trees=False).fit(X[: LEAST - 2], y[: LEAST - 2]).temperature_ == 1
