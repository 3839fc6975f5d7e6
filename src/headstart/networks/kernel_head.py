"""A head of a Gaussian process: similarity to the training rows, weighted."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class KernelHead(nn.Module):
    """``f(x) = b + sum_i w_i exp(-|x - x_i|^2 / (2 length^2))``.

    Parameters
    ----------
    references : features of the training rows [m, d]. weight : [m, k]. bias : [k]. length : of the kernel.
    """

    references: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, references: Tensor, weight: Tensor, bias: Tensor, length: float) -> None:
        super().__init__()
        self.length = length
        for name, value in (("references", references), ("weight", weight), ("bias", bias)):
            self.register_buffer(name, value.float())

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [n, k] for features [n, d]."""
        rows, known = features.float() / self.length, self.references / self.length
        distance = rows.square().sum(1, keepdim=True) + known.square().sum(1) - 2 * rows @ known.T
        return torch.exp(-distance.clamp(min=0) / 2) @ self.weight + self.bias

    def picked(self, outputs: list[int]) -> KernelHead:
        """Return the head of some outputs, in this order."""
        return KernelHead(self.references, self.weight[:, outputs], self.bias[outputs], self.length)

    def scaled(self, factor: Tensor | float, shift: Tensor | float = 0.0) -> KernelHead:
        """Let the outputs be ``factor * f(x) + shift``."""
        self.weight, self.bias = self.weight * factor, self.bias * factor + shift
        return self


def kernel_to_json(head: KernelHead) -> dict[str, Any]:
    """Return the sizes from which `kernel_from_json` makes the same head, without its numbers."""
    m, d = head.references.shape
    return {"kind": "kernel", "m": m, "n_in": d, "n_out": head.weight.shape[1], "length": head.length}


def kernel_from_json(value: dict[str, Any]) -> KernelHead:
    """Return a head whose numbers are still to be loaded."""
    m, d, k = value["m"], value["n_in"], value["n_out"]
    return KernelHead(torch.zeros(m, d), torch.zeros(m, k), torch.zeros(k), value["length"])
