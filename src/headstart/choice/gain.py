"""From evidence to a predicted gain over source-only, by coefficients learned on benchmarks whose labels are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from headstart.choice.candidates import BLENDS, LEARNED, RACED
from headstart.choice.chance import chance
from headstart.choice.racing import AdaptationData, Result
from headstart.errors import check_names
from headstart.validators import VALIDATORS

Array = np.ndarray
CLASSIFICATION = (
    "source_accuracy",
    "importance_weighted",
    "dev",
    "circular",
    "entropy",
    "infomax",
    "bnm",
    "snd",
    "cluster_ami",
    "cluster_v_measure",
    "mano",
)
METHODS = (*LEARNED, "target_only", "pooled", *BLENDS)
REGRESSION = ("source_accuracy", "importance_weighted", "dev", "circular")
check_names((*CLASSIFICATION, *REGRESSION), VALIDATORS, "headstart.choice.gain.CLASSIFICATION")
check_names(METHODS, RACED, "headstart.choice.gain.METHODS")


class Gain(NamedTuple):
    """A linear model of the gain in points, ``gain = coef . clip(features / scale, -4, 4)``, and how far to believe it.

    Source-only, whose features are all 0, gains 0. A gain is held within ``bound`` of what the answers that change can
    be worth, and its error grows with them.

    Attributes
    ----------
    names : of the features. scale, coef : [len(names)].
    deviation : of the gain from its prediction, in units of the share of changed answers (of the change in deviations
        of the labels, for values), on benchmarks that were left out when the coefficients were learned.
    slope : of the chance that a gain is above 0 on the predicted gain (`chance.learn_slope`).
    bound : most that is predicted, as a share of the answers that change; infinite for values.
    """

    names: tuple[str, ...]
    scale: Array
    coef: Array
    deviation: float
    slope: float = 0.0
    bound: float = np.inf

    def predict(self, features: Array) -> Array:
        """Return the predicted gains of rows of features."""
        most = 100 * self.bound * self._changed(features) if np.isfinite(self.bound) else np.inf
        return ((features / self.scale).clip(-4, 4) @ self.coef).clip(-most, most)

    def deviations(self, features: Array) -> Array:
        """Return the standard errors of the predicted gains of rows of features, in points."""
        return 100 * self.deviation * self._changed(features)

    def chance(self, gains: Any) -> Any:
        """Return the calibrated chances that predicted gains are above 0."""
        return chance(self.slope, gains)

    def _changed(self, features: Array) -> Array:
        return features[:, self.names.index("changed")]


CLIP = 30.0


def feature_names(regression: bool) -> tuple[str, ...]:
    """Return the names of the features, in their order."""
    validators = REGRESSION if regression else CLASSIFICATION
    ranks = (f"rank of {name}" for name in validators)
    answers = ("agreement", "changed", "balance", "changed under shift", "overturned", "excess")
    return (*validators, *ranks, *answers, "constant", *(f"is {name}" for name in METHODS))


def features(data: AdaptationData, raced: Sequence[Result], field: Sequence[Result] | None = None) -> Array:
    """Return one row of features for each outcome; all of them finished.

    Validators enter as differences to source-only, which is the first of ``field``, and as ranks within ``field``;
    agreement with clusters counts as much as the source's own clusters agree with its labels.
    Beside them: how much more the answers agree with the field's mean answer than source-only's do, the share of
    answers that are not source-only's, how much further the predicted class shares are from the source's, how
    much changed where the domains are easily told apart, how sure source-only was of what they overturn, how far the
    share of changes exceeds source-only's expected error, and which method it is. All are 0 for source-only.

    Parameters
    ----------
    field : the finished race that ranks and agreement refer to; None for ``raced`` itself.
    """
    field = raced if field is None else field
    names = REGRESSION if data.regression else CLASSIFICATION
    scale = _scales(data)
    belief = np.array([data.validity if name.startswith("cluster") else 1.0 for name in names])
    reference = np.array([field[0].scores[name] for name in names])
    everyone = np.array([[one.scores[name] for name in names] for one in field])
    # Scores that differ by rounding alone are level, on every processor.
    near = 1e-9 * np.where(np.isfinite(everyone), np.abs(everyone), 0.0).max(axis=0)
    mean = np.mean([_shape(data, one.target) for one in field], axis=0)
    rows = []
    for one in raced:
        scores = np.array([one.scores[name] for name in names])
        ranks, rank_source = (_ranks(everyone, own, near) for own in (scores, reference))
        difference = (scores - reference) / np.array([scale.get(name, 1.0) for name in names])
        kind = np.array([one.name == name for name in METHODS], dtype=np.float64)
        constant = [float(one.name != "source_only")]
        rows.append(
            np.concatenate(
                [
                    belief * difference,
                    belief * (ranks - rank_source),
                    _answers(data, one, field[0], mean),
                    constant,
                    kind,
                ]
            )
        )
    return np.array(rows)


def _ranks(everyone: Array, own: Array, near: Array) -> Array:
    """Return the share of scores [n, s] below ``own`` [s], those within ``near`` counted by half."""
    return ((everyone < own - near).mean(axis=0) + (everyone <= own + near).mean(axis=0)) / 2


def _scales(data: AdaptationData) -> dict[str, float]:
    """What a score can reach at most, so that problems of different sizes compare."""
    if data.regression:
        return {}
    classes = float(np.log(data.n_classes))
    return {"entropy": classes, "infomax": classes, "snd": float(np.log(max(len(data.low_target), 3)))}


def _shape(data: AdaptationData, target: Any) -> Array:
    if data.regression:
        return np.asarray(target)
    return np.eye(data.n_classes)[np.asarray(target).argmax(axis=1)]


def _answers(data: AdaptationData, one: Result, source_only: Result, mean: Array) -> Array:
    mine, reference = _shape(data, one.target), _shape(data, source_only.target)
    labels = data.domains.labels
    shift = float(np.log(np.maximum(data.ratio, 1e-9)).std())
    overturned = excess = 0.0
    if data.regression:
        unit = float(labels.std()) or 1.0
        near = [-float(np.sqrt(((answers - mean) ** 2).mean())) / unit for answers in (mine, reference)]
        changed = float(np.sqrt(((mine - reference) ** 2).mean())) / unit
        moved = [abs(float(answers.mean() - labels.mean())) / unit for answers in (mine, reference)]
    else:
        near = [float((answers * mean).sum(axis=1).mean()) for answers in (mine, reference)]
        different = (mine != reference).any(axis=1)
        changed = float(different.mean())
        overturned = float((different * np.asarray(source_only.target).max(axis=1)).mean())
        excess = max(0.0, changed - (1 - expected_accuracy(data, source_only)))
        shares = np.bincount(labels, minlength=data.n_classes) / len(labels)
        moved = [float(np.abs(answers.mean(axis=0) - shares).sum()) for answers in (mine, reference)]
    return np.array([near[0] - near[1], changed, moved[0] - moved[1], changed * shift, overturned, excess])


def expected_accuracy(data: AdaptationData, one: Result) -> float:
    """Return the share of target rows as sure as the held-out source rows that the model gets right.

    The threshold is the confidence above which lie as many held-out source rows as are answered rightly.

    References
    ----------
    Garg, Balakrishnan, Lipton, Neyshabur and Sedghi, "Leveraging Unlabeled Data to Predict Out-of-Distribution
    Performance", ICLR 2022, section 4.
    """
    held = np.asarray(one.held)
    right = float((held.argmax(axis=1) == data.domains.labels[data.held]).mean())
    threshold = np.quantile(held.max(axis=1), 1 - right)
    return float((np.asarray(one.target).max(axis=1) >= threshold).mean())


def learn(rows: Array, gains: Array, groups: Array, names: Sequence[str], *, strength: float = 3.0) -> Gain:
    """Return ridge coefficients, every group (benchmark) counting alike, gains clipped to `CLIP` points.

    How far its predictions are to be believed is learned apart, on groups that it has not seen (`chance.learn_slope`).

    Parameters
    ----------
    rows : [n, len(names)]. gains : [n] points over source-only. groups : [n]. strength : penalty per unit of weight.
    """
    gains = gains.clip(-CLIP, CLIP)
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / counts[inverse]
    weights = weights / weights.sum()
    scale = np.sqrt(weights @ rows**2)
    scale = np.where(scale > 1e-9, scale, 1.0)
    x = (rows / scale).clip(-4, 4)
    gram = x.T @ (weights[:, None] * x) + strength * np.eye(x.shape[1])
    coef = np.linalg.solve(gram, x.T @ (weights * gains))
    return Gain(tuple(names), scale, coef, 1.0)


def shipped(regression: bool) -> Gain:
    """Return the coefficients in the package, learned on all of the project's benchmarks."""
    stored = json.loads(files("headstart.choice").joinpath("gain.json").read_text(encoding="utf-8"))
    return from_json(stored["regression" if regression else "classification"])


