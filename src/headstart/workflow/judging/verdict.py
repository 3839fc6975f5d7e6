"""Did the source help? The verdict on the test split, and the guard on validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from headstart.functional.bootstrap import corpus_interval
from headstart.functional.intervals import interval_of_gain, mcnemar
from headstart.kinds import ERRORS, SHARES
from headstart.problem import Task
from headstart.workflow.arm import known

Array = np.ndarray
Kind = Literal["positive", "none", "negative"]
Corpus = Callable[[Array], tuple[float, float]]
Measures = dict[str, Callable[[Array], float]]
WORDS = {"positive": "positive", "none": "no measurable difference", "negative": "negative"}
VISIBLE = {"share": 0.02, "error": 0.05}
"""A gap on the test split that is worth a sentence: 2 points, or a twentieth of an error."""


@dataclass(frozen=True)
class Comparison:
    """One arm against another on the same test samples; the fields are those of `Verdict`."""

    arm: str
    baseline: str
    kind: Kind
    gain: float
    interval: tuple[float, float]
    interval_kind: str
    p: float | None

    def size(self, metric: str) -> str:
        """Return gain and interval in words."""
        return f"{_signed(self.gain, metric)} ({_span(self.interval, metric)})"

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"interval": list(self.interval)}

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> Comparison | None:
        return None if value is None else cls(**{**value, "interval": tuple(value["interval"])})


@dataclass(frozen=True)
class Verdict:
    """The gain of the model that is handed back over the baseline (training from scratch; across domains the best
    unadapted model), on test samples that nothing has seen.

    Attributes
    ----------
    kind : positive if the whole interval lies above 0, negative if below, none otherwise.
    metric : the primary metric; its gain is counted so that higher is better.
    gain : mean of the paired difference of scores (a share for accuracy, label units for mae); None when there
        was no baseline; 0 where the baseline itself is handed back.
    interval : 95% interval of the gain, over test samples and seeds. interval_kind : how it was found: "tango" (score
        interval of paired shares), "bootstrap" (paired, percentile), "student" (fewer than ten samples that differ, of
        scores that are no right or wrong), or "same" where both are one model.
    p : exact McNemar p for classification, sign-test p of the paired scores otherwise.
    chosen : the planned arm. arm : the one handed back, whose gain this is.
    planned : the planned arm against the baseline, where another is handed back.
    best : the arm that is handed back against the best of the simple ways, which validation chose; None if none ran.
    note : what the test split says against the choice, in words; empty where it says nothing.
    """

    kind: Kind
    metric: str
    gain: float | None
    interval: tuple[float, float] | None
    p: float | None
    n_test: int
    chosen: str
    baseline: str = "scratch"
    arm: str = ""
    interval_kind: str | None = None
    planned: Comparison | None = None
    note: str = ""
    best: Comparison | None = None

    def __post_init__(self) -> None:
        if not self.arm:
            object.__setattr__(self, "arm", self.chosen)

    @property
    def transfers(self) -> bool:
        """Whether what is handed back carries anything over from the source."""
        return known(self.arm).uses_source

    @property
    def sentence(self) -> str:
        if self.gain is None:
            if self.baseline != "scratch":
                return "Not measured: the target has no label to evaluate with; label some rows to measure the gain."
            return "Not measured: the arm trained from scratch was left out, so there is nothing to compare with."
        said = self._of_the_kept()
        told = {self.arm, self.baseline, "" if self.planned is None else self.planned.arm}
        if self.best is not None and self.best.baseline not in told:
            said += f"; {self.best.size(self.metric)} over {named(self.best.baseline)}, the best of the simple ways"
        if self.planned is not None:
            said += f"; the planned {self.chosen} would have been {self.planned.size(self.metric)} against it"
        return said

    def _of_the_kept(self) -> str:
        assert self.gain is not None
        assert self.interval is not None
        baseline = named(self.baseline)
        if self.arm == self.baseline:
            return f"nothing was gained: {baseline} is handed back"
        size = f"{_signed(self.gain, self.metric)} ({_span(self.interval, self.metric)}) over {baseline}"
        kept = "" if self.planned is None else f" by {self.arm}, which is handed back"
        without = "" if self.transfers else ", without the source"
        return f"{WORDS[self.kind]}, {size}{kept}{without}"

    def __str__(self) -> str:
        return self.sentence

    def to_json(self) -> dict[str, Any]:
        interval = None if self.interval is None else list(self.interval)
        second = {name: found and found.to_json() for name, found in (("planned", self.planned), ("best", self.best))}
        return vars(self) | second | {"interval": interval, "transfers": self.transfers, "sentence": self.sentence}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Verdict:
        """Read what `to_json` wrote, of this version or of one that knew the planned arm only."""
        fields = {name: value[name] for name in ("kind", "metric", "gain", "p", "n_test", "chosen", "baseline")}
        interval = None if value["interval"] is None else tuple(value["interval"])
        if (interval is None) != (fields["gain"] is None):
            raise ValueError("its verdict has a gain without an interval, or an interval without a gain")
        more = {name: value[name] for name in ("arm", "interval_kind", "note") if value.get(name)}
        planned, best = (Comparison.from_json(value.get(name)) for name in ("planned", "best"))
        return cls(interval=interval, planned=planned, best=best, **fields, **more)


def named(arm: str) -> str:
    """Return what an arm is, in words."""
    return known(arm).words


def _signed(gain: float, metric: str) -> str:
    if metric not in SHARES:
        return f"{gain:+.3g} {metric}"
    hidden = gain and abs(100 * gain) < 0.05  # one decimal would say +0.0 of what is measured
    return f"{100 * gain:+.1g} points" if hidden else f"{100 * gain:+.1f} points"


def _span(interval: tuple[float, float], metric: str) -> str:
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}" if metric in SHARES else f"{low:.3g} to {high:.3g}"


def compare(
    task: Task, arm: str, first: Array, baseline: str, second: Array, *, seed: int = 0, corpus: Corpus | None = None
) -> Comparison:
    """Compare two arms by their scores per test sample.

    Parameters
    ----------
    first, second : scores [seeds, n_test], higher is better; the same samples in the same order.
    corpus : for a metric that is no mean of scores per sample: ``(rows) -> (first's value, second's value)`` on these
        test rows, higher is better; its gain is bootstrapped over rows.
    """
    if arm == baseline:
        return Comparison(arm, baseline, "none", 0.0, (0.0, 0.0), "same", 1.0)
    if corpus is None:
        gain = float((first - second).mean())
        low, high, how = interval_of_gain(first, second, share=task.label_space.has_shares, seed=seed)
    else:
        gain, low, high = corpus_interval(lambda rows: float(np.subtract(*corpus(rows))), first.shape[1], seed=seed)
        how = "bootstrap"
    kind: Kind = "positive" if low > 0 else "negative" if high < 0 else "none"
    p = mcnemar(first, second) if corpus is None else None
    return Comparison(arm, baseline, kind, gain, (float(low), float(high)), how, p)


def judge(
    task: Task,
    chosen: str,
    transfer: Array,
    scratch: Array | None,
    *,
    seed: int = 0,
    baseline: str = "scratch",
    corpus: Corpus | None = None,
) -> Verdict:
    """Compare the arm ``chosen`` with the baseline.

    Parameters
    ----------
    transfer, scratch : scores [seeds, n_test], higher is better; the same samples in the same order.
    baseline : name of the arm that ``scratch`` stands for.
    corpus : see `compare`.
    """
    n_test = transfer.shape[1]
    if scratch is None:
        return Verdict("none", task.metric, None, None, None, n_test, chosen, baseline)
    found = compare(task, chosen, transfer, baseline, scratch, seed=seed, corpus=corpus)
    measured = (found.kind, task.metric, found.gain, found.interval, found.p)
    return Verdict(*measured, n_test, chosen, baseline, interval_kind=found.interval_kind)


def judge_kept(
    task: Task,
    scores: dict[str, Array],
    *,
    kept: str,
    planned: str,
    baseline: str = "scratch",
    simple: dict[str, float] | None = None,
    measures: Measures | None = None,
    judges: str = "the test split",
    seed: int = 0,
) -> Verdict:
    """Judge the arm that is handed back, and second the planned one where it is another.

    Parameters
    ----------
    scores : arm to scores [seeds, n_test], higher is better.
    simple : the simple ways that ran, with their validation scores: the best of them is what the kept one is also
        compared with. The test split does not choose it, or luck there would make the gain too small.
    measures : arm to the metric on any test rows, where it is no mean of one score per sample.
    judges : what the samples are, in words.
    """
    pair = partial(_pair, measures)
    corpus = pair(kept, baseline) if baseline in scores else None
    first = judge(task, kept, scores[kept], scores.get(baseline), seed=seed, baseline=baseline, corpus=corpus)
    second = None
    if kept != planned and planned in scores and baseline in scores:
        corpus = pair(planned, baseline)
        second = compare(task, planned, scores[planned], baseline, scores[baseline], seed=seed, corpus=corpus)
    best = None
    if simple:
        strongest = max(simple, key=lambda arm: (simple[arm], arm == kept))
        corpus = pair(kept, strongest)
        best = compare(task, kept, scores[kept], strongest, scores[strongest], seed=seed, corpus=corpus)
    note = against_the_choice(task, scores, kept, measures=measures, judges=judges, seed=seed)
    return replace(first, chosen=planned, arm=kept, planned=second, note=note, best=best)


def _pair(measures: Measures | None, arm: str, baseline: str) -> Corpus | None:
    """Return both arms' metric on any test rows; None where scores per sample say it."""
    if measures is None:
        return None
    return lambda rows: (measures[arm](rows), measures[baseline](rows))


