"""Validators: closed forms, orderings, refusals, and no way in for a target label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from headstart.validators import FOR_REGRESSION, VALIDATORS, Evidence, get
from headstart.validators.density import density_ratio, leading, leading_axes
from headstart.validators.evidence import some_rows
from headstart.validators.mixval import _partners
from headstart.validators.structure import cluster


def _blobs(n, k=3, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return rng.normal(size=(n, 5)) + 4 * np.eye(5)[labels] + shift, labels


def _evidence(**changes):
    source, labels = _blobs(120)
    target, _ = _blobs(150, shift=0.3, seed=1)
    train, known = _blobs(120, seed=2)
    model = LogisticRegression().fit(train, known)
    made = Evidence(
        source_features=source,
        source_labels=labels,
        source_outputs=model.predict_proba(source),
        target_features=target,
        target_outputs=model.predict_proba(target),
        refit=lambda rows, answers, others: LogisticRegression().fit(rows, answers).predict_proba(others),
        predict=model.predict_proba,
    )
    return made._replace(**changes)


def _regression(slope=1.0):
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(80, 1)), rng.normal(size=(60, 1)) + 1
    return Evidence(
        source_features=source,
        source_labels=2 * source[:, 0],
        source_outputs=2 * slope * source[:, 0],
        target_features=target,
        target_outputs=2 * slope * target[:, 0],
        refit=lambda rows, values, others: others[:, 0] * (values @ rows[:, 0]) / (rows[:, 0] @ rows[:, 0]),
    )


@pytest.mark.parametrize("name", VALIDATORS)
def test_a_good_model_beats_a_blind_one(name):
    good = _evidence()
    rng = np.random.default_rng(3)
    blind = rng.dirichlet(np.ones(3), 150)
    bad = good._replace(
        target_outputs=blind,
        source_outputs=rng.dirichlet(np.ones(3), 120),
        predict=lambda rows: rng.dirichlet(np.ones(3), len(rows)),
    )
    assert get(name)(good) > get(name)(bad)


@pytest.mark.parametrize("name", VALIDATORS)
def test_the_order_of_target_rows_hardly_matters(name):
    made = _evidence()
    order = np.random.default_rng(0).permutation(150)
    turned = made._replace(target_features=made.target_features[order], target_outputs=made.target_outputs[order])
    assert get(name)(turned) == pytest.approx(get(name)(made), abs=0.06 if name == "mixval" else 0.02)


def test_closed_forms():
    certain = np.eye(2)[[0, 1, 0, 1]]
    made = _evidence(target_outputs=certain, target_features=np.zeros((4, 2)))
    assert get("entropy")(made) == 0
    assert get("infomax")(made) == pytest.approx(np.log(2))
    assert get("bnm")(made) == pytest.approx(1.0)
    flat = made._replace(target_outputs=np.full((4, 2), 0.5))
    assert get("entropy")(flat) == pytest.approx(-np.log(2))
    assert get("infomax")(flat) == pytest.approx(0)
    assert get("bnm")(flat) == pytest.approx(0.5)
    assert get("snd")(flat) == pytest.approx(np.log(3))
    assert get("mano")(flat) == pytest.approx(0.5)
    assert get("mano")(made) > 0.5


def _wrong_where_the_target_lies():
    """A model that is wrong for the 40 source rows that the target looks like: weights and losses go together."""
    made = _evidence()
    wrong = np.eye(3)[(made.source_labels + (np.arange(120) < 40)) % 3]
    weights = np.random.default_rng(0).gamma(2.0, 0.5, 120) + (np.arange(120) < 40)
    return made._replace(source_outputs=wrong, source_weights=weights)


def test_dev_is_importance_weighting_with_a_control_variate():
    made = _wrong_where_the_target_lies()
    weights, losses = made.source_weights, (np.arange(120) < 40).astype(float)
    eta = -np.cov(weights * losses, weights)[0, 1] / weights.var(ddof=1)
    expected = -((weights * losses).mean() + eta * weights.mean() - eta)
    assert get("dev")(made) == pytest.approx(expected)
    assert abs(expected + (weights * losses).mean()) > 0.1
    assert get("importance_weighted")(made) == pytest.approx(-(weights * losses).sum() / weights.sum())
    even = made._replace(source_weights=np.ones(120))
    assert get("dev")(even) == get("importance_weighted")(even) == pytest.approx(get("source_accuracy")(even) - 1)
    assert get("source_accuracy")(even) == pytest.approx(2 / 3)


def test_dev_has_less_variance_than_importance_weighting_alone():
    """Weights of mean 1 whose losses are all alike: the control variate takes out all that varies."""
    rng = np.random.default_rng(0)
    made, risks = _evidence(), []
    for _ in range(20):
        weights = rng.gamma(1.0, 1.0, 120)
        every = made._replace(source_outputs=np.eye(3)[(made.source_labels + 1) % 3], source_weights=weights)
        risks.append((get("dev")(every), -weights.mean()))
    assert np.allclose([dev for dev, _ in risks], -1.0)
    assert np.std([plain for _, plain in risks]) > 0.02


def test_dev_weighs_in_the_models_own_space_where_it_has_one():
    made = _wrong_where_the_target_lies()
    mapped = made._replace(mapped_source=made.source_features[:, :2], mapped_target=made.target_features[:, :2] + 1)
    weights = density_ratio(mapped.mapped_source, mapped.mapped_target)
    assert get("dev")(mapped) == pytest.approx(get("dev")(made._replace(source_weights=weights)))
    assert get("dev")(mapped) != pytest.approx(get("dev")(made))


def test_a_ratio_does_not_depend_on_how_many_rows_there_are():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(900, 2)), rng.normal(size=(150, 2))
    assert density_ratio(source, target).mean() == pytest.approx(1, abs=0.15)


def test_a_known_density_ratio_is_recovered():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(3000, 2)), rng.normal([0.8, 0.0], size=(3000, 2))
    truth = np.exp(0.8 * source[:, 0] - 0.32)
    assert np.corrcoef(np.log(density_ratio(source, target)), np.log(truth))[0, 1] > 0.98
    assert np.allclose(density_ratio(source, source.copy()), 1, atol=1e-6)


def test_clusters_are_those_that_were_made():
    rows, labels = _blobs(90)
    for algorithm in ("kmeans", "spectral"):
        found = cluster(rows, 3, algorithm=algorithm)
        assert len(set(zip(found, labels, strict=True))) <= 5
    perfect = _evidence(target_features=rows, target_outputs=np.eye(3)[labels], clusters=labels)
    assert get("cluster_ami")(perfect) == get("cluster_v_measure")(perfect) == pytest.approx(1)


def test_mixed_rows_follow_their_leader():
    made = _evidence()
    assert get("mixval")(made._replace(predict=lambda rows: np.eye(3)[np.zeros(len(rows), int)])) < 0.5


def test_mixed_rows_are_asked_for_the_class_of_the_larger_share():
    """A model that answers by the nearest of three corners gives every mixture its leader's class."""
    corners = np.eye(3)[np.arange(150) % 3]
    made = _evidence(target_features=corners, target_outputs=corners)
    assert get("mixval")(made._replace(predict=lambda rows: rows)) == 1.0


