"""Self-taught codes: axes from unlabelled rows make a probe of few labels better, and stay a linear model."""

from __future__ import annotations

import numpy as np

from headstart.shallow.parameters.probe import Probe
from headstart.shallow.parameters.self_taught import SelfTaught


def rows(n, rng):
    """A class that shows along one of two strong directions in forty columns of noise."""
    y = rng.permutation(np.arange(n) % 2)
    hidden = np.stack([3 * (2 * y - 1) + rng.normal(size=n), 3 * rng.normal(size=n)], axis=1)
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(40, 2)))[0].T
    return hidden @ axes + rng.normal(size=(n, 40)), y


def test_unlabelled_rows_find_the_axes_that_few_labels_cannot():
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(5):
        (x, y), (blind, _), (new, truth) = rows(8, rng), rows(600, rng), rows(400, rng)
        taught, alone = (SelfTaught(n_outputs=2, sizes=(2,)).fit(x, y, unlabelled=one) for one in (blind, None))
        gains.append(taught.score(new, truth) - alone.score(new, truth))
    assert np.mean(gains) > 0.02


def test_it_is_a_linear_model_of_the_whitened_axes():
    rng = np.random.default_rng(1)
    (x, y), (blind, _) = rows(40, rng), rows(300, rng)
    found = SelfTaught(n_outputs=2, sizes=(2,)).fit(x, y, unlabelled=blind)
    assert found.size_ == 2
    every = np.concatenate([x, blind])
    centred = every - every.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    codes = centred @ axes.T
    codes = codes / codes.std(axis=0)
    probe = Probe(n_outputs=2, standardise=False).fit(codes[: len(x)], y)
    outputs = probe.head_.outputs(codes)
    assert np.allclose(found.decision_function(every), outputs, atol=1e-6)
