"""Encoders of the BERT kind and decoders of the GPT kind from transformers, cut into stages."""

from __future__ import annotations

import copy
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from headstart.errors import UserError
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess
from headstart.networks.text_options import allowed_config
from headstart.networks.unset_preprocess import UnsetPreprocess

TextState = dict[str, Tensor]


class Layout(NamedTuple):
    """Where a kind of model keeps its parts: paths of attributes, empty where it has none."""

    layers: str
    embeddings: str
    norm: str = ""
    positions: str = ""
    dropout: str = ""
    decoder: bool = False


_BERT = Layout("encoder.layer", "embeddings")
_LLAMA = Layout("layers", "embed_tokens", norm="norm", decoder=True)
LAYOUTS = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "distilbert": Layout("transformer.layer", "embeddings"),
    "gpt2": Layout("h", "wte", norm="ln_f", positions="wpe", dropout="drop", decoder=True),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
}
"""transformers' ``model_type`` and its layout."""


def check_model_type(kind: str, where: str) -> None:
    if kind not in LAYOUTS:
        raise UserError(
            f"{where} holds a model of the kind '{kind}', which Headstart does not read; text models of the kinds "
            f"{', '.join(LAYOUTS)} are read, and images come from timm/ or torchvision/."
        )


def transformers_spec(config: Any, pooling: str | None = None) -> dict[str, Any]:
    """Return the spec: the library's configuration as a dict, and ``pooling`` mean, last or first (the class token).

    By default encoders take the mean over a text's tokens and decoders its last token.
    """
    decoder = LAYOUTS[config.model_type].decoder
    value = {k: v for k, v in config.to_dict().items() if not k.startswith("_") and k != "architectures"}
    return {"family": "transformers", "config": value, "pooling": pooling or ("last" if decoder else "mean")}


def create_transformers(spec: dict[str, Any]) -> nn.Module:
    """Return the library's own model without a task's head, random weights."""
    from transformers import AutoConfig, AutoModel

    kind = str(spec["config"].get("model_type"))
    check_model_type(kind, "The saved network")
    return AutoModel.from_config(AutoConfig.for_model(kind, **allowed_config(spec["config"], "The saved network")))


def cut_transformers(model: Any, spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Cut the library's model: after the last stage ``hidden`` equals its ``last_hidden_state`` bit for bit.

    Every stage is the library's own model with one layer (the first with the embeddings and no layer), so that masks
    and positions are made by the library itself.
    """
    layout = LAYOUTS[spec["config"]["model_type"]]
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    layers, norm = list(attrgetter(layout.layers)(model)), attrgetter(layout.norm)(model) if layout.norm else None
    _set(model, layout.layers, nn.ModuleList())
    if norm is not None:
        _set(model, layout.norm, nn.Identity())
    hollow = _hollow(model, layout)
    stages: dict[str, nn.Module] = {"embed": TextStage(model)}
    for index, layer in enumerate(layers, 1):
        shell = copy.deepcopy(hollow)
        _set(shell, layout.layers, nn.ModuleList([layer]))
        if getattr(model.config, "layer_types", None):
            # Some models alternate kinds of attention, and look the kind up by the layer's place in the list.
            shell.config.layer_types = [model.config.layer_types[index - 1]]
        stages[f"block{index}"] = TextStage(shell)
    if norm is not None:
        _set(stages[f"block{len(layers)}"].model, layout.norm, norm)  # type: ignore[arg-type]
    width = int(model.config.hidden_size)
    return Network(stages, TextPool(spec["pooling"]), width, preprocess or UnsetPreprocess("text"), spec)


def _hollow(model: Any, layout: Layout) -> Any:
    """Return a copy of the model whose embeddings hand hidden states through."""
    stand_ins = {layout.embeddings: Through(), layout.positions: Zero(), layout.dropout: nn.Identity()}
    memo = {id(attrgetter(path)(model)): stand_in for path, stand_in in stand_ins.items() if path}
    return copy.deepcopy(model, memo)


def _set(module: nn.Module, path: str, value: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, value)


class Through(nn.Module):
    """Stands for the embeddings where hidden states come in: hands them through."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        position_ids: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        past_key_values_length: int = 0,
    ) -> Tensor:
        assert inputs_embeds is not None
        return inputs_embeds


class Zero(nn.Module):
    """Stands for position embeddings that were added in the first stage."""

    def forward(self, positions: Tensor) -> Tensor:
        # A tensor without dimensions never widens the type of what it is added to.
        return torch.zeros((), device=positions.device)


class TextStage(nn.Module):
    """A part of a transformers model: state to state.

    The first stage takes ``input_ids`` and ``attention_mask`` [n, l]; every stage gives ``hidden`` [n, l, d] and
    ``attention_mask``.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, state: TextState) -> TextState:
        mask = state["attention_mask"]
        if "input_ids" in state:
            output = self.model(input_ids=state["input_ids"], attention_mask=mask, **self._options())
        else:
            output = self.model(inputs_embeds=state["hidden"], attention_mask=mask, **self._options())
        return {"hidden": output.last_hidden_state, "attention_mask": mask}

    def _options(self) -> dict[str, Any]:
        decoder = LAYOUTS[self.model.config.model_type].decoder  # type: ignore[union-attr]
        return {"use_cache": False} if decoder else {}


class TextPool(nn.Module):
    """Hidden states [n, l, d] to features [n, d]: the mean over the text's tokens, its last token, or its first."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind not in ("mean", "last", "first"):
            raise UserError(f"The pooling '{kind}' is not known; take mean, last or first.")
        self.kind = kind

    def forward(self, state: TextState) -> Tensor:
        hidden, mask = state["hidden"], state["attention_mask"]
        if self.kind == "first":
            return hidden[:, 0]
        if self.kind == "last":
            last = (mask.sum(dim=1) - 1).clamp(min=0)
            return hidden[torch.arange(len(hidden), device=hidden.device), last]
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1e-9)
