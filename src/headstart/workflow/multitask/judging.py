"""What learning together gave each task, who is handed back, and which tasks were harmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.kinds import ERRORS
from headstart.tasks import TaskLogic
from headstart.workflow.judging.verdict import Comparison, compare

Array = np.ndarray


@dataclass(frozen=True)
class Told:
    """One task: the gain of the best weighting over the task alone, and of what is handed back.

    Attributes
    ----------
    metric : the task's own. together, alone : its value on test rows. kept : the arm that is handed back.
    shared : the weighting against the task alone. relative : its relative improvement, for Δm. n : test rows.
    arms : every weighting against the task alone.
    """

    name: str
    metric: str
    together: float
    alone: float
    kept: str
    shared: Comparison
    handed: Comparison
    relative: float
    n: int
    arms: dict[str, Comparison]

    def to_json(self) -> dict[str, Any]:
        arms = {arm: one.to_json() for arm, one in self.arms.items()}
        told = {name: getattr(self, name) for name in ("metric", "together", "alone", "kept", "relative", "n")}
        return told | {"shared": self.shared.to_json(), "handed": self.handed.to_json(), "arms": arms}


def is_better(together: Array, alone: Array) -> bool:
    """Return whether a task is better together on validation rows: by more than the standard error of its gain.

    Parameters
    ----------
    together, alone : scores [seeds, n] of the same rows, higher is better.
    """
    gains = (together - alone).mean(axis=0)
    return bool(gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else False


def tell(
    name: str,
    logic: TaskLogic,
    values: dict[str, list[Array]],
    labels: Array,
    *,
    best: str,
    kept: str,
    alone: str,
    seed: int,
) -> Told:
    """Compare the weighting ``best``, and the arm ``kept``, with the task alone on its test rows."""
    scores = {arm: np.stack([logic.scores(one, labels) for one in found]) for arm, found in values.items()}
    task, metric = logic.task, logic.task.label_space.metrics[0]

    def value(arm: str) -> float:
        return float(np.mean([logic.metrics(one, labels)[metric] for one in values[arm]]))

    def against(arm: str) -> Comparison:
        return compare(task, arm, scores[arm], alone, scores[alone], seed=seed)

    together, single = value(best), value(alone)
    sign = -1.0 if metric in ERRORS else 1.0
    relative = sign * (together - single) / max(abs(single), 1e-12)
    arms = {arm: against(arm) for arm in values if arm != alone}
    return Told(name, metric, together, single, kept, arms[best], against(kept), relative, len(labels), arms)


def delta_m(told: list[Told]) -> float:
    """Return Δm: the mean over tasks of the relative improvement of the best weighting over each task alone."""
    return float(np.mean([one.relative for one in told]))


def lines(told: list[Told], best: str) -> list[str]:
    """Say each task's gain, the worst first, what was harmed, and Δm."""
    worst = sorted(told, key=lambda one: one.relative)
    said = [f"Together by {best}: Δm {delta_m(told):+.1%}, the mean relative improvement over each task alone."]
    for one in worst:
        said.append(
            f"  {one.name}: {one.shared.size(one.metric)} together, n = {one.n}; "
            f"{'the shared network (' + one.kept + ')' if one.kept != 'alone' else 'the task alone'} is handed back."
        )
    harmed = [one.name for one in worst if one.shared.kind == "negative"]
    if harmed:
        said.append(f"Negative transfer between tasks: {', '.join(harmed)} measurably worse together than alone.")
    return said
