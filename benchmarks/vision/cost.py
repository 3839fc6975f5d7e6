"""What a cached frozen prefix saves per step of a detector, and memory over 5,000 pictures: ``benchmarks.vision cost``.

Steps of four pictures, MobileNetV2 with the one-stage detector, the stages up to stride 8 frozen; the middle of several
rounds in which both ways take turns, so that the machine's load falls on both.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import headstart as hs
from benchmarks.views import WEIGHTS, data_folder
from headstart.engine.cache import cached_states
from headstart.networks import open_source
from headstart.tasks import create_task
from headstart.tasks.base import draw

FROZEN, BATCH, ROUNDS = 4, 4, 15
PICTURES = 5_000


def detector(data: Any, size: int) -> tuple[Any, Any]:
    """Return the network with its first stages frozen, and the task."""
    source = open_source(f"file:{data_folder() / WEIGHTS}", network="torchvision/mobilenet_v2")
    task = create_task(data.task, data.labels(data.splits["train"])).configured({"size": size})
    network = task.adapt(source.build())
    network.head = draw(task.head_of(network))
    return network.freeze(FROZEN).train(), task


def saved(folder: Path, size: int = 224) -> dict[str, float]:
    """Return seconds per step from pixels and from cached states, and the share of the prefix's time that is saved."""
    data = hs.open(folder, task="detection")
    network, task = detector(data, size)
    rows = data.splits["train"][: 4 * BATCH]
    states = cached_states(network, FROZEN, data, rows, carry=True, directory=folder.parent / "cache")
    assert states is not None
    pictures = network.preprocess(data.raw(rows))
    targets = [task.target(label, network.preprocess, None) for label in data.labels(rows)]
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, 1e-4)

    def step(state: Any, entry: int, positions: np.ndarray) -> None:
        network.entry = entry
        task.loss(network(state), [targets[place] for place in positions]).backward()
        optimizer.step()
        optimizer.zero_grad()

    ways = {
        "from_pixels": lambda positions: step(pictures[torch.from_numpy(positions)], 0, positions),
        "from_states": lambda positions: step(states.fetch(positions, 0), FROZEN, positions),
        "prefix": lambda positions: network.carry(pictures[torch.from_numpy(positions)], FROZEN),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 2):
        positions = (np.arange(BATCH) + BATCH * number) % len(rows)
        for name, way in ways.items():
            began = time.perf_counter()
            with torch.set_grad_enabled(name != "prefix"):
                way(positions)
            if number >= 2:
                times[name].append(time.perf_counter() - began)
    found = {name: statistics.median(values) / BATCH for name, values in times.items()}
    return found | {
        "saved_of_prefix": (found["from_pixels"] - found["from_states"]) / found["prefix"],
        "step_ratio": found["from_states"] / found["from_pixels"],
    }


def memory(folder: Path, n: int = PICTURES) -> dict[str, float]:
    """Return megabytes held between batches, at the most, of a fifth of n pictures and of all, to cached states."""
    random = np.random.default_rng(0)
    if not folder.exists():
        (folder / "images").mkdir(parents=True)
        lines = ["image,xmin,ymin,xmax,ymax,class"]
        for number in range(n):
            picture = Image.fromarray(random.integers(0, 256, (48, 48, 3), np.uint8).repeat(2, 0).repeat(2, 1))
            picture.save(folder / f"images/{number}.png")
            lines.append(f"images/{number}.png,8,8,40,40,{'ab'[number % 2]}")
        (folder / "boxes.csv").write_text("\n".join(lines))
    data = hs.open(folder / "boxes.csv")
    network, _ = detector(data, 96)
    found = {}
    for part in (n // 5, n):
        held: list[float] = []
        cached_states(
            network, FROZEN, data, np.arange(part), carry=True, directory=folder.parent / "cache",
            on_progress=lambda *_, held=held: held.append(own_megabytes()),
        )  # fmt: skip
        found[f"held_mb_{part}"] = max(held)
    return found


def own_megabytes() -> float:
    """Return this process's memory now, without pages of files, which the system takes back when it needs them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024
