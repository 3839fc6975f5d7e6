"""TrAdaBoost: boosting that turns to the target's hard rows and away from the source's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from headstart.functional.order import canonical_order
from headstart.shallow.domains import Domains, stack
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.predictors import DomainClassifier

Array = np.ndarray


class Vote(NamedTuple):
    """A fitted classifier and the weight of its vote."""

    model: Any
    weight: float


def boost(estimator: Any, rows: Any, labels: Array, n_source: int, *, rounds: int, n_classes: int) -> list[Vote]:
    """Return the votes of rounds ``ceil(N / 2)`` to N of TrAdaBoost.

    In every round a classifier h is fitted to all rows, weighted. With ``e`` the weighted error on the target,
    ``beta_t = e / (1 - e)`` and ``beta = 1 / (1 + sqrt(2 ln n / N))``:

    source rows: ``w *= beta^[h(x) != y]``; target rows: ``w *= (beta_t / (k - 1))^-[h(x) != y]``.

    With k = 2 classes this is the paper's; for more, the factor k - 1 is that of SAMME, with which a classifier is
    worth a vote as soon as it beats chance. ``e`` is kept between half a row and just under chance: no smaller error
    can be seen, and a worse round leaves the target's weights as they are while the source's still fall.

    Parameters
    ----------
    estimator : takes ``sample_weight``. rows : [n + m, d], the source's n = ``n_source`` first; labels : [n + m].
    """
    weights = np.ones(len(labels))
    decay = 1 / (1 + np.sqrt(2 * np.log(max(n_source, 2)) / rounds))
    target = np.arange(len(labels)) >= n_source
    votes = []
    for _ in range(rounds):
        model: Any = clone(estimator)
        model.fit(rows, labels, sample_weight=weights / weights.mean())
        missed = model.predict(rows) != labels
        error = float(weights[target & missed].sum() / weights[target].sum())
        chance = 1 - 1 / n_classes
        error = float(np.clip(error, 0.5 / target.sum(), chance - 1e-6))
        votes.append(Vote(model, float(np.log((1 - error) / error) + np.log(n_classes - 1))))
        weights[~target] *= np.where(missed[~target], decay, 1.0)
        weights[target] *= np.where(missed[target], np.exp(votes[-1].weight), 1.0)
    return votes[(rounds - 1) // 2 :]


@dataclass(kw_only=True, eq=False, repr=False)
class TrAdaBoost(DomainClassifier):
    """Source rows that contradict the labelled target rows lose weight round by round, and the last half votes.

    See `boost`; an answer's probabilities are the shares of the votes. Target rows without label are not used.

    Parameters
    ----------
    estimator : classifier with ``sample_weight``; None for `TunedLogistic` with one strength, 1e-2 per sample.
    rounds : N; the paper's experiments need 10 to 50, and more let the source's weights vanish.

    Attributes
    ----------
    votes_ : what votes, with its weight. classes_.

    Raises
    ------
    ValueError : when no label of a target row is known.

    References
    ----------
    Dai, Yang, Xue and Yu, "Boosting for Transfer Learning", ICML 2007, algorithm 1. Zhu, Zou, Rosset and Hastie,
    "Multi-class AdaBoost", Statistics and Its Interface 2009 (more than two classes).
    """

    sparse_input: ClassVar[bool] = True
    estimator: Any = None
    rounds: int = 10

    def _inner(self) -> Any:
        return TunedLogistic(strengths=(1e-2,)) if self.estimator is None else self.estimator

    def _learn(self, domains: Domains) -> None:
        rows, labels, n_source = both_domains(domains, "TrAdaBoost")
        if n_source == len(labels):
            alone: Any = clone(self._inner())
            self.votes_ = [Vote(alone.fit(rows, labels), 1.0)]
            return
        k = len(self.classes_)
        self.votes_ = boost(self._inner(), rows, labels, n_source, rounds=self.rounds, n_classes=k)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        out = np.zeros((rows.shape[0], len(self.classes_)))
        for model, weight in self.votes_:
            out[np.arange(len(out)), model.predict(rows)] += weight
        return out / out.sum(axis=1, keepdims=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self._inner()).input_tags.sparse
        return tags


def both_domains(domains: Domains, name: str) -> tuple[Any, Array, int]:
    """Return rows and labels of source and labelled target, each in canonical order, and the number of source rows.

    One domain alone (`fit` was told of no other) has a source and nothing else.
    """
    known = domains.known
    if len(known) == 0 and domains.source is not domains.target:
        raise ValueError(f"{name} learns from labelled rows of the target, and no label of a target row is known.")
    first = canonical_order(domains.source, domains.labels)
    if len(known) == 0:
        return domains.source[first], domains.labels[first], len(first)
    target, labels = domains.target[known], domains.target_labels[known]
    second = canonical_order(target, labels)
    rows = stack(domains.source[first], target[second])
    return rows, np.concatenate([domains.labels[first], labels[second]]), len(first)
