"""Warm starts: an estimator is fitted on the source and goes on learning from the target's labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.preprocessing import StandardScaler

from headstart.shallow.domains import Domains
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.shallow.source_model import answers, in_order, is_single, known_rows

Array = np.ndarray


def way_on(estimator: Any) -> str:
    """Return how an estimator goes on from what it has learned: "partial_fit", "max_iter" or "n_estimators".

    Raises
    ------
    ValueError : it cannot. Histogram boosting counts as unable: scikit-learn's continues from bins of the new rows,
        through which the old trees give other values.
    """
    name = type(estimator).__name__
    if hasattr(estimator, "partial_fit"):
        return "partial_fit"
    if name.startswith("HistGradientBoosting"):
        raise ValueError(
            f"estimator is {name}, whose old trees are read through bins of the new rows when it goes on from "
            "warm_start; expected an estimator like GradientBoosting."
        )
    options = estimator.get_params() if isinstance(estimator, BaseEstimator) else {}
    for way in ("n_estimators", "max_iter"):
        if "warm_start" in options and way in options:
            return way
    raise ValueError(f"estimator is {name}, which has neither partial_fit nor warm_start; expected one of them.")


def go_on(model: Any, rows: Any, labels: Array, steps: int) -> Any:
    """Return the fitted ``model`` after ``steps`` more on new rows; it is changed in place.

    A step is a pass over the rows (``partial_fit``), an iteration (``max_iter``) or a further member of the ensemble
    (``n_estimators``). The last two need every class among the rows.
    """
    way = way_on(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if way == "partial_fit":
            for _ in range(steps):
                model.partial_fit(rows, labels)
            return model
        before = model.get_params()[way] if way == "n_estimators" else 0
        model.set_params(warm_start=True, **{way: before + steps})
        return model.fit(rows, labels)


def start(estimator: Any, domains: Domains, steps: int, classes: Array | None) -> Any:
    """Return the estimator fitted on the source and continued on the known target labels."""
    way = way_on(estimator)
    model: Any = clone(estimator)
    model.fit(domains.source, domains.labels)
    rows, labels = known_rows(domains)
    if is_single(domains) or not len(labels):
        return model
    if classes is not None:
        _check_classes(domains, labels, classes)
        if way != "partial_fit":
            rows, labels = _complete(domains, rows, labels)
    return go_on(model, rows, labels, steps)


def _check_classes(domains: Domains, labels: Array, classes: Array) -> None:
    new = np.setdiff1d(labels, domains.labels)
    if len(new):
        raise ValueError(
            f"y holds the target label {classes.tolist()[new[0]]!r}, which no source row has; a model can only go "
            "on with the classes that it was started with."
        )


def _complete(domains: Domains, rows: Any, labels: Array) -> tuple[Any, Array]:
    """Add, for each class that the target's labels lack, the source row that is nearest to that class's mean."""
    for number in np.setdiff1d(domains.labels, labels):
        own = domains.source[domains.labels == number]
        nearest = ((own - own.mean(axis=0)) ** 2).sum(axis=1).argmin()
        rows, labels = np.vstack([rows, own[nearest]]), np.append(labels, number)
    return rows, labels


class _WarmStart:
    """Fits and asks the model on scaled rows."""

    estimator: Any
    steps: int
    standardise: bool

    def _begin(self, default: Any, domains: Domains, classes: Array | None) -> None:
        estimator = default if self.estimator is None else self.estimator
        if is_regressor(estimator) != (classes is None):
            wanted = "regressor" if classes is None else "classifier"
            raise ValueError(f"estimator is {type(estimator).__name__}, which is no {wanted}; expected a {wanted}.")
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}; expected a number from 1 up.")
        domains, single = in_order(domains), is_single(domains)
        self.scaler_ = StandardScaler().fit(domains.source) if self.standardise else None
        source = self._scaled(domains.source)
        target = source if single else self._scaled(domains.target)
        self.model_: Any = start(estimator, domains._replace(source=source, target=target), self.steps, classes)

    def _scaled(self, rows: Any) -> Any:
        return rows if self.scaler_ is None else self.scaler_.transform(rows)


@dataclass(kw_only=True, eq=False, repr=False)
class WarmStartClassifier(_WarmStart, DomainClassifier):
    """Any classifier with ``partial_fit`` or ``warm_start``: fitted on the source, continued on the target's labels.

    Early stopping is the regulariser: few steps stay near the source, many forget it. Without a target label it is the
    source's model. With ``warm_start``, a class that the target's labels lack joins them by its most typical source
    row, since scikit-learn would otherwise forget the class.

    Parameters
    ----------
    estimator : classifier; None for `SGDClassifier` with the log-loss.
    steps : passes over the target's labels (``partial_fit``), iterations (``max_iter``) or further members of an
        ensemble (``n_estimators``).
    standardise : whether rows are scaled by the source's mean and deviation first. seed : of the default estimator.

    Attributes
    ----------
    model_ : the continued model, on scaled rows. scaler_.

    References
    ----------
    Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014. Yao, Rosasco and
    Caponnetto, "On Early Stopping in Gradient Descent Learning", Constructive Approximation 2007.
    """

    estimator: Any = None
    steps: int = 10
    standardise: bool = True
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        default = SGDClassifier(loss="log_loss", alpha=1e-3, average=True, random_state=self.seed)
        self._begin(default, domains, self.classes_)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return answers(self.model_, self._scaled(rows), len(self.classes_))


@dataclass(kw_only=True, eq=False, repr=False)
class WarmStartRegressor(_WarmStart, DomainRegressor):
    """Any regressor with ``partial_fit`` or ``warm_start``: fitted on the source, continued on the target's labels.

    Parameters
    ----------
    estimator : regressor; None for `SGDRegressor`. steps, standardise, seed : as in `WarmStartClassifier`.

    Attributes
    ----------
    model_, scaler_ : as in `WarmStartClassifier`.

    References
    ----------
    Yao, Rosasco and Caponnetto, "On Early Stopping in Gradient Descent Learning", Constructive Approximation 2007.
    """

    estimator: Any = None
    steps: int = 10
    standardise: bool = True
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._begin(SGDRegressor(alpha=1e-3, average=True, random_state=self.seed), domains, None)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return answers(self.model_, self._scaled(rows), None)
