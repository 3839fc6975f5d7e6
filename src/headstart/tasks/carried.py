"""A head that answers in space, carried over from an earlier run of the same kind."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Names = tuple[str, ...]


def carry_head(head: Any, former: nn.Module, names: Names, old: Names) -> list[str] | None:
    """Copy into a new head what a former one knows, and return the classes that both have; None where they differ.

    Everything but the layers with outputs per class is copied as it is; of these the outputs of classes of the same
    name are. Other classes keep their new numbers.

    Parameters
    ----------
    head, former : of one class with ``by_class``, for networks whose maps have the same channels. names, old : their
        classes.
    """
    given, mine = former.state_dict(), head.state_dict()
    if type(former) is not type(head) or given.keys() != mine.keys():
        return None
    shared = [name for name in names if name in old]
    with torch.no_grad():
        for key, tensor in mine.items():
            layer = key.split(".")[-2]
            if layer in head.by_class:
                each, before = head.by_class[layer]
                for to, frm in _rows(names, old, shared, each, before):
                    tensor[to] = given[key][frm]
            elif tensor.shape != given[key].shape:
                return None
            else:
                tensor.copy_(given[key])
    return shared


def _rows(names: Names, old: Names, shared: list[str], each: int, before: int) -> list[tuple[slice, slice]]:
    pairs = [(place, place) for place in range(before)]
    pairs += [(before + names.index(name), before + old.index(name)) for name in shared]
    return [(slice(each * a, each * (a + 1)), slice(each * b, each * (b + 1))) for a, b in pairs]
