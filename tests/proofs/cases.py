"""A tiny problem for each proof: a method, a network to start from, what it trains on, and how it is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from detection import Detection
from protonet import ProtoNet, answers, class_means
from simclr import SimCLR
from tagging import Tagging
from torch import Tensor

from headstart.deep.adversarial.dann import DANN
from headstart.deep.adversarial.mcd import MCD
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.method import Method
from headstart.deep.selftrain.mean_teacher import MeanTeacher
from headstart.deep.source_free.shot import SHOT
from headstart.engine import (
    Compute,
    Domain,
    EpisodeStream,
    JoinedStream,
    Optimizer,
    Saving,
    Selection,
    Stream,
    Trained,
    evaluator,
    train,
)
from headstart.engine.streams import BatchStream
from headstart.networks import Network, TablePreprocess, build
from headstart.networks.tabular import tabular_spec
from headstart.problem import Task
from headstart.tasks import Classification, TaskLogic

COLUMNS = 6
THREE = Classification(Task("classification", ("a", "b", "c")))
Evaluate = Callable[[Network], dict[str, float]]


@dataclass
class Case:
    """Everything that `train` takes, made anew each time; ``inputs`` to predict, ``score`` to rise above."""

    method: Method
    network: Network
    stream: BatchStream
    logic: TaskLogic
    evaluate: Evaluate
    inputs: Any
    above: float
    steps: int = 40
    rate: float = 1e-2

    def train(self, path: Any = None, on_step: Any = None, every: float = 1e9) -> Trained:
        return train(
            self.method,
            self.network,
            self.stream,
            task=self.logic,
            steps=self.steps,
            optimizer=Optimizer(self.rate),
            selection=Selection(self.evaluate, every=10),
            checkpoint=None if path is None else Saving(path, every),
            compute=Compute("cpu"),
            on_step=on_step,
        )


def blobs(
    n: int, seed: int, angle: float = 0.0, classes: int = 3, spread: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows [n, 6] of classes on a circle, turned by ``angle``, and their classes; other columns tell nothing."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    turn = 2 * np.pi * y / classes + angle
    x = rng.normal(size=(n, COLUMNS)) * [0.5, 0.5, *[spread] * (COLUMNS - 2)]
    x[:, 0] += 2.5 * np.cos(turn)
    x[:, 1] += 2.5 * np.sin(turn)
    return x.astype(np.float32), y


def table(x: np.ndarray) -> dict[str, Tensor]:
    n = len(x)
    none = torch.zeros(n, 0, dtype=torch.int64)
    return {"numeric": torch.from_numpy(x), "missing": torch.zeros(n, COLUMNS), "categorical": none}


def fetch_of(x: np.ndarray, noise: float | list[float] = 0.0) -> Callable[[np.ndarray, Any], dict[str, Tensor]]:
    """Return a fetch whose views above 0 have noise, made of position and view alone."""

    def fetch(positions: np.ndarray, view: Any) -> dict[str, Tensor]:
        views = np.broadcast_to(view, np.shape(positions))
        pairs = zip(views, positions, strict=True)
        drawn = [np.random.default_rng([v, p]).normal(size=COLUMNS) * bool(v) for v, p in pairs]
        shaken = x[positions] + np.multiply(noise, np.reshape(drawn, (-1, COLUMNS)))
        return table(shaken.astype(np.float32))

    return fetch


def tabular() -> Network:
    names = [f"x{i}" for i in range(COLUMNS)]
    statistics = TablePreprocess(dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0), {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(tabular_spec(statistics, width=16, blocks=2))
    network.head = THREE.head_of(network)
    return network


SOURCE, TARGET = blobs(48, 1), blobs(45, 2, angle=0.7)


def joined() -> JoinedStream:
    target, source = Domain(fetch_of(TARGET[0]), n=45), Domain(fetch_of(SOURCE[0]), SOURCE[1])
    return JoinedStream(target, source, batch_size=16, seed=0)


def of_target() -> Evaluate:
    return evaluator(THREE, fetch_of(TARGET[0]), TARGET[1])


@cache
def source_weights() -> dict[str, Tensor]:
    """Return the weights of a network trained on the source alone."""
    stream = Stream(fetch_of(SOURCE[0]), SOURCE[1], batch_size=16, seed=0)
    case = Case(
        FineTune(body_rate=1.0), tabular(), stream, THREE, evaluator(THREE, fetch_of(SOURCE[0]), SOURCE[1]), 0, 0
    )
    return case.train().network.state_dict()


def dann() -> Case:
    return Case(DANN(width=16), tabular(), joined(), THREE, of_target(), table(TARGET[0]), above=0.6)


def mcd() -> Case:
    return Case(MCD(rounds=2), tabular(), joined(), THREE, of_target(), table(TARGET[0]), above=0.6)


def shot() -> Case:
    network = tabular()
    network.load_state_dict(source_weights())
    stream = Stream(fetch_of(TARGET[0]), n=45, batch_size=16, seed=0)
    return Case(SHOT(), network, stream, THREE, of_target(), table(TARGET[0]), above=0.6, rate=1e-3)


def mean_teacher() -> Case:
    few = np.where(np.arange(45) < 9, TARGET[1], -1)
    stream = Stream(fetch_of(TARGET[0], noise=0.3), few, batch_size=15, seed=0, views=6, shown=2)
    return Case(
        MeanTeacher(labels="target", decay=0.95), tabular(), stream, THREE, of_target(), table(TARGET[0]), above=0.7
    )


def simclr() -> Case:
    x, y = blobs(45, 4, spread=2.0)
    noise = [0.2, 0.2, *[2.0] * (COLUMNS - 2)]
    stream = Stream(fetch_of(x, noise), n=45, batch_size=15, seed=0, views=8, shown=2)

    def neighbours(network: Network) -> dict[str, float]:
        """Return how often a row's nearest other row, in the features, is of its class."""
        with torch.no_grad():
            z = torch.nn.functional.normalize(network.eval().features(table(x)), dim=1)
        nearest = (z @ z.T).fill_diagonal_(-2).argmax(dim=1).numpy()
        return {"loss": 0.0, "score": float(np.mean(y[nearest] == y))}

    return Case(SimCLR(), tabular(), stream, THREE, neighbours, table(x), above=0.7)