def test_mixed_rows_have_partners_of_their_own_class_and_then_of_another():
    answers, rng = np.array([0, 0, 0, 1]), np.random.default_rng(0)
    first, second = _partners(answers, np.arange(4), True, rng)
    assert set(first) <= {0, 1, 2}  # the fourth row is alone in its class
    assert (answers[first] == answers[second]).all()
    assert (first != second).all()
    first, second = _partners(answers, np.arange(4), False, rng)
    assert sorted(first) == [0, 1, 2, 3]
    assert (answers[first] != answers[second]).all()


def test_the_way_back_is_judged_by_what_it_finds():
    """A model that answers the source by heart and the target blindly teaches nothing that finds the source again."""
    made = _evidence()
    by_heart = np.eye(3)[made.source_labels]
    blind = made._replace(source_outputs=by_heart, target_outputs=np.random.default_rng(0).dirichlet(np.ones(3), 150))
    assert get("circular")(made) > 0.9
    assert get("circular")(blind) < 0.7


@pytest.mark.parametrize("name", VALIDATORS)
def test_regression_or_a_sentence(name):
    if name not in FOR_REGRESSION:
        with pytest.raises(ValueError, match=f"'{name}' reads probabilities"):
            get(name)(_regression())
        return
    assert get(name)(_regression(1.0)) == pytest.approx(0, abs=1e-9)
    assert get(name)(_regression(1.5)) < -0.1


def test_target_labels_have_no_way_in():
    with pytest.raises(ValueError, match="target_labels"):
        _evidence(target_labels=np.zeros(150))
    with pytest.raises(TypeError, match="target_labels"):
        Evidence(*_evidence(), target_labels=np.zeros(150))  # type: ignore[call-arg]
    made = _evidence()
    smuggled = made._replace(source_labels=np.concatenate([made.source_labels, np.zeros(150, dtype=int)]))
    for name in FOR_REGRESSION:
        with pytest.raises(ValueError, match="one label and one output"):
            get(name)(smuggled)


def test_missing_functions_are_named():
    with pytest.raises(ValueError, match="needs refit"):
        get("circular")(_evidence(refit=None))
    with pytest.raises(ValueError, match="needs predict"):
        get("mixval")(_evidence(predict=None))
    one = _evidence(target_outputs=np.eye(3)[np.zeros(150, int)])
    assert get("circular")(one) == pytest.approx(1 / 3)


def test_scores_of_probabilities_are_their_formulas():
    rng = np.random.default_rng(0)
    for m, k, sharp in ((40, 3, 1.0), (3, 7, 1.0), (40, 3, 30.0)):
        p = rng.dirichlet(np.ones(k) / sharp, m)
        made = _evidence(target_outputs=p)
        surprise = lambda q: -sum(x * np.log(max(x, 1e-30)) for x in q)  # noqa: E731
        assert get("entropy")(made) == pytest.approx(-np.mean([surprise(row) for row in p]))
        assert get("infomax")(made) == pytest.approx(surprise(p.mean(axis=0)) - np.mean([surprise(row) for row in p]))
        assert get("bnm")(made) == pytest.approx(np.linalg.norm(p, "nuc") / np.sqrt(m * min(m, k)), rel=1e-6)
        assert get("mano")(made) == pytest.approx(_mano(p))


