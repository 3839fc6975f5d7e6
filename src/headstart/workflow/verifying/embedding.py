"""The arms of a verification: what turns samples into vectors whose angle says who is who."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.scratch import Scratch
from headstart.engine import Compute, Optimizer, Saving, Selection, Stream, Trained, train
from headstart.engine.settings import Limit
from headstart.networks import Network
from headstart.schema import read_checked
from headstart.storage import load_tensors, save_tensors, write_json
from headstart.tasks.arcface import ArcFace
from headstart.tasks.base import draw
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.saved import CUT, RESULT
from headstart.workflow.verifying.plan import ARCFACE, PIXELS, SOURCE, TRAINED, VerificationPlan

Array = np.ndarray
WEIGHTS = "network.safetensors"
SIDE, COMPONENTS = 32, 100
"""Pixels at which eigenfaces are found, and how many of them."""


def fit_arm(bench: Workbench, plan: VerificationPlan, arm: str, folder: Path, seconds: float) -> dict[str, Any]:
    """Find an arm's embedding and keep it in ``folder``; done already: read the result."""
    if (folder / "result.json").exists():
        return read_checked(folder / "result.json", RESULT)
    began = time.perf_counter()
    if arm in TRAINED:
        network, result = _trained(bench, plan, arm, folder, seconds)
    else:
        network = bench.network(pretrained=True, seed=bench.options.seed)
        result = _untrained(network)
    if arm != PIXELS:
        network.head = _map(bench, network, arm)
        if bench.is_main:
            state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
            save_tensors(folder / WEIGHTS, state)
    result |= {"seconds": round(time.perf_counter() - began, 3)}
    if bench.is_main:
        write_json(folder / "result.json", result)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    bench.wait()
    return result


def embedding_network(bench: Workbench, folder: Path) -> Network:
    """Return the network that `fit_arm` kept, whose outputs are the vectors."""
    network = bench.network(pretrained=False, seed=bench.options.seed)
    tensors, _ = load_tensors(folder / WEIGHTS)
    network.head = _head_of(tensors, network.n_features)
    network.load_state_dict(tensors)
    return network.to(bench.device).eval()


def vectors(bench: Workbench, arm: str, folder: Path, rows: Array) -> Array:
    """Return each sample's vector [n, e] by an arm."""
    if arm == PIXELS:
        return _eigenfaces(bench, rows)
    network = embedding_network(bench, folder)
    features = torch.as_tensor(bench.features(network, rows)).to(bench.device)
    with torch.no_grad():
        return network.head(features.float()).cpu().numpy().astype(np.float64)


def _map(bench: Workbench, network: Network, arm: str) -> nn.Module:
    """Return what stands between features and vectors; learned on the people to learn from alone."""
    network.entry = 0
    if arm in TRAINED:
        return nn.Identity()
    rows = bench.dataset.splits["train"]
    features = bench.features(network, rows).astype(np.float64)
    centre = features.mean(axis=0)
    turn = np.eye(len(centre)) if arm == SOURCE else whitening(features, bench.dataset.labels(rows))
    head = nn.Linear(len(centre), len(centre))
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(turn))
        head.bias.copy_(torch.as_tensor(-turn @ centre))
    return head.to(bench.device)


def whitening(features: Array, people: Array) -> Array:
    """Return ``S^(-1/2)`` [d, d] with S the covariance of features within people, shrunk.

    Afterwards what varies between pictures of one person counts alike in every direction. The shrinkage is that of
    Ledoit and Wolf.

    References
    ----------
    Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker recognition",
    Interspeech 2006. Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 2004.
    """
    from sklearn.covariance import ledoit_wolf

    within = features.astype(np.float64, copy=True)
    for person in np.unique(people):
        within[people == person] -= within[people == person].mean(axis=0)
    covariance, _ = ledoit_wolf(within, assume_centered=True)
    values, axes = np.linalg.eigh(covariance)
    least = max(float(values[-1]), 1e-300) * 1e-9
    return (axes / np.sqrt(np.maximum(values, least))) @ axes.T


