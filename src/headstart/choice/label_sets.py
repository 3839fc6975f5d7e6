"""Do both domains have the same classes? What a source model's answers and the place of target rows say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from headstart.functional.folds import default_folds
from headstart.shallow.adaptation import dense
from headstart.validators.density import leading_axes

Array = np.ndarray
SETS = {
    "closed": "closed: the same classes on both sides",
    "partial": "partial: some of the source's classes are absent from the target",
    "open": "open: the target holds classes that the source does not know",
}
EVIDENCE = ("low", "empty", "far_unsure", "mixed", "spread")
COEFFICIENTS = np.array([
    [0.075, -0.315, 0.831, -0.588, -0.250, 0.398],
    [-0.251, 1.623, 0.690, -1.300, -1.255, -0.334],
    [0.177, -1.308, -1.520, 1.888, 1.505, -0.064],
])  # fmt: skip
"""Of `EVIDENCE` and 1, one row per set: multinomial logistic regression on 323 pairs whose classes were taken from one
side or from none, each set counting alike. `docs/label-sets.md` says of what, and how often it errs on other data."""
NAMED = 0.6
"""Chance from which a set is named. Below it nothing is."""
MOST, FEWEST, CLASSES = 600, 40, 3
KNOWS = 0.5
"""Share of the errors of a guess that the source model must avoid on held-out source rows."""
ABSENT = 0.25
"""A class looks absent whose share of the target's answers is below this part of its share of the source."""


