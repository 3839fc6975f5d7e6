"""Small networks, data and methods for the engine's tests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.deep.method import Batch, Losses, Method, Nets
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess
from headstart.problem import Task
from headstart.tasks import Classification

TASK = Classification(Task("classification", ("a", "b", "c")))


class TinyPreprocess(Preprocess):
    """Arrays to tensors; a seed adds noise made from it."""

    modality = "image"

    def __init__(self, noise: float = 0.1) -> None:
        self.noise = noise
        self.calls = 0

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> torch.Tensor:
        self.calls += len(raws)
        x = torch.stack([torch.from_numpy(raw) for raw in raws])
        if seeds is None:
            return x
        return x + self.noise * torch.stack([self._noise(x.shape[1:], seed) for seed in seeds])

    def _noise(self, shape: torch.Size, seed: int | None) -> torch.Tensor:
        return torch.zeros(shape) if seed is None else torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    def to_json(self) -> dict[str, Any]:
        return {"modality": "image", "noise": self.noise}

    def save(self, directory: Path) -> None:
        raise NotImplementedError

    @property
    def augments(self) -> bool:
        return self.noise > 0


class TinyWords(Preprocess):
    """Texts to character numbers, padded on the right to the longest in the batch."""

    modality = "text"

    def __call__(self, raws: list[str], seeds: list[int | None] | None = None) -> dict[str, torch.Tensor]:
        length = max(len(raw) for raw in raws)
        ids = torch.tensor([[ord(c) % 32 for c in raw] + [0] * (length - len(raw)) for raw in raws])
        mask = torch.tensor([[1] * len(raw) + [0] * (length - len(raw)) for raw in raws])
        return {"input_ids": ids, "attention_mask": mask}

    def to_json(self) -> dict[str, Any]:
        return {"modality": "text"}

    def save(self, directory: Path) -> None:
        raise NotImplementedError


class Embed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(32, 6)

    def forward(self, x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"hidden": self.table(x["input_ids"]), "attention_mask": x["attention_mask"]}


class Mix(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return x | {"hidden": torch.tanh(self.linear(x["hidden"]))}


class MaskedMean(nn.Module):
    def forward(self, x: dict[str, torch.Tensor]) -> torch.Tensor:
        mask = x["attention_mask"][..., None].to(x["hidden"].dtype)
        return (x["hidden"] * mask).sum(1) / mask.sum(1)


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))


def conv_stage(inside: int, outside: int, norm: str) -> nn.Sequential:
    middle = nn.BatchNorm2d(outside) if norm == "batch" else nn.GroupNorm(2, outside)
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), middle, nn.ReLU(), nn.Dropout(0.2))


def tiny_network(seed: int = 0, norm: str = "batch", dropout: float = 0.2, noise: float = 0.1) -> Network:
    torch.manual_seed(seed)
    stages = {"stem": conv_stage(1, 4, norm), "one": conv_stage(4, 6, norm), "two": conv_stage(6, 8, norm)}
    network = Network(stages, Mean(), 8, TinyPreprocess(noise), {"family": "tiny", "norm": norm})
    network.head = TASK.head(8)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return network


def text_network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    network = Network({"embed": Embed(), "mix": Mix()}, MaskedMean(), 6, TinyWords(), {"family": "tiny-text"})
    network.head = TASK.head(6)
    return network


class TinyData:
    """Images of three classes, told apart by a stripe; in memory."""

    modality = "image"

    def __init__(self, n: int = 40, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.y = np.arange(n) % 3
        self.x = rng.normal(size=(n, 1, 6, 6)).astype(np.float32)
        self.x[np.arange(n), 0, self.y * 2] += 2.0
        self.asked = 0

    def __len__(self) -> int:
        return len(self.x)

    def raw(self, rows: np.ndarray) -> list[Any]:
        self.asked += len(rows)
        return [self.x[row] for row in rows]

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return self.y[rows]

    def names(self, rows: np.ndarray) -> list[str]:
        return [f"image {row}" for row in rows]

    def hashes(self, rows: np.ndarray) -> list[str]:
        return [hashlib.blake2b(np.asarray(self.x[row]).tobytes(), digest_size=8).hexdigest() for row in rows]


class TinyTexts(TinyData):
    modality = "text"

    def __init__(self, n: int = 30, seed: int = 0) -> None:
        super().__init__(n, seed)
        rng = np.random.default_rng(seed)
        self.x = ["abc"[y] * int(rng.integers(1, 9)) + "xyz"[: int(rng.integers(1, 4))] for y in self.y]  # type: ignore[assignment]

    def hashes(self, rows: np.ndarray) -> list[str]:
        return [hashlib.blake2b(str(self.x[row]).encode(), digest_size=8).hexdigest() for row in rows]


@dataclass(kw_only=True)
class Plain(Method):
    """Fine-tuning with the first ``frozen`` stages frozen."""

    frozen: int = 0

    def frozen_stages(self, network: Network) -> int:
        return self.frozen

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        target = batch.target
        assert target is not None
        assert target.y is not None
        return {"task": nets.task.loss(nets.network(target.x), target.y, target.weight)}
