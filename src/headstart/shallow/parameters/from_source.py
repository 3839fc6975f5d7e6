"""What the scikit-learn faces of transfer share: plain ways and the source's way race, and one is kept."""

from __future__ import annotations

import copy
from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.functional.intervals import interval_of_gain
from headstart.isolated import Isolated
from headstart.kinds import KINDS
from headstart.shallow.domains import which_target
from headstart.shallow.heads.trees import trees
from headstart.shallow.parameters import array_source
from headstart.shallow.parameters.biased import Linear
from headstart.shallow.parameters.contest import Candidate, Choice, Field, choose, held_out, learn, learn_beside, nested

LEAST_ROWS, MOST_ROWS, MOST_COLUMNS = 10, 2000, 50
"""Rows from which, and up to which, and columns up to which trees are beside the contest: of fewer rows they learn
nothing; on more rows or columns the 36 fits of a cross-validation within another take minutes."""
ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
METHODS = ("auto", "l2sp", "residual", "probe")


class FromSource(Isolated, BaseEstimator):
    """What the two faces share. Each says how it encodes y, fits a linear model and splits."""

    _kind: ClassVar[str] = "regression"

    def __init__(
        self,
        source=None,
        *,
        method="auto",
        alpha=ALPHAS,
        standardize=True,
        guard=True,
        trees=True,
        cv=5,
        random_state=0,
    ):
        self.source = source
        self.method = method
        self.alpha = alpha
        self.standardize = standardize
        self.guard = guard
        self.trees = trees
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
        if self.trees and self.guard and self._bears_trees(X, target):
            field = field._replace(beside=self._plant, columns=X)
        choice = choose(field, np.arange(len(target)), self.cv)
        self._judge(field, choice)
        self._settle_confidence(field, choice)
        self.mix_ = choice.mix if choice.mix is not None and choice.mix.share else None
        self.share_of_trees_ = 0.0 if self.mix_ is None else self.mix_.share
        self.trees_ = () if self.mix_ is None else learn_beside(field, np.arange(len(target)))
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

    def _bears_trees(self, X: np.ndarray, target: np.ndarray) -> bool:
        """Whether rows are enough for trees, and few and narrow enough that their cross-validation takes seconds."""
        return LEAST_ROWS <= len(X) <= MOST_ROWS and X.shape[1] <= MOST_COLUMNS

    def _plant(self, rows: np.ndarray, target: np.ndarray) -> Any:
        return trees(rows, target, self._kind, self._n_outputs)

    def _judge(self, field: Field, choice: Choice) -> None:
        """Say what was chosen, and what that is worth on folds that it has not seen."""
        self.kept_, self.baseline_ = choice.kept, choice.baseline
        self.alpha_ = choice.alphas[choice.kept]
        self.gain_, self.gain_interval_ = 0.0, (0.0, 0.0)
        self.gain_over_baseline_, self.gain_over_baseline_interval_ = 0.0, (0.0, 0.0)
        self.validation_scores_: dict[str, float] = {}
        settled = len(field.alphas) * len(field.candidates) == 1 and field.beside is None
        found = None if settled else nested(field, self.cv)
        if found is None:
            return
        self.validation_scores_ = {name: float(scores.mean()) for name, scores in found.each.items()}
        # Also where scratch is kept in the end: without these, all other gains would be those of lucky draws.
        self.gain_, self.gain_interval_ = gain(found.kept, found.each["scratch"], self._kind)
        self.gain_over_baseline_, self.gain_over_baseline_interval_ = gain(found.kept, found.baseline, self._kind)

    def _settle_confidence(self, field: Field, choice: Choice) -> None:
        """Values have none."""

    def _held_out(self, field: Field, choice: Choice) -> np.ndarray | None:
        """Return the outputs [n, k] of what is kept for rows that it did not learn from; None if there are too few."""
        outputs = held_out(field, choice.kept, self.alpha_, self.cv)
        return outputs if outputs is None or choice.mix is None else choice.mix(outputs, choice.beside)

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        kept = self._kept_outputs(X)
        return kept if self.mix_ is None else self.mix_(kept, [tree(X) for tree in self.trees_])

    def _kept_outputs(self, X: np.ndarray) -> np.ndarray:
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
        if self.share_of_trees_:
            share = f"{self.share_of_trees_:.0%}"
            raise AttributeError(
                f"{share} of the answer are trees, which have no coefficients; see linear_ for the rest."
            )
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


def gain(scores: np.ndarray, others: np.ndarray, kind: str) -> tuple[float, tuple[float, float]]:
    """Return the mean gain of paired scores [n] and its 95% interval."""
    found = interval_of_gain(scores, others, share=KINDS[kind].has_shares)
    return float((scores - others).mean()), found.bounds
