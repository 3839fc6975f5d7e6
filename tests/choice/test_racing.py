"""What a race may learn from: never the rows that its evidence is read off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.neighbors import KNeighborsClassifier

from headstart.choice import Candidate, candidates
from headstart.choice.blend import blend, shares
from headstart.choice.candidates import as_candidates
from headstart.choice.gain import Gain, expected_accuracy, feature_names, features, learn
from headstart.choice.heads import Heads
from headstart.choice.racing import _fit, fitted, prepare, race, reach, settled, validate
from headstart.choice.smoothing import directions, smoothed, spread
from headstart.choice.stacking import _held_back
from headstart.shallow.domains import Domains
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.validators import Evidence, dev, importance_weighted
from headstart.validators.density import density_ratio
from headstart.workflow.adapting.plan import AcrossPlan, of_many_pictures
from headstart.workflow.options import FitOptions

BY_HEART = KNeighborsClassifier(1)


@pytest.fixture
def noise():
    """Labels that nothing predicts: who answers them rightly has seen them. A third of the target's are known."""
    rng = np.random.default_rng(0)
    labels, known = rng.integers(3, size=120), rng.integers(3, size=90)
    known[::3], known[1::3] = known[::3], -1
    known[2::3] = -1
    return Domains(rng.normal(size=(120, 4)), labels, rng.normal(size=(90, 4)) + 0.5, known, np.ones(120, dtype=int))


def test_held_out_source_rows_are_answered_by_a_model_that_did_not_see_them(noise):
    data = prepare(noise, n_classes=3)
    one = race(data, [Candidate("source_only", head=BY_HEART)])[0]
    seen = one.model.predict_proba(noise.source[data.held], sample_domain=np.ones(len(data.held)))
    truth = noise.labels[data.held]
    assert (seen.argmax(axis=1) == truth).all()
    assert (one.held.argmax(axis=1) == truth).mean() < 0.7
    assert one.scores["source_accuracy"] == pytest.approx((one.held.argmax(axis=1) == truth).mean())


def test_a_held_out_row_keeps_its_own_density_ratio(noise):
    data = prepare(noise, n_classes=3)
    every = density_ratio(data.low_source, data.low_target)
    assert np.allclose(data.ratio, every[data.held])
    assert not np.allclose(data.ratio, every[: len(data.held)])


def test_a_stack_learns_its_shares_from_answers_to_labels_that_were_held_back(noise):
    data = prepare(noise, n_classes=3)
    one = race(data, [Candidate("source_only"), Candidate("pooled", head=BY_HEART)])[1]
    truth = noise.target_labels[noise.known]
    assert (one.target[noise.known].argmax(axis=1) == truth).all()
    assert (_held_back(data, one).argmax(axis=1) == truth).mean() < 0.7


def test_source_only_always_runs_and_a_spent_budget_stops_the_others(noise):
    data = prepare(noise, n_classes=3)
    first, second = race(data, [Candidate("source_only"), Candidate("coral")], budget=0.0)
    assert first.note == ""
    assert "budget" in second.note


def test_shares_grow_with_the_predicted_gain_and_sum_to_one():
    found = shares(np.array([0.0, 2.0, 4.0]))
    assert found == pytest.approx(np.exp([-2.0, -1.0, 0.0]) / np.exp([-2.0, -1.0, 0.0]).sum())


def test_every_benchmark_counts_alike_however_many_pairs_it_has():
    groups = np.repeat([0, 1], [90, 10])
    gain = learn(np.ones((100, 1)), np.where(groups == 0, 10.0, 0.0), groups, ["constant"], strength=1e-9)
    assert gain.predict(np.ones((1, 1)))[0] == pytest.approx(5.0, rel=1e-3)


def test_no_single_figure_promises_the_moon():
    gain = Gain(("a",), np.ones(1), np.ones(1), 1.0)
    assert gain.predict(np.array([[1e6], [-1e6]])).tolist() == [4.0, -4.0]