def regrets() -> dict[str, float]:
    """Return what choosing by one validator alone lost on the benchmarks: points below the best candidate, by name.

    Means over benchmarks of classification, each counting alike; measured when the package's coefficients were learned.
    """
    return json.loads(files("headstart.choice").joinpath("gain.json").read_text(encoding="utf-8"))["regret"]


def from_json(stored: dict[str, Any]) -> Gain:
    """Read coefficients."""
    coef = dict(stored["coefficients"])
    scale, weight = np.array(list(coef.values()), dtype=np.float64).T
    bound = np.inf if stored["bound"] is None else stored["bound"]
    return Gain(tuple(coef), scale, weight, stored["deviation"], stored["slope"], bound)


def to_json(gain: Gain) -> dict[str, Any]:
    """Write coefficients as ``name: [scale, coefficient]``, rounded to six digits."""
    pairs = zip(gain.scale, gain.coef, strict=True)
    rounded = [[float(f"{scale:.6g}"), float(f"{coef:.6g}")] for scale, coef in pairs]
    said: dict[str, Any] = {"deviation": round(gain.deviation, 4), "slope": round(gain.slope, 4)}
    said["bound"] = float(gain.bound) if np.isfinite(gain.bound) else None
    return said | {"coefficients": dict(zip(gain.names, rounded, strict=True))}
