"""Heads learned without gradients, on features computed once: probe, k-NN and the probe of several stages."""

from __future__ import annotations

import numpy as np

from headstart.networks import Network
from headstart.workflow.plan import Plan
from headstart.workflow.workbench import Workbench


def install_probe(bench: Workbench, plan: Plan, network: Network, rows: np.ndarray, validation: np.ndarray) -> None:
    """Set ``network.head`` to the linear probe of the frozen features: the stage «train the head»."""
    raise NotImplementedError


def fit_head(
    bench: Workbench, plan: Plan, network: Network, kind: str, rows: np.ndarray, validation: np.ndarray
) -> None:
    """Freeze every stage of ``network`` and learn its head by ``kind``: probe, knn or stage_probe."""
    raise NotImplementedError
