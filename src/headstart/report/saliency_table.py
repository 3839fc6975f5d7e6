"""Saliency of table rows (captum)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headstart.engine.device import move
from headstart.networks.network import Network
from headstart.report.explained import Explained


def explain_rows(folder: Path, network: Network, samples: list[Explained]) -> dict[str, Any]:
    """Feature ablation: how much an output changes when a column takes the other rows' typical value."""
    from captum.attr import FeatureAblation

    device = next(network.parameters()).device
    x = move(network.preprocess([s.raw for s in samples]), device)
    target = torch.tensor([s.output for s in samples], device=device)
    columns, ids = _columns(network)
    parts = {name: tensor for name, tensor in x.items() if tensor.shape[1]}
    typical = {
        name: t.mode(0, keepdim=True).values if name == "categorical" else t.mean(0, keepdim=True)
        for name, t in parts.items()
    }

    def outputs(*tensors: Tensor) -> Tensor:
        return network(x | dict(zip(parts, tensors, strict=True)))

    heat = FeatureAblation(outputs).attribute(
        tuple(parts.values()),
        baselines=tuple(typical.values()),
        target=target,
        feature_mask=tuple(torch.tensor([ids[name]], device=device) for name in parts),
    )
    found = dict(zip(parts, heat, strict=True))
    weights = (
        torch.cat([found[name].float() for name in ("numeric", "categorical") if name in found], dim=1).cpu().numpy()
    )
    items = [
        {
            "name": s.name,
            "about": s.about,
            "weights": [[c, float(w)] for c, w in zip(columns, row, strict=True)],
        }
        for s, row in zip(samples, weights, strict=True)
    ]
    return {"modality": "table", "method": "feature ablation against the typical row", "items": items}


def _columns(network: Network) -> tuple[list[str], dict[str, list[int]]]:
    """Return the columns' names, and the number of the column that each entry of a part belongs to."""
    saved = network.preprocess.to_json()
    numeric, categorical = list(saved["mean"]), list(saved["categories"])
    numbers = list(range(len(numeric)))
    ids = {"numeric": numbers, "missing": numbers, "categorical": [len(numeric) + i for i in range(len(categorical))]}
    return numeric + categorical, ids
