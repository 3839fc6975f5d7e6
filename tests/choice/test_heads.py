"""What stands on top of features is settled by the source's labels alone."""

from __future__ import annotations

import numpy as np

from headstart.choice.heads import Heads, settle
from headstart.choice.racing import prepare
from headstart.shallow.domains import Domains


def _domains(rows, labels):
    return Domains(rows, labels, rows, np.full(len(labels), -1), np.ones(len(labels), dtype=np.int64))


def _rings(n=400, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    angle = rng.uniform(0, 2 * np.pi, size=n)
    radius = 1 + labels + 0.1 * rng.normal(size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def test_rings_need_nearest_neighbours_and_blobs_do_not():
    rows, labels = _rings()
    assert settle(_domains(rows, labels), regression=False).nearest
    rng = np.random.default_rng(1)
    blobs = rng.normal(size=(400, 2)) + 2 * labels[:, None]
    assert not settle(_domains(blobs, labels), regression=False).nearest


def test_known_units_are_kept_and_unknown_ones_are_asked_of_the_source():
    rows, labels = _rings()
    for known in (True, False):
        assert settle(_domains(rows, labels), regression=False, standardise=known).standardise is known
    rng = np.random.default_rng(2)
    loud = np.column_stack([1000 * rng.normal(size=(200, 30)), labels[:200] + 0.3 * rng.normal(size=200)])
    assert settle(_domains(loud, labels[:200]), regression=False).standardise
    assert settle(_domains(loud, loud[:, 0]), regression=True) == Heads()


def test_clusters_of_the_source_are_believed_as_far_as_they_are_its_classes():
    rng = np.random.default_rng(3)
    labels = np.arange(150) % 3
    far = rng.normal(size=(150, 4)) + 20 * np.eye(4)[labels]
    assert prepare(_domains(far, labels), n_classes=3).validity == 1.0
    assert prepare(_domains(far, rng.permutation(labels)), n_classes=3).validity < 0.1
