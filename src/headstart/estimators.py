"""Scikit-learn faces of transfer for rows of numbers: `TransferClassifier` and `TransferRegressor`."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.functional.intervals import interval_of_gain
from headstart.isolated import Isolated
from headstart.kinds import KINDS
from headstart.shallow.domains import which_target
from headstart.shallow.heads.tuned import TunedLogistic, TunedRidge
from headstart.shallow.parameters import array_source
from headstart.shallow.parameters.biased import Linear, biased_logistic, biased_ridge
from headstart.shallow.parameters.contest import Candidate, Field, choose, learn, nested

ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
METHODS = ("auto", "l2sp", "residual", "probe")


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

    __metadata_request__fit: ClassVar = {"sample_domain": True}

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Self:
        """Carry the source's knowledge over to rows X [n, p] with labels y [n], if that helps.

        ``sample_domain`` [n]: above 0 for rows of the source, which are learned from and never judged on, below 0 for
        the target's; by default all are the target's. With such rows and no ``source``, a linear model fitted on them
        is the source.
        """
        alphas = self._check_parameters()
        X, target, further = self._split(*self._encode(X, y), sample_domain)
        self.source_ = self._resolve_source(further)
        self.method_ = self._choose_method()
        self._learn_source(X)
        field = Field(
            self._candidates(X, further), target, self._kind, alphas, self._path_roughly, self._folds, self.guard
        )
        self._judge(field)
        final = field._replace(path=self._path)
        self.linear_ = learn(final, self.kept_, np.arange(len(target)), [self.alpha_])[0]
        if self.kept_ == "transfer" and self.method_ == "l2sp":
            self.linear_ = Linear(self.linear_.coef + self.source_coef_, self.linear_.intercept)
        return self

    def _split(self, X: np.ndarray, target: np.ndarray, sample_domain: Any) -> tuple[np.ndarray, np.ndarray, Any]:
        if sample_domain is None:
            return X, target, None
        ours = which_target(sample_domain, None, len(X))
        if not ours.any():
            raise ValueError("sample_domain has no row below 0: the target needs labelled rows of its own.")
        return X[ours], target[ours], None if ours.all() else (X[~ours], target[~ours])

    def _resolve_source(self, further: Any) -> Any:
        if self.source is None and further is not None:
            return self._source_of(*further)
        return array_source.resolve(self.source)

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

    def _candidates(self, X: np.ndarray, further: Any) -> dict[str, Candidate]:
        """From the safest to transfer: where two are alike, the first is kept."""
        found = {}
        if further is not None:
            more = (further[0], np.zeros((len(further[1]), self._n_outputs)), further[1])
            found["pooled"] = self._plain(X)._replace(more=more)
        answers = array_source.source_answers(self.source_, X, self._names, self._classes)
        if answers is not None and answers.shape[1] == self._n_outputs:
            found["source"] = Candidate(X, answers, learns=False)
        found["scratch"] = self._plain(X)
        return found if self.source_ is None else found | {"transfer": self._transfer(X)}

    @property
    def _names(self) -> np.ndarray | None:
        return getattr(self, "feature_names_in_", None)

    def _plain(self, X: np.ndarray) -> Candidate:
        return Candidate(X, np.zeros((len(X), self._n_outputs)))

    def _transfer(self, X: np.ndarray) -> Candidate:
        if self.method_ == "l2sp":
            return Candidate(X, X @ self.source_coef_.T)
        rows = array_source.rows_for(self.source_, X, self._names)
        if self.method_ == "probe":
            return self._plain(np.column_stack([X, array_source.source_features(self.source_, rows)]))
        outputs = array_source.source_outputs(self.source_, rows, self._classes)
        self._check_outputs(outputs.shape[1])
        return Candidate(X, outputs)

    def _judge(self, field: Field) -> None:
        """Choose on folds; say what the choice is worth on folds that it has not seen."""
        choice = choose(field, np.arange(len(field.target)), self.cv)
        self.kept_, self.baseline_ = choice.kept, choice.baseline
        self.alpha_ = choice.alphas[choice.kept]
        self.gain_, self.gain_interval_ = 0.0, (0.0, 0.0)
        self.gain_over_baseline_, self.gain_over_baseline_interval_ = 0.0, (0.0, 0.0)
        self.validation_scores_: dict[str, float] = {}
        found = nested(field, self.cv) if len(field.alphas) * len(field.candidates) > 1 else None
        if found is None:
            return
        self.validation_scores_ = {name: float(scores.mean()) for name, scores in found.each.items()}
        # Also where scratch is kept in the end: without these, all other gains would be those of lucky draws.
        self.gain_, self.gain_interval_ = gain(found.kept, found.each["scratch"], self._kind)
        self.gain_over_baseline_, self.gain_over_baseline_interval_ = gain(found.kept, found.baseline, self._kind)

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        if self._is_linear:
            return self.linear_(X)
        if self.kept_ == "source":
            answers = array_source.source_answers(self.source_, X, self._names, self._classes)
            assert answers is not None
            return answers
        seen = self._transfer(X)
        return seen.offset + self.linear_(seen.x)

    @property
    def _is_linear(self) -> bool:
        return self.kept_ in ("scratch", "pooled") or (self.kept_ == "transfer" and self.method_ == "l2sp")

    def _whole(self) -> Linear:
        check_is_fitted(self)
        if self.kept_ == "source" and self.method_ == "l2sp":
            return Linear(self.source_coef_, array_source.source_intercept(self.source_, self._classes))
        if not self._is_linear:
            how = "the source as it is; see source_" if self.kept_ == "source" else f"'{self.method_}'; see linear_"
            raise AttributeError(f"The model kept has no coefficients of its own for X: it is {how}.")
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
    def _source_of(self, X: np.ndarray, target: np.ndarray) -> Any: ...

    @abstractmethod
    def _path(self, x: np.ndarray, target: np.ndarray, offset: np.ndarray, alphas: list[float]) -> list[Linear]: ...

    def _path_roughly(self, x: np.ndarray, target: np.ndarray, offset: np.ndarray, alphas: list[float]) -> list[Linear]:
        """As `_path`, as near as a choice between alphas needs."""
        return self._path(x, target, offset, alphas)

    @abstractmethod
    def _folds(self, target: np.ndarray, most: int) -> list: ...


class TransferClassifier(ClassifierMixin, _Transfer):
    """Logistic regression on rows of numbers that starts from a source, and keeps it only if it helps.

    It races what anybody would try first: the source as it is, logistic regression on the rows alone ("scratch") and,
    where rows of the source are given, on all rows ("pooled").

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
        than 1.5 standard errors of the cross-validated difference. False keeps transfer.
    cv : number of folds, at most the size of the largest class.
    random_state : seed of the folds.

    Attributes
    ----------
    kept_ : "transfer", "scratch", "pooled" or "source".
    method_ : what "auto" chose. alpha_ : strength of the model kept.
    baseline_ : the best of "source", "pooled" and "scratch" in cross-validation.
    gain_, gain_over_baseline_ : gain in accuracy of what is kept over training from scratch, and over the best of the
        plain candidates. Strength, baseline and kept candidate are chosen anew within each outer fold's training
        rows, and the gain is of the fold's held rows, on which nothing was chosen: it is that of the whole procedure,
        and may differ from 0 where scratch is kept in the end.
        ``gain_interval_`` and ``gain_over_baseline_interval_`` are 95% intervals over rows.
    validation_scores_ : accuracy of each candidate on those held rows.
    coef_, intercept_ : of the model kept, where it is linear in X (a linear source, "l2sp", scratch or pooled).

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


class TransferRegressor(RegressorMixin, _Transfer):
    """Ridge regression on rows of numbers that starts from a source, and keeps it only if it helps.

    It races what anybody would try first: the source as it is, ridge regression on the rows alone ("scratch") and,
    where rows of the source are given, on all rows ("pooled").

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
    kept_, baseline_, method_, alpha_ : as in `TransferClassifier`.
    gain_, gain_over_baseline_ : as in `TransferClassifier`, as how much smaller the mean absolute error is, in the
        units of y.
    validation_scores_ : negative mean absolute error of each candidate on the held rows.
    coef_, intercept_ : of the model kept, where it is linear in X (a linear source, "l2sp", scratch or pooled).

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


def gain(scores: np.ndarray, others: np.ndarray, kind: str) -> tuple[float, tuple[float, float]]:
    """Return the mean gain of paired scores [n] and its 95% interval."""
    found = interval_of_gain(scores, others, share=KINDS[kind].has_shares)
    return float((scores - others).mean()), found.bounds