def _mano(p):
    logs, rows = np.log(np.maximum(p, 1e-12)), []
    for row, own in zip(logs, np.maximum(p, 1e-12), strict=True):
        z = row - row.mean()
        taylor = 1 + z + z * z / 2
        rows.append(own if -logs.mean() > 5 else taylor / taylor.sum())
    return np.mean(np.abs(rows) ** 4) ** 0.25


def test_neighbourhood_density_is_its_formula_and_two_rows_have_none():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 6)
    unit, entropies = [row / np.sqrt((row * row).sum()) for row in p], []
    for i in range(6):
        weights = np.array([np.exp(unit[i] @ unit[j] / 0.05) for j in range(6) if j != i])
        q = weights / weights.sum()
        entropies.append(-(q * np.log(q)).sum())
    assert get("snd")(_evidence(target_outputs=p)) == pytest.approx(np.mean(entropies))
    assert get("snd")(_evidence(target_outputs=p[:2])) == 0
    assert get("snd")(_evidence(target_outputs=p[:3])) > 0


def test_some_rows_are_all_or_as_many_as_the_limit_each_once():
    assert some_rows(5, 5, 0).tolist() == [0, 1, 2, 3, 4]
    few = some_rows(50, 20, 0)
    assert len(few) == len(set(few)) == 20
    assert (np.diff(few) > 0).all()
    assert few.max() > 20
    assert some_rows(50, 20, 1).tolist() != few.tolist()


def test_errors_of_values_are_in_units_of_their_variance_or_plain_where_there_is_none():
    made = _regression(1.5)
    gap = np.square(made.source_outputs - made.source_labels)
    assert get("source_accuracy")(made) == pytest.approx(-gap.mean() / made.source_labels.var())
    flat = made._replace(source_labels=np.zeros(80))
    assert get("source_accuracy")(flat) == pytest.approx(-np.square(made.source_outputs).mean())
    nothing = made._replace(source_features=np.zeros((0, 1)), source_labels=np.zeros(0), source_outputs=np.zeros(0))
    shorter = made._replace(source_features=made.source_features[1:])
    for broken in (nothing, shorter, made._replace(source_outputs=made.source_outputs[1:])):
        with pytest.raises(ValueError, match="one label and one output"):
            get("source_accuracy")(broken)


def test_columns_that_do_not_vary_and_axes_beyond_the_leading_ones_do_not_matter():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(60, 3)), rng.normal(size=(50, 3)) + 1
    plain = density_ratio(source, target)
    constant = lambda rows: np.column_stack([rows, np.full(len(rows), 1e6)])  # noqa: E731
    assert np.allclose(density_ratio(constant(source), constant(target)), plain)
    assert np.allclose(density_ratio(1e-3 * source + 7, 1e-3 * target + 7), plain)  # standardised
    wide = np.concatenate([rng.normal(size=(60, 1)) @ np.ones((1, 40)), rng.normal(size=(60, 1)) @ np.ones((1, 40))])
    first, second = leading(wide[:60], wide[60:], n_components=2)
    assert first.shape == second.shape == (60, 1)  # one direction holds everything
    assert np.concatenate([first, second]).var() == pytest.approx(40)
    sparse_axes = leading_axes(sparse.csr_matrix(source), sparse.csr_matrix(target))
    assert np.allclose(sparse_axes.of(sparse.csr_matrix(source)), source)  # neither centred nor scaled
    assert np.allclose(leading_axes(source, target).of(np.concatenate([source, target])).mean(axis=0), 0)


def test_more_rows_than_spectral_clustering_reads_go_to_the_nearest(monkeypatch):
    monkeypatch.setattr("headstart.validators.structure.LIMIT", 60)
    rows, labels = _blobs(90)
    found = cluster(rows + 20 * np.eye(5)[labels], 3, algorithm="spectral")
    assert len(found) == 90
    assert len(set(zip(found, labels, strict=True))) == 3
    assert len(set(cluster(rows[:2], 3))) == 2  # no more clusters than rows


def test_where_no_row_has_a_partner_nothing_is_mixed():
    one = _evidence(target_outputs=np.eye(3)[np.zeros(150, int)])
    assert get("mixval")(one._replace(predict=lambda rows: np.eye(3)[np.zeros(len(rows), int)])) == 1.0
    lonely = one._replace(target_features=one.target_features[:1], target_outputs=one.target_outputs[:1])
    assert get("mixval")(lonely) == 0.0
    assert get("circular")(lonely) == pytest.approx(1 / 3)  # one row, one class: nothing to learn back


def test_weights_that_hardly_vary_leave_dev_without_its_control_variate():
    made = _wrong_where_the_target_lies()
    even = made._replace(source_weights=np.ones(120) + 1e-9 * np.arange(120))
    assert get("dev")(even) == pytest.approx(-1 / 3, abs=1e-6)