def against_the_choice(
    task: Task,
    scores: dict[str, Array],
    kept: str,
    *,
    measures: Measures | None = None,
    judges: str = "the test split",
    seed: int = 0,
) -> str:
    """Say which arm the test split puts before the kept one, if one is measurably or visibly better; else nothing."""
    every = np.arange(scores[kept].shape[1])
    values = {arm: float(one.mean()) if measures is None else measures[arm](every) for arm, one in scores.items()}
    others = {arm: value for arm, value in values.items() if arm != kept}
    if not others:
        return ""
    best = max(others, key=lambda arm: others[arm])
    found = compare(task, best, scores[best], kept, scores[kept], seed=seed, corpus=_pair(measures, best, kept))
    floor = VISIBLE["share"] if task.metric in SHARES else VISIBLE["error"] * abs(values[kept])
    if found.kind != "positive" and (found.gain <= 0 or found.gain < floor):
        return ""
    how = "measurably better" if found.kind == "positive" else "better, though not measurably,"
    return (
        f"{judges[0].upper()}{judges[1:]} and the choice disagree: {best} is {how} than {kept}, by "
        f"{found.size(task.metric)}. "
        f"The choice was made without {judges} and stands; with more labelled samples both would be surer."
    )


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
    why = "the source does not help here" if not known(kept).uses_source else "another arm does better"
    scores = f"On validation {kept} scores {shown[kept]} and the planned {chosen} {shown[chosen]}"
    return Guard(kept, f"{scores}: {why}, so {kept} is handed back.")


def _shown(score: float, task: Task) -> str:
    value = -score if task.metric in ERRORS else score
    return f"{100 * value:.1f}%" if task.metric in SHARES else f"{task.metric} {value:.4g}"
