"""Predictions and evaluations, without a graph and without a trace on the network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.engine.ahead import ahead
from headstart.engine.device import Place, choose_precision, free_memory, layout_of, move, out_of_memory
from headstart.engine.domain import Fetch
from headstart.engine.labels import as_labels
from headstart.errors import UserError
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode without a graph, and every module's own mode back afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def predict(
    network: Network,
    logic: TaskLogic,
    fetch: Fetch,
    n: int,
    *,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    precision: str = "no",
) -> np.ndarray:
    """Return probabilities, or values in the target's units, [n, k] (float32), of the plain view.

    Parameters
    ----------
    network, logic : what predicts.
    fetch : states of positions 0 to n - 1 at the network's entry.
    batch_size : halved when memory runs out.
    device : where to compute; None: where the network is.
    precision : ``no`` (float32) or ``bf16``.
    """
    place, run = _place(network, device, precision), partial(logic.run, network)
    found = outputs(network, fetch, n, batch_size, place, logic.condensed, run)
    return logic.predict(found).numpy()


def evaluator(
    logic: TaskLogic, fetch: Fetch, labels: Any, *, batch_size: int = 64, precision: str | None = None
) -> Callable[[Network], dict[str, float]]:
    """Return ``evaluate(network)`` that gives ``loss`` (the task's, mean) and ``score`` (mean, higher is better)."""
    y = as_labels(labels)

    def evaluate(network: Network) -> dict[str, float]:
        place, run = _place(network, None, precision), partial(logic.run, network)
        found = outputs(network, fetch, len(y), batch_size, place, logic.condensed, run)
        return logic.evaluated(found, y)

    return evaluate


def _place(network: Network, device: Any, precision: str | None) -> Place:
    if device is not None:
        network.to(device)
    where = next(network.parameters()).device
    return Place(where, choose_precision(where, precision))


def outputs(
    network: Network,
    fetch: Fetch,
    n: int,
    batch_size: int,
    place: Place,
    condensed: Callable[[Tensor], Tensor] = lambda outputs: outputs,
    run: Callable[[Any], Tensor] | None = None,
) -> Tensor:
    """Return what ``condensed`` keeps of the network's outputs [n, k], float32, on the CPU; ``run`` makes them."""
    with evaluating(network):
        found = [condensed(one.float()).cpu() for one in _batches(network, fetch, n, batch_size, place, run)]
    if not found:
        raise UserError("There is nothing to predict: no sample was given.")
    return _joined(found)


def _joined(found: list[Tensor]) -> Tensor:
    """Join batches of outputs; those with a length (tokens: [n, l, k]) are padded on the right with zeros."""
    if found[0].ndim != 3 or len({part.shape[1] for part in found}) == 1:
        return torch.cat(found)
    length = max(part.shape[1] for part in found)
    pad = [(0, 0) * (part.ndim - 2) + (0, length - part.shape[1]) for part in found]
    return torch.cat([nn.functional.pad(part, ends) for part, ends in zip(found, pad, strict=True)])


def _batches(
    network: Network, fetch: Fetch, n: int, batch_size: int, place: Place, run: Callable[[Any], Tensor] | None
) -> Iterator[Tensor]:
    layout = layout_of(network, place.device)
    chunks = [np.arange(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
    for state in ahead(lambda positions: fetch(positions, 0), chunks, threads=getattr(fetch, "slow", False)):
        yield run_safely(run or network, move(state, place.device, layout), place)


def run_safely(function: Callable[[Any], Any], state: Any, place: Place) -> Any:
    """Return ``function(state)``, computed in halves where memory runs out."""
    try:
        with place.autocast():
            return function(state)
    except (RuntimeError, MemoryError) as error:
        n = len(next(iter(state.values())) if isinstance(state, dict) else state)
        if not out_of_memory(error):
            raise
        if n == 1:
            raise UserError(f"Not even one sample fits into the memory of {place.device}.") from error
    free_memory(place.device)
    halves = [slice(0, n // 2), slice(n // 2, n)]
    found = [run_safely(function, _pick(state, half), place) for half in halves]
    if isinstance(found[0], dict):
        return {name: torch.cat([part[name] for part in found]) for name in found[0]}
    return torch.cat(found)


def _pick(state: Any, chosen: slice) -> Any:
    return {name: item[chosen] for name, item in state.items()} if isinstance(state, dict) else state[chosen]


def pooled_features(network: Network, dataset: Any, rows: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Return pooled features [n, n_features] (float64) in evaluation mode; the network's mode is restored."""
    device = next(network.parameters()).device
    parts = []
    with evaluating(network):
        for start in range(0, len(rows), batch_size):
            state = network.preprocess(dataset.raw(rows[start : start + batch_size]))
            parts.append(network.features(move(state, device)).double().cpu().numpy())
    return np.concatenate(parts)
