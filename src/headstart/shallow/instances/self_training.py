"""Self-training: target rows join the training rows with the labels that the model gives them, the surest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from headstart.functional.folds import default_folds
from headstart.shallow.domains import Domains, stack
from headstart.shallow.predictors import DomainClassifier

Array = np.ndarray


def balancing_offsets(logits: Array, shares: Array, *, n_iterations: int = 50) -> Array:
    """Return offsets b [k] with which the mean of ``softmax(logits + b)`` is ``shares`` [k].

    Each step adds ``log shares - log mean``, the fixed point of which is the balance.

    Parameters
    ----------
    logits : [m, k]. shares : of the classes, above 0 and summing to 1.
    """
    offsets = np.zeros(logits.shape[1])
    for _ in range(n_iterations):
        mean = softmax(logits + offsets, axis=1).mean(axis=0)
        offsets += np.log(shares) - np.log(np.maximum(mean, 1e-12))
    return offsets - offsets.mean()


def surest(p: Array, share: float) -> Array:
    """Return the row numbers of each answered class's ``share`` of surest rows, at least one of each, in order."""
    answer, sure = p.argmax(axis=1), p.max(axis=1).round(12)
    chosen = []
    for name in np.unique(answer):
        rows = (answer == name).nonzero()[0]
        chosen.append(rows[np.argsort(-sure[rows], kind="stable")[: max(1, round(share * len(rows)))]])
    return np.sort(np.concatenate(chosen))


@dataclass(kw_only=True, eq=False, repr=False)
class SelfTraining(DomainClassifier):
    """Logistic regression on the source and on the target's own answers, in rounds.

    Round t of T fits ``min_W sum_source w loss + sum_{i in S_t} loss(W x_i, yhat_i) + ||W||^2 / (2 C)``: S_t is the
    surest share ``t / T`` of the target rows of each answered class, and w makes the source weigh as much as the
    target rows that take part.
    Where ``balanced``, offsets keep the answers' class shares at the source's, without which self-training drifts
    towards one class. Known target labels take part from the start.

    Parameters
    ----------
    n_rounds : T. balanced : whether the class shares are held at those of the labelled rows.
    strengths : C to choose from by cross-validation on the labelled rows.
    n_folds, seed : of the cross-validation.

    Attributes
    ----------
    C_ : the chosen C. model_ : the last logistic regression. offsets_ : [k]. weighting_ : [d] of the features.

    Notes
    -----
    CSR rows without negative numbers are taken for counts: ``x_j log((1 + N) / (1 + N_j))`` with N rows of both
    domains, N_j of them showing word j, at unit length. Dense rows are standardised on both domains and brought to a
    mean squared length of 1.

    References
    ----------
    Scudder, "Probability of Error of Some Adaptive Pattern-Recognition Machines", IEEE Transactions on Information
    Theory 1965; Zou, Yu, Kumar and Wang, "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced
    Self-Training", ECCV 2018, section 3.3.
    """

    sparse_input: ClassVar[bool] = True
    n_rounds: int = 5
    balanced: bool = True
    strengths: tuple[float, ...] = (1.0, 10.0)
    n_folds: int = 3
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_rounds < 1 or not self.strengths or min(self.strengths) <= 0:
            raise ValueError(
                f"n_rounds is {self.n_rounds!r} and strengths {self.strengths!r}; expected at least one round, and "
                "strengths above 0."
            )
        self._weigh(domains)
        rows, labels = domains.labelled()
        rows, target = self._features(rows), self._features(domains.target)
        shares = (np.bincount(labels, minlength=len(self.classes_)) + 0.5) / (len(labels) + 0.5 * len(self.classes_))
        self.C_ = self._choose(rows, labels)
        self.model_: Any = _logistic(self.C_).fit(rows, labels)
        known = domains.known
        for step in range(1, self.n_rounds + 1):
            logits = _logits(self.model_, target, len(self.classes_))
            self.offsets_ = balancing_offsets(logits, shares) if self.balanced else np.zeros(len(shares))
            p = softmax(logits + self.offsets_, axis=1)
            taken = np.setdiff1d(surest(p, step / self.n_rounds), known)
            answers = p[taken].argmax(axis=1)
            weight = max(len(taken), 1) / len(labels)
            self.model_ = self.model_.fit(
                stack(rows, target[taken]),
                np.concatenate([labels, answers]),
                sample_weight=np.concatenate([np.full(len(labels), weight), np.ones(len(taken))]),
            )
        logits = _logits(self.model_, target, len(self.classes_))
        self.offsets_ = balancing_offsets(logits, shares) if self.balanced else np.zeros(len(shares))

    def _weigh(self, domains: Domains) -> None:
        rows = stack(domains.source, domains.target)
        self.counts_ = sparse.issparse(rows) and (rows.nnz == 0 or rows.data.min() >= 0)
        d = rows.shape[1]
        self.mean_, self.weighting_ = np.zeros(d), np.ones(d)
        if self.counts_:
            shown = np.asarray((rows != 0).sum(axis=0)).ravel()
            self.weighting_ = np.log((1 + rows.shape[0]) / (1 + shown)) + 1
            return
        rows = rows.toarray() if sparse.issparse(rows) else rows
        self.mean_, spread = rows.mean(axis=0), rows.std(axis=0)
        varies = spread > 1e-9 * np.maximum(1.0, np.abs(self.mean_))
        self.weighting_ = np.where(varies, 1 / np.where(varies, spread, 1.0), 0.0) / np.sqrt(max(varies.sum(), 1))

    def _features(self, rows: Any) -> Any:
        if not self.counts_:
            rows = rows.toarray() if sparse.issparse(rows) else rows
            return (rows - self.mean_) * self.weighting_
        weighed = sparse.csr_matrix(sparse.csr_matrix(rows) @ sparse.diags_array(self.weighting_))
        length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return sparse.csr_matrix(sparse.diags_array(1 / np.where(length > 0, length, 1.0)) @ weighed)

    def _choose(self, rows: Any, labels: Array) -> float:
        if len(self.strengths) == 1:
            return float(self.strengths[0])
        hits = np.zeros(len(self.strengths))
        for train, held in default_folds(labels, "classification", self.n_folds, self.seed):
            if len(np.unique(labels[train])) < 2:
                continue
            for number, strength in enumerate(self.strengths):
                model = _logistic(strength).fit(rows[train], labels[train])
                hits[number] += (model.predict(rows[held]) == labels[held]).sum()
        return float(self.strengths[int(hits.argmax())])

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        logits = _logits(self.model_, self._features(rows), len(self.classes_))
        return softmax(logits if is_source else logits + self.offsets_, axis=1)


def _logistic(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=100, tol=1e-3, warm_start=True)


def _logits(model: LogisticRegression, rows: Any, k: int) -> Array:
    """Return logits [m, k], low for classes that no row of the fit showed."""
    found = model.decision_function(rows)
    found = np.column_stack([-found / 2, found / 2]) if found.ndim == 1 else found
    out = np.full((rows.shape[0], k), found.min(initial=0.0) - 10.0)
    out[:, model.classes_] = found
    return out
