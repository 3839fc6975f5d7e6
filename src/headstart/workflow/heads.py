"""Heads learned without gradients, on features computed once: probe, k-NN and the probe of several stages."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from headstart.data import folds
from headstart.networks import Network
from headstart.shallow.parameters.probe import Probe
from headstart.workflow.workbench import Workbench

LINKS = {"classification": "softmax", "multilabel": "sigmoid", "regression": "identity"}
Fold = tuple[np.ndarray, np.ndarray]


def fit_head(
    bench: Workbench, network: Network, kind: str, rows: np.ndarray, validation: np.ndarray, views: int = 1
) -> None:
    """Learn the head of ``network``, whose stages are frozen, by ``kind``: probe, knn or stage_probe.

    Parameters
    ----------
    rows, validation : training rows, and the rows on which strengths are chosen; without them, cross-validation.
    views : augmented views of the training rows.
    """
    {"probe": fit_probe, "knn": fit_knn, "stage_probe": fit_stage_probe}[kind](bench, network, rows, validation, views)


def fit_probe(bench: Workbench, network: Network, rows: np.ndarray, validation: np.ndarray, views: int = 1) -> None:
    """Set ``network.head`` to the linear probe of the features: the stage «train the head»."""
    features, labels = bench.features(network, rows, views=views), bench.dataset.labels(rows)
    held = _held(bench, network, validation)
    copies = len(features) // len(rows)
    probe = Probe(kind=bench.logic.task.kind, n_outputs=bench.logic.task.n_outputs, seed=bench.options.seed)
    probe.fit(features, np.concatenate([labels] * copies), held, None if held else _folds(bench, rows, copies))
    network.head = probe.to_head(_linear(bench, network), bench.logic)


def fit_knn(bench: Workbench, network: Network, rows: np.ndarray, validation: np.ndarray, views: int = 1) -> None:
    """Set ``network.head`` to the nearest neighbours among the training rows."""
    from headstart.networks.heads import NearestHead
    from headstart.shallow.parameters.knn import KNN

    task = bench.logic.task
    features, labels = bench.features(network, rows), bench.dataset.labels(rows)
    held = _held(bench, network, validation)
    knn = KNN(kind=task.kind, n_outputs=task.n_outputs).fit(features, labels, held)
    targets = np.eye(task.n_outputs)[labels] if task.kind == "classification" else labels
    if task.kind == "regression":
        targets = (labels - bench.logic.mean) / bench.logic.scale  # type: ignore[attr-defined]
    head = NearestHead(torch.as_tensor(features), torch.as_tensor(targets), knn.k_, LINKS[task.kind])
    network.head = head.to(bench.device)


def fit_stage_probe(
    bench: Workbench, network: Network, rows: np.ndarray, validation: np.ndarray, views: int = 1
) -> None:
    """Tap several stages, reduce and fuse their pooled maps, and set the head to the fused linear map."""
    from headstart.shallow.features.stage_probe import StageProbe

    task = bench.logic.task
    taps = network.stage_names[-TAPPED:]
    maps = stage_maps(bench, network, rows, taps)
    held = stage_maps(bench, network, validation, taps) if len(validation) else None
    probe = StageProbe(kind=task.kind, n_outputs=task.n_outputs, seed=bench.options.seed)
    probe.fit(maps, bench.dataset.labels(rows), (held, bench.dataset.labels(validation)) if held else None)
    network.tap(taps, sum(part.shape[1] for part in maps.values()))
    network.head = probe.to_head(_linear(bench, network), bench.logic)


TAPPED = 4
"""Stages that the probe of several stages reads: the last ones, where features are general enough to be linear."""


def stage_maps(bench: Workbench, network: Network, rows: np.ndarray, taps: list[str]) -> dict[str, np.ndarray]:
    """Return each tapped stage's pooled map [n, d], one pass over the rows."""
    from headstart.engine import raw_fetch
    from headstart.engine.device import move
    from headstart.engine.predict import evaluating

    fetch = raw_fetch(bench.dataset, rows, network.preprocess)
    parts: list[dict[str, np.ndarray]] = []
    with evaluating(network):
        for start in range(0, len(rows), 64):
            state = move(fetch(np.arange(start, min(start + 64, len(rows)))), bench.device)
            parts.append({name: x.float().cpu().numpy() for name, x in network.pooled_maps(state, taps).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in taps}


def _linear(bench: Workbench, network: Network) -> nn.Linear:
    return nn.Linear(network.n_features, bench.logic.task.n_outputs).to(bench.device)


def _held(bench: Workbench, network: Network, rows: np.ndarray) -> Fold | None:
    return (bench.features(network, rows), bench.dataset.labels(rows)) if len(rows) else None


def _folds(bench: Workbench, rows: np.ndarray, copies: int) -> list[Fold] | None:
    """Return folds of positions in ``rows`` that keep groups and views of a sample together; None: the default."""
    inner = folds(bench.dataset.with_splits(bench.dataset.splits | {"train": rows}), 5, bench.options.seed)
    place = {int(row): position for position, row in enumerate(rows)}
    positions = [(_positions(train, place), _positions(held, place)) for train, held in inner]
    shifts = np.arange(copies)[:, None] * len(rows)
    return [((train + shifts).ravel(), held) for train, held in positions]


def _positions(rows: np.ndarray, place: dict[int, int]) -> np.ndarray:
    return np.array([place[int(row)] for row in rows])
