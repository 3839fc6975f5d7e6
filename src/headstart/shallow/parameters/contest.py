"""A contest of linear models on one table of rows: strength and kind chosen on folds, what that is worth on others.

`choose` picks by cross-validation, and says how much of what other models (trees) answer is mixed into what it picked.
`nested` repeats the whole of `choose` inside each outer fold's training rows and judges what it picked on the fold's
held rows, on which nothing was chosen: its gain is not the best of several draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from headstart.kinds import KINDS
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.mixing import Mix, mix
from headstart.shallow.parameters.biased import Linear

Array = np.ndarray
Folds = list[tuple[Array, Array]]
TREES = "trees"
PLAIN = ("pooled", "source", "scratch", TREES)
CAUTION = 1.5
"""Standard errors of a cross-validated gain that it must lie above 0 for a less plain candidate to be kept."""

LOPSIDED = 0.9
"""Share of the largest class above which accuracy tells models apart no longer."""


class Candidate(NamedTuple):
    """What one linear model sees of n rows.

    Attributes
    ----------
    x : columns [n, q]. offset : outputs [n, k] that the model is added to.
    more : further rows (columns, offset, targets) that it learns from and is never judged on.
    learns : False for a model that answers ``offset`` as it is.
    """

    x: Array
    offset: Array
    more: tuple[Array, Array, Array] | None = None
    learns: bool = True


class Field(NamedTuple):
    """Who takes part and how it is played.

    Attributes
    ----------
    candidates : by name; those of ``PLAIN`` are what anybody would try first.
    target : class numbers [n], or values [n, k]. kind : "classification" or "regression".
    alphas : strengths. path : ``(x, target, offset, alphas) -> a Linear per alpha``.
    folds : ``(target, most) -> folds``, at most so many; none where the rows are too few.
    guard : whether a plain candidate may win against transfer.
    beside : ``(rows, target) -> models``, functions from rows of ``columns`` to outputs [n, k] that are mixed into
        what is kept; None for none.
    columns : rows [n, p] for them.
    """

    candidates: Mapping[str, Candidate]
    target: Array
    kind: str
    alphas: list[float]
    path: Callable[[Array, Array, Array, list[float]], list[Linear]]
    folds: Callable[[Array, int], Folds]
    guard: bool = True
    beside: Callable[[Array, Array], Sequence[Callable[[Array], Array]]] | None = None
    columns: Array | None = None


class Choice(NamedTuple):
    """The candidate kept, the best plain one, and each candidate's strength.

    Attributes
    ----------
    mix : how the answers of the models beside it are mixed into what is kept; None where there are none.
    beside : their outputs [n, k] for the rows of the choice, out of fold.
    """

    kept: str
    baseline: str
    alphas: dict[str, float]
    mix: Mix | None = None
    beside: Sequence[Array] = ()


class Verdicts(NamedTuple):
    """Scores [n] of rows on which nothing was chosen: of what was kept, of the best plain one, of every candidate."""

    kept: Array
    baseline: Array
    each: dict[str, Array]


def learn(field: Field, name: str, rows: Array, alphas: list[float]) -> list[Linear]:
    """Fit a candidate on ``rows`` for each alpha."""
    candidate = field.candidates[name]
    if not candidate.learns:
        width = candidate.x.shape[1]
        return [Linear(np.zeros((candidate.offset.shape[1], width)), np.zeros(candidate.offset.shape[1]))]
    x, offset, target = candidate.x[rows], candidate.offset[rows], field.target[rows]
    if candidate.more is not None:
        x, offset, target = (np.concatenate(pair) for pair in zip((x, offset, target), candidate.more, strict=True))
    return field.path(x, target, offset, alphas)


def answers(field: Field, name: str, model: Linear, rows: Array) -> Array:
    """Return the outputs [rows, k] of a candidate's model."""
    candidate = field.candidates[name]
    return candidate.offset[rows] + model(candidate.x[rows])


def judge(field: Field, outputs: Array, rows: Array) -> tuple[Array, Array]:
    """Return the scores and losses [rows] of outputs [rows, k]."""
    return per_sample(outputs, field.target[rows], field.kind)


