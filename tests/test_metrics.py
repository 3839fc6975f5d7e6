"""Metrics agree with scikit-learn, lead where they are asked for, and weights let classes count alike."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from headstart.kinds import ERRORS, KINDS, METRICS
from headstart.problem import Task
from headstart.shallow.heads.labels import balance
from headstart.shallow.parameters.probe import Probe
from headstart.tasks import create_task


def answers(k, n=60, seed=0):
    rng = np.random.default_rng(seed)
    predictions = rng.dirichlet(np.ones(k), size=n)
    return predictions, rng.integers(0, k, size=n)


@pytest.mark.parametrize("k", [2, 4])
def test_ranking_metrics_are_scikit_learns(k):
    predictions, y = answers(k)
    found = create_task(Task("classification", tuple("abcd"[:k]))).metrics(predictions, y)
    ranked = (y, predictions[:, 1]) if k == 2 else (np.eye(k)[y], predictions)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(*ranked))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(*ranked))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, predictions.argmax(axis=1)))


def test_a_class_that_is_not_there_cannot_be_ranked():
    found = create_task(Task("classification", ("a", "b"))).metrics(
        np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros(2, int)
    )
    assert (found["roc_auc"], found["average_precision"]) == (0.5, 0.0)


def right_and_wrong(kind):
    """Return labels, answers that are right, and answers that are wrong."""
    rng = np.random.default_rng(1)
    if kind == "regression":
        y = rng.normal(size=(40, 1))
        return y, y + 0.1, -y
    y = rng.integers(0, 2, size=40 if kind == "classification" else (40, 2))
    right = 0.1 + 0.8 * (np.eye(2)[y] if kind == "classification" else y)
    return y, right, 1 - right


@pytest.mark.parametrize("kind", [kind for kind in METRICS if KINDS[kind].solved_as])
def test_the_metric_that_is_asked_for_leads_and_higher_is_better(kind):
    y, right, wrong = right_and_wrong(kind)
    names = {"targets": ("t",)} if kind == "regression" else {"classes": ("a", "b")}
    for metric in METRICS[kind]:
        logic = create_task(Task(kind, primary=metric, **names), y)
        assert next(iter(logic.metrics(right, y))) == metric
        assert logic.score(right, y) == pytest.approx(logic.metrics(right, y)[metric] * (-1 if metric in ERRORS else 1))
        assert logic.score(right, y) > logic.score(wrong, y)


def test_balanced_weights_are_scikit_learns():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(size=(90, 3)), rng.normal(0.7, 1, size=(30, 3))])
    rows /= np.sqrt(rows.var(axis=0).mean())  # the common scale of the probe is 1 then
    labels = np.repeat([0, 1], [90, 30])
    ours = Probe(strengths=(0.01,), standardise=False, balanced=True).fit(rows, labels)
    # two softmax columns w and -w carry half of the penalty that one logistic column carries
    theirs = LogisticRegression(C=2 / (0.01 * 120), class_weight="balanced", tol=1e-8).fit(rows, labels)
    np.testing.assert_allclose(ours.coef_[1] - ours.coef_[0], theirs.coef_[0], rtol=0.01, atol=0.01)
    assert Probe(strengths=(0.01,)).fit(rows, labels).predict(rows).mean() < ours.predict(rows).mean()
    assert balance(labels) @ (labels == 1) == pytest.approx(balance(labels) @ (labels == 0))