def _head_of(tensors: dict[str, torch.Tensor], n_features: int) -> nn.Module:
    weight = tensors.get("head.weight")
    return nn.Identity() if weight is None else nn.Linear(n_features, weight.shape[0])


def _eigenfaces(bench: Workbench, rows: Array) -> Array:
    """Return the coordinates on the largest principal components of the pixels of people to learn from."""
    from sklearn.decomposition import PCA

    learned = _pixels(bench, bench.dataset.splits["train"])
    found = PCA(min(COMPONENTS, len(learned) - 1), svd_solver="full", random_state=0).fit(learned)
    return found.transform(_pixels(bench, rows))


def _pixels(bench: Workbench, rows: Array) -> Array:
    from PIL import Image

    raws = (raw.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR) for row in rows
            for raw in bench.dataset.raw([row]))  # fmt: skip
    return np.stack([np.asarray(raw, dtype=np.float64).ravel() / 255 for raw in raws])


def _trained(
    bench: Workbench, plan: VerificationPlan, arm: str, folder: Path, seconds: float
) -> tuple[Network, dict[str, Any]]:
    """Train by ArcFace on the people to learn from: the source's last stages, or all from random weights."""
    seed, rows = bench.options.seed, bench.dataset.splits["train"]
    known, labels = np.unique(bench.dataset.labels(rows), return_inverse=True)
    assert bench.dataset.task is not None
    names = tuple(bench.dataset.task.classes[number] for number in known)
    logic = ArcFace(replace(bench.dataset.task, classes=names))
    network = bench.network(pretrained=arm == ARCFACE, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network.head = draw(logic.head_of(network)).to(bench.device)
    method = FineTune(depth=plan.depth, body_rate=1.0) if arm == ARCFACE else Scratch()
    cut = min(method.frozen_stages(network), network.last_cut)
    fetch, views = bench.fetch(network, rows, cut=cut, views=bench.options.views or 1), bench.options.views or 1
    stream = Stream(fetch, labels, batch_size=plan.batch_size, seed=seed, names=bench.dataset.names(rows), views=views)
    steps = plan.epochs * stream.steps_per_epoch
    path = folder / "cut.json"
    known_cut = read_checked(path, CUT)["step"] if path.exists() else None
    bench.wait()
    limit = Limit(None, known_cut, seconds, on_cut=lambda step: write_json(path, {"step": step}))
    bench.progress.stage(f"{arm} (seed {seed})", limit.end(steps))
    trained = train(
        method,
        network,
        stream,
        task=logic,
        steps=steps,
        seed=seed,
        optimizer=Optimizer(plan.learning_rate),
        selection=Selection(every=max(1, steps // 20)),
        checkpoint=Saving(folder / "checkpoint.safetensors"),
        compute=Compute(bench.device, bench.place.precision, bench.processes),
        limit=limit,
        on_step=bench.progress.step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    return trained.network, _told(bench, arm, trained, steps, stream.steps_per_epoch)


def _told(bench: Workbench, arm: str, trained: Trained, steps: int, per_epoch: int) -> dict[str, Any]:
    line = {"arm": arm, "seed": bench.options.seed, "fold": None, "stage": "fit"}
    return {
        **_untrained(trained.network),
        "epochs": max(1, round(trained.steps / per_epoch)),
        "steps": trained.steps,
        "most_steps": steps,
        "trainable_parameters": trained.settings["trainable_parameters"],
        "frozen": trained.frozen,
        "stopped": trained.stopped,
        "settings": trained.settings,
        "history": [line | record for record in trained.history],
    }


def _untrained(network: Network) -> dict[str, Any]:
    return {
        "validation": {},
        "score": 0.0,
        "cut": 0,
        "epochs": 0,
        "trainable_parameters": 0,
        "parameters": sum(p.numel() for p in network.parameters()),
        "frozen": {},
        "stopped": "",
        "settings": {},
        "history": [],
    }
