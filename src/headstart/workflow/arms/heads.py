"""Heads learned without gradients, on features computed once: probe, k-NN, class means, the probe of several stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.data import folds
from headstart.functional.folds import default_strengths
from headstart.functional.scale import without_dead
from headstart.networks import Network
from headstart.shallow.heads.joint import MOST_ROWS, choose_jointly
from headstart.shallow.heads.linear import Head, Problem, put_into
from headstart.shallow.parameters.probe import Probe
from headstart.storage import checksum
from headstart.workflow.arms.names import fit_names
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.opening.names import ALIGNED

POOLED = "pooled"
INNER = 5
Array = np.ndarray
Fold = tuple[Array, Array]
Settings = dict[str, Any]


def fit_head(
    bench: Workbench, network: Network, kind: str, rows: Array, views: int = 1, settings: Settings | None = None
) -> Settings:
    """Learn the head of ``network``, whose stages are frozen, by ``kind``, a "fitted" method of the catalogue.

    Whatever has to be chosen is chosen on folds of ``rows`` that keep groups, and views of a sample, together; the rows
    that the head is later measured on are not known here.

    Parameters
    ----------
    views : augmented views of the training rows.
    settings : what an earlier call chose; None chooses.

    Returns
    -------
    dict of what was chosen.
    """
    if kind == "knn":
        return fit_knn(bench, network, rows, settings)
    if kind in ("prototypes", "cosine", "discriminant"):
        return fit_means(bench, network, kind, rows)
    if kind == "averaged_heads":
        return fit_averaged(bench, network, rows, settings)
    if kind == "gaussian_process":
        return fit_process(bench, network, rows, settings)
    if kind == ALIGNED:
        return fit_names(bench, network, rows, settings)
    if kind == "self_taught":
        return fit_codes(bench, network, rows, settings)
    if kind == "stage_probe":
        return fit_stage_probe(bench, network, rows)
    return fit_probe(bench, network, rows, views, stages=True, settings=settings)


def fit_probe(
    bench: Workbench,
    network: Network,
    rows: Array,
    views: int = 1,
    *,
    stages: bool = False,
    settings: Settings | None = None,
) -> Settings:
    """Set ``network.head`` to the linear probe of the features: the stage «train the head».

    The features' scale and the strength are chosen together; with ``stages`` also whether the head reads the pooled
    features or the mean map of one of the last stages, which the network then taps.
    """
    features = without_dead(bench.features(network, rows, views=views))
    copies = len(features) // len(rows)
    labels = np.concatenate([bench.dataset.labels(rows)] * copies)
    if settings is None:
        read, scaled = _choose(bench, network, rows, features, labels, stages=stages and copies == 1)
    else:
        read, scaled = settings["features"], settings["standardise"]
    if read != POOLED:
        features = without_dead(stage_maps(bench, network, rows, [read])[read])
        network.tap([read], features.shape[1])
    strengths = None if settings is None else (settings["strength"],)
    task = bench.logic.task
    balanced = bench.options.balanced
    kind, k = task.label_space.solved_as, task.n_outputs
    probe = Probe(kind=kind, n_outputs=k, strengths=strengths, standardise=scaled, balanced=balanced)
    probe.fit(features, labels, folds=inner_folds(bench, rows, copies))
    network.head = probe.to_head(_linear(bench, network), bench.logic)
    return {"features": read, "standardise": scaled, "strength": probe.strength_}


def _choose(
    bench: Workbench, network: Network, rows: Array, features: Array, labels: Array, *, stages: bool
) -> tuple[str, bool]:
    """Return which features to read, and whether to standardise them, chosen on folds of at most `MOST_ROWS` rows."""
    copies = len(features) // len(rows)
    some = rows
    if len(rows) > MOST_ROWS:
        some = np.sort(np.random.default_rng(bench.options.seed).permutation(rows)[:MOST_ROWS])
    places = (np.flatnonzero(np.isin(rows, some)) + np.arange(copies)[:, None] * len(rows)).ravel()
    maps = {POOLED: features[places]}
    if stages:
        taps = network.stage_names[-TAPPED:]
        found = {name: without_dead(x) for name, x in stage_maps(bench, network, some, taps).items()}
        # The deepest map's mean often is the pooled features: then it is no choice of its own.
        maps |= {
            name: x for name, x in found.items() if x.shape != maps[POOLED].shape or not np.allclose(x, maps[POOLED])
        }
    task = bench.logic.task
    # Every third strength tells scales and stages apart; the strength itself is chosen among all, afterwards.
    strengths = default_strengths(task.label_space.solved_as)[::3]
    problem = Problem(task.label_space.solved_as, task.n_outputs, strengths, balanced=bench.options.balanced)
    wanted = task.label_space.as_labels(labels[places])
    chosen = choose_jointly(maps, wanted, problem, inner_folds(bench, some, copies, 3))
    return chosen.features, chosen.standardise


def fit_knn(bench: Workbench, network: Network, rows: Array, settings: Settings | None = None) -> Settings:
    """Set ``network.head`` to the nearest neighbours among the training rows; their number by leave-one-out, or
    leaving out a row's group."""
    from headstart.networks.heads import NearestHead
    from headstart.shallow.parameters.knn import KNN

    task = bench.logic.task
    features, labels = bench.features(network, rows), bench.dataset.labels(rows)
    numbers = None if settings is None else (settings["neighbours"],)
    groups = None if bench.dataset.group is None else bench.dataset.group[rows]
    knn = KNN(kind=task.label_space.solved_as, n_outputs=task.n_outputs, numbers=numbers)
    knn.fit(features, labels, groups=groups)
    targets = torch.as_tensor(bench.logic.wanted(labels))
    head = NearestHead(torch.as_tensor(features), targets, knn.k_, task.label_space.link)
    network.head = head.to(bench.device)
    return {"neighbours": knn.k_}


