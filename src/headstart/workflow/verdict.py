"""Did the source help? The verdict on the test split, and the guard on validation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from headstart.functional.bootstrap import paired_bootstrap
from headstart.functional.mcnemar import mcnemar
from headstart.problem import Task

Kind = Literal["positive", "none", "negative"]
BASELINES = {
    "scratch": "training from scratch",
    "source_only": "the source model as it is",
    "target_only": "training on the target's labels alone",
    "pooled": "training on both domains as one",
}
WORDS = {"positive": "positive", "none": "no measurable difference", "negative": "negative"}


@dataclass(frozen=True)
class Verdict:
    """The gain of transfer over the baseline (training from scratch; across domains the best unadapted model), on test
    samples that nothing has seen.

    Attributes
    ----------
    kind : positive if the whole interval lies above 0, negative if below, none otherwise.
    metric : the primary metric; its gain is counted so that higher is better.
    gain : mean of the paired difference of scores (a share for accuracy, label units for mae); None when there
        was no scratch arm.
    interval : 95% paired bootstrap interval of the gain, over test samples and seeds.
    p : exact McNemar p for classification, sign-test p of the paired scores otherwise.
    """

    kind: Kind
    metric: str
    gain: float | None
    interval: tuple[float, float] | None
    p: float | None
    n_test: int
    chosen: str
    baseline: str = "scratch"

    @property
    def sentence(self) -> str:
        if self.gain is None or self.interval is None:
            if self.baseline != "scratch":
                return "Not measured: the target has no label to evaluate with; label some rows to measure the gain."
            return "Not measured: the arm trained from scratch was left out, so there is nothing to compare with."
        size = (
            f"{_signed(self.gain, self.metric)} ({_span(self.interval, self.metric)}) over {BASELINES[self.baseline]}"
        )
        return f"{WORDS[self.kind]}, {size}"

    def __str__(self) -> str:
        return self.sentence

    def to_json(self) -> dict[str, Any]:
        interval = None if self.interval is None else list(self.interval)
        return asdict(self) | {"interval": interval, "sentence": self.sentence}


def _signed(gain: float, metric: str) -> str:
    return f"{gain:+.3g} {metric}" if metric == "mae" else f"{100 * gain:+.1f} points"


def _span(interval: tuple[float, float], metric: str) -> str:
    low, high = interval
    return f"{low:.3g} to {high:.3g}" if metric == "mae" else f"{100 * low:.1f} to {100 * high:.1f}"


def judge(
    task: Task,
    chosen: str,
    transfer: np.ndarray,
    scratch: np.ndarray | None,
    *,
    seed: int = 0,
    baseline: str = "scratch",
) -> Verdict:
    """Compare two arms by their scores per test sample.

    Parameters
    ----------
    transfer, scratch : scores [seeds, n_test], higher is better; the same samples in the same order.
    baseline : name of the arm that ``scratch`` stands for.
    """
    n_test = transfer.shape[1]
    if scratch is None:
        return Verdict("none", task.metric, None, None, None, n_test, chosen, baseline)
    gain = float((transfer - scratch).mean())
    low, high = paired_bootstrap(transfer, scratch, seed=seed)
    kind: Kind = "positive" if low > 0 else "negative" if high < 0 else "none"
    p = mcnemar(transfer, scratch)
    return Verdict(kind, task.metric, gain, (float(low), float(high)), p, n_test, chosen, baseline)


@dataclass(frozen=True)
class Guard:
    """Which arm is handed back, and why."""

    kept: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def guard(task: Task, chosen: str, validation: dict[str, float]) -> Guard:
    """Hand back the arm with the best validation score; the chosen one wins ties.

    Parameters
    ----------
    validation : arm to mean validation score, higher is better.
    """
    ranked = sorted(validation, key=lambda arm: (-validation[arm], arm != chosen))
    kept = ranked[0]
    if len(ranked) == 1:
        return Guard(kept, "It is the only arm that was trained.")
    shown = {arm: _shown(score, task) for arm, score in validation.items()}
    if kept == chosen:
        reason = f"The planned arm is the best on validation: {shown[kept]} against {shown[ranked[1]]} for {ranked[1]}."
        return Guard(kept, reason)
    why = "the source does not help here" if kept == "scratch" else "another arm does better"
    scores = f"On validation {kept} scores {shown[kept]} and the planned {chosen} {shown[chosen]}"
    return Guard(kept, f"{scores}: {why}, so {kept} is handed back.")


def _shown(score: float, task: Task) -> str:
    return f"{task.metric} {-score:.4g}" if task.kind == "regression" else f"{100 * score:.1f}%"
