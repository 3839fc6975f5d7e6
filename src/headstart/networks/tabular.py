"""A small network for tables that embeds every column under its own name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.network import Network
from headstart.networks.table_preprocess import TablePreprocess

WIDTH, BLOCKS, DROPOUT = 128, 3, 0.1


def tabular_spec(
    statistics: TablePreprocess, *, width: int = WIDTH, blocks: int = BLOCKS, dropout: float = DROPOUT
) -> dict[str, Any]:
    """Return the spec of a tabular network for the columns of ``statistics``."""
    return {
        "family": "tabular",
        "width": width,
        "blocks": blocks,
        "dropout": dropout,
        "preprocess": statistics.to_json(),
    }


def build_tabular(spec: dict[str, Any], preprocess: TablePreprocess | None = None) -> Network:
    """Return the network with random weights: the stages columns, block1, block2, ...

    References
    ----------
    Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021, section 3.2 (ResNet), here with
    layer normalisation, so that samples stay independent of the batch they travel in.
    """
    statistics = preprocess or TablePreprocess.from_json(spec["preprocess"])
    width = spec["width"]
    sizes = [len(known) for known in statistics.categories.values()]
    stages: dict[str, nn.Module] = {"columns": Columns(len(statistics.numeric), sizes, width)}
    for index in range(1, spec["blocks"] + 1):
        stages[f"block{index}"] = ResidualBlock(width, spec["dropout"])
    return Network(stages, nn.Identity(), width, statistics, spec)


class Columns(nn.Module):
    r"""Sum of one embedding per column: :math:`h = b + \sum_j (w_j x_j + u_j m_j) + \sum_k E_k[c_k]`, [n, width].

    :math:`m_j` is 1 where the number is missing. Row 0 of :math:`E_k` stands for missing and unknown categories.

    Parameters
    ----------
    n_numeric : numeric columns.
    sizes : categories of each categorical column.
    width : of the embeddings.
    """

    starts: Tensor

    def __init__(self, n_numeric: int, sizes: list[int], width: int) -> None:
        super().__init__()
        scale = max(1, n_numeric + len(sizes)) ** -0.5
        self.weight = nn.Parameter(torch.randn(n_numeric, width) * scale)
        self.missing = nn.Parameter(torch.randn(n_numeric, width) * scale)
        self.category = nn.Parameter(torch.randn(sum(size + 1 for size in sizes), width) * scale)
        self.bias = nn.Parameter(torch.randn(width) * scale)
        starts = [sum(size + 1 for size in sizes[:k]) for k in range(len(sizes))]
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int64), persistent=False)

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        hidden = self.bias + x["numeric"] @ self.weight + x["missing"] @ self.missing
        if self.category.shape[0]:
            hidden = hidden + nn.functional.embedding(x["categorical"] + self.starts, self.category).sum(dim=1)
        return hidden


class ResidualBlock(nn.Module):
    """``h + W2 dropout(relu(W1 norm(h)))``, [n, width] to [n, width].

    The sum itself is never normalised, so that what is linear in the columns reaches the head as it is.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(self.dropout(self.inner(self.norm(x)).relu()))


@torch.no_grad()
def carry_columns(source: Network, target: Network) -> list[str]:
    """Copy a tabular source's weights into a network on other columns; return the names of the columns carried over.

    Numeric columns of the same name keep their embedding; categories of the same column and name keep theirs; new
    columns and categories keep their random start. The blocks are copied whole.
    """
    old, new = source.stages["columns"], target.stages["columns"]
    before, after = source.preprocess, target.preprocess
    assert isinstance(old, Columns)
    assert isinstance(new, Columns)
    assert isinstance(before, TablePreprocess)
    assert isinstance(after, TablePreprocess)
    new.bias.copy_(old.bias)
    carried = []
    for j, name in enumerate(after.numeric):
        if name in before.numeric:
            i = before.numeric.index(name)
            new.weight[j], new.missing[j] = old.weight[i], old.missing[i]
            carried.append(name)
    rows_before, rows_after = _category_rows(before), _category_rows(after)
    for key in rows_after.keys() & rows_before.keys():
        new.category[rows_after[key]] = old.category[rows_before[key]]
    carried += [name for name in after.categories if name in before.categories]
    for name in source.stage_names[1:]:
        target.stages[name].load_state_dict(source.stages[name].state_dict())
    return carried


def _category_rows(statistics: TablePreprocess) -> dict[tuple[str, str | None], int]:
    rows: dict[tuple[str, str | None], int] = {}
    for column, known in statistics.categories.items():
        for name in (None, *known):
            rows[column, name] = len(rows)
    return rows


def shared_statistics(source: TablePreprocess, target: TablePreprocess) -> TablePreprocess:
    """Return the target's columns and categories, with the source's mean and standard deviation where a numeric column
    has the same name: its embedding was learned in those units."""
    mean = {name: source.mean.get(name, value) for name, value in target.mean.items()}
    std = {name: source.std.get(name, value) for name, value in target.std.items()}
    return TablePreprocess(mean, std, target.categories, target.readings)
