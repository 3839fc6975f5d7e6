import numpy as np
import pytest
from scipy.optimize import minimize

from headstart.shallow.heterogeneous.augmentation import balanced, hfa, shared_penalty
from headstart.shallow.heterogeneous.hfa import HFA, SHFA


def rows(k, seed=0, n=24, d=4, e=5):
    rng = np.random.default_rng(seed)
    labels, target_labels = np.arange(n) % k, np.arange(2 * k) % k
    source = rng.normal(size=(n, d)) + 2 * rng.normal(size=(k, d))[labels]
    return source, labels, rng.normal(size=(2 * k, e)) + 2 * rng.normal(size=(k, e))[target_labels], target_labels


def test_shared_penalty_is_the_least_over_its_parts():
    V = np.random.default_rng(0).normal(size=(6, 3))

    def cost(flat):
        U = flat.reshape(6, 3)
        return 0.5 * ((V - U) ** 2).sum() + np.linalg.norm(U, "nuc") ** 2 / 8

    value, gradient, U = shared_penalty(V, 4.0)
    assert value == pytest.approx(cost(U.ravel()), rel=1e-12)
    assert gradient == pytest.approx(V - U)
    for step in np.random.default_rng(1).normal(scale=0.05, size=(200, 18)):
        assert cost(U.ravel() + step) >= value


def test_shared_penaltys_gradient_is_its_slope():
    rng = np.random.default_rng(0)
    V, step = rng.normal(size=(6, 3)), 1e-6 * rng.normal(size=(6, 3))
    slope = shared_penalty(V + step, 2.0)[0] - shared_penalty(V - step, 2.0)[0]
    assert slope / 2 == pytest.approx(float((shared_penalty(V, 2.0)[1] * step).sum()), rel=1e-5)


def test_optimum_is_that_of_the_augmented_problem_with_the_metric_as_a_variable():
    """[P, Q] learned by descent on its own entries reaches the same value as the convex form, and no lower one."""
    source, labels, target, target_labels = rows(3)
    trace, k, d, e = 5.0, 3, 4, 5
    found = hfa(source, labels, target, target_labels, trace=trace)
    wanted = np.eye(k)[np.append(labels, target_labels)]
    own = np.block([[source, np.zeros((len(source), e))], [np.zeros((len(target), d)), target]])

    def augmented(flat):
        root = flat[: k * (d + e)].reshape(k, d + e)
        root = root * np.sqrt(trace / max((root**2).sum(), 1e-12))
        w = flat[k * (d + e) :]
        common, v, b = np.split(w, [k * k, k * k + k * (d + e)])
        logits = own @ root.T @ common.reshape(k, k) + own @ v.reshape(-1, k) + b
        loss = (np.log(np.exp(logits).sum(axis=1)) - (logits * wanted).sum(axis=1)).sum()
        return loss + 0.5 * (common**2).sum() + 0.5 * (v**2).sum()

    start = np.random.default_rng(0).normal(size=k * (d + e) * 2 + k * k + k)
    slow = minimize(augmented, start, method="L-BFGS-B", options={"maxiter": 2000, "maxfun": 10**6})
    assert found.objective == pytest.approx(slow.fun, rel=2e-3)
    assert found.objective <= slow.fun * (1 + 1e-4)


def test_two_classes_share_nothing_but_the_intercept():
    """The closed form of two classes: each domain on its own, with C brought up by 1 + trace."""
    source, labels, target, target_labels = rows(2)
    joint = hfa(source, labels, target, target_labels, trace=9.0)
    apart = hfa(source, labels, target, target_labels, trace=0.0, C=10.0)
    assert joint.target == pytest.approx(apart.target, abs=2e-3)
    assert joint.objective == pytest.approx(apart.objective / 10, rel=1e-5)


def test_three_classes_share_which_are_alike():
    source, labels, target, target_labels = rows(3)
    joint = hfa(source, labels, target, target_labels, trace=9.0)
    apart = hfa(source, labels, target, target_labels, trace=0.0, C=10.0)
    assert np.abs(joint.target - apart.target).max() > 0.02


def test_metric_has_the_trace_it_may_have():
    found = hfa(*rows(4), trace=7.0)
    spent = (found.source_projection**2).sum() + (found.target_projection**2).sum()
    assert spent == pytest.approx(7.0)
    assert len(found.source_projection) <= 3  # softmax of four classes has three directions


def test_balance_brings_the_mean_to_the_share():
    p = np.random.default_rng(0).dirichlet([5, 1, 1], size=50)
    out = balanced(p, np.array([0.2, 0.3, 0.5]))
    assert out.mean(axis=0) == pytest.approx([0.2, 0.3, 0.5], abs=1e-6)
    assert out.sum(axis=1) == pytest.approx(np.ones(50))


def test_unlabelled_rows_help_where_classes_are_far(turned):
    """Two labelled rows a class, twenty columns of noise: the supervised answer is poor, the other is not."""
    gains = []
    for seed in range(5):
        case = turned(d=4, e=20, per_class=1, seed=seed)
        case = case._replace(target=case.target + np.random.default_rng(seed).normal(size=case.target.shape))
        gains.append(case.accuracy(SHFA()) - case.accuracy(HFA()))
    assert np.mean(gains) > 0.02


@pytest.mark.parametrize("options", [{"C": 0.0}, {"trace": -1.0}])
def test_odd_strengths_are_refused(turned, options):
    with pytest.raises(ValueError, match="expected C above 0 and trace from 0 up"):
        turned().accuracy(HFA(**options))
