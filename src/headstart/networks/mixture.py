"""A head of several tasks whose gates mix experts on the same features: MMoE."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class MixtureHead(nn.Module):
    """``f_t(x) = W_t sum_k g_tk(x) e_k(x) + b_t`` for every task t, ``g_t(x) = softmax(V_t x + c_t)`` over K experts.

    The first expert is the features themselves, ``e_1(x) = x``; another is ``e_k(x) = x + B_k relu(A_k x + a_k)``, and
    ``B_k`` and ``V_t`` start at 0: whatever K is, the head starts as the linear head on the features, and with one
    expert it is that head. Outputs of all tasks lie side by side, [n, sum of ``widths``].

    Parameters
    ----------
    n_in : width d of the features. widths : outputs of each task. experts : K >= 2. hidden : rows of ``A_k``.
    """

    def __init__(self, n_in: int, widths: list[int], experts: int, hidden: int) -> None:
        super().__init__()
        self.widths, self.experts, self.hidden = list(widths), experts, hidden
        more = experts - 1
        self.down = nn.Linear(n_in, more * hidden)
        self.up = nn.Parameter(torch.zeros(more, hidden, n_in))
        self.gates = nn.Linear(n_in, len(widths) * experts)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates.bias)
        self.linear = nn.Linear(n_in, sum(widths))

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [n, k] of features [n, d]."""
        shares = self.gates(features).unflatten(1, (len(self.widths), self.experts)).softmax(dim=2)
        raised = functional.relu(self.down(features)).unflatten(1, (self.experts - 1, self.hidden))
        added = torch.einsum("nkh,khd->nkd", raised, self.up)
        mixed = features[:, None] + torch.einsum("ntk,nkd->ntd", shares[:, :, 1:], added)
        weights, biases = self.linear.weight.split(self.widths), self.linear.bias.split(self.widths)
        parts = [functional.linear(mixed[:, t], w, b) for t, (w, b) in enumerate(zip(weights, biases, strict=True))]
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def of_task(self, number: int) -> MixtureHead:
        """Return the head of one task alone: its gate, its outputs, and the experts."""
        own = MixtureHead(self.linear.in_features, [self.widths[number]], self.experts, self.hidden)
        own.down, own.up = self.down, self.up
        rows = slice(number * self.experts, (number + 1) * self.experts)
        outputs = slice(sum(self.widths[:number]), sum(self.widths[: number + 1]))
        for mine, whole, part in ((own.gates, self.gates, rows), (own.linear, self.linear, outputs)):
            mine.weight.copy_(whole.weight[part])
            mine.bias.copy_(whole.bias[part])
        return own

    def with_outputs(self, linear: nn.Module) -> MixtureHead:
        """Return this head of one task with other outputs."""
        assert isinstance(linear, nn.Linear)
        assert len(self.widths) == 1
        self.linear, self.widths = linear, [linear.out_features]
        return self


@torch.no_grad()
def mixture_of(head: nn.Linear, widths: list[int], experts: int, hidden: int) -> MixtureHead:
    """Return the mixture that starts as a linear head of several tasks; its other numbers are torch's random ones."""
    found = MixtureHead(head.in_features, widths, experts, hidden)
    found.linear.weight.copy_(head.weight)
    found.linear.bias.copy_(head.bias)
    return found


def mixture_to_json(head: MixtureHead) -> dict[str, Any]:
    sizes = {"n_in": head.linear.in_features, "widths": head.widths}
    return {"kind": "mixture", **sizes, "experts": head.experts, "hidden": head.hidden}


def mixture_from_json(value: dict[str, Any]) -> MixtureHead:
    return MixtureHead(value["n_in"], value["widths"], value["experts"], value["hidden"])
