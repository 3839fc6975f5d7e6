"""Which parts of an input speak for the prediction (captum)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.networks.network import Network
from headstart.report.features import to
from headstart.report.pictures import save_picture
from headstart.tasks import TaskLogic

STEPS = 16
SMALLEST_MAP = 6
LONGEST_TEXT = 96
SIDE = 192


@dataclass(frozen=True)
class Explained:
    """One sample to explain: its name, raw input, and which output is explained."""

    name: str
    raw: Any
    output: int
    about: str


def saliency(
    folder: Path, network: Network, logic: TaskLogic, dataset: Any, chosen: list[tuple[int, np.ndarray]]
) -> dict[str, Any]:
    """Explain the predictions of ``chosen`` (row number, prediction [k]) and return what saliency.json holds."""
    rows = np.array([row for row, _ in chosen], dtype=np.int64)
    outputs = [0 if logic.task.kind == "regression" else int(p.argmax()) for _, p in chosen]
    words = logic.task.targets if logic.task.kind == "regression" else logic.task.classes
    samples = [
        Explained(name, raw, output, words[output])
        for name, raw, output in zip(dataset.names(rows), dataset.raw(rows), outputs, strict=True)
    ]
    explain = {"image": explain_images, "text": explain_texts, "table": explain_rows}[network.preprocess.modality]
    with evaluation(network):
        return explain(folder, network, samples)


@contextmanager
def evaluation(network: Network) -> Iterator[None]:
    """Evaluation mode, no gradient asked of parameters, and a graph back to the input through frozen stages too.

    Everything is restored afterwards.
    """
    training, asked, frozen, entry = (
        network.training,
        [p.requires_grad for p in network.parameters()],
        network.frozen,
        network.entry,
    )
    network.eval()
    network.requires_grad_(False)
    network.frozen = network.entry = 0  # `Network.run` cuts the graph at frozen stages
    try:
        yield
    finally:
        network.frozen, network.entry = frozen, entry
        for parameter, before in zip(network.parameters(), asked, strict=True):
            parameter.requires_grad_(before)
            parameter.grad = None
        network.train(training)


def explain_images(folder: Path, network: Network, samples: list[Explained]) -> dict[str, Any]:
    """Grad-CAM [1]_ on the deepest map that is fine enough, gradient times activation on patch tokens, or
    integrated gradients [2]_ on the pixels.

    References
    ----------
    .. [1] Selvaraju et al., "Grad-CAM", ICCV 2017.
    .. [2] Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017.
    """
    x = to(network.preprocess([s.raw for s in samples]), next(network.parameters()).device)
    target = torch.tensor([s.output for s in samples], device=x.device)
    heat, method = _image_heat(network, x, target)
    pictures = _shown(network, x)
    items = []
    for i, sample in enumerate(samples):
        plain, overlay = _overlay(pictures[i], heat[i])
        items.append(
            {
                "name": sample.name,
                "about": sample.about,
                "picture": save_picture(folder, f"saliency-{i}-input", plain),
                "overlay": save_picture(folder, f"saliency-{i}", overlay),
            }
        )
    return {"modality": "image", "method": method, "items": items}


def _image_heat(network: Network, x: Tensor, target: Tensor) -> tuple[np.ndarray, str]:
    from captum.attr import IntegratedGradients, LayerGradCam, LayerGradientXActivation

    stage, tokens = _map_stage(network, x)
    x = x.clone().requires_grad_(True)
    if stage is None:
        heat = IntegratedGradients(network).attribute(x, target=target, n_steps=STEPS, internal_batch_size=len(x))
        return heat.detach().sum(dim=1).abs().cpu().numpy(), "integrated gradients on the pixels"
    layer = network.stages[stage]
    if tokens:
        heat = LayerGradientXActivation(network, layer).attribute(x, target=target).detach().sum(dim=2)
        side = int(heat.shape[1] ** 0.5)
        heat = heat[:, -side * side :].reshape(-1, side, side)
        return heat.relu().cpu().numpy(), f"gradient times activation of the patches after stage {stage}"
    heat = LayerGradCam(network, layer).attribute(x, target=target, relu_attributions=True)
    return heat.detach().sum(dim=1).cpu().numpy(), f"Grad-CAM on the feature maps after stage {stage}"


def _map_stage(network: Network, x: Tensor) -> tuple[str | None, bool]:
    """Return the stage to look at, and whether its map consists of tokens."""
    with torch.no_grad():
        shapes = {name: maps.shape for name, maps in network.feature_maps(x[:1], network.stage_names).items()}
    fine = [n for n, s in shapes.items() if len(s) == 4 and min(s[2:]) >= SMALLEST_MAP]
    if fine and min(x.shape[2:]) >= 64:
        return fine[-1], False
    tokens = [n for n, s in shapes.items() if len(s) == 3 and s[1] >= SMALLEST_MAP**2]
    if len(tokens) > 1:
        return tokens[-2], True  # after the last block only the class token may carry a gradient
    return None, False


def _shown(network: Network, x: Tensor) -> np.ndarray:
    """Return what the network saw as uint8 [n, h, w, 3]: normalisation undone where it is known."""
    pixels = x.detach().float().cpu()
    saved = network.preprocess.to_json()
    mean, std = saved.get("mean"), saved.get("std")
    if isinstance(mean, list | tuple) and isinstance(std, list | tuple) and len(mean) == len(std) == x.shape[1]:
        pixels = pixels * torch.tensor(std).view(1, -1, 1, 1) + torch.tensor(mean).view(1, -1, 1, 1)
    else:
        low, high = pixels.amin((1, 2, 3), keepdim=True), pixels.amax((1, 2, 3), keepdim=True)
        pixels = (pixels - low) / (high - low).clamp_min(1e-6)
    pixels = pixels.clamp(0, 1).expand(-1, 3, -1, -1) if pixels.shape[1] == 1 else pixels.clamp(0, 1)[:, :3]
    return (255 * pixels).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _overlay(pixels: np.ndarray, heat: np.ndarray) -> tuple[Any, Any]:
    """Return the input, and the input in grey with heat on top, both `SIDE` pixels wide."""
    from matplotlib import colormaps
    from PIL import Image

    image = Image.fromarray(pixels)
    resample = Image.Resampling.NEAREST if image.width < SIDE // 2 else Image.Resampling.BICUBIC
    size = (SIDE, max(1, round(SIDE * image.height / image.width)))
    plain = image.resize(size, resample)
    top = np.quantile(heat, 0.99)
    scaled = np.clip(heat / top, 0, 1) if top > 0 else np.zeros_like(heat)
    smooth = Image.fromarray((255 * scaled).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    strength = np.asarray(smooth, dtype=np.float64)[..., None] / 255
    grey = np.asarray(plain.convert("L").convert("RGB"), dtype=np.float64) * 0.75 + 40
    colour = 255 * colormaps["inferno"](strength[..., 0])[..., :3]
    mixed = grey * (1 - 0.8 * strength) + colour * 0.8 * strength
    return plain, Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def explain_texts(folder: Path, network: Network, samples: list[Explained]) -> dict[str, Any]:
    """Integrated gradients on the word embeddings, one weight per token."""
    from captum.attr import LayerIntegratedGradients

    embedding = _embedding(network)
    tokenizer = getattr(network.preprocess, "tokenizer", None)
    if embedding is None or tokenizer is None:
        return {
            "modality": "text",
            "note": "No word embedding was found in this network, so no tokens are weighed.",
        }
    items = []
    for sample in samples:
        x = to(network.preprocess([sample.raw]), next(network.parameters()).device)
        ids, mask = x["input_ids"][:, :LONGEST_TEXT], x["attention_mask"][:, :LONGEST_TEXT]
        blank = torch.full_like(ids, tokenizer.pad_token_id or 0)
        special = torch.tensor([[i in set(tokenizer.all_special_ids) for i in ids[0].tolist()]], device=ids.device)
        blank = torch.where(special, ids, blank)
        method = LayerIntegratedGradients(lambda i, m: network({"input_ids": i, "attention_mask": m}), embedding)
        heat = method.attribute(
            ids,
            blank,
            target=sample.output,
            additional_forward_args=(mask,),
            n_steps=STEPS,
            internal_batch_size=8,
        )
        weights = heat.detach().sum(dim=2)[0].cpu().numpy()
        items.append({"name": sample.name, "about": sample.about, "words": _words(tokenizer, ids[0].tolist(), weights)})
    return {"modality": "text", "method": "integrated gradients on the word embeddings", "items": items}


def _embedding(network: Network) -> nn.Embedding | None:
    """Return the table of words, by the names that the libraries give it; position tables may be larger."""
    found = {name: module for name, module in network.stages.named_modules() if isinstance(module, nn.Embedding)}
    named = [module for name, module in found.items() if name.endswith(("word_embeddings", "wte", "embed_tokens"))]
    return named[0] if named else max(found.values(), key=lambda m: m.num_embeddings, default=None)


def _words(tokenizer: Any, ids: list[int], weights: np.ndarray) -> list[list[Any]]:
    """Join word pieces to words [text, weight in -1..1]; special tokens are left out."""
    words: list[list[Any]] = []
    special = set(tokenizer.all_special_ids)
    for token, number, weight in zip(tokenizer.convert_ids_to_tokens(ids), ids, weights, strict=True):
        if number in special:
            continue
        text = tokenizer.convert_tokens_to_string([token]).strip() or token
        starts = token.startswith(("Ġ", "▁")) or not (token.startswith("##") or _byte_level(tokenizer))
        if words and not starts:
            words[-1] = [words[-1][0] + text.removeprefix("##"), words[-1][1] + float(weight)]
        else:
            words.append([text, float(weight)])
    top = max((abs(w) for _, w in words), default=0.0) or 1.0
    return [[text, round(weight / top, 3)] for text, weight in words]


def _byte_level(tokenizer: Any) -> bool:
    return any(
        token.startswith(("Ġ", "▁")) for token in tokenizer.convert_ids_to_tokens(range(min(600, len(tokenizer))))
    )


def explain_rows(folder: Path, network: Network, samples: list[Explained]) -> dict[str, Any]:
    """Feature ablation: how much an output changes when a column takes the other rows' typical value."""
    from captum.attr import FeatureAblation

    device = next(network.parameters()).device
    x = to(network.preprocess([s.raw for s in samples]), device)
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
