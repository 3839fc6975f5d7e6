"""A validator as a scikit-learn scorer with routed ``sample_domain``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.utils.metadata_routing import get_routing_for_object

from headstart.validators.evidence import Array, Evidence


@dataclass(kw_only=True, eq=False, repr=False)
class LabelFreeScorer(BaseEstimator):
    """Scores a fitted model on rows of both domains, without the labels of target rows.

    Rows with a negative ``sample_domain`` are the target's; their entries of y are never read. Set
    ``sklearn.set_config(enable_metadata_routing=True)`` and pass ``sample_domain`` to ``fit`` of the search.

    Parameters
    ----------
    validator : ``function(evidence) -> float``. seed : handed to the evidence.
    """

    __metadata_request__score: ClassVar = {"sample_domain": True}
    validator: Callable[[Evidence], float] | None = None
    seed: int = 0

    def __call__(self, estimator: Any, X: Any, y: Any, sample_domain: Any = None) -> float:
        """Return the score; higher is better."""
        return self.score(estimator, X, y, sample_domain)

    def score(self, estimator: Any, X: Any, y: Any, sample_domain: Any = None) -> float:
        """Return the score; higher is better.

        Raises
        ------
        ValueError
            If ``sample_domain`` is missing, or the rows do not hold both domains.
        """
        if sample_domain is None:
            raise ValueError("A label-free scorer needs sample_domain: one number per row, negative for target rows.")
        domain = np.asarray(sample_domain)
        source, target = (domain > 0).nonzero()[0], (domain < 0).nonzero()[0]
        if len(source) == 0 or len(target) == 0:
            raise ValueError(
                f"A label-free scorer needs rows of both domains; got {len(source)} source and {len(target)} target "
                "rows, so choose a splitter that keeps both in every test part."
            )
        if self.validator is None:
            raise ValueError("This LabelFreeScorer has no validator; make it by headstart.validators.scorer(name).")
        return self.validator(
            _evidence(estimator, _take(X, source), np.asarray(y)[source], _take(X, target), self.seed)
        )


def _take(X: Any, rows: Array) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _evidence(estimator: Any, source: Any, labels: Array, target: Any, seed: int) -> Evidence:
    """Ask the model about both domains; labels are class numbers where it is a classifier."""
    regression = is_regressor(estimator)
    names = None if regression else np.asarray(estimator.classes_)
    numbers = labels.astype(np.float64) if names is None else np.searchsorted(names, labels)

    def refit(rows: Any, answers: Array, others: Any) -> Array:
        twin: Any = clone(estimator)
        given = answers if names is None else names[answers]
        joined = np.concatenate([np.asarray(rows), np.asarray(others)])
        hidden = np.concatenate([given, np.resize(given, len(others))])
        domain = np.repeat([1, -1], [len(rows), len(others)])
        if _routes(twin, "fit"):
            hidden = _hide(hidden, domain < 0)
            twin.fit(joined, hidden, sample_domain=domain)
        else:
            twin.fit(joined[domain > 0], given)
        out = _ask(twin, others, -1)
        return out if names is None else _columns(out, twin.classes_, names)

    return Evidence(
        source_features=np.asarray(source),
        source_labels=numbers,
        source_outputs=_ask(estimator, source, 1),
        target_features=np.asarray(target),
        target_outputs=_ask(estimator, target, -1),
        refit=refit,
        predict=lambda rows: _ask(estimator, rows, -1),
        seed=seed,
    )


def _hide(labels: Array, which: Array) -> Array:
    """Mask labels: NaN among reals, None among texts, -1 among whole numbers."""
    if labels.dtype.kind in "USb":
        labels = labels.astype(object)
    out = labels.copy()
    out[which] = {"f": np.nan, "O": None}.get(labels.dtype.kind, -1)
    return out


def _routes(estimator: Any, method: str) -> bool:
    return bool(get_routing_for_object(estimator).consumes(method, {"sample_domain"}))


def _ask(estimator: Any, rows: Any, sign: int) -> Array:
    """Return probabilities [n, k], or values [n], telling the domain where the model listens."""
    method = "predict" if is_regressor(estimator) else "predict_proba"
    if not hasattr(estimator, method):
        raise ValueError(f"{type(estimator).__name__} has no predict_proba, which a label-free scorer reads.")
    extra = {"sample_domain": np.full(rows.shape[0], sign)} if _routes(estimator, method) else {}
    return np.asarray(getattr(estimator, method)(rows, **extra), dtype=np.float64)


def _columns(outputs: Array, have: Array, wanted: Array) -> Array:
    out = np.zeros((len(outputs), len(wanted)))
    out[:, np.searchsorted(wanted, have)] = outputs
    return out
