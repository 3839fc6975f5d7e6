"""``python -m benchmarks.ranking.averages [--minutes M]``: do averages pay, of heads, and of frozen and tuned answers?

Small sources of the zoo on its targets, for several numbers of labels per class; development figures, for the log.
One record a cell, resumable; needs HEADSTART_DATA.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch

from benchmarks import machine, store
from benchmarks.ranking import pictures as sets
from benchmarks.ranking import ways, zoo
from headstart.deep.finetune.calibrated_ensemble import CalibratedEnsemble
from headstart.engine import Compute, Stream, train
from headstart.engine.settings import Optimizer
from headstart.functional.folds import default_folds
from headstart.networks import Network
from headstart.shallow.parameters.averaged_heads import AveragedHeads
from headstart.shallow.parameters.probe import Probe
from headstart.shallow.parameters.prototypes import Prototypes

NAME = "averages"
SIZES, STEPS = (4, 8, 20), 150
MOST_ROWS = 500
WATCHED, ROWS = "watched ", "rows watched"
RULES = {
    "the fine-tuned one": lambda seen: "tuned",
    "the frozen one": lambda seen: "frozen",
    "the smaller loss": lambda seen: min(seen, key=lambda name: seen[name][1]),
    "the higher accuracy, then the smaller loss": lambda seen: max(seen, key=lambda n: (seen[n][0], -seen[n][1])),
}
"""What may decide between two arms that held-out rows do not tell apart."""


def judged(logits: np.ndarray, y: np.ndarray) -> list[float]:
    """Return accuracy and log loss."""
    table = torch.from_numpy(np.asarray(logits, dtype=np.float64)).log_softmax(1).numpy()
    return [round(float((table.argmax(1) == y).mean()), 4), round(float(-table[np.arange(len(y)), y].mean()), 4)]


def heads(net: Network, rows: zoo.Target) -> dict[str, list[float]]:
    x, test = ways.features(net, rows.x), ways.features(net, rows.test_x)
    k = int(rows.y.max()) + 1
    made: dict[str, Any] = {
        "probe": Probe(n_outputs=k, standardise=None), "prototypes": Prototypes(n_outputs=k),
        "averaged_heads": AveragedHeads(n_outputs=k),
    }  # fmt: skip
    return {name: judged(head.fit(x, rows.y).decision_function(test), rows.test_y) for name, head in made.items()}


def trained(net: Network, rows: zoo.Target, seed: int) -> dict[str, list[float]]:
    """Fine-tune on three quarters of the rows; the others set the temperatures, and pick one answer of three."""
    k = int(rows.y.max()) + 1
    task, held = zoo.logic(k), torch.from_numpy(rows.x)
    mine, watched = default_folds(rows.y, "classification", 4, seed)[0]
    torch.manual_seed(seed)
    net.head = torch.nn.Linear(net.n_features, k)
    x = ways.features(net, rows.x[mine])
    Probe(n_outputs=k, standardise=None).fit(x, rows.y[mine]).to_head(net.head, task)
    method = CalibratedEnsemble()
    stream = Stream(lambda p, view: held[torch.from_numpy(mine[p])], rows.y[mine], batch_size=ways.BATCH, seed=seed)
    found = train(method, net, stream, task=task, steps=STEPS, seed=seed, optimizer=Optimizer(learning_rate=3e-3),
                  compute=Compute("cpu"))  # fmt: skip
    nets = found.nets
    assert nets is not None

    def score(network: Network) -> tuple[float, float]:
        right, loss = judged(zoo.outputs(network.eval(), rows.x[watched]), rows.y[watched])
        return right, -loss

    settled = CalibratedEnsemble(**method.chosen(nets, score))
    networks = {"frozen": nets.start, "tuned": nets.network, "mean": method.evaluated(nets),
                "calibrated_ensemble": settled.evaluated(nets)}  # fmt: skip
    values = {name: judged(zoo.outputs(one.eval(), rows.test_x), rows.test_y) for name, one in networks.items()}
    seen = {name: judged(zoo.outputs(one.eval(), rows.x[watched]), rows.y[watched]) for name, one in networks.items()}

    def pick(*names: str) -> list[float]:
        return values[max(names, key=lambda name: (seen[name][0], -seen[name][1]))]

    picked = {"picked": pick("frozen", "tuned", "calibrated_ensemble"), "picked of two": pick("frozen", "tuned")}
    return values | picked | {f"{WATCHED}{name}": value for name, value in seen.items()} | {ROWS: [float(len(watched))]}


def cases() -> Any:
    for size, name in product(SIZES, zoo.TARGETS):
        rows = ways.drawn(*sets.pictures(name, 5000), size, 0)
        for recipe in ways.SMALL if rows is not None and len(rows.y) <= MOST_ROWS else ():
            if recipe.data != name:
                yield name, recipe.name, size, rows, partial(ways.small_source, recipe)


def measure(seconds: float) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    done = {(r["part"], r["target"], r["source"], r["size"]) for r in store.read(NAME, zoo.RESULTS)}
    parts = {"heads": heads, "trained": partial(trained, seed=0)}
    for part, (name, source, size, rows, make) in product(parts, list(cases())):
        if (part, name, source, size) in done or time.monotonic() > stop:
            continue
        began = time.process_time()
        found = parts[part](make(), rows)
        record = {"part": part, "target": name, "source": source, "size": size, "found": found}
        store.append(NAME, record | {"cpu": round(time.process_time() - began, 1)} | about, zoo.RESULTS)
        print(part, name, source, size, {n: value[0] for n, value in found.items()}, flush=True)


def told(records: list[dict[str, Any]]) -> list[str]:
    """Return what averages gain, in points of accuracy and in log loss, mean and 95% over targets."""
    pairs = [("heads", "averaged_heads", "probe"), ("heads", "prototypes", "probe"),
             *(("trained", one, other) for one in ("mean", "calibrated_ensemble") for other in ("frozen", "tuned")),
             ("trained", "picked", "picked of two")]  # fmt: skip
    lines = []
    for size, (part, one, other) in product((*SIZES, None), pairs):
        mine = [r for r in records if r["part"] == part and size in (None, r["size"])]
        targets = sorted({r["target"] for r in mine})
        if not targets:
            continue
        gains = np.array([
            np.mean([np.subtract(r["found"][one], r["found"][other]) for r in mine if r["target"] == t], axis=0)
            for t in targets
        ]) * (100, 1)  # fmt: skip
        drawn = gains[np.random.default_rng(0).integers(len(gains), size=(5000, len(gains)))].mean(axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
        lines.append(
            f"{'all' if size is None else size} labels, {one} - {other}: {gains[:, 0].mean():+.1f} points "
            f"({low[0]:+.1f} to {high[0]:+.1f}), log loss {gains[:, 1].mean():+.3f} ({low[1]:+.3f} to {high[1]:+.3f}), "
            f"{len(mine)} cells, {len(targets)} targets"
        )
    return lines


def ties(records: list[dict[str, Any]]) -> list[str]:
    """Return what each rule makes of cells where the watched rows do not tell frozen from fine-tuned by two standard
    errors: the mean test accuracy over targets."""
    found: dict[str, dict[str, list[float]]] = {rule: {} for rule in RULES}
    for record in (r for r in records if ROWS in r["found"]):
        seen = {name: record["found"][f"{WATCHED}{name}"] for name in ("frozen", "tuned")}
        shares = [seen[name][0] for name in seen]
        error = np.sqrt(sum(share * (1 - share) for share in shares) / record["found"][ROWS][0])
        if abs(shares[0] - shares[1]) <= 2 * error:
            for rule, decide in RULES.items():
                found[rule].setdefault(record["target"], []).append(100 * record["found"][decide(seen)][0])
    n = sum(map(len, found["the frozen one"].values()))
    means = {rule: np.mean([np.mean(one) for one in values.values()]) for rule, values in found.items() if values}
    return [f"ties, {n} cells: {rule} {mean:.1f}%" for rule, mean in means.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    measure(60 * parser.parse_args().minutes)
    store.pack(NAME, zoo.RESULTS)
    records = store.read(NAME, zoo.RESULTS)
    print(*told(records), *ties(records), sep="\n")


if __name__ == "__main__":
    main()
