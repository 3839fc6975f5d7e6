"""Heads that can be saved: linear ones, and the nearest neighbours'."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class NearestHead(nn.Module):
    """The mean of the k nearest training samples' outputs, by cosine similarity of features.

    ``f(x) = g(mean of t_i over the k largest x . x_i / (|x| |x_i|))`` where t_i is a class indicator (k classes)
    or a standardised value, and g turns a share of votes into a logit (log or log-odds), so that the task's own
    prediction gives the shares back.

    Parameters
    ----------
    references : features of the training samples [m, d].
    targets : [m, k] indicators, or standardised values.
    k : neighbours.
    link : ``softmax``, ``sigmoid`` or ``identity``.

    References
    ----------
    Cover and Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information Theory 1967.
    """

    references: Tensor
    targets: Tensor

    def __init__(self, references: Tensor, targets: Tensor, k: int, link: str) -> None:
        super().__init__()
        self.register_buffer("references", functional.normalize(references.float(), dim=1))
        self.register_buffer("targets", targets.float())
        self.k, self.link = k, link

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [n, k] for features [n, d]."""
        similarity = functional.normalize(features.float(), dim=1) @ self.references.T
        nearest = similarity.topk(min(self.k, len(self.references)), dim=1).indices
        mean = self.targets[nearest].mean(dim=1)
        if self.link == "identity":
            return mean
        share = mean.clamp(1e-6, 1 - 1e-6)
        return share.log() if self.link == "softmax" else torch.logit(share)


def head_to_json(head: nn.Module) -> dict[str, Any]:
    """Return from what `head_from_json` makes the same head, without its numbers."""
    if isinstance(head, nn.Identity):
        return {"kind": "none"}
    if isinstance(head, NearestHead):
        m, d = head.references.shape
        return {"kind": "nearest", "m": m, "n_in": d, "n_out": head.targets.shape[1], "k": head.k, "link": head.link}
    if type(head) is nn.Linear:
        return {
            "kind": "linear",
            "n_in": head.in_features,
            "n_out": head.out_features,
            "bias": head.bias is not None,
        }
    kind = type(head).__name__
    raise TypeError(f"A head of the kind {kind} cannot be saved; expected Linear, NearestHead or Identity.")


def head_from_json(value: dict[str, Any] | None) -> nn.Module:
    """Return a head whose numbers are still to be loaded."""
    if value is None or value["kind"] == "none":
        return nn.Identity()
    if value["kind"] == "nearest":
        references, targets = torch.zeros(value["m"], value["n_in"]), torch.zeros(value["m"], value["n_out"])
        return NearestHead(references, targets, value["k"], value["link"])
    return nn.Linear(value["n_in"], value["n_out"], bias=value["bias"])
