"""Linear models of several tasks: what their penalties mean, with values that are missing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, MultiTaskLasso, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from headstart.errors import UserError
from headstart.functional.proximal import proximal_least_squares, singular_values
from headstart.shallow.tasks.boosted import Boosted
from headstart.shallow.tasks.low_rank import LowRank
from headstart.shallow.tasks.mean_regularised import MeanRegularised
from headstart.shallow.tasks.sparse import SharedSparsity

ALL = (SharedSparsity, LowRank, MeanRegularised)


def problem(n=60, p=8, t=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * rng.uniform(0.5, 4, p) + 3
    return x, x @ rng.normal(size=(p, t)) + 0.3 * rng.normal(size=(n, t)) + 5


def units(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def test_shared_sparsity_is_the_multi_task_lasso():
    x, y = problem()
    wanted = MultiTaskLasso(alpha=0.5, tol=1e-10, max_iter=50_000).fit(units(x), units(y))
    found = SharedSparsity(alpha=0.5).fit(x, y)
    scaled = found.coef_ * x.std(axis=0) / y.std(axis=0)[:, None]
    assert scaled == pytest.approx(wanted.coef_, abs=1e-4)
    used = np.abs(found.coef_ * x.std(axis=0)).max(axis=0) > 1e-6
    assert used.tolist() == (np.abs(wanted.coef_).max(axis=0) > 1e-6).tolist()
    assert not used.all()


def test_a_trace_norm_leaves_few_directions_and_meets_its_condition():
    x, y = problem()
    w = proximal_least_squares(units(x), units(y), 0.5, singular_values, tolerance=1e-12, rounds=20_000)
    u, s, v = np.linalg.svd(w, full_matrices=False)
    assert (s > 1e-6).sum() < 3
    slope = units(x).T @ (units(y) - units(x) @ w) / len(x)  # alpha times a subgradient of the trace norm
    kept = s > 1e-6
    assert np.diag(u.T @ slope @ v.T)[kept] == pytest.approx(np.full(kept.sum(), 0.5), abs=1e-5)
    assert np.linalg.norm(slope, 2) <= 0.5 + 1e-6


def test_mean_regularisation_lies_between_one_ridge_and_many():
    x, y = problem()
    y[::4, 1] = np.nan
    apart = MeanRegularised(alpha=0.2, share=1e8).fit(x, y)
    rows = ~np.isnan(y[:, 1])
    std, spread = x.std(axis=0), np.nanstd(y[:, 1])
    z = (x[rows] - x.mean(axis=0)) / std
    ridge = Ridge(alpha=0.2 * rows.sum(), fit_intercept=False).fit(z, (y[rows, 1] - np.nanmean(y[:, 1])) / spread)
    assert apart.coef_[1] == pytest.approx(ridge.coef_ / std * spread, rel=1e-4, abs=1e-6)
    one = MeanRegularised(alpha=1e6, share=1e-12).fit(x, y)
    scaled = one.coef_ / np.nanstd(y, axis=0)[:, None]
    assert scaled[0] == pytest.approx(scaled[2], rel=1e-2, abs=1e-4)


@pytest.mark.parametrize("make", ALL)
def test_without_a_penalty_it_is_least_squares_on_what_is_given(make):
    x, y = problem()
    y[::3, 0] = np.nan
    rows = ~np.isnan(y[:, 0])
    options = {"alpha": 1e-10} if make is MeanRegularised else {"alpha": 0.0}
    found = make(**options).fit(x, y)
    wanted = LinearRegression().fit(x[rows], y[rows, 0])
    assert found.predict(x)[rows, 0] == pytest.approx(wanted.predict(x[rows]), abs=0.5)
    assert found.predict(x)[:, 1] == pytest.approx(LinearRegression().fit(x, y[:, 1]).predict(x), abs=1e-2)


@pytest.mark.parametrize("make", ALL)
def test_it_clones_searches_and_sits_in_a_pipeline(make):
    x, y = problem()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), clone(make())), {f"{make.__name__.lower()}__alpha": [0.01, 1.0]}
    )
    assert search.fit(x, y).best_params_[f"{make.__name__.lower()}__alpha"] == 0.01
    assert make().fit(x, y[:, 0]).predict(x).shape == (60,)


@pytest.mark.parametrize("make", [*ALL, Boosted])
def test_a_task_without_values_is_refused(make):
    x, y = problem()
    y[1:, 2] = np.nan
    with pytest.raises(UserError, match="Task 2 of y has fewer than 2 values"):
        make().fit(x, y)


def test_boosted_trees_are_common_where_tasks_agree_and_their_own_where_they_do_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(200, 4))
    step, other = np.sign(x[:, 0]), np.sign(x[:, 1])
    same = Boosted(rounds=5).fit(x, np.stack([step, 3 * step + 7], axis=1))
    assert {task for task, _ in same.trees_} == {-1}
    apart = Boosted(rounds=20, depth=1).fit(x, np.stack([step, other], axis=1))
    assert {0, 1} <= {task for task, _ in apart.trees_}
    wanted, few = 3 * step + 7, np.stack([step, 3 * step + 7], axis=1)
    given = np.concatenate([np.flatnonzero(step == sign)[:4] for sign in (-1, 1)])
    few[np.setdiff1d(np.arange(200), given), 1] = np.nan  # eight values, beside two hundred of the other task
    found = Boosted(rounds=60).fit(x, few)
    assert np.abs(found.predict(x)[:, 1] - wanted).mean() < 0.3
    assert found.predict(x[:1]).shape == (1, 2)


@pytest.mark.slow
@parametrize_with_checks([*(make() for make in ALL), Boosted(rounds=10, rate=0.5)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)