def test_the_unit_of_the_values_does_not_change_what_is_read_off_a_race():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(80, 3)), rng.normal(size=(60, 3)) + 0.5
    values, unknown = source @ np.array([1.0, -2.0, 0.5]) + 0.3 * rng.normal(size=80), np.full(60, np.nan)
    read = []
    for unit in (1.0, 1000.0):
        data = prepare(Domains(source, unit * values, target, unknown, np.ones(80, dtype=int)), n_classes=0)
        raced = race(data, [Candidate(name) for name in ("source_only", "coral", "standardize")])
        read.append(features(data, raced))
    assert np.abs(read[0][1]).max() > 0.05
    np.testing.assert_allclose(read[0], read[1], rtol=1e-3, atol=1e-3)


def _graph(rows, k):
    """The symmetrically normalised graph of nearest neighbours in angle, entry by entry."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    far = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    near = np.argsort(far, axis=1)[:, 1 : k + 1]
    middle = np.median(np.take_along_axis(far, near, axis=1))
    weights = np.zeros_like(far)
    for i, others in enumerate(near):
        for j in others:
            weights[i, j] = weights[j, i] = np.exp(-((far[i, j] / middle) ** 2))
    degree = weights.sum(axis=1)
    return weights / np.sqrt(np.outer(degree, degree))


def test_answers_spread_over_neighbours_as_the_equation_says():
    rng = np.random.default_rng(0)
    rows, answers = rng.normal(size=(30, 4)), rng.dirichlet(np.ones(3), 30)
    for share, k, rounds in ((0.5, 5, 30), (0.8, 3, 2)):
        step, wanted = _graph(rows, k), answers
        for _ in range(rounds):
            wanted = share * step @ wanted + (1 - share) * answers
        found = spread(rows, answers, share=share, n_neighbors=k, n_iterations=rounds)
        np.testing.assert_allclose(found, wanted / wanted.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(
        spread(rows, answers), spread(rows, answers, share=0.5, n_neighbors=5, n_iterations=30)
    )
    np.testing.assert_allclose(spread(rows, answers, share=0.0), answers)
    np.testing.assert_array_equal(spread(rows[:2], answers[:2]), answers[:2])  # two rows have no neighbourhood
    assert not np.allclose(spread(rows[:3], answers[:3]), answers[:3])
    same = np.ones((6, 4))
    assert np.isfinite(spread(same, answers[:6])).all()
    np.testing.assert_array_equal(directions(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])


def test_a_row_of_the_race_is_looked_up_and_a_new_one_asks_its_neighbours(noise):
    data = prepare(noise, n_classes=3)
    raced = race(data, [Candidate("source_only"), Candidate("coral")])
    blended = blend(data, raced, np.array([0.5, 0.5]), "blend")
    found = smoothed(data, blended)
    np.testing.assert_allclose(found.target, spread(data.low_target, blended.target))
    np.testing.assert_array_equal(found.held, blended.held)
    np.testing.assert_allclose(found.model.answer(noise.target[:7], data), found.target[:7])
    new = noise.target[:4] + 0.3
    own = blended.model.answer(new, data)
    away = directions(data.axes.of(new))[:, None] - directions(data.low_target)[None]
    near = np.argsort(np.linalg.norm(away, axis=2), axis=1)[:, :5]
    np.testing.assert_allclose(found.model.answer(new, data), 0.5 * found.target[near].mean(axis=1) + 0.5 * own)


def test_a_blend_is_its_members_by_their_shares_and_leaves_out_the_least(noise):
    data = prepare(noise, n_classes=3)
    raced = race(data, [Candidate(name) for name in ("source_only", "coral", "standardize")])
    found = blend(data, raced, np.array([0.6, 0.3, 0.004]), "blend")
    assert found.model.members == (raced[0].model, raced[1].model)
    assert found.model.weights == pytest.approx((2 / 3, 1 / 3))
    for side in ("target", "held"):
        np.testing.assert_allclose(getattr(found, side), (2 * getattr(raced[0], side) + getattr(raced[1], side)) / 3)
    np.testing.assert_allclose(found.model.answer(noise.target, data), found.target)
    assert len(blend(data, raced, np.array([0.6, 0.3, 0.006]), "blend").model.members) == 3


def test_what_is_read_off_a_race_beside_the_validators_is_as_it_is_told(noise):
    data = prepare(noise, n_classes=3)
    raced = race(data, [Candidate(name) for name in ("source_only", "coral", "standardize")])
    rng = np.random.default_rng(1)
    raced = [one._replace(target=rng.dirichlet(np.full(3, 0.3), 90)) for one in raced]
    names = feature_names(False)
    rows = features(data, raced)
    votes = [np.eye(3)[one.target.argmax(axis=1)] for one in raced]
    mean, sure = np.mean(votes, axis=0), raced[0].target.max(axis=1)
    prior = np.bincount(noise.labels, minlength=3) / 120
    right = (raced[0].held.argmax(axis=1) == noise.labels[data.held]).mean()
    expected = (sure >= np.quantile(raced[0].held.max(axis=1), 1 - right)).mean()
    assert expected_accuracy(data, raced[0]) == pytest.approx(expected)
    away = lambda vote: np.abs(vote.mean(axis=0) - prior).sum()  # noqa: E731
    for place, (one, vote) in enumerate(zip(raced, votes, strict=True)):
        changed = (vote != votes[0]).any(axis=1)
        wanted = {
            "agreement": (vote * mean).sum(axis=1).mean() - (votes[0] * mean).sum(axis=1).mean(),
            "changed": changed.mean(),
            "balance": away(vote) - away(votes[0]),
            "changed under shift": changed.mean() * np.log(data.ratio).std(),
            "overturned": (changed * sure).mean(),
            "excess": max(0.0, changed.mean() - (1 - expected)),
            "constant": float(place > 0),
            "is coral": float(place == 1),
            "infomax": (one.scores["infomax"] - raced[0].scores["infomax"]) / np.log(3),
            "snd": (one.scores["snd"] - raced[0].scores["snd"]) / np.log(90),
            "cluster_ami": data.validity * (one.scores["cluster_ami"] - raced[0].scores["cluster_ami"]),
            "dev": one.scores["dev"] - raced[0].scores["dev"],
        }
        for name, value in wanted.items():
            assert rows[place, names.index(name)] == pytest.approx(value), (place, name)


def test_coefficients_of_gain_are_those_of_ridge_on_scaled_rows():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(60, 2)) * [1.0, 100.0], np.zeros(60)])
    gains, groups = rng.normal(scale=20, size=60), np.arange(60) % 4
    found = learn(rows, gains, groups, ["a", "b", "c"], strength=0.5)
    scale = np.sqrt((rows[:, :2] ** 2).mean(axis=0))
    np.testing.assert_allclose(found.scale, [*scale, 1.0])
    x = (rows / found.scale).clip(-4, 4)
    wanted = np.linalg.solve(x.T @ x / 60 + 0.5 * np.eye(3), x.T @ gains.clip(-30, 30) / 60)
    np.testing.assert_allclose(found.coef, wanted, atol=1e-9)


def test_values_are_held_within_the_range_of_all_that_is_known_widened_on_both_sides():
    known = np.array([np.nan, 9.0, np.nan])
    domains = Domains(np.zeros((2, 1)), np.array([1.0, 3.0]), np.zeros((3, 1)), known, np.ones(2, dtype=int))
    assert reach(domains) == (-7.0, 17.0)
    with pytest.raises(ValueError, match="The source has 1 sample"):
        prepare(domains._replace(source=np.zeros((1, 1)), labels=np.array([1.0])), n_classes=0)


def test_sparse_rows_are_dense_only_where_a_model_takes_no_others_and_they_are_few(noise, monkeypatch):
    rows = noise._replace(source=csr_matrix(noise.source), target=csr_matrix(noise.target))
    data = prepare(rows, n_classes=3, standardise=False)
    first, weighed = race(data, [Candidate("source_only"), Candidate("gaussian")])
    assert (first.note, weighed.note) == ("", "")
    monkeypatch.setattr("headstart.choice.racing.DENSE_LIMIT", 100)
    first, weighed = race(data, [Candidate("source_only"), Candidate("gaussian")])
    assert first.note == ""
    assert "takes dense rows only, and 210 x 4 sparse numbers are too many" in weighed.note
    trained, kernel = race(data, [Candidate("erm"), Candidate("kmm")])  # steps are on dense rows; distances are not
    assert "210 x 4 sparse numbers are too many" in trained.note
    assert kernel.note == ""


def test_a_smaller_fit_takes_the_strength_that_the_whole_one_chose(noise):
    for n_classes, nearest in ((3, False), (3, True), (0, False)):
        labels = noise.labels if n_classes else noise.labels + 0.5
        known = noise.target_labels if n_classes else np.full(90, np.nan)
        domains = noise._replace(labels=labels, target_labels=known)
        data = prepare(domains, n_classes=n_classes, standardise=True)._replace(heads=Heads(True, nearest))
        chosen = Candidate("coral")
        model = fitted(chosen, domains, data)
        again = settled(chosen, model).head
        head = model.estimator_
        assert type(again) is type(head)
        assert again.standardise == (head.standardised_ if n_classes and not nearest else head.standardise)
        wanted = ("widths", head.width_) if nearest else ("strengths", head.strength_)
        assert getattr(again, wanted[0]) == (wanted[1],)
    kept = Candidate("coral", head=BY_HEART)
    assert settled(kept, model) is kept


def test_validators_read_held_out_rows_in_the_candidates_own_space_and_mix_only_where_a_model_answers(noise):
    data = prepare(noise, n_classes=3)
    model, target, held, part = _fit(data, Candidate("coral"))
    scores = validate(data, target, held, model, part)
    mapped = [
        part.transformer_.transform(rows, sample_domain=np.full(len(rows), sign))
        for rows, sign in ((noise.source[data.held], 1), (noise.target, -1))
    ]
    seen = Evidence(
        source_features=noise.source[data.held],
        source_labels=noise.labels[data.held],
        source_outputs=held,
        target_features=noise.target,
        target_outputs=target,
        mapped_source=mapped[0],
        mapped_target=mapped[1],
        source_weights=data.ratio,
    )
    assert scores["dev"] == pytest.approx(dev(seen))
    assert scores["importance_weighted"] == pytest.approx(importance_weighted(seen))
    way_back = TunedLogistic(strengths=(0.01,)).fit(data.low_target, target.argmax(axis=1))
    assert scores["circular"] == pytest.approx((way_back.predict(data.low_source) == noise.labels).mean())
    blind = validate(data, target, held)
    assert set(scores) - set(blind) == {"mixval"}
    assert blind["dev"] == pytest.approx(dev(seen._replace(mapped_source=None, mapped_target=None)))


def test_of_many_pictures_only_what_convolves_them_races_unless_it_is_named(monkeypatch):
    monkeypatch.setattr(candidates, "MANY_PICTURES", 30)
    rows, unknown = np.zeros((20, 64)), np.full(12, -1)
    domains = Domains(rows, np.arange(20) % 2, rows[:12], unknown, np.ones(20, dtype=int))
    of_pictures = Heads(nearest=True, grid=(1, 8, 8))
    names = [one.name for one in as_candidates(None, domains, False, of_pictures)]
    assert names == ["source_only", "erm", "mcc", "shot"]
    assert "coral" in [one.name for one in as_candidates(["coral"], domains, False, of_pictures)]
    assert "coral" in [one.name for one in as_candidates(None, domains, False, of_pictures._replace(grid=None))]
    fewer = domains._replace(target=rows[:10], target_labels=unknown[:10])
    assert "coral" in [one.name for one in as_candidates(None, fewer, False, of_pictures)]


def test_so_it_is_on_the_road_where_only_the_cheap_correction_of_shares_stays_beside(monkeypatch):
    monkeypatch.setattr(candidates, "MANY_PICTURES", 30)
    named = [Candidate(name) for name in ("mlls", "coral", "mcc")]
    plan, rows = AcrossPlan("adapted", named, []), SimpleNamespace(source=np.zeros((20, 64)), target=np.zeros((12, 64)))
    for method, grid, left in (
        (None, (1, 8, 8), ["mlls", "mcc"]),
        (None, None, ["mlls", "coral", "mcc"]),
        ("coral", (1, 8, 8), ["mlls", "coral", "mcc"]),
    ):
        options, encoder = FitOptions(method=method), SimpleNamespace(grid=grid)
        adaptation: Any = SimpleNamespace(rows=rows, options=options, encoder=encoder)
        found = of_many_pictures(plan, adaptation)
        assert [one.name for one in found.candidates] == left
        assert len(found.reasons) == (len(left) < 3)
