"""Labels by optimal transport."""

import numpy as np
import ot
import pytest
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.domains import mask
from headstart.shallow.joining import join
from headstart.shallow.relations.ot_labels import OTLabels, OTLabelsRegressor


def blobs(n: int = 60, m: int = 50, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels, others = np.arange(n) % 3, np.arange(m) % 3
    return (
        rng.normal(size=(n, 3)) + 4 * np.eye(3)[labels],
        labels,
        rng.normal(size=(m, 3)) + 4 * np.eye(3)[others],
        others,
    )


@pytest.mark.slow
@pytest.mark.parametrize("factory", [OTLabels, OTLabelsRegressor])
def test_is_a_scikit_learn_estimator(factory):
    check_estimator(factory())


def test_probabilities_are_the_plans_columns():
    source, labels, target, _ = blobs(30, 41)
    X, y, domain = join(source, labels, target)
    model = OTLabels().fit(X, y, sample_domain=domain)
    scale = source.var(axis=0).sum() + target.var(axis=0).sum()
    plan = ot.sinkhorn(
        [], [], ot.dist(source - source.mean(axis=0), target - target.mean(axis=0)) / scale, 0.1, stopThr=1e-11
    )
    wanted = (np.eye(3)[labels].T @ plan).T * 41
    assert np.abs(model.predict_proba(target) - wanted).max() < 1e-4
    assert model.plan_summary_["violation"] < 1e-3


def test_a_shift_and_units_do_not_matter():
    source, labels, target, _ = blobs()
    X, y, domain = join(source, labels, target)
    plain = OTLabels().fit(X, y, sample_domain=domain).predict_proba(target)
    X, y, domain = join(100 * source, labels, 100 * target + 7)
    other = OTLabels().fit(X, y, sample_domain=domain).predict_proba(100 * target + 7)
    assert np.allclose(other, plain, atol=1e-6)


def test_known_target_labels_overrule_the_source():
    source, labels, target, others = blobs(60, 120, seed=3)
    mirrored = np.array([1, 0, 2])[others]
    X, y, domain = join(source, labels, target, mask(mirrored, np.arange(120) >= 90))
    model = OTLabels().fit(X, y, sample_domain=domain)
    assert model.score(target[90:], mirrored[90:]) > 0.8
    X, y, domain = join(source, labels, target)
    assert OTLabels().fit(X, y, sample_domain=domain).score(target[90:], mirrored[90:]) < 0.5


def test_every_target_label_known():
    source, labels, target, others = blobs()
    X, y, domain = join(source, labels, target, others)
    assert OTLabels(reg=0.01).fit(X, y, sample_domain=domain).score(target, others) > 0.95


def test_regression_follows_a_shift():
    rng = np.random.default_rng(7)
    source, target = rng.uniform(-2, 2, size=(150, 1)), rng.uniform(-2, 2, size=(140, 1)) + 5
    X, y, domain = join(source, np.sin(source[:, 0]), target)
    model = OTLabelsRegressor(reg=0.01).fit(X, y, sample_domain=domain)
    assert model.score(target, np.sin(target[:, 0] - 5)) > 0.9
    new = np.linspace(3.2, 6.8, 30)[:, None]
    assert model.score(new, np.sin(new[:, 0] - 5)) > 0.9


def test_a_sample_gives_nearly_the_same_labels():
    source, labels, target, _ = blobs(700, 600)
    X, y, domain = join(source, labels, target)
    whole, part = OTLabels().fit(X, y, sample_domain=domain), OTLabels(limit=60_000).fit(X, y, sample_domain=domain)
    assert part.approximation_ == "potential of 234 of 700 labelled and 200 of 600 unlabelled rows"
    assert (whole.predict(target) == part.predict(target)).mean() > 0.97


def test_refusal():
    X, y, domain = join(*blobs()[:3])
    with pytest.raises(ValueError, match="reg is -1"):
        OTLabels(reg=-1).fit(X, y, sample_domain=domain)
