"""Features of raw samples, computed in one pass: what the cache has no room for, or holds no state of."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.engine.device import move
from headstart.engine.predict import evaluating
from headstart.networks.network import Network


def pooled_features(network: Network, dataset: Any, rows: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Return pooled features [n, n_features] (float64) in evaluation mode; the network's mode is restored."""
    device = next(network.parameters()).device
    parts = []
    with evaluating(network):
        for start in range(0, len(rows), batch_size):
            state = network.preprocess(dataset.raw(rows[start : start + batch_size]))
            parts.append(network.features(move(state, device)).double().cpu().numpy())
    return np.concatenate(parts)
