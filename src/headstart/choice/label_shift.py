"""Label shift: where class shares differ strongly, methods that align whole domains do harm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import BASELINES, LEARNED, NEAREST
from headstart.choice.gain import expected_accuracy
from headstart.choice.moved_means import shares_explain_more
from headstart.choice.racing import AdaptationData, Result
from headstart.errors import check_names
from headstart.shallow.diagnose import diagnose, expected_shares
from headstart.shallow.domains import Domains

Array = np.ndarray
STRONG = 0.6
AGREE = 0.3
NEAR_CHANCE = 0.25
"""Share of the errors of always answering the largest class that a witness must avoid on held-out source rows."""
WITNESS = "self_training_free"
check_names([WITNESS], LEARNED, "headstart.choice.label_shift.WITNESS")
LEFT_OUT = "left out: aligns whole domains under a label-shift alarm"
RIGHT = 0.5
"""Share of held-out source rows that source-only must answer rightly before the shares that it finds are corrected for:
a confusion matrix with more than that on its diagonal is diagonally dominant, so that it can be inverted."""
FEW = 20
"""Rows of a domain below which nothing is said about its class shares."""
CORRECTED = "bbse"
"""What answers where nothing but the class shares differs."""
check_names([CORRECTED], catalogue.names(), "headstart.choice.label_shift.CORRECTED")


def bears_label_shift() -> frozenset[str]:
    """Return the candidates that do not assume equal class shares on both sides."""
    return frozenset(
        {*BASELINES, NEAREST, WITNESS, *(entry.name for entry in catalogue.METHODS if entry.kind == "weights")}
    )


def only_shares_differ(domains: Domains, *, seed: int = 0) -> bool:
    """Return whether the domains differ by their class shares, strongly, and by nothing else that can be seen.

    With the source's classes in the target's estimated shares, a domain classifier falls to chance (`diagnose`), and
    the shares lie more than `STRONG` in L1 from the source's. P(X | Y) is then the same on both sides, and correcting
    the shares is not one method among others but the right one.
    """
    if min(len(domains.labels), len(domains.target_labels)) < FEW:
        return False
    found = diagnose(domains.source, domains.labels, domains.target, seed=seed)
    if found.kind != "label" or found.shares is None:
        return False
    prior = np.unique(domains.labels, return_counts=True)[1] / len(domains.labels)
    return len(prior) == len(found.shares) and float(np.abs(np.array(found.shares) - prior).sum()) > STRONG


def can_tell_shares(data: AdaptationData, source_only: Result) -> bool:
    """Return whether source-only's answers can tell class shares at all: more than `RIGHT` of them are right."""
    right = np.asarray(source_only.held).argmax(axis=1) == data.domains.labels[data.held]
    return float(right.mean()) > RIGHT


def label_shift_alarm(data: AdaptationData, finished: Sequence[Result]) -> frozenset[str] | None:
    """Return the names that stay credible where the target's class shares are far from the source's, None elsewhere.

    EM on source-only's probabilities puts them more than `STRONG` in L1 from the source's, and a second witness agrees:
    either self-training without balanced classes ends in shares as far and less than `AGREE` from EM's, or source-only
    expects to be right on the target as often as it is on the source (`expected_accuracy`). In the latter case
    self-training, which contradicts it, is not credible either.

    A witness is believed as far as source-only is right, and where shares are the better explanation. Answers of which
    a share e is wrong put the class shares at most 2 e away from the true ones in L1, so that a difference of no more
    than that may be nothing but error; e is the larger of source-only's error on held-out source rows and of its
    expected error on the target. And a mean that moved draws EM's and self-training's answers to one class too: they
    are witnesses only where other shares fit source-only's answers better than a moved mean does
    (`shares_explain_more`). A source-only near chance (`NEAR_CHANCE`) is no witness at all.

    Matching P(X) across domains whose P(Y) differ forces errors at least as large as the difference (Zhao et al.).

    References
    ----------
    Zhao, des Combes, Zhang and Gordon, "On Learning Invariant Representations for Domain Adaptation", ICML 2019,
    theorem 4.3. Saerens, Latinne and Decaestecker, Neural Computation 2002 (the EM).
    """
    named = {one.name: one for one in finished}
    if data.regression or WITNESS not in named or "source_only" not in named:
        return None
    labels = data.domains.labels
    prior = np.bincount(labels, minlength=data.n_classes) / len(labels)
    expected = expected_shares(np.asarray(named["source_only"].target), np.maximum(prior, 1e-6))
    if _apart(expected, prior) <= STRONG:
        return None
    source_only = named["source_only"]
    right = float((np.asarray(source_only.held).argmax(axis=1) == labels[data.held]).mean())
    if right - prior.max() < NEAR_CHANCE * (1 - prior.max()):
        return None
    accuracy = expected_accuracy(data, source_only)
    wrong = 1 - min(right, accuracy)
    seen, own = (_shares(data, one.target) for one in (named[WITNESS], source_only))
    agreed = _apart(seen, prior) > max(STRONG, 2 * wrong) and _apart(expected, seen) < AGREE
    sure = accuracy >= right and _apart(own, prior) > 2 * wrong
    held, target = np.asarray(source_only.held), np.asarray(source_only.target)
    if agreed and shares_explain_more(held, labels[data.held], target, prior):
        return bears_label_shift()
    return bears_label_shift() - {WITNESS} if sure else None


def _shares(data: AdaptationData, target: object) -> Array:
    answers = np.asarray(target).argmax(axis=1)
    return np.bincount(answers, minlength=data.n_classes) / len(answers)


def _apart(shares: Array, others: Array) -> float:
    return float(np.abs(shares - others).sum())
