"""How well arms withstand inputs that are moved against them: measured where a method was asked for that learns to."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.deep.attack import point_of, worst
from headstart.engine.device import move
from headstart.networks.network import Network
from headstart.tasks import TaskLogic
from headstart.workflow.arm import arm_of, without_moves
from headstart.workflow.arms.refit import load_arm
from headstart.workflow.arms.workbench import Workbench

EPSILON = 0.1
"""Radius of a move: of each value, as a share of the root mean square of the sample's standardised inputs."""
ATTACKS = {"FGSM": 1, "PGD": 5}
"""Steps of each attack."""
MOST = 500
SHARE = 0.25
"""Part of what the budget leaves that the measurement may take; it ends early and says of how many samples it is."""


def attacked(bench: Workbench, arms: Sequence[str], kept: str, seed: int, folder: Path) -> dict[str, Any] | None:
    """Measure the kept arm, those that learn from moved inputs and the same without; None where none of them does.

    Returns
    -------
    dict with ``epsilon``, ``attacks`` (steps by name), ``metric``, ``n``, and ``arms``: the metric without a move and
    under each attack, by arm.
    """
    moving = [arm for arm in arms if without_moves(arm) is not None]
    if not moving:
        return None
    twins = [without_moves(arm) for arm in moving]
    shown = [arm for arm in arms if arm in (*moving, *twins) or (arm == kept and not arm_of(arm).plain)]
    networks = {arm: load_arm(folder, arm, seed).to(bench.device).eval() for arm in shown}
    rows = np.random.default_rng(bench.options.seed).permutation(bench.dataset.splits["test"])[:MOST]
    spare = math.inf if bench.timetable is None else bench.timetable.spare
    batches = _within(np.array_split(rows, -(-len(rows) // bench.batch_size)), SHARE * spare)
    found: dict[str, dict[str, list[np.ndarray]]] = {arm: {} for arm in shown}
    labels = []
    for part in batches:
        labels.append(bench.dataset.labels(part))
        for arm, network in networks.items():
            state = move(network.preprocess(bench.dataset.raw(part)), bench.device)
            for name, answers in under_attack(network, bench.logic, state, torch.as_tensor(labels[-1])).items():
                found[arm].setdefault(name, []).append(answers)
    truth, metric = np.concatenate(labels), bench.logic.task.metric
    measured = {
        arm: {name: bench.logic.measure(metric, np.concatenate(answers), truth) for name, answers in each.items()}
        for arm, each in found.items()
    }
    return {"epsilon": EPSILON, "attacks": ATTACKS, "metric": metric, "n": len(truth), "arms": measured}


def under_attack(
    network: Network, logic: TaskLogic, state: Any, y: torch.Tensor, epsilon: float = EPSILON
) -> dict[str, np.ndarray]:
    """Return a network's predictions of samples as they are (``clean``), and moved by each of `ATTACKS`."""
    device = next(network.parameters()).device
    point, y = point_of(network, state), y.to(device)
    moves = {"clean": torch.zeros_like(point.values)}
    for name, steps in ATTACKS.items():
        moves[name] = worst(point, lambda outputs: logic.loss(outputs, y), epsilon, steps)
    with torch.no_grad():
        return {name: logic.predict(point.outputs(delta)).cpu().numpy() for name, delta in moves.items()}


def _within(parts: list[np.ndarray], seconds: float) -> Iterator[np.ndarray]:
    """Yield parts until the time is spent; the first always."""
    began = time.monotonic()
    for number, part in enumerate(parts):
        if number and time.monotonic() - began > seconds:
            return
        yield part