def fit_means(bench: Workbench, network: Network, kind: str, rows: Array) -> Settings:
    """Set ``network.head`` to the classes' means, by distance, under a learned metric or by cosine; nothing is chosen.

    Cosines are seen from the mean of the source's own features where these are at hand.
    """
    from headstart.networks.heads import CosineHead
    from headstart.shallow.parameters.cosine import CosineMeans
    from headstart.shallow.parameters.discriminant import Discriminant
    from headstart.shallow.parameters.prototypes import Prototypes

    task, features, labels = bench.logic.task, bench.features(network, rows), bench.dataset.labels(rows)
    about: dict[str, Any] = {"kind": task.label_space.solved_as, "n_outputs": task.n_outputs}
    if kind != "cosine":
        found = (Prototypes if kind == "prototypes" else Discriminant)(**about).fit(features, labels)
        network.head = put_into(_linear(bench, network), Head(found.coef_, found.intercept_))
        return {}
    reference = bench.source.reference()
    known = None if reference is None or reference.shape[1] != features.shape[1] else reference
    centre = None if known is None else known.double().mean(dim=0).numpy()
    means = CosineMeans(**about).fit(features, labels, centre=centre)
    parts = (torch.as_tensor(part) for part in (means.means_, means.centre_, means.offset_))
    network.head = CosineHead(*parts, steepness=means.steepness).to(bench.device)
    return {"centre": "target" if centre is None else "source"}


def fit_averaged(bench: Workbench, network: Network, rows: Array, settings: Settings | None = None) -> Settings:
    """Set ``network.head`` to the weighted sum of a probe and a discriminant, by folds of the rows."""
    from headstart.shallow.parameters.averaged_heads import AveragedHeads

    task, features, labels = bench.logic.task, bench.features(network, rows), bench.dataset.labels(rows)
    heads = AveragedHeads(kind=task.label_space.solved_as, n_outputs=task.n_outputs, **(settings or {}))
    heads.fit(features, labels, folds=inner_folds(bench, rows))
    network.head = heads.to_head(_linear(bench, network), bench.logic)
    return {"weights": heads.weights_, "strength": heads.strength_, "standardise": heads.standardised_}


def fit_process(bench: Workbench, network: Network, rows: Array, settings: Settings | None = None) -> Settings:
    """Set ``network.head`` to a Gaussian process on the features; its kernel is chosen by the evidence."""
    from headstart.networks.kernel_head import KernelHead
    from headstart.shallow.parameters.gaussian_process import GaussianProcess

    task, logic = bench.logic.task, bench.logic
    known = None if settings is None else tuple(settings[name] for name in KERNEL)
    process = GaussianProcess(
        kind=task.label_space.solved_as, n_outputs=task.n_outputs, settings=known, seed=bench.options.seed
    )
    process.fit(bench.features(network, rows), bench.dataset.labels(rows))
    references, weight, bias = map(torch.as_tensor, (process.references_, process.weight_, process.bias_))
    head = KernelHead(references, weight, bias, process.length_)
    if logic.units is not None:  # values: a head answers in standardised ones
        mean, scale = (torch.as_tensor(part).float() for part in logic.units)
        head.scaled(1 / scale, -mean / scale)
    network.head = head.to(bench.device)
    return dict(zip(KERNEL, process.settings_, strict=True))


