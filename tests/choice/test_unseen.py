"""A target that nobody has seen: the choice leaves source domains out, and nothing of the target enters."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from headstart.choice import Candidate
from headstart.choice.joint import plan
from headstart.choice.racing import prepare
from headstart.choice.unseen import LEFT_OUT, choose_unseen, leave_one_domain_out
from headstart.shallow.domains import Domains


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 6)
    monkeypatch.setattr(plan, "MOST_STEPS", 6)


def sources(n=30, numbers=(1, 2, 5), target=0.0):
    """Two classes along the first column; the second tells the domain."""
    rng = np.random.default_rng(0)
    domain = np.repeat(numbers, n)
    labels = np.arange(len(domain)) % 2
    rows = rng.normal(size=(len(domain), 3)) + np.column_stack([2 * labels, domain, 0 * labels])
    return Domains(rows, labels, rng.normal(size=(9, 3)) + target, np.full(9, -1), domain)


def test_each_domain_is_answered_by_a_model_of_the_others_alone():
    domains = sources()
    head = LogisticRegression(C=0.1)
    found = leave_one_domain_out(prepare(domains, n_classes=2), Candidate("source_only", head=head))
    for number, score in zip((1, 2, 5), found.scores, strict=True):
        held = domains.source_domain == number
        model = LogisticRegression(C=0.1).fit(domains.source[~held], domains.labels[~held])
        assert score == (model.predict(domains.source[held]) == domains.labels[held]).mean()
        assert np.allclose(found.answers[held], model.predict_proba(domains.source[held]))
    assert found.mean == np.mean(found.scores)


def test_the_best_on_domains_left_out_is_handed_back_and_the_first_of_equals():
    domains = sources()
    by_heart = Candidate("source_only", head=KNeighborsClassifier(1), label="by_heart")
    turned = domains._replace(source=domains.source.copy())
    turned.source[:, 2] += 9 * (turned.labels == (turned.source_domain == 2))  # tells the classes, another way in one
    fixed = Candidate("source_only", head=LogisticRegression(C=1e-9), label="first")
    selection = choose_unseen(
        prepare(turned, n_classes=2, standardise=True),
        [fixed, Candidate("source_only", head=fixed.head, label="second"), by_heart],
    )
    scores = {one.name: one.scores[LEFT_OUT] for one in selection.finished}
    assert selection.finished[selection.chosen].name == max(scores, key=scores.__getitem__)
    assert selection.finished[selection.considered].name == "first"
    assert np.allclose(selection.gains, [100 * (score - scores["source_only"]) for score in scores.values()])
    assert "the target took no part" in selection.reason


def test_nothing_of_the_target_reaches_fits_or_choice():
    asked = np.random.default_rng(1).normal(size=(5, 3))
    found = []
    for target in (0.0, 1e6):
        selection = choose_unseen(prepare(sources(target=target), n_classes=2), [Candidate("erm"), Candidate("vrex")])
        found.append(
            (selection.chosen, selection.gains, *(one.model.predict_proba(asked) for one in selection.finished))
        )
    for first, second in zip(*found, strict=True):
        assert np.array_equal(first, second)


def test_values_are_chosen_by_their_error():
    domains = sources()
    values = domains._replace(labels=domains.source[:, 0] * 3.0, target_labels=np.full(9, np.nan))
    selection = choose_unseen(prepare(values, n_classes=0), [Candidate("erm")])
    assert selection.finished[selection.chosen].name == "source_only"  # linear values, which six steps do not learn
    assert selection.gains[1] < 0


def test_what_cannot_be_left_out_is_refused_or_noted():
    with pytest.raises(ValueError, match="two or more"):
        choose_unseen(prepare(sources(numbers=(1,)), n_classes=2), [Candidate("erm")])
    taught = sources()
    taught = taught._replace(target_labels=np.arange(9) % 2)
    with pytest.raises(ValueError, match="unseen target"):
        choose_unseen(prepare(taught, n_classes=2), [Candidate("erm")])
    two = choose_unseen(prepare(sources(numbers=(1, 2)), n_classes=2), [Candidate("irm"), Candidate("erm")])
    assert "several" in two.raced[1].note or "domains" in two.raced[1].note
    assert [one.name for one in two.finished] == ["source_only", "erm"]
    spent = choose_unseen(prepare(sources(), n_classes=2), [Candidate("erm")], budget=0.0)
    assert [one.name for one in spent.finished] == ["source_only"]
    assert spent.considered is None