@dataclass(frozen=True)
class LabelSets:
    """Which of `SETS` it looks like.

    Attributes
    ----------
    looks : a name of `SETS`; None where it cannot be told. chances : of each, where there is evidence.
    absent : numbers of the source's classes that the target's answers leave out. reason : why it cannot be told.
    """

    looks: str | None
    chances: dict[str, float] = field(default_factory=dict)
    absent: tuple[int, ...] = ()
    reason: str = ""

    def to_json(self, classes: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return it as plain values, with its sentence, and with names in the place of numbers."""
        named = [classes[number] for number in self.absent] if classes else list(self.absent)
        return {"looks": self.looks, "chances": self.chances, "absent": named, "words": self.words(classes)}

    def words(self, classes: tuple[str, ...] = ()) -> str:
        """Return one sentence."""
        if not self.chances:
            return f"Label sets: cannot be told, since {self.reason}."
        said = ", ".join(f"{name} {100 * chance:.0f}%" for name, chance in self.chances.items())
        if self.looks is None:
            return f"Label sets: cannot be told ({said}); a set is named from a chance of {100 * NAMED:.0f}% on."
        names = ", ".join(classes[number] for number in self.absent[:8]) if classes else ""
        seem = f"; hardly answered: {names}" if self.looks == "partial" and names else ""
        return f"Label sets: it looks {SETS[self.looks]} ({said}{seem})."


def tell_label_sets(source: Any, labels: Array, target: Any, *, seed: int = 0) -> LabelSets:
    """Tell whether both domains seem to have the same classes; no target label is read.

    Parameters
    ----------
    source : [n, d] rows. labels : [n] class numbers. target : [m, d] rows.
    """
    rng = np.random.default_rng(seed)
    rows, others = (np.sort(rng.permutation(part.shape[0])[:MOST]) for part in (source, target))
    y, k = np.asarray(labels)[rows], len(np.unique(labels))
    if k < CLASSES:
        return LabelSets(None, reason=f"the source has {k} classes, and it takes {CLASSES}")
    if min(len(rows), len(others)) < FEWEST:
        return LabelSets(None, reason=f"one side has fewer than {FEWEST} rows")
    names, y = np.unique(y, return_inverse=True)
    x, z = dense(source[rows]), dense(target[others])
    axes = leading_axes(x, z, 32, seed=seed)
    x, z = axes.of(x), axes.of(z)
    held, answers = _answers(x, y, z, seed)
    prior = np.bincount(y) / len(y)
    right = float((held.argmax(axis=1) == y).mean())
    if right < prior.max() + KNOWS * (1 - prior.max()):
        return LabelSets(None, reason=f"a linear model of the source is right on only {100 * right:.0f}% of its rows")
    seen = evidence(x, y, z, held, answers, seed)
    logits = COEFFICIENTS @ [*seen.values(), 1.0]
    raised = np.exp(logits - logits.max())
    chances = dict(zip(SETS, (raised / raised.sum()).round(3).tolist(), strict=True))
    likely = max(chances, key=lambda name: chances[name])
    shares = np.bincount(answers.argmax(axis=1), minlength=len(prior)) / len(z)
    absent = tuple(int(names[number]) for number in np.flatnonzero(shares < ABSENT * prior))
    return LabelSets(likely if chances[likely] >= NAMED else None, chances, absent)


def evidence(x: Array, y: Array, z: Array, held: Array, answers: Array, seed: int) -> dict[str, float]:
    """Return what is seen, by the names of `EVIDENCE`.

    low : mean log ratio of a class's share of the target's answers to its share of the source, over the lowest fifth.
    empty : share of classes below a quarter of theirs.
    far_unsure : correlation of a target row's distance to the source, by its distance to its own kind, with certainty.
    mixed : how much purer the answers within clusters of the source are than within those of the target.
    spread : log ratio of the variance within answered classes, target to source, beyond that of the domains.
    """
    k, certain = held.shape[1], answers.max(axis=1)
    prior, own = np.bincount(y, minlength=k) / len(y), held.argmax(axis=1)
    shares = np.bincount(answers.argmax(axis=1), minlength=k) / len(z)
    ratio = np.sort((shares + 0.5 / len(z)) / (prior + 0.5 / len(z)))
    near = NearestNeighbors(n_neighbors=3).fit(x).kneighbors(z)[0].mean(axis=1)
    among = NearestNeighbors(n_neighbors=4).fit(z).kneighbors(z)[0][:, 1:].mean(axis=1)
    far = np.log(np.maximum(near, 1e-9) / np.maximum(among, 1e-9))
    within = [_within(rows, of) for rows, of in ((z, answers.argmax(axis=1)), (x, own))]
    whole = np.log(z.var(axis=0).sum() / x.var(axis=0).sum())
    return {
        "low": float(np.log(ratio[: max(1, round(0.2 * k))]).mean()),
        "empty": float((shares < ABSENT * prior).mean()),
        "far_unsure": float(np.corrcoef(far, certain)[0, 1]) if far.std() > 0 and certain.std() > 0 else 0.0,
        "mixed": _purity(x, held, seed) - _purity(z, answers, seed),
        "spread": float(np.log(within[0] / within[1]) - whole),
    }


def _answers(x: Array, y: Array, z: Array, seed: int) -> tuple[Array, Array]:
    """Return probabilities of source rows that the model has not seen, and of the target's rows."""
    held = np.zeros((len(x), int(y.max()) + 1))
    for train, rest in default_folds(y, "classification", 3, seed):
        part = LogisticRegression(C=0.1, max_iter=200).fit(x[train], y[train])
        held[np.ix_(rest, part.classes_)] = part.predict_proba(x[rest])
    return held, LogisticRegression(C=0.1, max_iter=200).fit(x, y).predict_proba(z)


def _purity(rows: Array, answers: Array, seed: int) -> float:
    """Return the largest mean answer within a cluster, mean over rows; there are twice as many clusters as classes."""
    count = min(2 * answers.shape[1], len(rows) // 5)
    # pyright infers from the default "auto" that n_init is a string; a number is documented
    clusters = KMeans(count, n_init=3, random_state=seed).fit_predict(rows)  # pyright: ignore[reportArgumentType]
    return sum(answers[clusters == i].mean(axis=0).max() * (clusters == i).mean() for i in np.unique(clusters))


def _within(rows: Array, classes: Array) -> float:
    """Return the variance within classes of more than four rows, weighed by their rows."""
    found = [(len(part), part.var(axis=0).sum()) for part in (rows[classes == i] for i in np.unique(classes))]
    large = [(n, variance) for n, variance in found if n > 4] or found
    return max(float(np.average([v for _, v in large], weights=[n for n, _ in large])), 1e-12)
