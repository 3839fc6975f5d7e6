"""What the engine's promises are worth: ratios of CPU seconds, both sides measured in turn in one process.

``python -m benchmarks.speed`` needs no data: random weights, drawn pictures. Prints won or lost; adds lines to
``benchmarks/results/speed``.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks import machine, speed_across, store
from headstart.data import open_data
from headstart.data.batches import Batch, Samples
from headstart.deep.finetune.finetune import FineTune
from headstart.engine import Compute, Stream, cached_states, raw_fetch, train
from headstart.engine.optimizers import make_optimizers, rate_at, set_rate
from headstart.networks import Network, build
from headstart.networks.torchvision_family import torchvision_spec
from headstart.problem import Task
from headstart.tasks import Classification

CLASSES = ("dots", "stripes")
LOGIC = Classification(Task("classification", CLASSES))
BATCH, EPOCHS = 16, 20


@dataclass(frozen=True)
class Row:
    """One promise and what was found."""

    name: str
    setting: str
    aim: str
    ratio: float
    won: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "setting": self.setting,
            "aim": self.aim,
            "ratio": round(self.ratio, 4),
            "won": self.won,
            "detail": self.detail,
            **machine.describe("torch", "torchvision", "headstart"),
        }


def torchvision_network(name: str) -> Network:
    """Return a torchvision network with random weights and a head for two classes."""
    torch.manual_seed(0)
    return with_head(build(torchvision_spec(name)))


def glyphs_network() -> Network:
    """Return the architecture of the bundled small network, random weights."""
    from headstart.networks.glyphs import glyphs_spec

    torch.manual_seed(0)
    return with_head(build(glyphs_spec()))


def with_head(network: Network) -> Network:
    network.head = LOGIC.head(network.n_features)
    return network.train()


def noise(n: int, shape: tuple[int, ...]) -> tuple[torch.Tensor, np.ndarray]:
    """Return inputs [n, *shape] and labels [n]."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, *shape, generator=generator), np.arange(n) % len(CLASSES)


def memory_stream(x: torch.Tensor, y: np.ndarray) -> Stream:
    return Stream(lambda positions, view: x[torch.from_numpy(positions)], y, batch_size=BATCH, seed=0)


# 1. The loop


def bare_loop(network: Network, stream: Stream, steps: int) -> Iterator[float]:
    """The same training by hand: AdamW with the same groups, warm-up and cosine, clipping. CPU seconds per step."""
    nets = FineTune().build(network, LOGIC)
    groups = FineTune().groups(nets)
    (optimizer,) = make_optimizers(groups, 1e-2).values()
    parameters = [p for part in optimizer.param_groups for p in part["params"]]
    for step in range(steps):
        start = time.process_time()
        set_rate({"all": optimizer}, 1e-3 * rate_at(step, steps, 0.1))
        samples = stream.batch(step).target
        optimizer.zero_grad(set_to_none=True)
        loss = LOGIC.loss(network(samples.x), samples.y)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loss.item()
        yield time.process_time() - start


def loop_cost(title: str, make: Callable[[], Network], shape: tuple[int, ...], steps: int) -> Row:
    """Take a bare step after every step of the engine; the trained weights must be the same bits.

    What the engine does once, before the first and after the last step (hashes of weights), is not in a step.
    """
    stream = memory_stream(*noise(4 * BATCH, shape))
    networks = [make(), make()]
    bare = bare_loop(networks[0], stream, steps)
    pairs: list[tuple[float, float]] = []
    mark = [time.process_time()]

    def bare_step(record: dict[str, Any]) -> None:
        if "validation_loss" in record:
            return
        engine_seconds = time.process_time() - mark[0]
        pairs.append((engine_seconds, next(bare)))
        mark[0] = time.process_time()

    train(FineTune(), networks[1], stream, task=LOGIC, steps=steps, on_step=bare_step, compute=Compute("cpu"))
    pairs = pairs[2:]
    ratio = statistics.median(a / b for a, b in pairs)
    engine, by_hand = (1000 * statistics.median(side) for side in zip(*pairs, strict=True))
    same = _same(*networks)
    words = "same weights bit for bit" if same else "the weights DIFFER"
    detail = f"{engine:.1f} against {by_hand:.1f} ms a step, {len(pairs)} pairs of steps; {words}"
    return Row("loop against a bare PyTorch loop", title, "at most 1.03", ratio, same and ratio <= 1.03, detail)


def _same(first: Network, second: Network) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# 2. A frozen step


def step_seconds(network: Network, batch: Batch, optimizer: torch.optim.Optimizer) -> float:
    """Return CPU seconds of one training step."""
    start = time.process_time()
    optimizer.zero_grad(set_to_none=True)
    nn.functional.cross_entropy(network(batch.target.x), batch.target.y).backward()
    optimizer.step()
    return time.process_time() - start


def leave_batch_norm_trainable(network: Network) -> Network:
    """Freeze the body but for batch norm, which learns and counts on: fastai's way (``train_bn=True``)."""
    for module in network.stages.modules():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(isinstance(module, nn.BatchNorm2d))
    return network


