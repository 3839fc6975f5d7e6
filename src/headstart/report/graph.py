"""The whole of a prediction, preprocessing to probabilities, as one module for export."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.errors import UserError
from headstart.networks.network import Network
from headstart.networks.scene_preprocess import ScenePreprocess, fill_of
from headstart.report.resample import fitted, resized_crop
from headstart.tasks import TaskLogic

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Graph:
    """What is exported: a module, its inputs by name with their axes of free size, and what a caller must do.

    ``feed(raws)`` makes the inputs of raw samples (images of one size at a time), ``inputs`` says it in words.
    """

    module: nn.Module
    axes: dict[str, dict[int, str]]
    inputs: dict[str, dict[str, Any]]
    feed: Any


def build_graph(network: Network, logic: TaskLogic) -> Graph:
    """Return the graph of a loaded network and its task."""
    if isinstance(network.preprocess, ScenePreprocess):
        return scene_graph(network, logic)
    if "clip" in network.spec:
        raise UserError("A model of clips is not exported; `headstart predict` answers with it.")
    make = {"image": image_graph, "text": text_graph, "table": table_graph}[network.preprocess.modality]
    return make(network, logic)


class Outputs(nn.Module):
    """States to probabilities, or to values in the target's units."""

    def __init__(self, network: Network, logic: TaskLogic) -> None:
        super().__init__()
        self.network = network
        self.logic = logic

    def forward(self, x: Any) -> Tensor:
        return self.logic.exported(self.network(x))


class FromPixels(nn.Module):
    """Decoded pixels, uint8 [n, h, w, 3] of any size, to predictions [n, k]."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, logic: TaskLogic) -> None:
        super().__init__()
        saved = network.preprocess.to_json()
        self.outputs = Outputs(network, logic)
        self.size, self.channels = int(saved["size"]), int(saved["channels"])
        self.short = math.floor(saved["size"] / saved["crop_pct"] + 1e-6)
        self.interpolation, self.squash = saved["interpolation"], saved["crop_mode"] == "squash"
        self.register_buffer("mean", torch.tensor(saved["mean"], dtype=torch.float32).view(1, 1, 1, -1))
        self.register_buffer("std", torch.tensor(saved["std"], dtype=torch.float32).view(1, 1, 1, -1))

    def forward(self, pixels: Tensor) -> Tensor:
        if self.channels == 1:
            pixels = _grey(pixels)
        x = resized_crop(pixels, self.size, self.short, self.interpolation, self.squash).to(torch.float32)
        return self.outputs(((x / 255.0 - self.mean) / self.std).permute(0, 3, 1, 2).contiguous())


class FromScene(nn.Module):
    """Decoded pixels, uint8 [n, h, w, 3] of any size, to answers on the canvas."""

    mean: Tensor
    std: Tensor
    fill: Tensor

    def __init__(self, network: Network, logic: TaskLogic, preprocess: ScenePreprocess) -> None:
        super().__init__()
        self.outputs = Outputs(network, logic)
        self.size, self.interpolation, self.channels = preprocess.size, preprocess.interpolation, preprocess.channels
        self.register_buffer("mean", torch.tensor(preprocess.mean, dtype=torch.float32).view(1, 1, 1, -1))
        self.register_buffer("std", torch.tensor(preprocess.std, dtype=torch.float32).view(1, 1, 1, -1))
        fill = fill_of(preprocess.mean)
        self.register_buffer("fill", torch.tensor(fill if isinstance(fill, tuple) else [fill], dtype=torch.float64))

    def forward(self, pixels: Tensor) -> Tensor:
        if self.channels == 1:
            pixels = _grey(pixels)
        x = fitted(pixels, self.size, self.interpolation, self.fill).to(torch.float32)
        return self.outputs(((x / 255.0 - self.mean) / self.std).permute(0, 3, 1, 2).contiguous())


def scene_graph(network: Network, logic: TaskLogic) -> Graph:
    """Pixels in, the whole picture on its canvas inside."""
    assert isinstance(network.preprocess, ScenePreprocess)
    size = network.preprocess.size
    return _of_pixels(
        FromScene(network, logic, network.preprocess),
        f"inside, the longer side becomes {size} pixels, and the picture lies in the upper left corner of a square: "
        f"places of the answer times max(height, width) / {size} are places of the picture",
    )


def _grey(pixels: Tensor) -> Tensor:
    """Return Pillow's luma of RGB pixels: ITU-R 601-2 in 16-bit fixed point."""
    x = pixels.to(torch.float64)
    luma = x[..., 0:1] * 19595.0 + x[..., 1:2] * 38470.0 + x[..., 2:3] * 7471.0
    return torch.floor((luma + 32768.0) / 65536.0)


