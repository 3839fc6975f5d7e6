"""How long does a pass take here? Measured, so that a budget can be planned."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from headstart.data import Dataset
from headstart.networks import Network


def forward_seconds(network: Network, dataset: Dataset, rows: np.ndarray, device: torch.device, n: int = 8) -> float:
    """Return seconds per sample of decoding, preprocessing and a forward pass; the second of two passes counts."""
    raws = dataset.raw(rows[:n])
    network.eval()
    seconds = 0.0
    for _ in range(2):
        start = time.perf_counter()
        with torch.inference_mode():
            network.run(to_device(network.preprocess(raws), device))
        seconds = time.perf_counter() - start
    network.train()
    return seconds / max(1, len(raws))


def to_device(state: Any, device: torch.device) -> Any:
    """Move a state, a tensor or a dict of tensors, to a device."""
    if isinstance(state, dict):
        return {name: tensor.to(device) for name, tensor in state.items()}
    return state.to(device)
