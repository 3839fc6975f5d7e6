"""What a source gives to rows of numbers: coefficients, outputs, or features.

A source is a fitted scikit-learn estimator, a function of rows, or a Headstart source whose network takes tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import check_array, check_is_fitted

Rows = Any  # array [n, p], or the DataFrame that it came from
SURE = 1e-3  # a forest's zero votes are not a proof: probabilities are kept this far from 0


def choose_method(source: Any, classes: np.ndarray | None) -> str:
    """Return the closest transfer that ``source`` allows: its coefficients, else its outputs, else its features."""
    if not isinstance(source, BaseEstimator) or not _same_task(source, classes):
        return "probe"
    return "l2sp" if hasattr(source, "coef_") else "residual"


def _same_task(source: Any, classes: np.ndarray | None) -> bool:
    if classes is None:
        return is_regressor(source)
    return is_classifier(source) and bool(np.isin(source.classes_, classes).any())


def source_coefficients(source: Any, names: Sequence[str] | int, classes: np.ndarray | None) -> np.ndarray:
    """Return the source's coefficients [k, p] for the target's columns and outputs, 0 where the source knows none.

    Parameters
    ----------
    source : fitted linear model with ``coef_``
    names : the target's column names, matched by name when the source has names as well; or their number
    classes : the target's classes, matched by label; None for regression
    """
    _require(source, "l2sp", classes, attribute="coef_")
    coef = np.atleast_2d(np.asarray(source.coef_, dtype=float))
    known = getattr(source, "feature_names_in_", None)
    if known is not None and not isinstance(names, int):
        place = {name: column for column, name in enumerate(known)}
        shared = [name in place for name in names]
        if not any(shared):
            raise ValueError("source and X share no column name; name the columns alike or use method='probe'.")
        coef = np.column_stack([coef[:, place[n]] if n in place else np.zeros(len(coef)) for n in names])
    width = names if isinstance(names, int) else len(names)
    if coef.shape[1] != width:
        raise ValueError(
            f"source was fitted on {coef.shape[1]} columns and X has {width}; "
            "give both named columns, the same columns, or a function of rows with method='probe'."
        )
    return coef if classes is None else _align(_per_class(coef.T).T, source.classes_, classes)


def source_intercept(source: Any, classes: np.ndarray | None) -> np.ndarray:
    """Return a linear source's intercept [k] for the target's outputs, 0 for a class that it does not know."""
    intercept = np.atleast_1d(np.asarray(getattr(source, "intercept_", 0.0), dtype=float))
    return intercept if classes is None else _align(_per_class(intercept[None]).T, source.classes_, classes)[:, 0]


def source_outputs(source: Any, rows: Rows, classes: np.ndarray | None) -> np.ndarray:
    """Return the source's outputs for the target's: values [n, k], or scores [n, k] up to a constant per row."""
    _require(source, "residual", classes, attribute="predict")
    if classes is None:
        values = np.asarray(source.predict(rows), dtype=float)
        return values.reshape(len(values), -1)
    if hasattr(source, "predict_proba"):
        scores = np.log(np.clip(source.predict_proba(rows), SURE, 1.0))
    elif hasattr(source, "decision_function"):
        scores = _per_class(np.asarray(source.decision_function(rows), dtype=float))
    else:
        raise ValueError("source has neither predict_proba nor decision_function; use method='probe'.")
    scores = scores - scores.mean(axis=1, keepdims=True)
    return _align(scores.T, source.classes_, classes).T


def source_answers(source: Any, x: np.ndarray, names: Any, classes: np.ndarray | None) -> np.ndarray | None:
    """Return what the source answers for the target's rows x [n, p] as it is, [n, k]; None where it cannot.

    Values, or log-probabilities; a class that the source does not know is less likely than any that it knows.
    """
    if not isinstance(source, BaseEstimator) or not _same_task(source, classes) or not hasattr(source, "predict"):
        return None
    if names is not None and not np.isin(getattr(source, "feature_names_in_", names), names).all():
        return None
    if classes is not None and not (hasattr(source, "predict_proba") or hasattr(source, "decision_function")):
        return None
    outputs = source_outputs(source, rows_for(source, x, names), classes)
    if classes is None:
        return outputs
    fitted: Any = source
    unknown = ~np.isin(classes, fitted.classes_)
    outputs[:, unknown] = outputs.min(axis=1, keepdims=True) - 1.0
    return outputs


def source_features(source: Any, rows: Rows) -> np.ndarray:
    """Return what the source makes of ``rows`` [n, d]: its transform, its function's value, or else its outputs."""
    for name in ("transform", "predict_proba", "decision_function", "predict"):
        if hasattr(source, name):
            values = getattr(source, name)(rows)
            break
    else:
        if not callable(source):
            raise ValueError("source is neither a fitted estimator, nor a function of rows, nor a run's folder.")
        values = source(rows)
    dense: Any = values
    values = np.asarray(dense.toarray() if hasattr(dense, "toarray") else dense)
    values = check_array(values.reshape(len(values), -1), input_name="the source's features")
    if len(values) != len(rows):
        raise ValueError(f"source gave {len(values)} rows of features for {len(rows)} rows of X.")
    return values.astype(float)


