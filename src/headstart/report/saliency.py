"""Which parts of an input speak for the prediction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from headstart.networks.network import Network
from headstart.report.explained import Explained
from headstart.report.saliency_image import explain_images
from headstart.report.saliency_table import explain_rows
from headstart.report.saliency_text import explain_texts
from headstart.tasks import TaskLogic


def saliency(
    folder: Path, network: Network, logic: TaskLogic, dataset: Any, chosen: list[tuple[int, np.ndarray]]
) -> dict[str, Any]:
    """Explain the predictions of ``chosen`` (row number, prediction [k]) and return what saliency.json holds."""
    rows = np.array([row for row, _ in chosen], dtype=np.int64)
    space = logic.task.label_space
    outputs, words = [space.explained(p) for _, p in chosen], space.names
    samples = [
        Explained(name, raw, output, words[output])
        for name, raw, output in zip(dataset.names(rows), dataset.raw(rows), outputs, strict=True)
    ]
    if "clip" in network.spec:
        return {"modality": "image", "method": "clips are not explained", "items": []}
    explain = {"image": explain_images, "text": explain_texts, "table": explain_rows}[network.preprocess.modality]
    with evaluation(network):
        return explain(folder, network, samples)


@contextmanager
def evaluation(network: Network) -> Iterator[None]:
    """Evaluation mode, no gradient asked of parameters, and a graph back to the input through frozen stages too.

    Everything is restored afterwards.
    """
    training, asked, frozen, entry = (
        network.training,
        [p.requires_grad for p in network.parameters()],
        network.frozen,
        network.entry,
    )
    network.eval()
    network.requires_grad_(False)
    network.frozen = network.entry = 0  # `Network.run` cuts the graph at frozen stages
    try:
        yield
    finally:
        network.frozen, network.entry = frozen, entry
        for parameter, before in zip(network.parameters(), asked, strict=True):
            parameter.requires_grad_(before)
            parameter.grad = None
        network.train(training)
