"""What methods that carry a whole source model share: fit it, ask it, and rows in an order of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from headstart.functional.folds import Fold, default_folds
from headstart.shallow.adaptation import DomainAware
from headstart.shallow.domains import Domains, stack

Array = np.ndarray
FEW = 20
SMALLEST = 1e-12


def is_domain_method(estimator: Any) -> bool:
    """Return whether an estimator is told ``sample_domain``."""
    return isinstance(estimator, DomainAware)


def is_single(domains: Domains) -> bool:
    """Return whether one domain plays both parts."""
    return domains.source is domains.target


def own_order(rows: Any, labels: Array) -> Array:
    """Return row numbers sorted by label and a fixed random projection, whatever order the rows come in."""
    key = np.asarray(rows @ np.random.default_rng(0).normal(size=rows.shape[1]))
    return np.lexsort((key, labels))


def in_order(domains: Domains) -> Domains:
    """Return the same two domains with their rows in an order of their own, so that seeds never meet the user's."""
    first = own_order(domains.source, domains.labels)
    first = first[np.argsort(domains.source_domain[first], kind="stable")]
    source, labels, number = domains.source[first], domains.labels[first], domains.source_domain[first]
    if is_single(domains):
        return Domains(source, labels, source, domains.target_labels, number)
    second = own_order(domains.target, domains.target_labels)
    return Domains(source, labels, domains.target[second], domains.target_labels[second], number)


def known_rows(domains: Domains) -> tuple[Any, Array]:
    """Return the target rows whose label is known, with their labels."""
    known = domains.known
    return domains.target[known], domains.target_labels[known]


def folds_for(labels: Array, kind: str, seed: int = 0) -> list[Fold]:
    """Return one fold per row up to 20 rows, five seeded ones above, none for fewer than two rows."""
    n = len(labels)
    if n < 2:
        return []
    if n <= FEW:
        return [(np.delete(np.arange(n), i), np.array([i])) for i in range(n)]
    return default_folds(labels, kind, 5, seed)


def fit_model(estimator: Any, rows: Any, labels: Array, target: Any = None) -> Any:
    """Return an unfitted copy of ``estimator``, fitted; a method across domains sees the unlabelled target as well.

    Rows of one class only are answered by that class.
    """
    classification = labels.dtype.kind in "iu"
    if classification and labels.min() == labels.max():
        return DummyClassifier().fit(rows, labels)
    model: Any = clone(estimator)
    if not is_domain_method(model) or target is None:
        return model.fit(rows, labels)
    hidden = np.full(target.shape[0], -1 if classification else np.nan)
    domain = np.repeat([1, -1], [rows.shape[0], target.shape[0]])
    return model.fit(stack(rows, target), np.concatenate([labels, hidden]), sample_domain=domain)


def answers(model: Any, rows: Any, k: int | None, *, is_source: bool = False) -> Array:
    """Return the model's probabilities [n, k] of class numbers 0..k-1, or its values [n] where k is None."""
    more: dict[str, Any] = {}
    if is_domain_method(model):
        more["sample_domain"] = np.full(rows.shape[0], 1 if is_source else -1)
    if k is None:
        return np.asarray(model.predict(rows, **more), dtype=np.float64)
    out = np.zeros((rows.shape[0], k))
    if hasattr(model, "predict_proba"):
        out[:, model.classes_] = model.predict_proba(rows, **more)
    else:
        out[np.arange(len(out)), model.predict(rows, **more)] = 1.0
    return out


def scores(model: Any, rows: Any, k: int | None) -> Array:
    """Return log-probabilities [n, k], centred over the classes the model knows and 0 for the others, or values [n, 1].

    Without probabilities, or with ones of 0, nothing is taken for surer than 0.999.
    """
    if k is None:
        return answers(model, rows, None)[:, None]
    logs = np.zeros((rows.shape[0], k))
    if hasattr(model, "coef_") and hasattr(model, "decision_function"):
        raw = np.asarray(model.decision_function(rows), dtype=np.float64).reshape(rows.shape[0], -1)
        raw = np.column_stack([-raw / 2, raw / 2]) if raw.shape[1] == 1 else raw
    else:
        raw = np.log(np.clip(answers(model, rows, k), 1e-3, 1.0))[:, model.classes_]
    logs[:, model.classes_] = raw - raw.mean(axis=1, keepdims=True)
    return logs
