"""Extraction and fine-tuning of ResNet-50 on an accelerator, as a share of what the bare network reaches.

``python -m benchmarks.gpu``: images per second at 224 px in bf16, from JPEG files through Headstart's road (decoding,
preprocessing, the engine), against the same network on synthetic data that already lies on the card; and the decode
ceiling: what the machine's cores decode and preprocess when nothing else runs. Without a GPU: one sentence.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks import machine, store
from benchmarks.speed import LOGIC, draw_pictures, torchvision_network
from headstart.data import open_data
from headstart.deep.finetune.finetune import FineTune
from headstart.engine import Compute, Stream, cached_states, raw_fetch, train
from headstart.engine.ahead import ahead
from headstart.networks import Network

BATCH, PICTURES, AIM = 128, 4096, 0.9


def rate_of(function: Callable[[], Any], images: int) -> float:
    """Return images per wall second; the card's work is waited for."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return images / (time.perf_counter() - start)


def on_card() -> Network:
    return torchvision_network("resnet50").to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]


def bare_extraction(steps: int = 60) -> float:
    """Images per second of the bare network forward, synthetic data on the card."""
    network = on_card().eval()
    x = torch.randn(BATCH, 3, 224, 224, device="cuda").to(memory_format=torch.channels_last)

    def go(count: int) -> None:
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
            for _ in range(count):
                network.features(x)

    go(10)
    return rate_of(lambda: go(steps), steps * BATCH)


def bare_training(steps: int = 60) -> float:
    """Images per second of a bare training step, synthetic data on the card."""
    network = on_card()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    x = torch.randn(BATCH, 3, 224, 224, device="cuda").to(memory_format=torch.channels_last)
    y = torch.arange(BATCH, device="cuda") % 2

    def go(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = nn.functional.cross_entropy(network(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

    go(10)
    return rate_of(lambda: go(steps), steps * BATCH)


def decode_ceiling(dataset: Any, network: Network) -> float:
    """Images per second decoded and preprocessed by all cores, nothing else running."""
    fetch = raw_fetch(dataset, np.arange(len(dataset)), network.preprocess)
    chunks = [np.arange(start, min(start + BATCH, len(dataset))) for start in range(0, len(dataset), BATCH)]

    def go() -> None:
        for _ in ahead(lambda positions: fetch(positions, 0), chunks):
            pass

    return rate_of(go, len(dataset))


def extraction(dataset: Any, folder: Path) -> float:
    """Images per second of `cached_states`, files to features."""
    network = on_card().eval()
    rows, cut = np.arange(len(dataset)), len(network.stages)
    cached_states(network, cut, dataset, rows[: 2 * BATCH], batch_size=BATCH, directory=folder / "warm")
    go = lambda: cached_states(network, cut, dataset, rows, batch_size=BATCH, directory=folder / "cache")  # noqa: E731
    return rate_of(go, len(rows))


def training(fetch: Any, labels: np.ndarray, steps: int = 60) -> float:
    """Images per second of `headstart.engine.train` on ``fetch``."""
    stream = Stream(fetch, labels, batch_size=BATCH, seed=0)
    go = lambda count: train(FineTune(), on_card(), stream, task=LOGIC, steps=count, compute=Compute("cuda"))  # noqa: E731
    go(10)
    return rate_of(lambda: go(steps), steps * BATCH)


def synthetic_fetch(n: int) -> Any:
    """Fetches rows of random pictures that lie in pinned memory: the loop without decoding."""
    x = torch.randn(n, 3, 224, 224).pin_memory()
    return lambda positions, view: x[torch.from_numpy(positions)]


def report(name: str, rate: float, bare: float, detail: str) -> None:
    share = rate / bare
    record = {"name": name, "setting": f"resnet50, 224 px, bf16, batch {BATCH}", "rate": rate, "share": share}
    record |= {"word": "won" if share >= AIM else "**LOST**", "detail": detail, "gpu": torch.cuda.get_device_name()}
    described = machine.describe("torch", "torchvision", "headstart")
    described["machine"] += f", {torch.cuda.get_device_name()}"
    store.append("gpu", record | described)
    print(f"{record['word']} {name}: {rate:,.0f} images/s, {share:.2f} of the bare {bare:,.0f}; {detail}", flush=True)


def main() -> None:
    if not torch.cuda.is_available():
        print("No GPU is at hand: extraction and fine-tuning on an accelerator were not measured.")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_pictures(folder / "data", PICTURES)
        dataset = open_data(str(folder / "data"))
        rows = np.arange(len(dataset))
        labels = dataset.labels(rows)
        network = torchvision_network("resnet50")
        ceiling = decode_ceiling(dataset, network)
        words = f"decode ceiling of {torch.get_num_threads()} threads {ceiling:,.0f} images/s"
        forward, step = bare_extraction(), bare_training()
        report("extraction from files", extraction(dataset, folder), forward, words)
        report("fine-tuning from files", training(raw_fetch(dataset, rows, network.preprocess), labels), step, words)
        report("fine-tuning, no decoding", training(synthetic_fetch(len(rows)), labels), step, "pictures in memory")


if __name__ == "__main__":
    main()