def protonet() -> Case:
    x, y = blobs(96, 3, classes=8, spread=1.5)
    stream = EpisodeStream(Domain(fetch_of(x), np.where(y < 5, y, -1)), ways=3, shots=2, queries=4, seed=0)
    held = {name: torch.from_numpy(np.flatnonzero(y == c)) for name, c in zip("abc", (5, 6, 7), strict=True)}

    def few_shot(network: Network) -> dict[str, float]:
        """Return the accuracy on classes never seen, from three examples each."""
        with torch.no_grad():
            z = network.eval().features(table(x))
        support = torch.cat([z[rows[:3]] for rows in held.values()])
        query = torch.cat([z[rows[3:]] for rows in held.values()])
        logits = answers(query, class_means(support, torch.arange(3).repeat_interleave(3)))
        truth = torch.arange(3).repeat_interleave(9)
        right = float((logits.argmax(dim=1) == truth).float().mean())
        return {"loss": float(torch.nn.functional.cross_entropy(logits, truth)), "score": right}

    return Case(ProtoNet(), tabular(), stream, THREE, few_shot, table(x), above=0.6)


def squares(n: int, seed: int) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Return pictures [n, 1, 32, 32] with one or two squares, filled or hollow, and their boxes."""
    rng = np.random.default_rng(seed)
    x, targets = -torch.ones(n, 1, 32, 32), []
    for picture in x[:, 0]:
        boxes, labels = [], []
        for left in (0, 16)[: rng.integers(1, 3)]:
            size, top, label = int(rng.integers(10, 14)), int(rng.integers(2, 16)), int(rng.integers(2))
            picture[top : top + size, left : left + size] = 1.0
            if label:
                picture[top + 2 : top + size - 2, left + 2 : left + size - 2] = -1.0
            boxes.append([left, top, left + size, top + size])
            labels.append(label)
        targets.append({"boxes": torch.tensor(boxes) / 32, "labels": torch.tensor(labels)})
    return x, targets


def detection() -> Case:
    """Boxes from the maps of two stages, the first stage frozen and computed once."""
    logic = Detection(Task("classification", ("filled", "hollow")), {"block1": 32, "block3": 64})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build({"family": "glyphs"})
        network.head = logic.head_of(network)
    x, targets = squares(16, 0)
    network.entry = min(1, network.last_cut)
    with torch.no_grad():
        states = network.run(x, 0, network.entry)
    fetch = lambda positions, view: states[torch.from_numpy(positions)]  # noqa: E731
    stream = Stream(fetch, targets, batch_size=8, seed=0)
    score = evaluator(logic, fetch, targets)
    return Case(FineTune(depth=4, body_rate=1.0), network, stream, logic, score, states, above=0.2, steps=50, rate=3e-3)


def sentences(n: int, seed: int) -> tuple[list[str], list[Tensor]]:
    """Return texts of the words a to d, and tags: the word itself, but 4 after a d."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(0, 4, size=rng.integers(3, 8)) for _ in range(n)]
    tags = [np.where(np.r_[False, row[:-1] == 3], 4, row) for row in words]
    return [" ".join("abcd"[w] for w in row) for row in words], [torch.from_numpy(row) for row in tags]


def tagging() -> Case:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, PreTrainedTokenizerFast

    from headstart.networks.text_preprocess import TextPreprocess
    from headstart.networks.transformers_family import transformers_spec

    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["[PAD]", "[UNK]", *"abcd"])}, "[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    logic = Tagging(Task("classification", tuple("abcde")))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(vocab_size=6, max_position_embeddings=16, **sizes)
        network = build(transformers_spec(config), TextPreprocess(tokenizer, 16))
        network.head = logic.head_of(network)
    texts, tags = sentences(48, 0)
    fetch = lambda positions, view: network.preprocess([texts[p] for p in positions])  # noqa: E731
    stream = Stream(fetch, tags, batch_size=16, seed=0)
    score = evaluator(logic, fetch, tags, batch_size=7)
    return Case(FineTune(body_rate=1.0), network, stream, logic, score, network.preprocess(texts), above=0.6)


CASES: dict[str, Callable[[], Case]] = {
    f.__name__: f for f in (dann, mcd, shot, mean_teacher, simclr, protonet, detection, tagging)
}
