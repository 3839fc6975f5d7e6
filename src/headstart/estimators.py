"""Scikit-learn faces of transfer for rows of numbers: `TransferClassifier` and `TransferRegressor`."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.isolated import Isolated
from headstart.shallow.choosing import cross_validated
from headstart.shallow.parameters import array_source
from headstart.shallow.parameters.biased import Linear, biased_logistic, biased_ridge

ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
METHODS = ("auto", "l2sp", "residual", "probe")


class View(NamedTuple):
    """What an arm's linear model sees: columns x [n, q], and the outputs [n, k] that it is added to."""

    x: np.ndarray
    offset: np.ndarray

    def rows(self, rows: np.ndarray) -> View:
        return View(self.x[rows], self.offset[rows])


class Validated(NamedTuple):
    """An arm's best alpha, its cross-validated loss, and its score for every row [n]."""

    alpha: float
    loss: float
    scores: np.ndarray


class _Transfer(Isolated, BaseEstimator):
    """What the two faces share. Each says how it encodes y, fits a linear model and splits."""

    _kind: ClassVar[str] = "regression"

    def __init__(self, source=None, *, method="auto", alpha=ALPHAS, standardize=True, guard=True, cv=5, random_state=0):
        self.source = source
        self.method = method
        self.alpha = alpha
        self.standardize = standardize
        self.guard = guard
        self.cv = cv
        self.random_state = random_state

    def __sklearn_clone__(self) -> Self:
        """A clone forgets what was learned on the target; the source is shared with it and stays fitted."""
        bare = copy.copy(self)
        bare.source = None
        duplicate: Any = BaseEstimator.__sklearn_clone__(bare)
        duplicate.source = self.source
        return duplicate

    def fit(self, X: Any, y: Any) -> Self:
        """Carry the source's knowledge over to rows X [n, p] with labels y [n], if that helps."""
        alphas = self._check_parameters()
        X, target = self._encode(X, y)
        self.source_ = array_source.resolve(self.source)
        self.method_ = self._choose_method()
        self._learn_source(X)
        views = {"scratch": self._plain_view(X)}
        if self.source_ is not None:
            views["transfer"] = self._transfer_view(X)
        self._select(views, target, alphas)
        self.linear_ = self._path(views[self.kept_], target, [self.alpha_])[0]
        if self.kept_ == "transfer" and self.method_ == "l2sp":
            self.linear_ = Linear(self.linear_.coef + self.source_coef_, self.linear_.intercept)
        return self

    def _check_parameters(self) -> list[float]:
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}; it must be one of {', '.join(METHODS)}.")
        if not isinstance(self.cv, Integral) or self.cv < 2:
            raise ValueError(f"cv is {self.cv!r}; it must be a number of folds, 2 or more.")
        alphas = np.atleast_1d(self.alpha).tolist()
        if not alphas or not all(isinstance(alpha, int | float) and 0 < alpha < np.inf for alpha in alphas):
            raise ValueError(f"alpha is {self.alpha!r}; it must be a number above 0, or several.")
        return [float(alpha) for alpha in alphas]

    def _choose_method(self) -> str:
        if self.source_ is None:
            return "scratch"
        return array_source.choose_method(self.source_, self._classes) if self.method == "auto" else self.method

    def _learn_source(self, X: np.ndarray) -> None:
        if self.method_ == "l2sp":
            columns = list(getattr(self, "feature_names_in_", [])) or X.shape[1]
            self.source_coef_ = array_source.source_coefficients(self.source_, columns, self._classes)
            self._check_outputs(len(self.source_coef_))

    def _check_outputs(self, n_outputs: int) -> None:
        if n_outputs != self._n_outputs:
            raise ValueError(f"source has {n_outputs} outputs and y has {self._n_outputs}; they must be as many.")

    def _plain_view(self, X: np.ndarray) -> View:
        return View(X, np.zeros((len(X), self._n_outputs)))

    def _transfer_view(self, X: np.ndarray) -> View:
        if self.method_ == "l2sp":
            return View(X, X @ self.source_coef_.T)
        rows = array_source.rows_for(self.source_, X, getattr(self, "feature_names_in_", None))
        if self.method_ == "probe":
            return self._plain_view(np.column_stack([X, array_source.source_features(self.source_, rows)]))
        outputs = array_source.source_outputs(self.source_, rows, self._classes)
        self._check_outputs(outputs.shape[1])
        return View(X, outputs)

    def _select(self, views: dict[str, View], target: np.ndarray, alphas: list[float]) -> None:
        """Choose each arm's alpha, and the arm, by cross-validated score (loss breaks ties), on the same folds."""
        self.kept_, self.alpha_ = list(views)[-1], alphas[len(alphas) // 2]
        self.gain_, self.gain_interval_ = 0.0, (0.0, 0.0)
        self.validation_scores_: dict[str, float] = {}
        folds = self._folds(target) if len(alphas) > 1 or len(views) > 1 else []
        if not folds:
            return
        results = {name: self._validate(view, target, folds, alphas) for name, view in views.items()}
        self.validation_scores_ = {name: float(result.scores.mean()) for name, result in results.items()}
        if "transfer" in results:
            self._compare(results["scratch"], results["transfer"])
        self.alpha_ = results[self.kept_].alpha

    def _validate(self, view: View, target: np.ndarray, folds: list, alphas: list[float]) -> Validated:
        def outputs(train: np.ndarray, held: np.ndarray) -> list[np.ndarray]:
            path = self._path(view.rows(train), target[train], alphas)
            return [view.offset[held] + model(view.x[held]) for model in path]

        scores, losses = cross_validated(outputs, target, self._kind, folds)
        best = int(np.lexsort((losses.mean(axis=1), -scores.mean(axis=1)))[0])
        return Validated(alphas[best], float(losses[best].mean()), scores[best])

    def _compare(self, scratch: Validated, transfer: Validated) -> None:
        gains = transfer.scores - scratch.scores
        self.gain_, self.gain_interval_ = float(gains.mean()), mean_interval(gains)
        better = self.gain_ > 0 or (self.gain_ == 0 and transfer.loss < scratch.loss)
        if self.guard and not better:
            self.kept_ = "scratch"

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        if self._is_linear:
            return self.linear_(X)
        view = self._transfer_view(X)
        return view.offset + self.linear_(view.x)

    @property
    def _is_linear(self) -> bool:
        return self.kept_ == "scratch" or self.method_ == "l2sp"

    def _whole(self) -> Linear:
        check_is_fitted(self)
        if not self._is_linear:
            raise AttributeError(f"The model kept has method '{self.method_}': it is not linear in X; see linear_.")
        return self.linear_

    @property
    def _classes(self) -> np.ndarray | None:
        return None

    @property
    @abstractmethod
    def _n_outputs(self) -> int: ...

    @abstractmethod
    def _encode(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]: ...

    @abstractmethod
    def _path(self, view: View, target: np.ndarray, alphas: list[float]) -> list[Linear]: ...

    @abstractmethod
    def _folds(self, target: np.ndarray) -> list: ...


class TransferClassifier(ClassifierMixin, _Transfer):
    """Logistic regression on rows of numbers that starts from a source, and keeps it only if it helps.

    It minimises ``sum_i log-loss(y_i, o(x_i) + V z_i + b) + alpha / 2 ||V||^2`` over ``V`` and ``b``, where the
    method says what the source gives: "l2sp" ``o = W_source x`` and ``z = x``, so that the penalty is
    ``||W - W_source||^2``; "residual" ``o`` = the source's log-probabilities and ``z = x``; "probe" ``o = 0`` and
    ``z`` = x beside the source's features. Without a source ``o = 0`` and ``z = x``: training from scratch.

    Parameters
    ----------
    source : where knowledge comes from: None for training from scratch; a fitted scikit-learn estimator; a function
        from rows [n, p] to features [n, d]; or the folder of a Headstart run whose network takes tables.
        Columns and classes are matched by name where both sides have names. Clones share the source: it stays
        fitted in a grid search (but wrap the values of a grid of sources in `sklearn.frozen.FrozenEstimator`).
    method : "l2sp", "residual", "probe", or "auto": the first of these that the source allows.
    alpha : strength of the penalty, or several, of which each arm keeps its best by cross-validated accuracy (log-loss
        breaks ties).
    standardize : whether the penalty counts coefficients in units of each column's standard deviation.
    guard : whether to keep training from scratch where transfer scored no higher in cross-validation.
    cv : number of folds, at most the size of the largest class.
    random_state : seed of the folds.

    Attributes
    ----------
    kept_ : "transfer" or "scratch". method_ : what "auto" chose. alpha_ : strength of the model kept.
    gain_ : cross-validated gain of transfer over scratch in accuracy, with its 95% bootstrap interval
        ``gain_interval_`` over rows. Both arms chose alpha on the same folds; keep a test set for the final word.
    validation_scores_ : cross-validated accuracy of each arm.
    coef_, intercept_ : of the model kept, where it is linear in X ("l2sp" or scratch).

    References
    ----------
    Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
    Kuzborskij and Orabona, "Stability and Hypothesis Transfer Learning", ICML 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.utils import shuffle
    >>> X, y = shuffle(*load_digits(return_X_y=True), random_state=0)
    >>> source = LogisticRegression(C=0.1, max_iter=1000).fit(X[:1000], y[:1000])
    >>> few, few_labels = X[1000:1050], y[1000:1050]
    >>> TransferClassifier(source, alpha=10.0).fit(few, few_labels).kept_
    'transfer'
    >>> TransferClassifier(source, alpha=10.0).fit(few[:, ::-1], few_labels).kept_   # its coefficients mislead here
    'scratch'
    """

    _kind: ClassVar[str] = "classification"

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row [n]."""
        chosen = self._outputs(X).argmax(axis=1)
        return self.classes_[chosen]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities [n, k] of `classes_`."""
        return softmax(self._outputs(X), axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return scores: log-odds of the second of two classes [n], or one score per class [n, k]."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    @property
    def coef_(self) -> np.ndarray:
        coef = self._whole().coef
        return coef[1:] - coef[:1] if len(coef) == 2 else coef

    @property
    def intercept_(self) -> np.ndarray:
        intercept = self._whole().intercept
        return intercept[1:] - intercept[:1] if len(intercept) == 2 else intercept

    @property
    def _classes(self) -> np.ndarray | None:
        return self.classes_

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _encode(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_[0]!r}); a classifier needs two or more.")
        return X, numbers

    def _path(self, view: View, target: np.ndarray, alphas: list[float]) -> list[Linear]:
        return biased_logistic(view.x, target, view.offset, alphas, standardise=self.standardize)

    def _folds(self, target: np.ndarray) -> list:
        count = min(self.cv, int(np.bincount(target).max()))
        if count < 2:
            return []
        splitter = StratifiedKFold(count, shuffle=True, random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")
            return list(splitter.split(np.zeros(len(target)), target))


class TransferRegressor(RegressorMixin, _Transfer):
    """Ridge regression on rows of numbers that starts from a source, and keeps it only if it helps.

    It minimises ``sum_i ||y_i - o(x_i) - V z_i - b||^2 + alpha ||V||^2`` over ``V`` and ``b``, in closed form, where
    the method says what the source gives: "l2sp" ``o = W_source x`` and ``z = x``, so that the penalty is
    ``||W - W_source||^2``; "residual" ``o`` = the source's predictions and ``z = x``; "probe" ``o = 0`` and ``z`` = x
    beside the source's features. Without a source ``o = 0`` and ``z = x``: training from scratch.

    Parameters
    ----------
    source, method, standardize, guard, cv, random_state : as in `TransferClassifier`.
    alpha : strength of the penalty, or several, of which each arm keeps its best by cross-validated absolute error.

    Attributes
    ----------
    kept_, method_, alpha_ : as in `TransferClassifier`.
    gain_ : cross-validated gain of transfer over scratch: how much smaller the mean absolute error is, in the units of
        y, with its 95% bootstrap interval ``gain_interval_``.
    validation_scores_ : cross-validated negative mean absolute error of each arm.
    coef_, intercept_ : of the model kept, where it is linear in X ("l2sp" or scratch).

    References
    ----------
    Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
    Kuzborskij and Orabona, "Stability and Hypothesis Transfer Learning", ICML 2013.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> random = np.random.default_rng(0)
    >>> weights = random.normal(size=30)
    >>> X = random.normal(size=(1020, 30))
    >>> y = X @ weights + random.normal(size=1020)
    >>> source = Ridge().fit(X[:1000], y[:1000])
    >>> model = TransferRegressor(source).fit(X[1000:], y[1000:])
    >>> model.kept_, model.gain_ > 0
    ('transfer', True)
    """

    def predict(self, X: Any) -> np.ndarray:
        """Return the values of each row, [n] or [n, k] as y was."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self.flat_ else outputs

    @property
    def coef_(self) -> np.ndarray:
        coef = self._whole().coef
        return coef[0] if self.flat_ else coef

    @property
    def intercept_(self) -> np.ndarray:
        intercept = self._whole().intercept
        return intercept[0] if self.flat_ else intercept

    @property
    def _n_outputs(self) -> int:
        return self.n_outputs_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _encode(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self.flat_ = y.ndim == 1
        target = y.reshape(len(y), -1).astype(np.float64)
        self.n_outputs_ = target.shape[1]
        return X, target

    def _path(self, view: View, target: np.ndarray, alphas: list[float]) -> list[Linear]:
        return biased_ridge(view.x, target, view.offset, alphas, standardise=self.standardize)

    def _folds(self, target: np.ndarray) -> list:
        count = min(self.cv, len(target))
        if count < 2:
            return []
        return list(KFold(count, shuffle=True, random_state=self.random_state).split(target))


def mean_interval(values: np.ndarray, repeats: int = 1000) -> tuple[float, float]:
    """Return the 95% percentile-bootstrap interval of the mean of ``values`` [n]."""
    random = np.random.default_rng(0)
    means = [random.choice(values, len(values)).mean() for _ in range(repeats)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
