"""Scikit-learn faces of transfer for rows of numbers: `TransferClassifier` and `TransferRegressor`."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from headstart.functional.temperature import LEAST, held_out_steepness
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.parameters.biased import Linear, biased_logistic, biased_ridge
from headstart.shallow.parameters.contest import Choice, Field
from headstart.shallow.parameters.from_source import FromSource


class TransferClassifier(ClassifierMixin, FromSource):
    """Logistic regression on rows of numbers that starts from a source, and keeps it only if it helps.

    It races what anybody would try first: the source as it is, logistic regression on the rows alone ("scratch") and,
    where rows of the source are given, on all rows ("pooled"). On tables of few columns what trees say is mixed in.

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
    guard : whether to keep the first of "pooled", "source", "scratch" and "transfer" than which none is better by more
        than 1.5 standard errors of the cross-validated difference, in accuracy, or in log-loss where over 90% of the
        rows are of one class (then strengths too are chosen by it). False keeps transfer, alone.
    trees : whether to mix what is kept with extremely randomised and boosted trees on the rows alone, by a share that
        the cross-validated log-loss says (`headstart.shallow.heads.mixing.mix`): of 10 to 2,000 rows of at most 50
        columns, and with ``guard``. It takes two to five seconds of a CPU. False for a linear answer.
    cv : number of folds, at most the size of the largest class.
    random_state : seed of the folds.

    Attributes
    ----------
    kept_ : "transfer", "scratch", "pooled" or "source": what trees may be mixed with.
    share_of_trees_ : 0 to 1, their weight in the mean of log-probabilities; at 0 the answer is that of ``kept_`` alone.
    method_ : what "auto" chose. alpha_ : strength of the model kept.
    baseline_ : the best of "source", "pooled", "scratch" and "trees" in cross-validation.
    gain_, gain_over_baseline_ : gain in accuracy of what is kept over training from scratch, and over the best of the
        plain candidates. Strength, baseline and kept candidate are chosen anew within each outer fold's training
        rows, and the gain is of the fold's held rows, on which nothing was chosen: it is that of the whole procedure,
        and may differ from 0 where scratch is kept in the end.
        ``gain_interval_`` and ``gain_over_baseline_interval_`` are 95% intervals over rows.
    validation_scores_ : accuracy of each candidate on those held rows.
    temperature_ : by what ``predict_proba`` divides the outputs of the model kept, so that its probabilities fit rows
        that it had not learned from (the folds that chose it; the softmax of the decision function is without it).
        1 below 20 rows.
    coef_, intercept_ : of the model kept, where it is linear in X (a linear source, "l2sp", scratch or pooled) and no
        trees are mixed in.

    References
    ----------
    Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
    Kuzborskij and Orabona, "Stability and Hypothesis Transfer Learning", ICML 2013.
    Geurts, Ernst and Wehenkel, "Extremely Randomized Trees", Machine Learning 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.utils import shuffle
    >>> X, y = shuffle(*load_digits(return_X_y=True), random_state=0)
    >>> source = LogisticRegression(C=0.1, max_iter=1000).fit(X[:1000], y[:1000])
    >>> few, few_labels = X[1000:1050], y[1000:1050]
    >>> TransferClassifier(source, alpha=10.0).fit(few, few_labels).kept_   # as good as it gets with 50 rows
    'source'
    >>> TransferClassifier(source, alpha=10.0).fit(few[:, ::-1], few_labels).kept_   # its coefficients mislead here
    'scratch'
    """

    _kind: ClassVar[str] = "classification"

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row [n]."""
        chosen = self._outputs(X).argmax(axis=1)
        return self.classes_[chosen]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities [n, k] of `classes_`: the softmax of the model's outputs over ``temperature_``."""
        return softmax(self._outputs(X) / self.temperature_, axis=1)

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

    def _settle_confidence(self, field: Field, choice: Choice) -> None:
        outputs = None if len(field.target) < LEAST else self._held_out(field, choice)
        found = 1.0 if outputs is None else held_out_steepness(softmax(outputs, axis=1), field.target, "softmax")
        self.temperature_ = 1 / found

    def _bears_trees(self, X: np.ndarray, target: np.ndarray) -> bool:
        return super()._bears_trees(X, target) and int(np.bincount(target).max()) > 2

    def _source_of(self, X: np.ndarray, target: np.ndarray) -> Any:
        return TunedLogistic().fit(X, self.classes_[target])

    def _path(self, x: np.ndarray, target: np.ndarray, offset: np.ndarray, alphas: list[float]) -> list[Linear]:
        return biased_logistic(x, target, offset, alphas, standardise=self.standardize)

    def _path_roughly(self, x: np.ndarray, target: np.ndarray, offset: np.ndarray, alphas: list[float]) -> list[Linear]:
        return biased_logistic(x, target, offset, alphas, standardise=self.standardize, tolerance=1e-3)

    def _folds(self, target: np.ndarray, most: int) -> list:
        count = min(most, int(np.bincount(target).max()))
        if count < 2:
            return []
        splitter = StratifiedKFold(count, shuffle=True, random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")
            return list(splitter.split(np.zeros(len(target)), target))


class TransferRegressor(RegressorMixin, FromSource):
    """Ridge regression on rows of numbers that starts from a source, and keeps it only if it helps.

    It races what anybody would try first: the source as it is, ridge regression on the rows alone ("scratch") and,
    where rows of the source are given, on all rows ("pooled"). On tables of few columns what trees say is mixed in.

    It minimises ``sum_i ||y_i - o(x_i) - V z_i - b||^2 + alpha ||V||^2`` over ``V`` and ``b``, in closed form, where
    the method says what the source gives: "l2sp" ``o = W_source x`` and ``z = x``, so that the penalty is
    ``||W - W_source||^2``; "residual" ``o`` = the source's predictions and ``z = x``; "probe" ``o = 0`` and ``z`` = x
    beside the source's features. Without a source ``o = 0`` and ``z = x``: training from scratch.

    Parameters
    ----------
    source, method, standardize, guard, trees, cv, random_state : as in `TransferClassifier`; values are averaged.
    alpha : strength of the penalty, or several, of which each arm keeps its best by cross-validated absolute error.

    Attributes
    ----------
    kept_, share_of_trees_, baseline_, method_, alpha_ : as in `TransferClassifier`.
    gain_, gain_over_baseline_ : as in `TransferClassifier`, as how much smaller the mean absolute error is, in the
        units of y.
    validation_scores_ : negative mean absolute error of each candidate on the held rows.
    coef_, intercept_ : of the model kept, where it is linear in X (a linear source, "l2sp", scratch or pooled) and no
        trees are mixed in.

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
    ('source', True)
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

    def _source_of(self, X: np.ndarray, target: np.ndarray) -> Any:
        return TunedRidge().fit(X, target[:, 0] if self.flat_ else target)

    def _path(self, x: np.ndarray, target: np.ndarray, offset: np.ndarray, alphas: list[float]) -> list[Linear]:
        return biased_ridge(x, target, offset, alphas, standardise=self.standardize)

    def _folds(self, target: np.ndarray, most: int) -> list:
        count = min(most, len(target))
        if count < 2:
            return []
        return list(KFold(count, shuffle=True, random_state=self.random_state).split(target))
