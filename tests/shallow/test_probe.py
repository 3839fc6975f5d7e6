"""The probe, the neighbours and the probe of several stages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from headstart.errors import UserError
from headstart.functional.folds import default_folds
from headstart.problem import Task
from headstart.shallow.features.stage_probe import StageProbe
from headstart.shallow.heads.fusion import stack
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.linear import Problem, search, solve
from headstart.shallow.parameters.knn import KNN
from headstart.shallow.parameters.probe import Probe
from headstart.tasks import create_task


def samples(n: int, k: int = 4, d: int = 12, seed: int = 0, strength: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    middle = np.random.default_rng(99).standard_normal((k, d)) * strength
    y = np.arange(n) % k
    return np.random.default_rng(seed).standard_normal((n, d)) * np.linspace(0.5, 3, d) + middle[y] + 2, y


def test_the_strength_is_the_best_on_validation() -> None:
    (x, y), held = samples(80), samples(400, seed=1)
    probe = Probe().fit(x, y, held)
    assert probe.scores_.shape == probe.strengths_.shape == (10,)
    assert probe.scores_.max() == pytest.approx(probe.score(*held))
    model = LogisticRegression(C=1 / (80 * probe.strength_), max_iter=5000, tol=1e-8)
    scaler = StandardScaler().fit(x)
    model.fit(scaler.transform(x), y)
    assert probe.score(*held) == pytest.approx(model.score(scaler.transform(held[0]), held[1]), abs=0.0101)
    np.testing.assert_allclose(probe.predict_proba(held[0]), model.predict_proba(scaler.transform(held[0])), atol=0.02)


def test_not_below_scikit_learn_at_any_strength() -> None:
    (x, y), held = samples(60, d=40), samples(600, d=40, seed=1)
    probe, scaler = Probe().fit(x, y, held), StandardScaler().fit(x)
    best = max(
        LogisticRegression(C=1 / (60 * s), max_iter=5000)
        .fit(scaler.transform(x), y)
        .score(scaler.transform(held[0]), held[1])
        for s in probe.strengths_
    )
    assert probe.score(*held) >= best - 0.01


def test_cross_validation_uses_the_given_folds() -> None:
    x, y = samples(60)
    rows = np.arange(60)
    folds = [(rows[rows % 3 != i], rows[rows % 3 == i]) for i in range(3)]
    probe = Probe(strengths=(0.1,)).fit(x, y, folds=folds)
    hits = [Probe(strengths=(0.1,)).fit(x[a], y[a], (x[b], y[b])).score(x[b], y[b]) for a, b in folds]
    assert probe.scores_[0] == pytest.approx(np.mean(hits))


def test_ridge_chooses_as_leave_one_out_does() -> None:
    x, _ = samples(40)
    target = x @ np.linspace(-1, 1, 12) + 0.3 * np.random.default_rng(1).standard_normal(40)
    probe = Probe(kind="regression").fit(x, target)
    z = StandardScaler().fit_transform(x)
    model = RidgeCV(alphas=40 * probe.strengths_, store_cv_results=True, scoring=None).fit(z, target)
    np.testing.assert_allclose(probe.losses_, model.cv_results_.mean(axis=0).ravel(), rtol=1e-4)
    assert probe.score(x, target) > -0.5


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_the_head_gives_the_probes_predictions(kind: str) -> None:
    x, y = samples(40, k=3)
    labels = {"classification": y, "multilabel": np.eye(3, dtype=np.float32)[y], "regression": x[:, :2] * 5 + 7}[kind]
    task = Task("regression", targets=("u", "v")) if kind == "regression" else Task(kind, ("a", "b", "c"))
    logic, probe = create_task(task, labels), Probe(kind=kind).fit(x, labels)
    head = probe.to_head(logic.head(12), logic)
    with torch.no_grad():
        predictions = logic.predict(head(torch.as_tensor(x, dtype=torch.float32))).numpy()
    expected = probe.predict(x) if kind == "regression" else probe.predict_proba(x)
    np.testing.assert_allclose(predictions, expected, atol=1e-4)


def test_an_absent_class_is_improbable_but_finite() -> None:
    x, y = samples(30, k=3)
    probabilities = Probe(n_outputs=5).fit(x, y).predict_proba(x)
    assert probabilities.shape == (30, 5)
    assert 0 < probabilities[:, 3:].max() < 0.2


def test_one_class_only_and_a_constant_feature_stay_finite() -> None:
    x, _ = samples(10)
    x[:, 0] = 1.0
    probe = Probe(n_outputs=2).fit(x, np.zeros(10, int))
    assert np.isfinite(probe.coef_).all()
    assert (probe.predict(x) == 0).all()


def test_features_that_are_not_finite_are_named() -> None:
    x, y = samples(10)
    x[7, 3] = np.nan
    with pytest.raises(UserError, match="row 7"):
        Probe().fit(x, y)


def test_neighbours_are_scikit_learns_by_cosine() -> None:
    (x, y), (z, _) = samples(60), samples(50, seed=1)
    for k in (1, 5, 10):
        model = KNeighborsClassifier(k, metric="cosine").fit(x, y)
        found = KNN(numbers=(k,)).fit(x, y)
        np.testing.assert_allclose(found.predict_proba(z), model.predict_proba(z), atol=1e-9)


def test_neighbours_leave_the_query_out() -> None:
    x = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    knn = KNN(numbers=(1,)).fit(x, np.array([0, 1, 0, 1]))
    assert knn.scores_[0] == 0.0
    assert KNN(numbers=(1,)).fit(x, np.array([0, 0, 1, 1])).scores_[0] == 1.0


def maps(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    good, y = samples(n, seed=seed)
    noise = np.random.default_rng(seed + 10).standard_normal((n, 6, 3, 3))
    return {"early": noise, "late": good[:, None, :] + np.zeros((1, 5, 1))}, y


@pytest.mark.parametrize(("fusion", "cost"), [("concatenate", 0.1), ("weighted", 0.02)])
def test_a_stage_of_noise_costs_little(fusion: str, cost: float) -> None:
    (x, y), (z, w) = maps(120, 0), maps(400, 1)
    probe = StageProbe(fusion=fusion).fit(x, y)
    alone = Probe().fit(x["late"].mean(1), y).score(z["late"].mean(1), w)
    assert probe.score(z, w) > alone - cost
    flat = np.concatenate([z["early"].mean((2, 3)), z["late"].mean(1)], axis=1)
    np.testing.assert_allclose(flat @ probe.coef_.T + probe.intercept_, probe.decision_function(z), atol=1e-8)


@pytest.mark.parametrize("fusion", ["concatenate", "weighted"])
def test_one_stage_in_full_is_the_probe(fusion: str) -> None:
    x, y = samples(80)
    probe, staged = Probe().fit(x, y), StageProbe(fusion=fusion).fit({"only": x}, y)
    np.testing.assert_allclose(staged.predict_proba({"only": x}), probe.predict_proba(x), atol=0.01)


@pytest.mark.parametrize("cls", [Probe, KNN, StageProbe])
def test_values_have_no_probabilities_and_that_is_said(cls) -> None:
    rows = np.random.default_rng(0).standard_normal((30, 4))
    given = {"only": rows} if cls is StageProbe else rows
    model = cls(kind="regression").fit(given, rows[:, 0])
    with pytest.raises(ValueError, match="'regression' gives values, which have no probabilities; call predict"):
        model.predict_proba(given)


def test_stacking_gives_noise_no_weight() -> None:
    x, y = maps(120, 0)
    weights = StageProbe(fusion="weighted").fit(x, y).weights_
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["early"] < 0.1


def test_convex_weights_find_the_known_mixture() -> None:
    outputs = np.random.default_rng(0).standard_normal((3, 200, 1))
    target = np.tensordot([0.2, 0.5, 0.3], outputs, axes=1)
    np.testing.assert_allclose(stack(outputs, target, "regression"), [0.2, 0.5, 0.3], atol=1e-3)


def test_one_row_of_each_class_leaves_nothing_to_choose_on():
    """Joint choice without folds takes the usual features as they are; the probe still fits."""
    from headstart.shallow.heads.joint import choose_jointly

    rows, labels = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    chosen = choose_jointly(
        {"pooled": rows, "other": rows}, labels, Problem("classification", 2, np.array([0.1, 1])), []
    )
    assert chosen == ("pooled", False, 1.0)
    assert Probe(standardise=False).fit(rows, labels, folds=[]).predict(rows).shape == (2,)


@pytest.mark.parametrize(("common", "same"), [(True, True), (False, False)])
def test_one_factor_for_all_features_makes_strengths_mean_the_same(common: bool, same: bool) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    rows = rng.normal(size=(60, 4)) + labels[:, None]
    problem = Problem("classification", 2, np.array([0.3]), standardise=False, common=common)
    (first,), (second,) = (solve(rows * factor, labels, problem) for factor in (1.0, 50.0))
    before, after = first.outputs(rows), second.outputs(50.0 * rows)
    assert np.allclose(before, after, rtol=1e-3, atol=1e-3) is same


def _losses(x: np.ndarray, labels: np.ndarray, problem: Problem, folds: list) -> np.ndarray:
    """Mean loss of every strength over held rows, by fitting each fold by itself."""
    total = np.zeros(len(problem.strengths))
    for train, held in folds:
        for place, head in enumerate(solve(x[train], labels[train], problem)):
            total[place] += per_sample(head.outputs(x[held]), labels[held], problem.kind)[1].sum()
    return total / len(labels)


def test_strengths_are_judged_on_the_given_folds_else_on_each_row_or_on_five_folds() -> None:
    x, y = samples(30, k=3)
    values = x[:, :2] @ np.array([[1.0, 0.5], [-1.0, 2.0]]) + np.random.default_rng(1).normal(size=(30, 2))
    rows = np.arange(30)
    three = [(rows[rows % 3 != i], rows[rows % 3 == i]) for i in range(3)]
    alone = [(rows[rows != i], rows[rows == i]) for i in range(30)]
    ridge = Problem("regression", 2, np.array([10.0, 0.1, 1e-3]), standardise=False)
    np.testing.assert_allclose(search(x, values, ridge, folds=three).losses, _losses(x, values, ridge, three))
    np.testing.assert_allclose(search(x, values, ridge).losses, _losses(x, values, ridge, alone), rtol=0.1)
    logistic = Problem("classification", 3, np.array([1.0, 0.01]))
    five = default_folds(y, "classification")
    for folds in (five, three):
        found = search(x, y, logistic, folds=None if folds is five else folds)
        np.testing.assert_allclose(found.losses, _losses(x, y, logistic, folds))
        assert found.strength == logistic.strengths[np.lexsort((found.losses, -found.scores))[0]]
    np.testing.assert_array_equal(
        found.head.coef, solve(x, y, logistic)[list(logistic.strengths).index(found.strength)].coef
    )


def test_classes_count_alike_where_balance_is_asked_for() -> None:
    x, y = samples(60, k=2)
    few = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:6]])
    x, y = x[few], y[few]
    problem = Problem("classification", 2, np.array([0.1]), balanced=True)
    chosen = search(x, y, problem, validation=(x, y))
    hit = chosen.head.outputs(x).argmax(axis=1) == y
    assert chosen.scores[0] == pytest.approx((hit[y == 0].mean() + hit[y == 1].mean()) / 2)
    (plain,) = solve(x, y, problem._replace(balanced=False))
    assert chosen.head.intercept[1] - chosen.head.intercept[0] > plain.intercept[1] - plain.intercept[0]


def test_what_never_varies_counts_as_half_a_sample() -> None:
    x, _ = samples(12)
    y = np.repeat([0, 2], [4, 8])
    (head,) = solve(x, y, Problem("classification", 3, np.array([1e6])))
    assert np.exp(head.intercept[1] - head.intercept[[0, 2]].mean()) == pytest.approx(
        0.5 / np.sqrt(4.5 * 8.5), rel=1e-3
    )
    assert not head.coef[1].any()
    sets = np.stack([np.zeros(12), np.arange(12) % 2, np.ones(12)], axis=1)
    (head,) = solve(x, sets, Problem("multilabel", 3, np.array([0.1])))
    odds = np.exp(head.intercept[[0, 2]])
    np.testing.assert_allclose(odds / (1 + odds), [0.5 / 13, 12.5 / 13])
    assert not head.coef[[0, 2]].any()
    assert head.coef[1].any()
    none = solve(x, sets[:, :1], Problem("multilabel", 1, np.array([0.1, 1.0])))
    assert [one.coef.any() for one in none] == [False, False]
