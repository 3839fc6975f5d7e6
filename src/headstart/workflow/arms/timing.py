"""How long does a pass take here? Measured, so that a budget can be planned."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch

from headstart.data import Dataset
from headstart.deep.finetune.scratch import Scratch
from headstart.engine import Compute, Selection, Stream, train
from headstart.engine.device import layout_of, move
from headstart.networks import Network
from headstart.workflow.arms.tiles import learned_from
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.effort import SMALL_NETWORK

SAMPLES, FEW = 8, 4
"""How many samples are timed; few where the network is so large that they take long enough."""
STEPS = 3


class _Alone(NamedTuple):
    """One process: only the main one of several measures."""

    device: torch.device
    process_index: int = 0
    num_processes: int = 1


def measure(bench: Workbench, network: Network) -> Speed:
    """Time decoding, each stage's forward pass and some training steps on a few samples: always the fastest.

    A first pass warms up; what else the machine does meanwhile can only slow a pass down.
    """
    small = sum(p.numel() for p in network.parameters()) <= SMALL_NETWORK
    rows = bench.dataset.splits["train"][: SAMPLES if small else FEW]
    with learned_from(bench, network, rows) as (data, mine):
        rows = mine[: len(rows)]
        decode, state = _decode(data, network, rows)
        targets = bench.targets(network, rows, dataset=data)
    stages = _stages(network, move(state, bench.device, layout_of(network, bench.device)), bench.device)
    forward = sum(stages) / len(rows)
    per_stage = tuple(seconds / len(rows) for seconds in stages)
    step = _step(bench, state, targets) / len(rows)
    head = max(0.0, _whole(network, state, bench.device) / len(rows) - forward) if network.reads_maps else 0.0
    return Speed(decode / len(rows), forward, per_stage, max(1.0, step / max(forward + head, 1e-9)), head)


def count_flops(bench: Workbench, network: Network) -> float:
    """Return the floating-point operations of a forward pass per sample: the same on every machine."""
    from torch.utils.flop_counter import FlopCounterMode

    rows = bench.dataset.splits["train"][:2]
    with learned_from(bench, network, rows) as (data, mine):
        state = move(network.preprocess(data.raw(mine[: len(rows)])), bench.device)
    network.eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.run(state)
    network.train()
    return counter.get_total_flops() / len(rows)


def _decode(data: Dataset, network: Network, rows: np.ndarray) -> tuple[float, Any]:
    times = []
    for _ in range(2):
        start = time.perf_counter()
        state = network.preprocess(data.raw(rows))
        times.append(time.perf_counter() - start)
    return min(times), state


def _stages(network: Network, state: Any, device: torch.device) -> list[float]:
    """Return the seconds of every stage for the whole state."""
    network.eval()
    passes = []
    for _ in range(3):
        x, times = state, []
        with torch.inference_mode():
            for cut in range(len(network.stages)):
                start = _now(device)
                x = network.run(x, cut, cut + 1)
                times.append(_now(device) - start)
        passes.append(times)
    network.train()
    return [min(times) for times in zip(*passes, strict=True)]


def _whole(network: Network, state: Any, device: torch.device) -> float:
    """Return the seconds of answers for the whole state."""
    network.eval()
    moved, times = move(state, device, layout_of(network, device)), []
    for _ in range(2):
        start = _now(device)
        with torch.inference_mode():
            network(moved)
        times.append(_now(device) - start)
    network.train()
    return min(times)


def _step(bench: Workbench, state: Any, labels: Any) -> float:
    """Return the seconds of a training step of the whole network from random weights."""
    network = bench.network(pretrained=False, seed=bench.options.seed)
    stream = Stream(lambda positions, view: _pick(state, positions), labels, batch_size=len(labels), seed=0)
    marks: list[float] = []

    def mark(network: Network) -> dict[str, float]:
        marks.append(time.perf_counter())
        return {"loss": 0.0, "score": 0.0}

    train(
        Scratch(),
        network,
        stream,
        task=bench.logic,
        steps=STEPS,
        selection=Selection(mark, every=1, keep_best=False),
        compute=Compute(bench.device, bench.place.precision, _Alone(bench.device)),
    )
    return min(after - before for before, after in pairwise(marks))


def _pick(state: Any, positions: np.ndarray) -> Any:
    index = torch.as_tensor(positions)
    return {name: item[index] for name, item in state.items()} if isinstance(state, dict) else state[index]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
