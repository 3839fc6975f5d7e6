"""A network that is no more than a table's raw columns, so that a head on them is saved and used like any other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.network import Network
from headstart.networks.table_preprocess import TablePreprocess


def columns_spec(statistics: TablePreprocess) -> dict[str, Any]:
    """Return the spec of the raw columns of ``statistics``."""
    return {"family": "columns", "preprocess": statistics.to_json()}


def build_columns(spec: dict[str, Any], preprocess: TablePreprocess | None = None) -> Network:
    """Return the network of one stage, ``columns``, whose features are the columns themselves."""
    statistics = preprocess or TablePreprocess.from_json(spec["preprocess"])
    stage = Beside(len(statistics.numeric), [len(known) for known in statistics.categories.values()])
    return Network({"columns": stage}, nn.Identity(), len(stage.scale), statistics, spec)


class Beside(nn.Module):
    """Standardised numbers, 1 where one is missing, and one-hot categories (the first stands for missing and unknown),
    side by side [n, d], times a scale that starts at 1."""

    def __init__(self, n_numeric: int, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = [size + 1 for size in sizes]
        self.scale = nn.Parameter(torch.ones(2 * n_numeric + sum(self.sizes)))

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        hot = [nn.functional.one_hot(x["categorical"][:, j], size) for j, size in enumerate(self.sizes)]
        return torch.cat([x["numeric"], x["missing"], *(part.float() for part in hot)], dim=1) * self.scale
