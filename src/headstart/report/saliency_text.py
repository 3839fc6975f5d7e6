"""Saliency of texts (captum)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.engine.device import move
from headstart.networks.network import Network
from headstart.report.explained import Explained

STEPS = 16
LONGEST_TEXT = 96


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
        x = move(network.preprocess([sample.raw]), next(network.parameters()).device)
        ids, mask = x["input_ids"][:, :LONGEST_TEXT], x["attention_mask"][:, :LONGEST_TEXT]
        blank = torch.full_like(ids, tokenizer.pad_token_id or 0)
        special = torch.tensor([[i in set(tokenizer.all_special_ids) for i in ids[0].tolist()]], device=ids.device)
        blank = torch.where(special, ids, blank)
        method = LayerIntegratedGradients(lambda i, m: network({"input_ids": i, "attention_mask": m}), embedding)
        heat: Any = method.attribute(
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
