"""Which class shares do new rows have, if nothing but shares has changed?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart.choice.moved_means import shares_explain_more
from headstart.functional.calibration import calibrate
from headstart.kinds.base import LabelSpace
from headstart.shallow.instances.label_shift import class_weights_by_confusion, class_weights_by_likelihood
from headstart.workflow.watching.reference import Reference

Array = np.ndarray
DRAWS = 100
PER_CLASS = 5
"""Labelled held-out rows that a class has on average, below which nothing is said of shares."""
RIGHT = 0.5
"""Share of held-out rows that must be answered rightly: a confusion matrix that can be inverted."""


@dataclass(frozen=True)
class Shares:
    """Class shares of new rows.

    Attributes
    ----------
    held : of the held-out rows. estimate, interval : of the new rows by maximum likelihood (EM), with a 95% interval of
        sampling. by_confusion : the same by BBSE. distance : between ``estimate`` and ``held`` in total variation, with
        its interval, less what equal shares give by chance. explains : whether other shares explain the answers better
        than a moved mean of the model's outputs does.
    """

    names: tuple[str, ...]
    held: list[float]
    estimate: list[float]
    interval: list[tuple[float, float]]
    by_confusion: list[float]
    distance: float
    distance_interval: tuple[float, float]
    explains: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "names": list(self.names),
            "interval": [list(one) for one in self.interval],
            "distance_interval": list(self.distance_interval),
        }

    @property
    def moved(self) -> bool:
        """Return whether the shares differ by more than sampling explains."""
        return self.explains and self.distance_interval[0] > 0.05

    def words(self) -> str:
        order = np.argsort(-np.abs(np.array(self.estimate) - np.array(self.held)))[:3]
        shown = ", ".join(
            f"{self.names[i]} {100 * self.estimate[i]:.0f}% ({100 * self.interval[i][0]:.0f} to "
            f"{100 * self.interval[i][1]:.0f}%, was {100 * self.held[i]:.0f}%)"
            for i in order
        )
        return f"Class shares, if only these changed: {shown}."


def estimate_shares(reference: Reference, answers: Array, space: LabelSpace, seed: int) -> Shares | None:
    """Estimate the class shares of new rows; None where there is not one class per sample, or too little is held out.

    References
    ----------
    Saerens, Latinne and Decaestecker, Neural Computation 2002 (EM). Lipton, Wang and Smola, ICML 2018 (BBSE).
    Alexandari, Kundaje and Shrikumar, ICML 2020 (calibration first).
    """
    labels = reference.labels
    if not space.one_class:
        return None
    held, k = reference.answers[: len(labels)].astype(np.float64), len(space.names)
    counts = np.bincount(labels, minlength=k)
    if len(labels) < PER_CLASS * k or not counts.all() or (held.argmax(axis=1) == labels).mean() <= RIGHT:
        return None
    answers, rng = np.asarray(answers, dtype=np.float64), np.random.default_rng(seed)
    prior = counts / len(labels)
    logs = [np.log(np.maximum(one, 1e-12)) for one in (held, answers)]
    calibration = calibrate(logs[0], labels)
    own, new = calibration(logs[0]), calibration(logs[1])

    def by_likelihood(rows: Array, others: Array) -> Array:
        base = np.maximum(rows.mean(axis=0), 1e-6)
        shares = class_weights_by_likelihood(others, base / base.sum()) * base
        return shares / shares.sum()

    found = by_likelihood(own, new)
    drawn, chance = [], []
    for _ in range(DRAWS):
        rows, others = rng.integers(len(own), size=len(own)), rng.integers(len(new), size=len(new))
        drawn.append(by_likelihood(own[rows], new[others]))
        chance.append(by_likelihood(own, own[rng.integers(len(own), size=len(new))]))
    drawn, spread = np.array(drawn), np.quantile(_apart(np.array(chance), prior), 0.95)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    edges = np.quantile(_apart(drawn, prior), [0.025, 0.975])
    confusion = own.T @ np.eye(k)[labels] / len(labels)
    return Shares(
        space.names,
        prior.tolist(),
        found.tolist(),
        list(zip(low.tolist(), high.tolist(), strict=True)),
        (class_weights_by_confusion(confusion, prior, new.mean(axis=0)) * prior).tolist(),
        max(0.0, float(_apart(found, prior)) - float(spread)),
        (max(0.0, float(edges[0] - spread)), max(0.0, float(edges[1] - spread))),
        shares_explain_more(held, labels, answers, prior),
    )


def _apart(shares: Array, prior: Array) -> Array:
    """Return the total variation distance."""
    return 0.5 * np.abs(shares - prior).sum(axis=-1)
