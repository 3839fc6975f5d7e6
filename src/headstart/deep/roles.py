"""The samples of a batch by their domain, and by whether their label is given."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from headstart.data.batches import Batch
from headstart.deep.method import Losses, Nets
from headstart.deep.parts import labelled_source


def by_domain(batch: Batch, outputs: Tensor) -> dict[int, tuple[Tensor, Any, Tensor | None]]:
    """Return outputs, labels and weights of the source's samples by the number of their domain; one domain is 0."""
    samples, y = labelled_source(batch)
    numbers = torch.zeros(len(outputs), dtype=torch.int64) if samples.domain is None else samples.domain
    rows = {int(number): (numbers == number).nonzero()[:, 0].to(outputs.device) for number in numbers.unique()}
    weight = samples.weight
    return {n: (outputs[r], y[r.to(y.device)], None if weight is None else weight[r]) for n, r in rows.items()}


def learn_known(nets: Nets, batch: Batch, outputs: Tensor) -> Losses:
    """Return the task's loss on the target samples whose label is given, as ``task``: a mean over all of them."""
    samples = batch.target
    if samples is None or samples.y is None:
        raise ValueError("This method learns from some labels of the target, but the batch holds none.")
    return {"task": nets.task.loss(outputs, samples.y.clamp(min=0), samples.known.to(outputs))}


def learn_given(nets: Nets, batch: Batch, outputs: Tensor) -> Tensor:
    """Return the task's loss on the target samples whose label is given, a mean over these alone; 0 without any."""
    samples = batch.target
    if samples is None or samples.y is None:
        raise ValueError("This method learns from some labels of the target, but the batch holds none.")
    given = samples.known.to(outputs.device)
    return nets.task.loss(outputs[given], samples.y[given]) if given.any() else 0.0 * outputs.sum()