def rows_for(source: Any, x: np.ndarray, names: np.ndarray | None) -> Rows:
    """Return rows x [n, p] as the source expects them: by name where both sides have names, else as they are."""
    known = getattr(source, "feature_names_in_", None)
    if names is None or (known is None and isinstance(source, BaseEstimator)):
        return x
    import pandas as pd

    frame = pd.DataFrame(x, columns=names)
    if known is None:
        return frame
    missing = [str(name) for name in known if name not in frame.columns]
    if missing:
        raise ValueError(f"source was fitted on columns that X lacks ({missing[:5]}); add them or use method='l2sp'.")
    return frame[list(known)]


def resolve(source: Any) -> Any:
    """Return a source to ask: a path or a name becomes its network's features; an estimator must be fitted."""
    if isinstance(source, str | Path):
        return network_features(source)
    if isinstance(source, BaseEstimator):
        check_is_fitted(source)
    return source


def network_features(spec: str | Path) -> Callable[[Rows], np.ndarray]:
    """Return the function from rows to the features [n, d] of a Headstart source whose network takes tables.

    Columns are matched by name for a DataFrame, by order (numeric ones, then categorical ones) for an array.
    """
    from headstart.networks import open_source

    source = open_source(str(spec))
    if source.modality != "table":
        raise ValueError(f"source {spec} takes {source.modality} inputs and X holds rows of numbers; use hs.fit.")
    return _NetworkFeatures(source.build())


class _NetworkFeatures:
    """A network's features as a function of rows, 1024 rows at a time."""

    def __init__(self, network: Any) -> None:
        self.network = network.eval()
        self.names = list(network.preprocess.columns)

    def __call__(self, rows: Rows) -> np.ndarray:
        import torch

        raws = self._raws(rows)
        blocks = []
        with torch.no_grad():
            for start in range(0, len(raws), 1024):
                states = self.network.preprocess(raws[start : start + 1024])
                blocks.append(self.network.features(states).float().numpy())
        return np.concatenate(blocks)

    def _raws(self, rows: Rows) -> list[dict[str, Any]]:
        named = hasattr(rows, "columns")
        missing = [name for name in self.names if named and name not in rows.columns]
        if missing or rows.shape[1] < len(self.names):
            lack = f"lacks {missing[:5]}" if missing else f"has {rows.shape[1]} columns"
            raise ValueError(f"source's network takes the columns {self.names[:10]} and X {lack}.")
        values = rows[self.names].to_numpy() if named else rows
        return [dict(zip(self.names, row, strict=False)) for row in values.tolist()]


def _require(source: Any, method: str, classes: np.ndarray | None, attribute: str) -> None:
    kind = "regressor" if classes is None else "classifier"
    if not hasattr(source, attribute) or not (is_regressor(source) if classes is None else is_classifier(source)):
        raise ValueError(f"method='{method}' needs a fitted {kind} with {attribute} as source; use method='probe'.")
    if classes is not None and not np.isin(source.classes_, classes).any():
        raise ValueError(
            f"source knows the classes {list(source.classes_[:5])} and y has {list(classes[:5])}: none in common; "
            "use method='probe'."
        )


def _per_class(scores: np.ndarray) -> np.ndarray:
    """One column per class: a binary model's single column s becomes -s/2 and s/2."""
    scores = scores.reshape(len(scores), -1)
    return np.column_stack([-scores / 2, scores / 2]) if scores.shape[1] == 1 else scores


def _align(values: np.ndarray, known: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Rows per class of ``known`` to rows per class of ``classes``, zeros for new ones."""
    place = {label: row for row, label in enumerate(known.tolist())}
    nothing = np.zeros_like(values[0])
    return np.stack([values[place[label]] if label in place else nothing for label in classes.tolist()])
