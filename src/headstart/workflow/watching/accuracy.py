"""How well does the model do on rows without labels? The lower of two estimates, and how sure that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart.functional.calibration import confidences
from headstart.functional.permuted import standardised
from headstart.functional.unlabelled_accuracy import by_threshold, neighbours_agree
from headstart.kinds.base import LabelSpace
from headstart.workflow.watching.reference import Reference

Array = np.ndarray
FEWEST = 20
"""Labelled held-out rows below which no score is expected of others."""
DRAWS = 300
SPLITS = 40
FELL = 0.05
"""Accuracy, or share of right labels, that may be lost before it is time to adapt."""
MOVED = "8 to 14 points on average"
"""Distance from the truth on the benchmark's shifts (docs/watch.md), on sets settled on and read off."""
ROSE = 0.2
"""By how much the mean error of values may rise, as a share of what it was."""


@dataclass(frozen=True)
class Expected:
    """The score that is expected without labels: share of right answers or labels, or minus the mean error of values.

    Attributes
    ----------
    held : measured on held-out rows. estimate, interval : expected of the new rows, with a 95% interval of sampling
        (both sides resampled). error : mean distance of such estimates from the truth on random halves of the held-out
        rows. by : each estimate.
    """

    held: float
    estimate: float
    interval: tuple[float, float]
    error: float
    n: int
    by: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"interval": list(self.interval)}

    def lost(self, space: LabelSpace) -> bool:
        """Return whether more is lost than may be, by more than the estimate errs on the held-out rows themselves."""
        allowed = FELL if space.has_shares else ROSE * abs(self.held)
        return self.held - self.estimate > max(allowed, self.error)

    def words(self, space: LabelSpace) -> str:
        low, high = (space.shown(edge) for edge in sorted(self.interval, reverse=not space.has_shares))
        what = "right answers" if space.one_class else "right labels" if space.has_shares else "error"
        moved = f"off by {MOVED}" if space.has_shares else "off by more"
        own = space.shown(self.error) if space.has_shares else space.shown(-self.error)
        return (
            f"Expected without labels: {what} {space.shown(self.estimate)} ({low} to {high} by sampling alone), "
            f"against {space.shown(self.held)} on {self.n} held-out rows. It is a guess: on halves of those rows it is "
            f"off by {own} on average, and where data had moved such guesses were {moved}."
        )


class _Rows:
    """Held-out and new rows, prepared once: what each estimate reads of them."""

    def __init__(self, reference: Reference, features: Array, answers: Array, space: LabelSpace) -> None:
        n, s = len(reference.labels), reference.judged
        own, labels = reference.answers[:n], reference.labels
        self.sureness, self.one_class = space.has_probabilities, space.one_class
        if self.sureness:
            sure, right = confidences(own, labels, space.link)
            self.sure, self.right = sure.reshape(n, -1), right.reshape(n, -1).astype(np.float64)
            self.new = answers.max(axis=1, keepdims=True) if space.one_class else np.maximum(answers, 1 - answers)
            self.score = self.right.mean(axis=1)
        else:
            self.score = -np.abs(own - labels).mean(axis=1)
        rows = standardised(np.concatenate([reference.features[:s], features]).astype(np.float64))
        wanted = space.indicators(labels[:s]).astype(np.float64)
        self.wanted, self.said = space.indicators(labels).astype(np.float64), _said(answers, space)
        self.agree = neighbours_agree(rows[:s], wanted, None, own[:s], space.link)
        self.agree_new = neighbours_agree(rows[:s], wanted, rows[s:], answers, space.link)

    def estimates(self, held: Array, shared: Array, new: Array) -> dict[str, float]:
        """Return each estimate from some of the rows."""
        score = float(self.score[held].mean())
        found = {"neighbours": score + float(self.agree_new[new].mean() - self.agree[shared].mean())}
        if self.sureness:
            parts = (one.ravel() for one in (self.sure[held], self.right[held], self.new[new]))
            found["threshold"] = by_threshold(*parts)
            least = min(score, self._by_chance(held, new))
            found = {name: float(np.clip(value, least, 1)) for name, value in found.items()}
        return found

    def _by_chance(self, held: Array, new: Array) -> float:
        """Return the share of new answers that are right if they have nothing to do with the labels.

        ``sum_c P(answer is c) P(label is c)``. Sureness and neighbours tell how much of a relation is left; that
        answers are turned against the labels, which alone is worse, neither can see.
        """
        said, wanted = self.said[new].mean(axis=0), self.wanted[held].mean(axis=0)
        return float((said * wanted).sum() if self.one_class else (said * wanted + (1 - said) * (1 - wanted)).mean())

    def own_error(self, rng: np.random.Generator) -> float:
        """Return how far the estimate is off on halves of the held-out rows whose labels it does not see."""
        n, off = len(self.score), []
        for _ in range(SPLITS):
            order = rng.permutation(n)
            first, second = order[: n // 2], order[n // 2 :]
            guess = [self.score[first].mean()]
            shared = [half[half < len(self.agree)] for half in (first, second)]
            if min(map(len, shared)):
                guess[0] += self.agree[shared[1]].mean() - self.agree[shared[0]].mean()
            if self.sureness:
                parts = (one.ravel() for one in (self.sure[first], self.right[first], self.sure[second]))
                guess.append(by_threshold(*parts))
            off.append(abs(min(guess) - self.score[second].mean()))
        return float(np.mean(off))


def _said(answers: Array, space: LabelSpace) -> Array:
    """Return 0/1 columns of the classes or labels that answers give."""
    if space.one_class:
        return np.eye(answers.shape[1])[answers.argmax(axis=1)]
    return (answers > 0.5).astype(np.float64)


def expect(reference: Reference, features: Array, answers: Array, space: LabelSpace, seed: int) -> Expected | None:
    """Return the score to expect of new rows: the lower of two estimates; None with too few labelled held-out rows.

    By confidence: the share of new answers as sure as the held-out ones that are right (ATC). By neighbours: the
    held-out score, plus the change in how far the model agrees with the 5 nearest labelled held-out rows. A model may
    be sure where it is wrong, and then it contradicts its neighbours; each alone is too hopeful more often
    (docs/watch.md has the figures).
    """
    n, s = len(reference.labels), reference.judged
    if min(n, s) < FEWEST:
        return None
    rows, rng = _Rows(reference, features, answers, space), np.random.default_rng(seed)
    m = len(answers)
    by = rows.estimates(np.arange(n), np.arange(s), np.arange(m))
    drawn = []
    for _ in range(DRAWS):
        held = rng.integers(n, size=n)
        shared = held[held < s] if (held < s).any() else np.arange(s)
        drawn.append(min(rows.estimates(held, shared, rng.integers(m, size=m)).values()))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Expected(
        float(rows.score.mean()), min(by.values()), (float(low), float(high)), rows.own_error(rng), n, by
    )  # fmt: skip
