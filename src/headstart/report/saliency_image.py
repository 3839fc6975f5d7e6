"""Saliency of images (captum)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.engine.device import move
from headstart.networks.network import Network
from headstart.report.explained import Explained
from headstart.report.pictures import save_picture

STEPS = 16
SMALLEST_MAP = 6
SIDE = 192


def explain_images(folder: Path, network: Network, samples: list[Explained]) -> dict[str, Any]:
    """Grad-CAM [1]_ on the deepest map that is fine enough, gradient times activation on patch tokens, or
    integrated gradients [2]_ on the pixels.

    References
    ----------
    .. [1] Selvaraju et al., "Grad-CAM", ICCV 2017.
    .. [2] Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017.
    """
    x = move(network.preprocess([s.raw for s in samples]), next(network.parameters()).device)
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
    """Return one heat [n, h, w] per image, zero or more, and the method in words."""
    stage, tokens = _map_stage(network, x)
    x = x.clone().requires_grad_(True)
    if stage is None:
        heat, said = _pixels(network, x, target), "integrated gradients on the pixels, from their median colour"
    elif tokens:
        heat = _patches(network, stage, x, target)
        said = f"gradient times activation of the patches after stage {stage}"
    else:
        heat, said = _maps(network, stage, x, target), f"Grad-CAM on the feature maps after stage {stage}"
    return heat.detach().relu().cpu().numpy(), said


def _pixels(network: Network, x: Tensor, target: Tensor) -> Tensor:
    from captum.attr import IntegratedGradients

    blank = x.detach().flatten(2).median(dim=2).values[:, :, None, None].expand_as(x)
    heat: Any = IntegratedGradients(network).attribute(x, blank, target, n_steps=STEPS, internal_batch_size=len(x))
    return heat.sum(dim=1)


def _patches(network: Network, stage: str, x: Tensor, target: Tensor) -> Tensor:
    from captum.attr import LayerGradientXActivation

    found: Any = LayerGradientXActivation(network, network.stages[stage]).attribute(x, target=target)
    heat = found.sum(dim=2)
    side = int(heat.shape[1] ** 0.5)
    return heat[:, -side * side :].reshape(-1, side, side)  # class and register tokens come first


def _maps(network: Network, stage: str, x: Tensor, target: Tensor) -> Tensor:
    from captum.attr import LayerGradCam

    heat: Any = LayerGradCam(network, network.stages[stage]).attribute(x, target=target, relu_attributions=True)
    return heat.sum(dim=1)


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
