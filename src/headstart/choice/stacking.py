"""Known target labels as labels to learn from: how much each model counts in a blend.

These are the labels handed over in y, and the blend is fitted to them as a head would be. A label that is held back,
for evaluation, reaches nothing here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from headstart.choice.blend import Blend
from headstart.choice.candidates import BASELINES, STACKED, Candidate
from headstart.choice.racing import AdaptationData, Result, fitted, outputs, settled, validate
from headstart.functional.folds import default_folds
from headstart.shallow.domains import Domains
from headstart.shallow.several.evidence import breiman_weights, mixture_weights

Array = np.ndarray
FLOOR = 1e-2
"""Least probability that a member gives a class; the answers of many methods are no frequencies."""


def stacked(data: AdaptationData, finished: Sequence[Result], gains: Array, *, strength: float = 4.0) -> Result:
    """Return a blend of the baselines and the three adapted models of highest predicted gain.

    Each member answers labelled target rows that were masked when it was fitted (three folds); the shares are learned
    from those answers, with a prior of ``strength`` rows spread by the predicted gains. For classes they are those of a
    mixture, for values those of least squared error.

    References
    ----------
    Genest and Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography", Statistical
    Science 1986 (the linear opinion pool); Breiman, "Stacked Regressions", Machine Learning 1996.
    """
    adapted = [i for i in np.argsort(-gains) if finished[i].name not in BASELINES][:3]
    members = [i for i, one in enumerate(finished) if one.name in BASELINES] + adapted
    answers = np.stack([_held_back(data, finished[i]) for i in members], axis=1)
    truth = data.domains.target_labels[data.domains.known]
    raised = np.exp((gains[members] - gains[members].max()) / 2.0)
    prior = raised / raised.sum()
    if data.regression:
        shares = breiman_weights(answers, truth, prior, strength)
    else:
        likelihoods = np.maximum(answers[np.arange(len(truth)), :, truth], FLOOR)
        imagined = 0.1 + strength * prior
        shares = mixture_weights(likelihoods, imagined / imagined.sum(), imagined.sum())
    kept = [finished[i] for i in members]
    target, held = (
        np.asarray(sum(w * np.asarray(getattr(one, side)) for w, one in zip(shares, kept, strict=True)))
        for side in ("target", "held")
    )
    model = Blend(tuple(one.model for one in kept), tuple(shares.tolist()))
    shape = (1, -1) if data.regression else (1, -1, 1)
    crossed = (answers * shares.reshape(shape)).sum(axis=1)
    return Result(Candidate(STACKED), model, target, held, validate(data, target, held), 0.0, "", crossed)


def _held_back(data: AdaptationData, one: Result) -> Array:
    """Return a member's outputs for labelled target rows [n, ...] by models that did not see those labels."""
    domains = data.domains
    known = domains.known
    if one.candidate.method == "source_only":
        return np.asarray(one.target)[known]
    kind = "regression" if data.regression else "classification"
    out = np.asarray(one.target)[known].copy()
    folds = default_folds(domains.target_labels[known], kind, min(3, len(known)), data.seed)
    for number, (_, fold) in enumerate(folds):
        labels = domains.target_labels.copy()
        labels[known[fold]] = np.nan if data.regression else -1
        seen = domains._replace(target_labels=labels)
        if one.candidate.method == "target_only" and not _enough(seen):
            out[fold] = 1 / max(data.n_classes, 1) if not data.regression else domains.labels.mean()
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = fitted(settled(one.candidate, one.model), one.candidate.view(seen), data, f"fold-{number}")
            out[fold] = outputs(model, domains.target[known[fold]], data, is_source=False)
    return out


def _enough(seen: Domains) -> bool:
    labels = seen.target_labels[seen.known]
    return len(np.unique(labels)) > 1
