"""A Gaussian process: scikit-learn's answers, confidence by rows that are left out, a head that is saved."""

import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from headstart.networks.heads import _picked, _scaled, head_from_json, head_to_json
from headstart.networks.kernel_head import KernelHead
from headstart.shallow.parameters import gaussian_process
from headstart.shallow.parameters.gaussian_process import GaussianProcess

KNOWN = (2.0, 1.5, 0.1, 1.0)


def rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, np.stack([np.sin(2 * x[:, 0]), x[:, 1]], axis=1) + 0.05 * rng.normal(size=(n, 2)) + 3


def test_values_are_those_of_scikit_learn_under_the_same_kernel():
    (x, y), (test, _) = rows(), rows(seed=1)
    kernel = ConstantKernel(2.0) * RBF(1.5) + WhiteKernel(0.1)
    wanted = GaussianProcessRegressor(kernel, optimizer=None).fit(x, y - y.mean(axis=0)).predict(test) + y.mean(axis=0)
    found = GaussianProcess(kind="regression", settings=KNOWN).fit(x, y)
    np.testing.assert_allclose(found.decision_function(test), wanted, atol=1e-8)


def test_the_kernel_of_the_greatest_evidence_beats_one_that_is_far_too_wide():
    (x, y), (test, truth) = rows(), rows(seed=1)
    found = GaussianProcess(kind="regression").fit(x, y)
    assert found.score(test, truth) > GaussianProcess(kind="regression", settings=(1.0, 50.0, 1.0, 1.0)).fit(
        x, y
    ).score(test, truth)
    again = GaussianProcess(kind="regression", settings=found.settings_).fit(x, y)
    np.testing.assert_array_equal(again.weight_, found.weight_)


def test_the_steepness_has_the_least_loss_of_answers_that_left_each_row_out():
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 3
    x = 2.0 * rng.normal(size=(36, 4)) + np.eye(3, 4)[labels]
    found = GaussianProcess(settings=None).fit(x, labels)
    kernel = found.settings_[:3]
    left_out = []
    for row in range(36):
        others = np.arange(36) != row
        part = GaussianProcess(n_outputs=3, settings=(*kernel, 1.0))
        # The mean is that of all rows, as in the closed form.
        targets = np.eye(3)[labels]
        part.fit(x[others], labels[others])
        shift = targets.mean(axis=0) - targets[others].mean(axis=0)
        ones = GaussianProcess(kind="regression", settings=(*kernel, 1.0)).fit(x[others], np.ones(others.sum()))
        covered = _covered(ones, x[others], x[row : row + 1])
        left_out.append(part.decision_function(x[row : row + 1])[0] + shift * (1 - covered))
    left_out = np.array(left_out)

    def loss(steepness):
        logits = steepness * left_out
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(36), labels]).mean())

    best = min(loss(s) for s in np.geomspace(0.02, 50, 400))
    assert loss(found.settings_[3]) == pytest.approx(best, abs=1e-3)


def _covered(process, x, one):
    """Return how much of a constant the kernel carries to a new row."""
    signal, length, noise, _ = process.settings_
    kernel = signal * np.exp(-np.square(x[:, None] - x).sum(-1) / (2 * length**2)) + noise * np.eye(len(x))
    across = signal * np.exp(-np.square(one - x).sum(-1) / (2 * length**2))
    return float(across @ np.linalg.solve(kernel, np.ones(len(x))))


def test_the_head_answers_as_the_model_and_can_be_saved_picked_and_brought_into_other_units():
    x, y = rows()
    found = GaussianProcess(kind="regression", settings=KNOWN).fit(x, y)
    head = KernelHead(*(torch.as_tensor(p) for p in (found.references_, found.weight_, found.bias_)), found.length_)
    features = torch.as_tensor(x, dtype=torch.float32)
    np.testing.assert_allclose(head(features).numpy(), found.decision_function(x), atol=1e-3)
    loaded = head_from_json(head_to_json(head))
    loaded.load_state_dict(head.state_dict())
    assert torch.equal(loaded(features), head(features))
    assert torch.allclose(_picked(head, [1])(features), head(features)[:, 1:])
    wanted = head(features) * torch.tensor([2.0, 3.0]) + 1
    assert torch.allclose(_scaled(head, torch.tensor([2.0, 3.0]), torch.tensor(1.0))(features), wanted, atol=1e-4)


def test_of_many_rows_some_are_drawn(monkeypatch):
    monkeypatch.setattr(gaussian_process, "MOST_ROWS", 20)
    x, y = rows(n=60)
    found = GaussianProcess(kind="regression", settings=KNOWN).fit(x, y)
    assert len(found.references_) == 20
    assert found.score(x, y) > -1
