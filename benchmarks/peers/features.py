"""Frozen features and the network itself, in plain torchvision and transformers: what anyone would write."""

from __future__ import annotations

import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms
from torchvision.models import mobilenet_v2

from benchmarks.peers.tasks import Item, encoder, weights

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
plain = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)


def network() -> torch.nn.Module:
    """Return torchvision's MobileNetV2 with the ImageNet weights."""
    model = mobilenet_v2(weights=None)
    model.load_state_dict(load_file(weights()))
    return model


def image_features(items: list[Item], batch: int = 32) -> torch.Tensor:
    """Return pooled features [n, 1280]."""
    body = network().features.eval()
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(items), batch):
            images = [plain(Image.open(item.x).convert("RGB")) for item in items[begin : begin + batch]]
            parts.append(body(torch.stack(images)).mean((2, 3)))
    return torch.cat(parts)


def text_features(items: list[Item], batch: int = 32) -> torch.Tensor:
    """Return mean-pooled hidden states [n, 384], the pooling this encoder was trained with."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder())
    model = AutoModel.from_pretrained(encoder()).eval()
    order = sorted(range(len(items)), key=lambda i: len(items[i].x))
    out = torch.empty(len(items), model.config.hidden_size)
    with torch.inference_mode():
        for begin in range(0, len(items), batch):
            rows = order[begin : begin + batch]
            state = tokenizer(
                [items[i].x for i in rows], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            mask = state["attention_mask"].unsqueeze(-1)
            hidden = model(**state).last_hidden_state
            out[rows] = (hidden * mask).sum(1) / mask.sum(1)
    return out


def features(modality: str, items: list[Item]) -> torch.Tensor:
    return image_features(items) if modality == "image" else text_features(items)