KERNEL = ("signal", "length", "noise", "steepness")


def fit_codes(bench: Workbench, network: Network, rows: Array, settings: Settings | None = None) -> Settings:
    """Set ``network.head`` to a probe of the axes along which labelled and unlabelled features vary."""
    from headstart.shallow.parameters.self_taught import SelfTaught

    assert bench.unlabelled is not None
    task = bench.logic.task
    sizes = {} if settings is None else {"sizes": (settings["size"],)}
    found = SelfTaught(kind=task.label_space.solved_as, n_outputs=task.n_outputs, seed=bench.options.seed, **sizes)
    blind = bench.features(network, np.arange(len(bench.unlabelled)), dataset=bench.unlabelled)
    found.fit(bench.features(network, rows), bench.dataset.labels(rows), unlabelled=blind)
    network.head = put_into(_linear(bench, network), Head(found.coef_, found.intercept_))
    return {"size": found.size_}


def fit_stage_probe(bench: Workbench, network: Network, rows: Array) -> Settings:
    """Tap several stages, reduce and fuse their pooled maps, and set the head to the fused linear map."""
    from headstart.shallow.features.stage_probe import StageProbe

    task = bench.logic.task
    taps = network.stage_names[-TAPPED:]
    maps = stage_maps(bench, network, rows, taps)
    probe = StageProbe(kind=task.label_space.solved_as, n_outputs=task.n_outputs, seed=bench.options.seed)
    probe.fit(maps, bench.dataset.labels(rows), folds=inner_folds(bench, rows))
    network.tap(taps, sum(part.shape[1] for part in maps.values()))
    network.head = probe.to_head(_linear(bench, network), bench.logic)
    return {"features": taps, "strength": probe.strength_}


TAPPED = 4
"""Stages that the probe of several stages reads: the last ones, where features are general enough to be linear."""


def stage_maps(bench: Workbench, network: Network, rows: Array, taps: list[str]) -> dict[str, Array]:
    """Return each tapped stage's pooled map [n, d]; rows that were asked for before are not run again."""
    kept = bench.maps.setdefault(checksum(network.state_dict()), {})
    wanted = [name for name in network.stage_names if name in taps]
    missing = [row for row in rows.tolist() if any((row, name) not in kept for name in wanted)]
    for start in range(0, len(missing), 64):
        part = np.array(missing[start : start + 64])
        for name, found in _run_maps(bench, network, part, wanted).items():
            kept |= {(row, name): value for row, value in zip(part.tolist(), found, strict=True)}
    return {name: np.stack([kept[row, name] for row in rows.tolist()]) for name in wanted}


def _run_maps(bench: Workbench, network: Network, rows: Array, taps: list[str]) -> dict[str, Array]:
    from headstart.engine import raw_fetch
    from headstart.engine.device import move
    from headstart.engine.predict import evaluating

    entry, network.entry = network.entry, 0
    with evaluating(network):
        state = move(raw_fetch(bench.dataset, rows, network.preprocess)(np.arange(len(rows))), bench.device)
        found = {name: x.float().cpu().numpy() for name, x in network.pooled_maps(state, taps).items()}
    network.entry = entry
    return found


def _linear(bench: Workbench, network: Network) -> nn.Linear:
    return nn.Linear(network.n_features, bench.logic.task.n_outputs).to(bench.device)


def inner_folds(bench: Workbench, rows: Array, copies: int = 1, k: int = INNER) -> list[Fold]:
    """Return folds of positions in ``rows`` that keep groups and views of a sample together.

    Views lie one after the other, ``copies`` times all rows; held-out parts hold the first view alone.
    """
    inner = folds(bench.dataset.with_splits(bench.dataset.splits | {"train": rows}), k, bench.options.seed)
    place = {int(row): position for position, row in enumerate(rows)}
    positions = [(_positions(train, place), _positions(held, place)) for train, held in inner]
    shifts = np.arange(copies)[:, None] * len(rows)
    return [((train + shifts).ravel(), held) for train, held in positions]


def _positions(rows: np.ndarray, place: dict[int, int]) -> np.ndarray:
    return np.array([place[int(row)] for row in rows])
