"""Scores of sources: each against an independent computation, what it must not depend on, its limits, its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, spearmanr
from sklearn.covariance import LedoitWolf
from sklearn.metrics import mutual_info_score

from headstart import scores
from headstart.errors import UserError
from headstart.functional.folds import default_strengths
from headstart.functional.reuse import reusing
from headstart.scores import COMBINED, SCORES, score_all
from headstart.scores.basis import economy, leading
from headstart.scores.logme import logme_terms

SHAPES = [(40, 6), (24, 60)]
"""More rows than features, and fewer."""
OF_FEATURES = [name for name, score in SCORES.items() if score.reads == "features"]
OF_VALUES = [name for name in OF_FEATURES if SCORES[name].of_values]


def blobs(n=40, d=6, k=3, apart=1.0, seed=0):
    rng = np.random.default_rng([n, d, seed])
    y = np.arange(n) % k
    return rng.normal(size=(n, d)) * rng.uniform(0.5, 2, d) + apart * rng.normal(size=(k, d))[y] + 0.5, y


def values(n=40, d=6, noise=0.5, seed=0):
    rng = np.random.default_rng([n, d, seed])
    x = rng.normal(size=(n, d)) + 0.3
    return x, x @ rng.normal(size=(d, 2)) + noise * rng.normal(size=(n, 2)) + [5.0, 0.0]


# Each against an independent computation.


def evidence(x, y, log_alpha, log_beta, weights=None):
    """The log evidence by a D x D determinant; rows count as often as their weights say."""
    w = np.ones(len(x)) if weights is None else weights
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    a = alpha * np.eye(x.shape[1]) + beta * (x.T * w) @ x
    m = beta * np.linalg.solve(a, (x.T * w) @ y)
    loss = beta / 2 * (w * (y - x @ m) ** 2).sum() + alpha / 2 * m @ m
    spread = w.sum() / 2 * (log_beta - np.log(2 * np.pi)) + x.shape[1] / 2 * log_alpha
    return spread - loss - np.linalg.slogdet(a)[1] / 2


def best_evidence(x, y):
    starts = [(a, b) for a, b in ((-3.0, 0.0), (1.0, 0.0), (5.0, 1.0))]
    with np.errstate(all="ignore"):  # the search tries strengths beyond all numbers
        found = [minimize(lambda p: -evidence(x, y, *p), s, method="Nelder-Mead", tol=1e-8) for s in starts]
    return min(found, key=lambda one: one.fun)


@pytest.mark.parametrize("shape", SHAPES)
def test_logme_is_the_largest_evidence(shape):
    x, y = blobs(*shape)
    assert scores.logme(x, y, intercept=False) == pytest.approx(
        np.mean([-best_evidence(x, (y == c).astype(float)).fun for c in range(3)]) / len(x), rel=1e-6
    )
    x, y = values(*shape, noise=30.0)  # with less, the large determinant loses its digits
    assert scores.logme(x, y, intercept=False) == pytest.approx(
        np.mean([-best_evidence(x, y[:, j]).fun for j in range(2)]) / len(x), rel=1e-6
    )


def test_the_evidence_is_that_of_a_gaussian():
    x, y = values(20, 4)
    spread = np.eye(20) / np.exp(0.7) + x @ x.T / np.exp(-0.3)
    direct = multivariate_normal(np.zeros(20), spread).logpdf(y[:, 0])
    assert evidence(x, y[:, 0], -0.3, 0.7) == pytest.approx(direct)


@pytest.mark.parametrize("shape", SHAPES)
def test_logme_terms_are_slopes_in_the_weights(shape):
    x, y = values(*shape, noise=30.0)
    y, step = y[:, :1], 1e-5
    at = best_evidence(x, y[:, 0]).x
    slopes = []
    for i in range(len(x)):
        up, down = (np.ones(len(x)) + s * step * (np.arange(len(x)) == i) for s in (1, -1))
        slopes.append((evidence(x, y[:, 0], *at, up) - evidence(x, y[:, 0], *at, down)) / (2 * step))
    terms = logme_terms(x, y, intercept=False).per_sample
    assert terms - terms.mean() == pytest.approx(np.array(slopes) - np.mean(slopes), rel=1e-3, abs=1e-3)
    assert terms.mean() == pytest.approx(scores.logme(x, y, intercept=False))


def test_with_an_intercept_means_do_not_matter():
    x, y = blobs(30, 40)
    free, columns = scores.logme(x, y), np.eye(3)[y]
    assert scores.logme(x + 7, y) == pytest.approx(free)
    centred = x - x.mean(axis=0), columns - columns.mean(axis=0)
    assert scores.logme(*centred, intercept=False) == pytest.approx(free)
    plain = scores.logme(x, y, intercept=False)
    assert scores.logme(x + 7, y, intercept=False) != pytest.approx(plain, rel=1e-3)


def ridge_without(x, y, i, penalty):
    """The answer for row i of ridge regression, with an intercept, on the other rows."""
    rest, own = np.delete(x, i, axis=0), np.delete(y, i, axis=0)
    centred = rest - rest.mean(axis=0)
    slopes = np.linalg.solve(centred.T @ centred + penalty * np.eye(x.shape[1]), centred.T @ own)
    return own.mean(axis=0) + (x[i] - rest.mean(axis=0)) @ slopes


@pytest.mark.parametrize("shape", SHAPES)
def test_the_probe_leaves_each_sample_out(shape):
    for x, y in (blobs(*shape), values(*shape)):
        columns, found = np.eye(3)[y] if y.ndim == 1 else y, []
        for strength in default_strengths("regression") * len(x) * x.var(axis=0).mean():
            said = np.array([ridge_without(x, columns, i, strength) for i in range(len(x))])
            right = said.argmax(axis=1) == y if y.ndim == 1 else 1 - (said - y) ** 2 / y.var(axis=0)
            found.append(right.mean())
        assert scores.linear_probe(x, y) == pytest.approx(max(found), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_knn_by_slow_loops(shape):
    x, y = blobs(*shape)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    found, errors, target = {}, {}, values(*shape)[1]
    for k in (1, 3, 5, 9, 15):
        hits, off = 0, 0.0
        for i in range(len(x)):
            order = sorted((j for j in range(len(x)) if j != i), key=lambda j: -(unit[i] @ unit[j]))[:k]
            votes = np.bincount(y[order], minlength=3)
            hits += next(c for c in y[order] if votes[c] == votes.max()) == y[i]
            off += (target[order].mean(axis=0) - target[i]) ** 2
        found[k], errors[k] = hits / len(x), (1 - off / len(x) / target.var(axis=0)).mean()
    assert scores.knn(x, y) == pytest.approx(max(found.values()))
    assert scores.knn(x, target) == pytest.approx(max(errors.values()))


@pytest.mark.parametrize("shape", SHAPES)
def test_h_score_by_the_full_covariance(shape):
    x, y = blobs(*shape)
    fitted = LedoitWolf().fit(x)
    middle = x - x.mean(axis=0)
    means = np.stack([middle[y == c].mean(axis=0) for c in range(3)])[y]
    between = means.T @ means / len(x)
    direct = (1 - fitted.shrinkage_) * np.trace(np.linalg.solve(fitted.covariance_, between))
    assert scores.h_score(x, y) == pytest.approx(direct)


def test_gbc_of_two_gaussians_on_a_line():
    a, b = np.array([0.0, 2.0, 4.0]), np.array([9.0, 10.0, 14.0])
    x, y = np.concatenate([a, b])[:, None], np.repeat([0, 1], 3)
    v, w = a.var(), b.var()
    distance = (a.mean() - b.mean()) ** 2 / (4 * (v + w)) + 0.5 * np.log((v + w) / (2 * np.sqrt(v * w)))
    assert scores.gbc(x, y) == pytest.approx(-2 * np.exp(-distance), rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_transrate_by_whole_determinants(shape):
    x, y = blobs(*shape)
    z = x / np.sqrt(np.trace(x @ x.T))
    z = z - z.mean(axis=0)

    def rate(rows):
        return 0.5 * np.linalg.slogdet(np.eye(z.shape[1]) + rows.T @ rows / (len(rows) * 1e-4))[1]

    direct = rate(z) - np.mean([rate(z[y == c]) for c in range(3)])
    assert scores.transrate(x, y) == pytest.approx(direct)


@pytest.mark.parametrize("shape", SHAPES)
def test_sfda_by_inverses(shape):
    x, y = blobs(*shape)
    x, soft = x / 3, None
    for turn in range(2):
        means = np.stack([x[y == c].mean(axis=0) for c in range(3)])
        within = sum((y == c).mean() * np.cov(x[y == c].T, bias=True) for c in range(3))
        if turn == 0:
            shrinkage = np.exp(-5 * np.linalg.eigvalsh(within)[-1])
        inverse = np.linalg.inv((1 - shrinkage) * within + shrinkage * np.eye(x.shape[1]))
        logits = np.stack(
            [x @ inverse @ m - m @ inverse @ m / 2 + np.log((y == c).mean()) for c, m in enumerate(means)], axis=1
        )
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        if turn == 0:
            soft = (np.exp(p) / np.exp(p).sum(axis=1, keepdims=True))[np.arange(len(y)), y][:, None]
            others = np.stack([x[y != c].mean(axis=0) for c in range(3)])
            x = soft * x + (1 - soft) * others[y]
    assert scores.sfda(blobs(*shape)[0] / 3, y) == pytest.approx(p[np.arange(len(y)), y].mean(), rel=1e-5)


def test_parc_by_correlations():
    x, y = blobs()
    pairs = np.tril_indices(len(x), -1)
    direct = spearmanr((1 - np.corrcoef(x))[pairs], (1 - np.corrcoef(np.eye(3)[y]))[pairs].round(9)).statistic
    assert scores.parc(x, y) == pytest.approx(direct)
    x, y = values()
    apart = np.linalg.norm(y[:, None] - y[None], axis=2)
    assert scores.parc(x, y) == pytest.approx(spearmanr((1 - np.corrcoef(x))[pairs], apart[pairs]).statistic)


def test_leep_by_slow_loops():
    rng = np.random.default_rng(0)
    theta, y = rng.dirichlet(np.ones(4), 30), rng.integers(0, 3, 30)
    joint = np.zeros((4, 3))
    for p, label in zip(theta, y, strict=True):
        joint[:, label] += p / 30
    logs = [
        np.log(sum(joint[z, label] / joint[z].sum() * p[z] for z in range(4)))
        for p, label in zip(theta, y, strict=True)
    ]
    assert scores.leep(theta, y) == pytest.approx(np.mean(logs))


def test_nce_is_mutual_information_less_the_entropy():
    rng = np.random.default_rng(0)
    z, y = rng.integers(0, 4, 50), rng.integers(0, 3, 50)
    share = np.bincount(y) / 50
    assert scores.nce(z, y) == pytest.approx(mutual_info_score(z, y) + (share * np.log(share)).sum())
    assert scores.nce(np.eye(4)[z], y) == pytest.approx(scores.nce(z, y))


def test_nleep_is_leep_of_clusters():
    """Two far clusters: one holds class 0, the other classes 1 and 2 by halves, which nothing there tells apart."""
    rng = np.random.default_rng(0)
    cluster = np.repeat([0, 1], 200)
    y = np.where(cluster == 0, 0, 1 + np.arange(400) % 2)
    x = 50 * np.eye(8)[cluster] + rng.normal(size=(400, 8))
    assert scores.nleep(x, y) == pytest.approx(-0.5 * np.log(2), abs=0.03)
    assert scores.nleep(x, cluster) == pytest.approx(0, abs=1e-6)


def test_static_is_what_the_source_says():
    assert scores.static(0.71) == 0.71
    assert np.isnan(scores.static(None))


def test_otce_by_plain_sinkhorn():
    x, y = blobs(30, 4, seed=1)
    z, t = blobs(36, 4, 2, seed=2)
    cost = ((x[:, None] - z[None]) ** 2).sum(axis=2)
    kernel, u, v = np.exp(-cost / cost.mean() / 0.1), np.ones(30), np.ones(36)
    for _ in range(3000):
        u = 1 / 30 / (kernel @ v)
        v = 1 / 36 / (kernel.T @ u)
    plan = u[:, None] * kernel * v
    joint = np.array([[plan[np.ix_(y == a, t == b)].sum() for b in range(2)] for a in range(3)])
    direct = (joint * np.log(joint / joint.sum(axis=1, keepdims=True))).sum()
    assert scores.otce(x, y, z, t) == pytest.approx(direct, rel=1e-4)


def test_domains_that_are_one_and_domains_that_are_not():
    rng = np.random.default_rng(0)
    one, same, far = rng.normal(size=(80, 3)), rng.normal(size=(80, 3)), rng.normal(size=(80, 3)) + 4
    for score in (scores.mmd_similarity, scores.proxy_a_similarity):
        assert score(one, same) == pytest.approx(0, abs=0.4)
        assert score(one, far) < score(one, same) - 0.4
    assert scores.proxy_a_similarity(one, far) == pytest.approx(-2, abs=0.01)
    assert scores.label_overlap(["A b", "c"], ["a-B", "c"]) == 1
    assert scores.label_overlap([], []) == 0


# What a score must not depend on, and its limits.


@pytest.mark.parametrize("name", OF_FEATURES)
@pytest.mark.parametrize("shape", SHAPES)
def test_order_names_and_turns_change_nothing(name, shape):
    x, y = blobs(*shape, apart=0.7)
    score, rng = SCORES[name].function, np.random.default_rng(0)
    found, order = score(x, y), rng.permutation(len(x))
    near = {"abs": 1e-6, "rel": 1e-5}
    if name != "nleep":  # its mixture starts from drawn rows
        assert score(x[order], y[order]) == pytest.approx(found, **near)
    assert score(x, np.array([7, 3, 5])[y]) == pytest.approx(found, **near)
    if name not in ("parc", "nleep"):  # a row's correlation reads each feature's own place
        turn = np.linalg.qr(rng.normal(size=(x.shape[1], x.shape[1])))[0]
        assert score(x @ turn, y) == pytest.approx(found, **near)
    if name != "sfda":  # its shrinkage has the features' unit
        assert score(100 * x, y) == pytest.approx(found, **near)


@pytest.mark.parametrize("name", OF_FEATURES)
def test_features_that_tell_the_classes_beat_those_that_do_not(name):
    (good, y), (poor, _) = blobs(120, 6, apart=2.0), blobs(120, 6, apart=0.0)
    assert SCORES[name].function(good, y) > SCORES[name].function(poor, y)


@pytest.mark.parametrize("name", OF_VALUES)
def test_features_that_tell_the_values_beat_those_that_do_not(name):
    x, y = values(80)
    poor = np.random.default_rng(1).normal(size=x.shape)
    assert SCORES[name].function(x, y) > SCORES[name].function(poor, y)


def test_limits_of_source_answers():
    y = np.arange(60) % 3
    assert scores.leep(np.eye(3)[y], y) == pytest.approx(0)
    assert scores.nce(y, y) == pytest.approx(0)
    share = np.full((60, 3), 1 / 3)
    assert scores.leep(share, y) == pytest.approx(-np.log(3))
    assert scores.nce(np.zeros(60, dtype=int), y) == pytest.approx(-np.log(3))


@pytest.mark.parametrize("name", OF_FEATURES)
def test_few_samples_constant_features_and_a_lonely_class_stay_finite(name):
    x, y = blobs(9, 5)
    y[y == 2] = 1
    y[0] = 2  # one sample only
    x[:, 3] = 1.0
    assert np.isfinite(SCORES[name].function(x, y))
    assert np.isfinite(SCORES[name].function(np.zeros((6, 3)), np.arange(6) % 2))


@pytest.mark.parametrize("name", COMBINED)
def test_terms_average_to_the_score(name):
    for x, y in (blobs(), values()):
        terms = COMBINED[name](x, y)
        assert terms.per_sample.shape == (40,)
        assert terms.value == pytest.approx(SCORES[name].function(x, y))


def test_all_scores_share_one_decomposition():
    x, y = blobs(30, 50)
    with reusing() as shelf:
        found = score_all(x, y)
        assert shelf.hits == 6  # of seven that read it, the first computes it
    assert list(found) == OF_FEATURES
    assert found["logme"] == scores.logme(x, y)
    assert list(score_all(*values())) == OF_VALUES


@pytest.mark.parametrize("shape", SHAPES)
def test_the_economy_rebuilds_the_features(shape):
    x, _ = blobs(*shape)
    centred = x - x.mean(axis=0)
    for basis, rows in ((economy(x, False), x), (economy(x), centred)):
        assert basis.rows @ basis.rows.T == pytest.approx(rows @ rows.T)
        assert basis.left.T @ basis.left == pytest.approx(np.eye(basis.left.shape[1]), abs=1e-7)
    assert np.linalg.norm(leading(x, 3), axis=0) == pytest.approx(np.linalg.svd(centred)[1][:3])


# Refusals.


@pytest.mark.parametrize(
    ("features", "labels", "said"),
    [
        (np.zeros((3, 2)), np.zeros(4, dtype=int), "one row and one label"),
        (np.zeros(3), np.arange(3), "one row and one label"),
        (np.full((3, 2), np.nan), np.arange(3), "sample 0 are not finite"),
        (np.ones((3, 2)), np.ones(3, dtype=int), "labels are the same"),
        (np.ones((3, 2)), np.ones((3, 2)), "labels are the same"),
        (np.ones((3, 2)), np.ones((3, 2), dtype=int), "label sets as floats"),
        (np.ones((3, 2)), np.array([1.0, np.nan, 2.0]), "not finite"),
    ],
)
@pytest.mark.parametrize("name", OF_VALUES)
def test_what_is_no_features_or_labels_is_refused(name, features, labels, said):
    with pytest.raises(UserError, match=said):
        SCORES[name].function(features, labels)


@pytest.mark.parametrize("name", [name for name in SCORES if not SCORES[name].of_values])
def test_values_are_refused_by_scores_of_classes(name):
    theta = np.full((8, 2), 0.5)
    with pytest.raises(UserError, match="one class per sample"):
        SCORES[name].function(theta, np.arange(8.0))


def test_answers_that_are_none_are_refused():
    y = np.arange(6) % 2
    with pytest.raises(UserError, match="not logits"):
        scores.leep(np.ones((6, 3)), y)
    with pytest.raises(UserError, match="class numbers"):
        scores.nce(np.ones(6), y)
    with pytest.raises(UserError, match="one network"):
        scores.mmd_similarity(np.ones((6, 3)), np.ones((6, 2)))