def choose(field: Field, rows: Array, most: int) -> Choice:
    """Choose each candidate's strength and the candidate to keep by cross-validation within ``rows``."""
    names = list(field.candidates)
    folds = field.folds(field.target[rows], most)
    middle = field.alphas[len(field.alphas) // 2]
    if not folds or (len(names) * len(field.alphas) == 1 and field.beside is None):
        return Choice(names[-1] if not field.guard else names[0], names[0], dict.fromkeys(names, middle))
    alphas, scores, losses, told = {}, {}, {}, {}
    for name in names:
        outputs = _cross_validated(field, name, rows, folds)
        score, loss = (np.array(part) for part in zip(*(judge(field, one, rows) for one in outputs), strict=True))
        if lopsided(field, rows):
            score = -loss
        best = int(np.lexsort((loss.mean(axis=1), -score.mean(axis=1)))[0])
        alphas[name] = field.alphas[best] if field.candidates[name].learns else middle
        scores[name], losses[name], told[name] = score[best], loss[best], outputs[best]
    kept = cautious(scores, losses) if field.guard else names[-1]
    found = Choice(kept, "", alphas)
    if field.beside is not None:
        beside = _beside(field, rows, folds)
        mixed = mix(told[kept], beside, field.target[rows], field.kind)
        found = found._replace(mix=mixed, beside=beside)
        score, losses[TREES] = judge(field, mixed.of_others(beside), rows)
        scores[TREES] = -losses[TREES] if lopsided(field, rows) else score
    plain = [name for name in scores if name in PLAIN]
    baseline = min(plain, key=lambda name: (-scores[name].mean(), losses[name].mean()))
    return found._replace(baseline=baseline)


def lopsided(field: Field, rows: Array) -> bool:
    """Whether nearly all rows are of one class: then the accuracy of every model is about its share, and the log loss
    chooses."""
    return KINDS[field.kind].one_class and np.bincount(field.target[rows]).max() > LOPSIDED * len(rows)


def cautious(scores: Mapping[str, Array], losses: Mapping[str, Array]) -> str:
    """Return the best candidate, unless a plainer one before it is within ``CAUTION`` standard errors."""
    names = list(scores)
    best = min(names, key=lambda name: (-scores[name].mean(), losses[name].mean()))
    for name in names[: names.index(best)]:
        gain = scores[best] - scores[name]
        if gain.mean() <= CAUTION * gain.std() / np.sqrt(len(gain)):
            return name
    return best


def _cross_validated(field: Field, name: str, rows: Array, folds: Folds) -> Array:
    """Return a candidate's outputs [alphas, rows, k], each row's by a model that did not learn from it."""
    parts = []
    for train, held in folds:
        models = learn(field, name, rows[train], field.alphas)
        parts.append((held, np.array([answers(field, name, model, rows[held]) for model in models])))
    found = np.zeros((len(parts[0][1]), len(rows), parts[0][1].shape[2]))
    for held, outputs in parts:
        found[:, held] = outputs
    return found


def learn_beside(field: Field, rows: Array) -> Sequence[Callable[[Array], Array]]:
    """Fit the models beside the contest on ``rows``."""
    assert field.beside is not None
    assert field.columns is not None
    return field.beside(field.columns[rows], field.target[rows])


def _beside(field: Field, rows: Array, folds: Folds) -> Sequence[Array]:
    """Return the outputs [rows, k] of the models beside the contest, out of fold."""
    assert field.columns is not None
    parts = []
    for train, held in folds:
        parts.append([model(field.columns[rows[held]]) for model in learn_beside(field, rows[train])])
    found = [np.zeros((len(rows), outputs.shape[1])) for outputs in parts[0]]
    for (_, held), outputs in zip(folds, parts, strict=True):
        for whole, part in zip(found, outputs, strict=True):
            whole[held] = part
    return found


def held_out(field: Field, name: str, alpha: float, most: int) -> Array | None:
    """Return a candidate's outputs [n, k] for rows that its model did not learn from; None if there are too few."""
    folds, candidate = field.folds(field.target, most), field.candidates[name]
    if not folds:
        return None
    outputs = np.array(candidate.offset, dtype=np.float64)
    for train, held in folds:
        (model,) = learn(field, name, train, [alpha])
        outputs[held] += model(candidate.x[held])
    return outputs


def nested(field: Field, most: int) -> Verdicts | None:
    """Judge the whole of `choose` on outer folds; None where the rows are too few for them."""
    n = len(field.target)
    folds = field.folds(field.target, most)
    if not folds:
        return None
    names = [*field.candidates, *([] if field.beside is None else [TREES])]
    found = Verdicts(np.zeros(n), np.zeros(n), {name: np.zeros(n) for name in names})
    for train, held in folds:
        choice = choose(field, train, most)
        told: dict[str, Array] = {}
        for name, alpha in choice.alphas.items():
            (model,) = learn(field, name, train, [alpha])
            told[name] = answers(field, name, model, held)
        kept = told[choice.kept]
        if choice.mix is not None:
            assert field.columns is not None
            beside = [model(field.columns[held]) for model in learn_beside(field, train)]
            kept, told[TREES] = choice.mix(kept, beside), choice.mix.of_others(beside)
        for name, outputs in told.items():
            found.each[name][held] = judge(field, outputs, held)[0]
        found.kept[held] = judge(field, kept, held)[0]
        found.baseline[held] = found.each[choice.baseline][held]
    return found
