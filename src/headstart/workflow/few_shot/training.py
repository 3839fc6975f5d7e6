"""Train the arms of a source for classes to come: a method on episodes, and a classifier of the same classes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.deep.finetune.scratch import Scratch
from headstart.deep.method import Method, Nets
from headstart.engine import (
    Compute,
    Domain,
    EpisodeStream,
    Optimizer,
    Saving,
    Selection,
    Stream,
    Trained,
    cached_states,
    raw_fetch,
    train,
)
from headstart.engine.settings import Limit
from headstart.engine.streams import BatchStream
from headstart.networks import Network
from headstart.schema import read_checked
from headstart.storage import load_tensors, save_tensors, write_json
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.few_shot.measuring import Fetch
from headstart.workflow.few_shot.plan import FewShotPlan
from headstart.workflow.saved import CUT, RESULT

Array = np.ndarray
NETS = "nets.safetensors"


def samples_of(bench: Workbench, network: Network, rows: Array, *, views: int = 1) -> Fetch:
    """Return a fetch of preprocessed samples: decoded once where the cache holds them, else whenever asked for."""
    states = cached_states(network, 0, bench.dataset, rows, views=views, seed=bench.options.seed, alone=bench.alone)
    if states is not None:
        return states.fetch
    return raw_fetch(bench.dataset, rows, network.preprocess, views=views, seed=bench.options.seed)


def episode_stream(bench: Workbench, network: Network, sizes: tuple[int, int, int]) -> EpisodeStream:
    """Return the episodes to learn from: of the classes that learn alone."""
    rows, views = bench.dataset.splits["train"], bench.options.views or 1
    fetch = samples_of(bench, network, rows, views=views)
    domain = Domain(fetch, bench.dataset.labels(rows), names=bench.dataset.names(rows), views=views)
    ways, shots, queries = sizes
    return EpisodeStream(domain, ways=ways, shots=shots, queries=queries, seed=bench.options.seed)


def classifier_stream(bench: Workbench, network: Network, batch_size: int) -> Stream:
    """Return batches of the same samples for the classifier."""
    rows, views = bench.dataset.splits["train"], bench.options.views or 1
    fetch = samples_of(bench, network, rows, views=views)
    seed, names = bench.options.seed, bench.dataset.names(rows)
    labels = bench.dataset.labels(rows)
    return Stream(fetch, labels, batch_size=batch_size, seed=seed, names=names, views=views)


def method_of(plan: FewShotPlan, arm: str) -> Any:
    """Return what an arm is trained by; methods that know how many classes an episode has are told."""
    if arm != plan.method:
        return Scratch()
    known = catalogue.create(arm).get_params(deep=False)
    return catalogue.create(arm, None, {"ways": plan.ways} if "ways" in known else {})


def train_arm(
    bench: Workbench,
    plan: FewShotPlan,
    arm: str,
    folder: Path,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Train an arm, or go on where it was stopped, and keep its nets in ``folder``; done already: read the result.

    Parameters
    ----------
    seconds : what it may take, by ``clock``.
    """
    if (folder / "result.json").exists():
        return read_checked(folder / "result.json", RESULT)
    began = time.perf_counter()
    network = bench.network(pretrained=False, seed=bench.options.seed)
    own = arm == plan.method
    stream: BatchStream = (
        episode_stream(bench, network, (plan.ways, plan.shots, plan.queries))
        if own
        else classifier_stream(bench, network, plan.batch_size)
    )
    steps = plan.steps if own else plan.classifier_steps
    method: Method = method_of(plan, arm)
    trained = _train(bench, method, network, stream, steps, plan.learning_rate, folder, (seconds, clock))
    assert trained.nets is not None
    result = _result(trained, stream, steps) | {"seconds": round(time.perf_counter() - began, 3)}
    result["history"] = [{"arm": arm, "seed": bench.options.seed, "fold": None, "stage": "pretrain"} | record
                         for record in trained.history]  # fmt: skip
    if bench.is_main:
        save_tensors(folder / NETS, {name: t.cpu().contiguous() for name, t in trained.nets.state_dict().items()})
        write_json(folder / "result.json", result)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    bench.wait()
    return result


def _train(
    bench: Workbench,
    method: Method,
    network: Network,
    stream: BatchStream,
    steps: int,
    rate: float,
    folder: Path,
    most: tuple[float, Callable[[], float]],
) -> Trained:
    path = folder / "cut.json"
    cut = read_checked(path, CUT)["step"] if path.exists() else None
    bench.wait()
    limit = Limit(None, cut, *most, on_cut=lambda step: write_json(path, {"step": step}))
    bench.progress.stage(f"{folder.parent.name} (seed {bench.options.seed})", limit.end(steps))
    trained = train(
        method,
        network,
        stream,
        task=bench.logic,
        steps=steps,
        seed=bench.options.seed,
        optimizer=Optimizer(rate),
        selection=Selection(every=max(1, steps // 20)),
        checkpoint=Saving(folder / "checkpoint.safetensors"),
        compute=Compute(bench.device, bench.place.precision, bench.processes),
        limit=limit,
        on_step=bench.progress.step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    return trained


def _result(trained: Trained, stream: BatchStream, steps: int) -> dict[str, Any]:
    network = trained.network
    return {
        "validation": {},
        "score": 0.0,
        "cut": 0,
        "epochs": max(1, round(trained.steps * stream.batch_size / len(stream))),
        "steps": trained.steps,
        "most_steps": steps,
        "trainable_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "parameters": sum(p.numel() for p in network.parameters()),
        "frozen": trained.frozen,
        "stopped": trained.stopped,
        "settings": trained.settings,
    }


def trained_nets(bench: Workbench, plan: FewShotPlan, arm: str, folder: Path) -> tuple[Any, Nets]:
    """Return the method and the nets that `train_arm` kept."""
    method = method_of(plan, arm)
    nets = method.build(bench.network(pretrained=False, seed=bench.options.seed), bench.logic)
    tensors, _ = load_tensors(folder / NETS)
    nets.load_state_dict(tensors)
    return method, nets.to(bench.device).eval()