def image_graph(network: Network, logic: TaskLogic) -> Graph:
    """Pixels in, resizing, cropping and normalising inside."""
    return _of_pixels(FromPixels(network, logic), "resizing, cropping and normalising are inside")


def _of_pixels(module: nn.Module, inside: str) -> Graph:
    def feed(raws: list[Any]) -> Arrays:
        return {"pixels": np.stack([np.asarray(raw.convert("RGB"), dtype=np.uint8) for raw in raws])}

    said = {
        "type": "uint8",
        "shape": ["n", "height", "width", 3],
        "meaning": "decoded RGB pixels, 0 to 255, turned upright (EXIF); images of one call share one size; " + inside,
    }
    return Graph(module, {"pixels": {0: "n", 1: "height", 2: "width"}}, {"pixels": said}, feed)


class FromTokens(nn.Module):
    """Token numbers and mask [n, l] to predictions [n, k]."""

    def __init__(self, network: Network, logic: TaskLogic) -> None:
        super().__init__()
        self.outputs = Outputs(network, logic)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.outputs({"input_ids": input_ids, "attention_mask": attention_mask})


def text_graph(network: Network, logic: TaskLogic) -> Graph:
    """Token numbers in; the tokenizer's files lie beside the model."""

    def feed(raws: list[Any]) -> Arrays:
        return {name: tensor.numpy() for name, tensor in network.preprocess(raws).items()}

    length = network.preprocess.to_json()["max_length"]
    shape = {"type": "int64", "shape": ["n", "length"]}
    inputs = {
        "input_ids": shape | {"meaning": f"token numbers by tokenizer/, cut at {length}, padded on the right"},
        "attention_mask": shape | {"meaning": "1 for tokens, 0 for padding"},
    }
    axes = {name: {0: "n", 1: "length"} for name in inputs}
    return Graph(FromTokens(network, logic), axes, inputs, feed)


class FromCells(nn.Module):
    """Numbers [n, p] (NaN where missing) and category numbers [n, q] to predictions [n, k]."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, logic: TaskLogic) -> None:
        super().__init__()
        saved = network.preprocess.to_json()
        self.outputs = Outputs(network, logic)
        self.numbers, self.categories = len(saved["mean"]), len(saved["categories"])
        self.register_buffer("mean", torch.tensor(list(saved["mean"].values()), dtype=torch.float64))
        self.register_buffer("std", torch.tensor(list(saved["std"].values()), dtype=torch.float64))

    def forward(self, *cells: Tensor) -> Tensor:
        numeric = cells[0] if self.numbers else torch.zeros_like(cells[0][:, :0], dtype=torch.float64)
        categorical = cells[-1] if self.categories else torch.zeros_like(cells[0][:, :0], dtype=torch.int64)
        missing = torch.isnan(numeric)
        standard = torch.where(missing, torch.zeros_like(numeric), (numeric - self.mean) / self.std)
        return self.outputs(
            {
                "numeric": standard.to(torch.float32),
                "missing": missing.to(torch.float32),
                "categorical": categorical,
            }
        )


def table_graph(network: Network, logic: TaskLogic) -> Graph:
    """Raw numbers and category numbers in; standardising inside."""
    saved = network.preprocess.to_json()
    mean, std, categories = saved["mean"], saved["std"], saved["categories"]

    def feed(raws: list[Any]) -> Arrays:
        state = network.preprocess(raws)
        standard = state["numeric"].double().numpy()
        raw = standard * np.array(list(std.values())) + np.array(list(mean.values()))
        raw[state["missing"].numpy() > 0] = np.nan
        fed = {"numeric": raw, "categorical": state["categorical"].numpy()}
        return {name: fed[name] for name in inputs}

    inputs: dict[str, dict[str, Any]] = {}
    if mean:
        said = "raw numbers, in the order of columns; NaN where missing; standardising is inside"
        inputs["numeric"] = {"type": "float64", "shape": ["n", len(mean)], "columns": list(mean), "meaning": said}
    if categories:
        said = "per column the position of the value in its list, counted from 1; 0 where missing or unknown"
        shape = ["n", len(categories)]
        inputs["categorical"] = {"type": "int64", "shape": shape, "columns": categories, "meaning": said}
    return Graph(FromCells(network, logic), {name: {0: "n"} for name in inputs}, inputs, feed)
