"""The baseline of open sets answers unknown where the source's model is not certain."""

from __future__ import annotations

import numpy as np
import torch

from headstart.checks.domains import check_survives
from headstart.choice.candidates import Candidate
from headstart.choice.open_set import select_open
from headstart.choice.racing import AdaptationData, Result
from headstart.functional.separation import upper_part
from headstart.shallow.joining import join
from headstart.shallow.label_sets.rejecting import Rejecting

PLACES = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 0.0]])


def case(n=120):
    rng = np.random.default_rng(0)
    labels, truth = np.arange(n) % 2, np.arange(n) % 3
    return (rng.normal(size=(n, 2)) + PLACES[labels], np.array(["cat", "dog"])[labels],
            rng.normal(size=(n, 2)) * 0.7 + PLACES[truth], truth)  # fmt: skip


def test_rows_between_the_classes_are_unknown_and_the_others_are_the_source_models():
    source, names, target, truth = case()
    X, y, domain = join(source, names, target)
    model = Rejecting().fit(X, y, sample_domain=domain)
    assert model.classes_.tolist() == ["cat", "dog", "unknown"]
    answers = model.predict(target)
    assert np.mean(answers == np.array(["cat", "dog", "unknown"])[truth]) > 0.8
    given, plain = model.predict_proba(target), model.model_.predict_proba(target)
    np.testing.assert_allclose(given.sum(axis=1), 1)
    entropies = -(plain * np.log(plain)).sum(axis=1)
    np.testing.assert_allclose(given[:, 2], upper_part(torch.from_numpy(entropies)).numpy(), atol=1e-9)
    np.testing.assert_allclose(given[:, :2], plain * (1 - given[:, 2:]), atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(target[:3]), given[:3], atol=1e-9)  # whatever travels with a row


def test_source_rows_are_never_rejected_and_where_all_is_alike_nothing_is():
    source, names, target, _ = case()
    X, y, domain = join(source, names, target)
    model = Rejecting().fit(X, y, sample_domain=domain)
    assert not model.predict_proba(source, sample_domain=np.ones(len(source)))[:, 2].any()
    alike = Rejecting().fit(*join(source, names, np.repeat(target[:1], 9, axis=0)))
    assert not alike.predict_proba(target)[:, 2].any()


def test_it_survives_what_every_predictor_does():
    check_survives(Rejecting, "classification")


def test_what_is_handed_back_is_what_was_asked_for_whichever_ran_first():
    shares = np.eye(3)[[0, 1, 2, 2]]
    raced = [
        Result(Candidate(name), None, shares, shares, {}, 0.0, "") for name in ("source_only", "rejecting", "separate")
    ]
    nothing = dict.fromkeys(AdaptationData._fields) | {"n_classes": 3}
    data = AdaptationData(**nothing)
    for asked, kept in (
        (["separate"], "separate"),
        (["rejecting"], "rejecting"),
        (["erm", "separate", "rejecting"], "separate"),
    ):
        found = select_open(data, raced, asked)
        assert found.finished[found.chosen].name == kept
        assert ("rejecting 50%" in found.reason) == (kept == "separate")
