"""Self-training: balance, confidence, and what it learns from the target's own answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.instances.self_training import SelfTraining, balancing_offsets, surest
from headstart.shallow.joining import join


def _moved(n=200, seed=0):
    """Two classes far apart, moved along the direction that parts them."""
    rng = np.random.default_rng(seed)
    labels, hidden = np.arange(n) % 2, np.arange(n) % 2
    source = rng.normal(size=(n, 3)) * 0.5 + np.outer(labels, [3.0, 0, 0])
    target = rng.normal(size=(n, 3)) * 0.5 + np.outer(hidden, [3.0, 0, 0]) + [1.5, 0, 0]
    return source, labels, target, hidden


def test_offsets_reach_the_shares():
    logits = np.random.default_rng(0).normal(size=(300, 4)) + np.array([2, 0, 0, -1])
    shares = np.array([0.1, 0.4, 0.3, 0.2])
    found = softmax(logits + balancing_offsets(logits, shares), axis=1).mean(axis=0)
    assert np.allclose(found, shares, atol=1e-3)


def test_the_surest_of_each_class_come_first():
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]])
    assert surest(p, 0.34).tolist() == [0, 3]
    assert surest(p, 1.0).tolist() == [0, 1, 2, 3]


def test_a_shift_that_crosses_the_boundary_is_followed():
    source, labels, target, hidden = _moved()
    X, y, domain = join(source, labels, target)
    balanced = SelfTraining().fit(X, y, sample_domain=domain)
    assert (balanced.predict(target) == hidden).mean() > 0.95
    free = SelfTraining(balanced=False).fit(X, y, sample_domain=domain)
    plain = TunedLogistic().fit(source, labels)
    assert (free.predict(target) == hidden).mean() > (plain.predict(target) == hidden).mean() + 0.1


def test_row_order_and_new_rows():
    source, labels, target, _ = _moved()
    X, y, domain = join(source, labels, target + np.random.default_rng(1).normal(size=target.shape))
    order = np.random.default_rng(0).permutation(len(X))
    first = SelfTraining(strengths=(1.0,)).fit(X, y, sample_domain=domain)
    second = SelfTraining(strengths=(1.0,)).fit(X[order], y[order], sample_domain=domain[order])
    assert np.allclose(first.predict_proba(target), second.predict_proba(target), atol=1e-3)


def test_counts_are_weighed_by_rarity_and_length():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    words = sparse.csr_matrix((rng.random((60, 30)) < 0.1 + 0.3 * (labels[:, None] == np.arange(30) % 2)).astype(float))
    X, y, domain = join(words[:40], labels[:40], words[40:])
    model = SelfTraining().fit(X, y, sample_domain=domain)
    assert model.counts_
    assert np.allclose(sparse.linalg.norm(model._features(words), axis=1), 1)
    assert (model.predict(words[40:]) == labels[40:]).mean() > 0.8


def test_known_target_labels_take_part():
    source, labels, target, hidden = _moved()
    turned = 1 - hidden
    given = np.where(np.arange(200) < 100, turned, -1)
    X, y, domain = join(source, labels, target, given)
    model = SelfTraining().fit(X, y, sample_domain=domain)
    blind = SelfTraining().fit(*join(source, labels, target)[:2], sample_domain=domain)
    assert (model.predict(target[100:]) == turned[100:]).mean() > (blind.predict(target[100:]) == turned[100:]).mean()


@pytest.mark.parametrize("options", [{"n_rounds": 0}, {"strengths": (0.0,)}])
def test_refusals(options):
    source, labels, target, _ = _moved(20)
    X, y, domain = join(source, labels, target)
    with pytest.raises(ValueError, match="at least one round"):
        SelfTraining(**options).fit(X, y, sample_domain=domain)


@pytest.mark.slow
def test_scikit_learn_checks():
    check_estimator(SelfTraining())
