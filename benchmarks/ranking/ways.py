"""``python -m benchmarks.ranking.ways [--minutes M] [--draws N]``: which way of transferring, by numbers of labels.

Every source is carried to every target by each way, for several numbers of labels per class; one record each,
resumable. What the plan may read of it is written by `benchmarks.ranking.first_guess`. Needs HEADSTART_DATA.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks import machine, store
from benchmarks.ranking import pictures as sets
from benchmarks.ranking import zoo
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.lp_ft import LPFT
from headstart.engine import Compute, Stream, train
from headstart.engine.settings import Optimizer
from headstart.networks import Network, open_source
from headstart.scores import COMBINED
from headstart.shallow.parameters.probe import Probe

NAME = "ways"
MOST_ROWS, MOST_ROWS_LARGE, TESTED, BATCH = 2000, 400, 500, 16
LEAST_STEPS, MOST_STEPS, EPOCHS = 100, 400, 10
LARGE = "weights/imagenet_mobilenet_v2/mobilenet_v2_torchvision_bn.safetensors"
LARGE_SIDE, LARGE_STEPS = 64, 120
SMALL = tuple(r for r in zoo.SOURCES if r.name in {
    "residual cifar100", "residual letters", "plain mnist"
})  # fmt: skip
COLOURED = ("office", "cifar10", "mnist_m", "faces")


class Way(NamedTuple):
    """How a source is carried over: by the head, the last third of the stages or all of them, from a probe or not."""

    method: str
    share: float

    @property
    def name(self) -> str:
        return {0.0: "head", 1.0: "all"}.get(self.share, "last") + ("" if self.share == 0 else f" {self.method}")


WAYS = (Way("probe", 0.0), Way("lp_ft", 1 / 3), Way("lp_ft", 1.0), Way("finetune", 1.0))


def drawn(x: np.ndarray, y: np.ndarray, per_class: int, draw: int) -> zoo.Target | None:
    """Return rows to learn from, as many of each class, and other rows; None where a class has not twice as many."""
    if int(np.bincount(y).min()) < per_class * 5 // 4:
        return None
    rng = np.random.default_rng([draw, 11, per_class])
    mine = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:per_class] for c in range(y.max() + 1)])
    rest = rng.permutation(np.setdiff1d(np.arange(len(x)), mine))[:TESTED]
    return zoo.Target(x[mine], y[mine], x[rest], y[rest]) if len(mine) <= MOST_ROWS and len(rest) >= 60 else None


def features(net: Network, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        parts = [net.features(torch.from_numpy(x[i : i + 64])).numpy() for i in range(0, len(x), 64)]
    return np.concatenate(parts)


def carried(make: Any, way: Way, rows: zoo.Target, seed: int, most: int) -> tuple[float, float]:
    """Return the test accuracy and CPU seconds of one way."""
    began, net = time.process_time(), make()
    k = int(rows.y.max()) + 1
    task, held = zoo.logic(k), torch.from_numpy(rows.x)
    torch.manual_seed(seed)
    net.head = torch.nn.Linear(net.n_features, k)
    if way.method != "finetune":
        Probe(kind="classification", n_outputs=k, standardise=None).fit(features(net, rows.x), rows.y).to_head(
            net.head, task
        )
    if way.share:
        depth = max(1, round(len(net.stages) * way.share))
        method = (LPFT if way.method == "lp_ft" else FineTune)(depth=depth)
        steps = int(np.clip(EPOCHS * len(rows.y) / BATCH, LEAST_STEPS, most))
        stream = Stream(lambda p, view: held[torch.from_numpy(p)], rows.y, batch_size=BATCH, seed=seed)
        net = train(
            method, net, stream, task=task, steps=steps, seed=seed, optimizer=Optimizer(learning_rate=3e-3),
            compute=Compute("cpu"),
        ).network  # fmt: skip
    found = float((zoo.outputs(net.eval(), rows.test_x).argmax(axis=1) == rows.test_y).mean())
    return found, time.process_time() - began


@cache
def coloured(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures [n, 3, 64, 64], normalised as the large network wants them."""
    kept = sets.grey

    def colour(images: Any) -> np.ndarray:
        made = [np.asarray(sets.Image.fromarray(one).convert("RGB").resize((LARGE_SIDE, LARGE_SIDE))) for one in images]
        return np.stack(made)

    try:
        sets.grey = colour  # type: ignore[assignment]
        x, y = sets.SETS[name](3000)
    finally:
        sets.grey = kept
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return ((x / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32), y


def small_source(recipe: zoo.Recipe) -> Network:
    net, _ = zoo.source(recipe)
    return net


def large_source() -> Network:
    return open_source(f"file:{sets.data() / LARGE}", network="torchvision/mobilenet_v2").build()


def cases(draw: int) -> Iterator[tuple[str, str, int, zoo.Target, Any, int]]:
    """Yield target, source, labels per class, rows, what makes the source, and most steps; the few labels first."""
    for small, large in zip(((4, 20), (8,), (60,), (200,)), ((4, 20), (8,), (60,), ()), strict=True):
        for name in zoo.TARGETS:
            for size in small:
                rows = drawn(*sets.pictures(name, 5000), size, draw)
                for recipe in SMALL if rows is not None and len(rows.y) <= MOST_ROWS else ():
                    if recipe.data != name:
                        yield name, recipe.name, size, rows, partial(small_source, recipe), MOST_STEPS
        for name in COLOURED:
            for size in large:
                rows = drawn(*coloured(name), size, draw)
                if rows is not None and len(rows.y) <= MOST_ROWS_LARGE:
                    yield name, "mobilenet imagenet", size, rows, large_source, LARGE_STEPS


def measure(draws: int, seconds: float) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    done = {(r["target"], r["draw"], r["source"], r["size"]) for r in store.read(NAME, zoo.RESULTS)}
    for draw in range(draws):
        for name, source, size, rows, make, most in cases(draw):
            if (name, draw, source, size) in done or time.monotonic() > stop:
                continue
            net = make()
            x = features(net, rows.x)
            scores = {score: round(COMBINED[score](x, rows.y).value, 4) for score in ("knn", "linear_probe", "logme")}
            found = {way.name: carried(make, way, rows, draw, most) for way in WAYS}
            record = {
                "target": name, "draw": draw, "source": source, "size": size, "classes": int(rows.y.max()) + 1,
                "tested": len(rows.test_y), "parameters": sum(p.numel() for p in net.parameters()), "scores": scores,
                "accuracy": {way: round(value, 4) for way, (value, _) in found.items()},
                "cpu": {way: round(spent, 2) for way, (_, spent) in found.items()},
            }  # fmt: skip
            store.append(NAME, record | about, zoo.RESULTS)
            print(name, source, size, record["accuracy"], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--draws", type=int, default=1)
    asked = parser.parse_args()
    measure(asked.draws, 60 * asked.minutes)
    store.pack(NAME, zoo.RESULTS)


if __name__ == "__main__":
    main()