def frozen_step(name: str, rounds: int = 8) -> Row:
    """Compare a step with the body frozen as Headstart freezes, and with batch norm left trainable in it."""
    x, y = noise(BATCH, (3, 224, 224))
    batch = Batch(target=Samples(x, torch.from_numpy(y)))
    frozen, usual = torchvision_network(name), leave_batch_norm_trainable(torchvision_network(name))
    frozen.freeze(len(frozen.stages))
    sides = []
    for network in (frozen, usual):
        learning = [p for p in network.parameters() if p.requires_grad]
        sides.append((network, batch, torch.optim.AdamW(learning, lr=1e-3)))
    pairs = [[step_seconds(*side) for side in sides] for _ in range(rounds + 1)][1:]
    ratio = statistics.median(a / b for a, b in pairs)
    first, second = (1000 * statistics.median(side) for side in zip(*pairs, strict=True))
    detail = f"{first:.0f} against {second:.0f} ms a step of {BATCH} pictures"
    title = "frozen step against trainable batch norm in the frozen body"
    return Row(title, name, "at most 0.55", ratio, ratio <= 0.55, detail)


# 3 and 4. The cache


def draw_pictures(folder: Path, n: int) -> None:
    """Write ``n`` JPEG pictures, 256 x 256, of noisy dots and stripes."""
    from PIL import Image

    random = np.random.default_rng(0)
    for i in range(n):
        label = CLASSES[i % 2]
        coarse = random.integers(0, 255, (16, 16, 3) if label == "dots" else (16, 1, 3), dtype=np.uint8)
        pixels = np.broadcast_to(coarse, (16, 16, 3)).repeat(16, 0).repeat(16, 1).astype(np.int16)
        pixels = np.clip(pixels + random.integers(-30, 30, pixels.shape), 0, 255).astype(np.uint8)
        path = folder / "train" / label / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=90)


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def fit_from(name: str, dataset: Any, depth: int, cache: Path | None) -> list[float]:
    """Train 20 epochs, from the cache or from the files; return the curve of training losses."""
    network = torchvision_network(name)
    rows = np.arange(len(dataset))
    cut = len(network.stages) - depth
    fetch = raw_fetch(dataset, rows, network.preprocess)
    if cache is not None:
        fetch = cached_states(network, cut, dataset, rows, directory=cache, batch_size=BATCH).fetch
        network.entry = cut
    stream = Stream(fetch, dataset.labels(rows), batch_size=BATCH, seed=0)
    steps = EPOCHS * stream.steps_per_epoch
    done = train(FineTune(depth=depth), network, stream, task=LOGIC, steps=steps, compute=Compute("cpu"))
    return [record["train_loss"] for record in done.history]


def cache_gain(name: str, depth: int, least: float, n: int) -> Row:
    """Compare 20 epochs with the frozen stages recomputed and read from an (at first empty) cache."""
    with tempfile.TemporaryDirectory() as folder:
        draw_pictures(Path(folder) / "data", n)
        dataset = open_data(str(Path(folder) / "data"))
        fit_from(name, dataset, depth, Path(folder) / "warm")
        curve, cached = timed(lambda: fit_from(name, dataset, depth, Path(folder) / "cache"))
        plain_curve, plain = timed(lambda: fit_from(name, dataset, depth, None))
    gap = max(abs(a - b) for a, b in zip(curve, plain_curve, strict=True))
    equal = gap <= 1e-3 * max(plain_curve)
    ratio = plain / cached
    what = "probe" if depth == 0 else "fine-tuning of the last stage"
    detail = f"{plain:.1f} against {cached:.1f} s, extraction included; largest gap between the loss curves {gap:.1e}"
    title = f"{EPOCHS}-epoch {what} from the cache"
    return Row(title, f"{name}, {n} pictures", f"at least {least:g} x", ratio, equal and ratio >= least, detail)


# 5. Two domains


def gram_gain() -> Row:
    """Compare MK-MMD from one Gram matrix with all differences made anew for each kernel."""
    ratio, detail = speed_across.mk_mmd_cost()
    return Row("MK-MMD from one Gram matrix", "128 + 128 features of 256", "at least 50 x", ratio, ratio >= 50, detail)


def dann_step(title: str, make: Callable[[], Network], shape: tuple[int, ...], steps: int) -> Row:
    """Compare a step of DANN with two passes and their backward by hand."""
    x, y = noise(4 * BATCH, shape)
    ratio, detail = speed_across.dann_cost(make, x, y, LOGIC, batch_size=BATCH, steps=steps)
    return Row("a DANN step against two bare passes", title, "at most 1.1", ratio, ratio <= 1.1, detail)


def rows() -> list[Callable[[], Row]]:
    """Return what is to be measured."""
    from functools import partial

    return [
        partial(loop_cost, "mobilenet_v2, 16 x 128 px", lambda: torchvision_network("mobilenet_v2"), (3, 128, 128), 24),
        partial(loop_cost, "headstart/glyphs, 16 x 32 px", glyphs_network, (1, 32, 32), 300),
        partial(frozen_step, "mobilenet_v2"),
        partial(frozen_step, "resnet18"),
        partial(cache_gain, "mobilenet_v2", 0, 15.0, 64),
        partial(cache_gain, "mobilenet_v2", 1, 3.0, 64),
        partial(cache_gain, "resnet18", 1, 3.0, 48),
        gram_gain,
        partial(dann_step, "mobilenet_v2, 128 px", lambda: torchvision_network("mobilenet_v2"), (3, 128, 128), 12),
        partial(dann_step, "headstart/glyphs, 32 px", glyphs_network, (1, 32, 32), 200),
    ]


def main() -> None:
    torch.set_num_threads(1)
    chosen = {int(number) for number in sys.argv[1:]}
    for number, measure in enumerate(rows(), 1):
        if not chosen or number in chosen:
            row = measure()
            store.append("speed", row.to_json())
            word = "won " if row.won else "LOST"
            print(f"{word} {row.name}, {row.setting}: {row.ratio:.3f} ({row.aim}); {row.detail}", flush=True)


if __name__ == "__main__":
    main()
