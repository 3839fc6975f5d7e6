"""What is known of a candidate before its evidence counts on bags of words alone, and in blends by its share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from headstart.choice import choosing
from headstart.choice.beforehand import GAIN_ON_WORDS, known_gain_of_blend, known_gains
from headstart.choice.candidates import Candidate
from headstart.choice.gain import shipped
from headstart.choice.racing import prepare, race
from headstart.shallow.domains import Domains


def words(n=40, d=12, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    rows = [sparse.csr_matrix((rng.random((n, d)) < 0.2 + 0.5 * labels[:, None] * (np.arange(d) < 4)).astype(float))
            for _ in range(2)]  # fmt: skip
    return Domains(rows[0], labels, rows[1], np.full(n, -1), np.ones(n, dtype=np.int64))


def test_only_what_is_made_for_words_and_only_where_rows_are_sparse():
    domains = words()
    dense = domains._replace(source=domains.source.toarray(), target=domains.target.toarray())
    for given, expected in ((domains, [0, GAIN_ON_WORDS]), (dense, [0, 0])):
        data = prepare(given, n_classes=2)
        finished = race(data, [Candidate("source_only"), Candidate("msda")])
        assert known_gains(data, finished).tolist() == expected
    assert not known_gains(data._replace(n_classes=0), finished).any()


def test_a_blend_has_its_share_and_what_is_left_out_of_it_has_none():
    assert known_gain_of_blend(np.array([1.0, 1.0]), np.array([0.0, 6.0])) == pytest.approx(3.0)
    assert known_gain_of_blend(np.array([0.0, -100.0]), np.array([0.0, 6.0])) == 0.0


def test_a_choice_believes_it(monkeypatch):
    data = prepare(words(), n_classes=2)
    finished = race(data, [Candidate("source_only"), Candidate("msda"), Candidate("self_training")])
    monkeypatch.setattr(choosing, "label_shift_alarm", lambda data, finished: None)
    believed = choosing.select(data, finished, shipped(False))
    monkeypatch.setattr(choosing, "known_gains", lambda data, finished: np.zeros(len(finished)))
    plain = choosing.select(data, finished, shipped(False))
    names = [one.name for one in believed.finished]
    gained = dict(zip(names, believed.gains - plain.gains, strict=True))
    assert gained["source_only"] == 0
    assert gained["self_training"] == 0
    assert gained["msda"] == pytest.approx(GAIN_ON_WORDS)
    assert believed.chances[names.index("msda")] > plain.chances[names.index("msda")]
    assert gained["blend"] != 0
