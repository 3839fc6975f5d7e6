"""The sources and targets of the zoo, trained, fine-tuned and scored, one record each; resumable."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks import machine, store
from benchmarks.ranking.pictures import data, network, pictures
from headstart.deep.finetune.finetune import FineTune
from headstart.engine import Compute, Stream, train
from headstart.engine.maps import POOLED
from headstart.engine.settings import Optimizer
from headstart.networks import Network, open_source
from headstart.networks.network import mean_map
from headstart.problem import Task
from headstart.scores import COMBINED, SCORES, logme, score_all
from headstart.scores.combining import combine
from headstart.storage import load_tensors, save_tensors
from headstart.tasks import Classification
from headstart.workflow.ranking.judging import best_stage

NAME, RESULTS = "pictures", Path(__file__).with_name("results")
WORK = Path("build/ranking")
SOURCE_ROWS, SOURCE_STEPS, SHORT_STEPS = 4000, 200, 15
PER_CLASS, TESTED, STEPS, BATCH = 8, 500, 100, 16


NEWEST = "logme_paper"
"""The score that was added last: records without it are scored anew."""


class Recipe(NamedTuple):
    """How a source is trained: architecture, set, whether its labels are shuffled, steps."""

    architecture: str
    data: str
    shuffled: bool = False
    steps: int = SOURCE_STEPS

    @property
    def name(self) -> str:
        worse = " shuffled" if self.shuffled else "" if self.steps == SOURCE_STEPS else " short"
        return f"{self.architecture} {self.data}{worse}"


SOURCES = (
    Recipe("residual", "mnist"),
    Recipe("plain", "mnist"),
    Recipe("residual", "mnist", shuffled=True),
    Recipe("residual", "mnist", steps=SHORT_STEPS),
    Recipe("residual", "cifar10"),
    Recipe("plain", "cifar10"),
    Recipe("residual", "cifar10", shuffled=True),
    Recipe("residual", "cifar100"),
    Recipe("plain", "cifar100"),
    Recipe("residual", "omniglot"),
    Recipe("plain", "omniglot"),
    Recipe("residual", "pneumonia"),
    Recipe("plain", "usps"),
    Recipe("residual", "letters"),  # headstart/glyphs, trained by its own recipe
)
TARGETS = ("usps", "mnist_m", "cifar10", "omniglot_new", "pneumonia", "office", "faces")


def logic(k: int) -> Classification:
    return Classification(Task("classification", tuple(f"c{i:03}" for i in range(k))))


def outputs(net: Network, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        parts = [net(torch.from_numpy(x[i : i + 256])).numpy() for i in range(0, len(x), 256)]
    return np.concatenate(parts)


def learn(net: Network, x: np.ndarray, y: np.ndarray, steps: int, batch: int, seed: int, *, scratch: bool) -> Network:
    """Train a network with a head for the classes of y, every stage at once."""
    task, held = logic(int(y.max()) + 1), torch.from_numpy(x)
    torch.manual_seed(seed)
    net.head = torch.nn.Linear(net.n_features, task.task.n_outputs)
    stream = Stream(lambda positions, view: held[torch.from_numpy(positions)], y, batch_size=batch, seed=seed)
    # The rates of the plan's fine-tuning, and of its training from scratch.
    method = FineTune(body_rate=1.0, stage_decay=1.0) if scratch else FineTune()
    rate = Optimizer(learning_rate=2e-3 if scratch else 3e-3)
    return train(
        method, net, stream, task=task, steps=steps, seed=seed, optimizer=rate, compute=Compute("cpu")
    ).network.eval()


def source(recipe: Recipe) -> tuple[Network, dict[str, Any]]:
    """Return a source's network with its own head, trained once and kept."""
    if recipe.data == "letters":
        return open_source("headstart/glyphs").build(), {"accuracy": 0.9414}
    path = WORK / f"{recipe.name.replace(' ', '_')}.safetensors"
    net = network(recipe.architecture, seed=1)
    if not path.is_file():
        began = time.process_time()
        x, y = pictures(recipe.data, SOURCE_ROWS)
        held = max(1, len(x) // 10)
        mine = np.random.default_rng(0).permutation(y) if recipe.shuffled else y
        net = learn(net, x[held:], mine[held:], recipe.steps, 32, 1, scratch=True)
        accuracy = float((outputs(net, x[:held]).argmax(axis=1) == mine[:held]).mean())
        save_tensors(path, net.state_dict(), {"accuracy": accuracy, "seconds": time.process_time() - began})
    tensors, about = load_tensors(path)
    net.head = torch.nn.Linear(net.n_features, len(tensors["head.bias"]))
    net.load_state_dict(tensors)
    return net.eval(), about


class Target(NamedTuple):
    """Rows to learn from, `PER_CLASS` of each class, and rows that tell the truth."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def target(name: str, draw: int) -> Target:
    x, y = pictures(name, 5000)
    rng = np.random.default_rng([draw, 7])
    per = min(PER_CLASS, int(np.bincount(y).min()) // 2)
    mine = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:per] for c in range(y.max() + 1)])
    rest = rng.permutation(np.setdiff1d(np.arange(len(x)), mine))[:TESTED]
    return Target(x[mine], y[mine], x[rest], y[rest])


def maps(net: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean maps of the stages and the pooled features, as `headstart rank` reads them."""
    found: dict[str, Any] = {}
    with torch.no_grad():
        state: Any = torch.from_numpy(x)
        for name, stage in net.stages.items():
            state = stage(state)
            found[name] = mean_map(state)
        found[POOLED] = net.pool(state)
    return {name: value.double().numpy() for name, value in found.items()}


def scored(net: Network, about: dict[str, Any], rows: Target) -> dict[str, Any]:
    """Return every score of a source for a target, of its best stage and, as ``last_``, of the pooled features."""
    began = time.process_time()
    found, seconds = maps(net, rows.x), {}
    encoding = time.process_time() - began
    probes = {stage: COMBINED["linear_probe"](x, rows.y) for stage, x in found.items()}
    stage = best_stage(probes)
    values = {f"last_{name}": function(found[POOLED], rows.y).value for name, function in COMBINED.items()}
    values["logme_paper"] = logme(found[stage], rows.y, intercept=False)
    for name in (name for name, one in SCORES.items() if one.reads == "features"):
        began = time.process_time()
        values |= score_all(found[stage], rows.y, (name,))
        seconds[name] = round(time.process_time() - began, 4)
    if hasattr(net.head, "weight") and net.n_features == net.head.in_features:
        theta = torch.from_numpy(outputs(net, rows.x)).softmax(1).double().numpy()
        values |= {name: SCORES[name].function(theta, rows.y) for name in ("leep", "nce")}
    if about.get("accuracy") is not None:
        values["static"] = about["accuracy"]
    return {"stage": stage, "scores": values, "seconds": seconds, "encoding": round(encoding, 4)}


def against_random(net: Network, twin: Network, rows: Target) -> float:
    """Return the share of resamples in which the source lies before its architecture with random weights."""
    both = []
    for one in (net, twin):
        found = maps(one, rows.x)
        stage = best_stage({name: COMBINED["linear_probe"](x, rows.y) for name, x in found.items()})
        both.append([function(found[stage], rows.y) for function in COMBINED.values()])
    return float(combine(both, resamples=500).before[0, 1])


def accuracy(net: Network, rows: Target, draw: int, *, scratch: bool) -> tuple[float, float]:
    """Fine-tune and return the test accuracy and CPU seconds."""
    began = time.process_time()
    net = learn(net, rows.x, rows.y, STEPS, BATCH, draw, scratch=scratch)
    found = float((outputs(net, rows.test_x).argmax(axis=1) == rows.test_y).mean())
    return found, time.process_time() - began


def measure(draws: int, seconds: float) -> None:
    """Measure what is missing, target by target, until the time is spent."""
    assert data().is_dir()
    stop, about = time.monotonic() + seconds, machine.describe("torch", "headstart")
    known = {(r["target"], r["draw"], r["source"]): r for r in store.read(NAME, RESULTS)}
    done = {key for key, record in known.items() if "scores" not in record or NEWEST in record["scores"]}
    for draw in range(draws):
        for name in TARGETS:
            rows = target(name, draw)
            for architecture in ("residual", "plain"):
                key = (name, draw, f"{architecture} scratch")
                if key not in done:
                    if time.monotonic() > stop:
                        return
                    truth, spent = accuracy(network(architecture, 100 + draw), rows, draw, scratch=True)
                    _keep(key, {"accuracy": truth, "cpu": round(spent, 2)}, about)
            for recipe in SOURCES:
                key = (name, draw, recipe.name)
                if key in done or recipe.data == name:
                    continue
                if time.monotonic() > stop:
                    return
                net, its = source(recipe)
                record = scored(net, its, rows)
                record["before_random"] = against_random(net, network(recipe.architecture, 100 + draw), rows)
                # Truth stays as it was measured where only a score is new.
                former = known.get(key)
                truth, spent = (
                    accuracy(net, rows, draw, scratch=False) if former is None else (former["accuracy"], former["cpu"])
                )
                _keep(key, record | {"accuracy": truth, "cpu": round(spent, 2)}, about)


def _keep(key: tuple[str, int, str], record: dict[str, Any], about: dict[str, Any]) -> None:
    name, draw, source_name = key
    store.append(NAME, {"target": name, "draw": draw, "source": source_name, **record, **about}, RESULTS)
    print(f"{name:13} {source_name:28} {100 * record['accuracy']:5.1f}%  {record['cpu']:.1f} s", flush=True)
