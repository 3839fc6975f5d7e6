"""Which tasks to train together, proposed from how much a step on one lowers the losses of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


def proposed(affinity: Array) -> list[list[int]]:
    """Return groups of tasks that help each other most.

    The worth of a task in a group is the mean over the group's other tasks i of ``Z_ij / |Z_jj|``: how much of what its
    own step gives it a step on another gives; alone it is 0. Groups are joined two at a time, those first that raise
    the sum over tasks most, as long as it rises.

    Parameters
    ----------
    affinity : Z [t, t], i the task that steps and j the task that is asked.

    Examples
    --------
    >>> proposed(np.array([[1.0, 0.8, -0.2], [0.7, 1.0, -0.1], [-0.3, -0.2, 1.0]]))
    [[0, 1], [2]]
    """
    share = affinity / np.maximum(np.abs(np.diag(affinity)), 1e-12)
    groups = [[task] for task in range(len(affinity))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a + 1, len(groups))]
        rises = [_worth(share, groups[a] + groups[b]) - _worth(share, groups[a]) - _worth(share, groups[b])
                 for a, b in pairs]  # fmt: skip
        best = int(np.argmax(rises))
        if rises[best] <= 0:
            break
        a, b = pairs[best]
        groups = [one for n, one in enumerate(groups) if n not in (a, b)] + [sorted(groups[a] + groups[b])]
    return sorted(groups)


def _worth(share: Array, group: list[int]) -> float:
    if len(group) < 2:
        return 0.0
    part = share[np.ix_(group, group)]
    return float((part.sum() - np.trace(part)) / (len(group) - 1))


def told_affinity(found: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return what ``run.json`` says of affinity: means, standard errors and how often, and the groups by name."""
    groups = proposed(np.array(found["mean"]))
    return {"tasks": names} | found | {"proposed": [[names[task] for task in group] for group in groups]}


def affinity_lines(told: dict[str, Any]) -> list[str]:
    """Say which tasks the measured affinity would train together, and which pair harms most.

    Examples
    --------
    >>> affinity_lines({"tasks": ["a", "b"], "mean": [[0.2, 0.1], [-0.1, 0.5]], "n": 9, "proposed": [["a"], ["b"]]})
    ['Affinity between tasks (9 times measured) proposes: a alone; b alone. A step on b raises the loss of a by 10.0%.']
    """
    parts = [" with ".join(group) if len(group) > 1 else f"{group[0]} alone" for group in told["proposed"]]
    mean = np.array(told["mean"])
    off = np.where(np.eye(len(mean), dtype=bool), np.inf, mean)
    i, j = np.unravel_index(int(off.argmin()), off.shape)
    worst = f" A step on {told['tasks'][i]} raises the loss of {told['tasks'][j]} by {-100 * off[i, j]:.1f}%."
    said = f"Affinity between tasks ({told['n']} times measured) proposes: {'; '.join(parts)}."
    return [said + (worst if off[i, j] < 0 else "")]
