"""How long does a pass take here? Measured, so that a budget can be planned."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from headstart.data import Dataset
from headstart.networks import Network


def forward_seconds(network: Network, dataset: Dataset, rows: np.ndarray, device: torch.device, n: int = 8) -> float:
    """Return seconds per sample of decoding, preprocessing and a forward pass: the fastest of four passes.

    The first pass warms up; what else the machine does meanwhile can only slow a pass down.
    """
    network.eval()
    passes = []
    for _ in range(4):
        start = time.perf_counter()
        raws = dataset.raw(rows[:n])
        with torch.inference_mode():
            network.run(to_device(network.preprocess(raws), device))
        passes.append(time.perf_counter() - start)
    network.train()
    return min(passes) / max(1, len(raws))


def to_device(state: Any, device: torch.device) -> Any:
    """Move a state, a tensor or a dict of tensors, to a device."""
    if isinstance(state, dict):
        return {name: tensor.to(device) for name, tensor in state.items()}
    return state.to(device)
