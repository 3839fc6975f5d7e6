"""Scores of an adapted model that need no target label: ``function(evidence) -> float``, higher is better."""

from __future__ import annotations

from collections.abc import Callable

from headstart.errors import check_names, nearest
from headstart.validators.circular import circular
from headstart.validators.confidence import bnm, entropy, infomax, mano
from headstart.validators.evidence import Evidence
from headstart.validators.mixval import mixval
from headstart.validators.scorer import LabelFreeScorer
from headstart.validators.source_risk import dev, importance_weighted, source_accuracy
from headstart.validators.structure import cluster_ami, cluster_v_measure, snd

VALIDATORS: dict[str, Callable[[Evidence], float]] = {
    "source_accuracy": source_accuracy,
    "importance_weighted": importance_weighted,
    "dev": dev,
    "circular": circular,
    "entropy": entropy,
    "infomax": infomax,
    "bnm": bnm,
    "snd": snd,
    "cluster_ami": cluster_ami,
    "cluster_v_measure": cluster_v_measure,
    "mano": mano,
    "mixval": mixval,
}
FOR_REGRESSION = ("source_accuracy", "importance_weighted", "dev", "circular")
check_names(FOR_REGRESSION, VALIDATORS, "headstart.validators.FOR_REGRESSION")


def get(name: str) -> Callable[[Evidence], float]:
    """Return the validator of that name.

    Examples
    --------
    >>> get("entropi")
    Traceback (most recent call last):
    ValueError: There is no validator 'entropi'; did you mean 'entropy'?
    """
    if name not in VALIDATORS:
        raise ValueError(f"There is no validator '{name}'; {nearest(name, VALIDATORS)}")
    return VALIDATORS[name]


def scorer(name: str, *, seed: int = 0) -> LabelFreeScorer:
    """Return a scikit-learn scorer of fitted models across domains, for ``GridSearchCV(scoring=...)``.

    It takes ``sample_domain`` as routed metadata and reads the labels of source rows only.
    """
    return LabelFreeScorer(validator=get(name), seed=seed)


__all__ = [
    "FOR_REGRESSION",
    "VALIDATORS",
    "Evidence",
    "LabelFreeScorer",
    "bnm",
    "circular",
    "cluster_ami",
    "cluster_v_measure",
    "dev",
    "entropy",
    "get",
    "importance_weighted",
    "infomax",
    "mano",
    "mixval",
    "scorer",
    "snd",
    "source_accuracy",
]
