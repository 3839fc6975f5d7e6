"""Averaged heads: a discriminant is scikit-learn's, weights are by rows that no member has seen."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from headstart.errors import UserError
from headstart.shallow.heads.discriminant import discriminant
from headstart.shallow.heads.fusion import pool
from headstart.shallow.parameters.averaged_heads import AveragedHeads
from headstart.shallow.parameters.discriminant import Discriminant


def rows(n=60, d=8, k=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    stretch = np.diag([9.0] + [1.0] * (d - 1)) @ (np.eye(d) + 0.4)
    return (rng.normal(size=(n, d)) + 1.2 * np.eye(k, d)[:, ::-1][labels]) @ stretch, labels


@pytest.mark.parametrize("k", [2, 3])
def test_of_many_rows_the_discriminant_is_that_of_scikit_learn_whatever_the_number_of_columns(k):
    x, labels = rows(n=6000, k=k)
    wanted = LinearDiscriminantAnalysis(solver="lsqr").fit(x, labels).predict_proba(x)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(30, 30)))[0][: x.shape[1]]  # the same rows, in 30 columns
    for features in (x, x @ turn + 5.0):
        logits = discriminant(features, labels, k).outputs(features)
        found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert np.abs(found - wanted).mean() < 0.01
        assert (found.argmax(axis=1) == wanted.argmax(axis=1)).mean() > 0.98


def test_the_discriminant_takes_more_columns_than_rows_and_one_row_of_a_class():
    x, labels = rows(n=10, d=30)
    for few, known in ((x, labels), (x[:4], labels[:4]), (x[:3], labels[:3])):
        outputs = discriminant(few, known, 3).outputs(few)
        assert np.isfinite(outputs).all()
    assert (discriminant(x, labels, 3).outputs(x).argmax(axis=1) == labels).all()
    test = np.random.default_rng(1).normal(size=(20, 30)) * x.std()
    nearest = np.square(test[:, None] - x[:3]).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(Discriminant().fit(x[:3], labels[:3]).predict(test), labels[:3][nearest])


def test_a_class_without_a_row_is_never_answered():
    x, labels = rows()
    assert set(discriminant(x[labels != 1], labels[labels != 1], 3).outputs(x).argmax(axis=1)) == {0, 2}
    assert AveragedHeads(n_outputs=4).fit(x, labels).predict(x).max() == 2


def test_members_are_weighted_by_rows_that_they_have_not_seen():
    x, labels = rows()
    found = AveragedHeads().fit(x, labels)
    assert min(found.weights_) >= 0
    shuffled = np.random.default_rng(3).permutation(labels)  # nothing is told of rows that were not seen
    assert sum(AveragedHeads().fit(x, shuffled).weights_) < 0.75 * sum(found.weights_)
    again = AveragedHeads(weights=found.weights_, strength=found.strength_, standardise=found.standardised_)
    np.testing.assert_allclose(again.fit(x, labels).coef_, found.coef_, atol=1e-4)


def test_a_pool_has_the_least_log_loss_and_stays_finite_where_all_is_told():
    rng, labels = np.random.default_rng(0), np.arange(300) % 3
    told = 2 * np.eye(3)[labels] + rng.normal(size=(300, 3))
    weights = pool(np.stack([told, 10 * rng.normal(size=(300, 3))]), labels)

    def loss(scale):
        logits = scale * told
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(300), labels]).mean())

    assert loss(weights[0]) == pytest.approx(min(loss(s) for s in np.linspace(0.5, 4, 200)), abs=0.01)
    certain = np.where(np.eye(3)[labels] > 0, 0.0, -np.inf)[None]
    assert np.isfinite(pool(certain, labels)).all()


def test_values_are_refused_in_a_sentence():
    with pytest.raises(UserError, match="averaged_heads takes the mean of each class"):
        AveragedHeads(kind="regression").fit(np.eye(4), np.arange(4.0))
