"""What a step sees."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

Targets = Any
"""Labels of n samples: a tensor [n, ...], or, where they are ragged (boxes, tags), a list of n values."""


class Samples(NamedTuple):
    """Samples of one role, n of each: states at the network's entry, labels, and what is known of them.

    Attributes
    ----------
    x : states in the first view shown.
    y : labels; a tensor [n, ...], or a list of n tensors (or of tensors by name) where they are ragged. A label that is
        not given is -1 (classes), NaN (values) or None (ragged); without any label, None.
    domain : number of each sample's domain [n], where there are several.
    weight : [n]. names : for messages.
    rows : each sample's number among all samples of its role [n].
    more : states in the other views of the same samples.
    """

    x: Any
    y: Targets | None = None
    domain: Tensor | None = None
    weight: Tensor | None = None
    names: list[str] | None = None
    rows: Tensor | None = None
    more: tuple[Any, ...] = ()

    @property
    def views(self) -> tuple[Any, ...]:
        """The states in every view shown; the first is ``x``."""
        return (self.x, *self.more)

    @property
    def known(self) -> Tensor:
        """Whose label is given [n]."""
        n = length(self)
        return torch.zeros(n, dtype=torch.bool) if self.y is None else known(self.y)


class Episode(NamedTuple):
    """A few-shot task: classes are numbered from 0 within it; ``classes`` [ways] are their numbers outside."""

    support: Samples
    query: Samples
    classes: Tensor | None = None


class Batch(NamedTuple):
    """What a step sees, by role. Inductive methods learn from the labelled ``target`` alone.

    Target and source have equally many samples, so that a batch cut into parts has the same share of each.
    """

    target: Samples | None = None
    source: Samples | None = None
    episode: Episode | None = None


def length(samples: Samples) -> int:
    """Return the number of samples."""
    return len(next(iter(samples.x.values())) if isinstance(samples.x, dict) else samples.x)


def known(y: Targets) -> Tensor:
    """Return which labels are given [n]: not -1 where they are classes, not NaN where values, not None where ragged.

    Examples
    --------
    >>> known(torch.tensor([2, -1, 0])).tolist()
    [True, False, True]
    """
    if isinstance(y, list):
        return torch.tensor([value is not None for value in y])
    given = ~y.isnan() if y.is_floating_point() else y >= 0
    return given if given.ndim == 1 else given.flatten(1).all(dim=1)
