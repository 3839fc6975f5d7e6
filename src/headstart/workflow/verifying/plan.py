"""What is done to find an embedding, decided before training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart.networks import Network
from headstart.schema import record_of, require
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.options import depth_of

PIXELS, SOURCE, WHITENED, ARCFACE, SCRATCH = "pixels", "source", "whitened", "arcface", "scratch"
TRAINED = (ARCFACE, SCRATCH)
EPOCHS, BATCH, RATE = 30, 32, 3e-3
MANY = 100
"""People to learn from, below which a closed form stands for the plan and not a training."""
SHARE = 0.35
"""Of the budget, for each of the two trainings."""


@dataclass(frozen=True)
class VerificationPlan:
    """What is done.

    Attributes
    ----------
    method : that stands for the plan. arms : what is compared. depth : last stages that learn by ArcFace. epochs,
        batch_size, learning_rate : of both trainings.
    """

    method: str
    arms: tuple[str, ...]
    depth: int
    epochs: int
    batch_size: int
    learning_rate: float
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"arms": list(self.arms), "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, value: dict[str, Any], where: str) -> VerificationPlan:
        require(value, record_of(cls), where)
        return cls(**{**value, "arms": tuple(value["arms"]), "reasons": tuple(value["reasons"])})


def make_plan(bench: Workbench, network: Network) -> VerificationPlan:
    """Return the plan: the last stage learns unless a depth was asked for."""
    options, data, stages = bench.options, bench.dataset, len(network.stages)
    people = {name: len(np.unique(data.labels(rows))) for name, rows in data.splits.items()}
    asked = None if options.depth is None else depth_of(options.depth, stages)
    depth = 1 if options.depth is None or options.depth == "auto" else stages if asked is None else asked
    naive = (PIXELS,) if data.modality == "image" else ()
    reasons = (
        f"{people['train']} people to learn from, {people['validation']} others to choose by and to set the threshold "
        f"with, and {people['test']} others to measure on.",
        f"The source's features are tried as they are, whitened within people, and after ArcFace has moved the last "
        f"{depth} of {stages} stages; beside them the same network from random weights"
        + (", and the pixels alone (eigenfaces)." if naive else "."),
    )
    return VerificationPlan(
        method=options.method or (WHITENED if people["train"] < MANY else ARCFACE),
        arms=(*naive, SOURCE, WHITENED, ARCFACE, SCRATCH),
        depth=depth,
        epochs=options.epochs or EPOCHS,
        batch_size=min(options.batch_size or BATCH, len(data.splits["train"])),
        learning_rate=options.learning_rate or RATE,
        reasons=reasons,
    )
