"""What a step sees."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor


class Samples(NamedTuple):
    """Samples of one domain: states at the network's entry, labels, domain numbers, weights, names."""

    x: Any
    y: Tensor | None = None
    domain: Tensor | None = None
    weight: Tensor | None = None
    names: list[str] | None = None


class Batch(NamedTuple):
    """What a step sees. Inductive methods learn from the labelled ``target`` alone."""

    target: Samples | None = None
    source: Samples | None = None


class Episode(NamedTuple):
    """A few-shot task."""

    support: Samples
    query: Samples
