"""Classifiers of textual entailment from transformers: how much a text entails each of some hypotheses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.errors import UserError
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess
from headstart.networks.text_options import allowed_config
from headstart.networks.transformers_family import LAYOUTS, TextState, transformers_spec
from headstart.networks.unset_preprocess import UnsetPreprocess

STAGE = "entail"


def entailment_spec(config: Any, classes: int, templates: int, length: int, entails: int) -> dict[str, Any]:
    """Return the spec: ``classes`` by ``templates`` hypotheses of at most ``length`` tokens, and which of the model's
    labels says that a text entails one."""
    value = transformers_spec(config)["config"]
    asked = {"classes": classes, "templates": templates, "length": length}
    return {"family": "entailment", "config": value, **asked, "labels": int(config.num_labels), "entails": entails}


def create_entailment(spec: dict[str, Any]) -> Any:
    """Return the library's classifier of pairs of texts, random weights."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    where, kind = "The saved network", str(spec["config"].get("model_type"))
    if kind not in LAYOUTS or LAYOUTS[kind].decoder or spec["entails"] >= spec["labels"]:
        raise UserError(f"{where} is no classifier of entailment; the file was changed.")
    config = AutoConfig.for_model(kind, **allowed_config(spec["config"], where), num_labels=spec["labels"])
    return AutoModelForSequenceClassification.from_config(config)


def cut_entailment(model: Any, spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Make a network of one stage whose features are the logits of entailment, one per class, and then what the body
    makes of the text alone, as an encoder's mean over tokens."""
    stage = Entailment(model, spec["classes"], spec["templates"], spec["length"], spec["entails"])
    width = spec["classes"] + int(model.config.hidden_size)
    return Network({STAGE: stage}, nn.Identity(), width, preprocess or UnsetPreprocess("text"), spec)


class Entailment(nn.Module):
    """Tokens of texts to ``[e_1 ... e_k, h]`` [n, k + d]: e_j the mean over templates of the logit that a text entails
    class j's hypothesis, h the mean of the text's own hidden states.

    A hypothesis is the tail that the tokenizer puts after a text's tokens: separator, words, end.

    Parameters
    ----------
    model : the library's classifier. classes, templates, length : k classes in t wordings of at most m tokens.
    entails : the label that stands for entailment.

    Attributes
    ----------
    tails, tail_mask, tail_types [t k, m] : tokens, which of them there are, and of which segment.

    References
    ----------
    Yin, Hay and Roth, "Benchmarking Zero-shot Text Classification: Datasets, Evaluation and Entailment Approach",
    EMNLP 2019.
    """

    tails: Tensor
    tail_mask: Tensor
    tail_types: Tensor

    def __init__(self, model: Any, classes: int, templates: int, length: int, entails: int) -> None:
        super().__init__()
        self.model, self.classes, self.templates, self.entails = model, classes, templates, entails
        for name in ("tails", "tail_mask", "tail_types"):
            self.register_buffer(name, torch.zeros(templates * classes, length, dtype=torch.long))

    def forward(self, state: TextState) -> Tensor:
        ids, mask = state["input_ids"], state["attention_mask"]
        logits = [self._logit(ids, mask, number) for number in range(len(self.tails))]
        entailed = torch.stack(logits, dim=1).unflatten(1, (self.templates, self.classes)).mean(dim=1)
        hidden = self.model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return torch.cat([entailed, (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1e-9)], dim=1)

    def _logit(self, ids: Tensor, mask: Tensor, number: int) -> Tensor:
        """Return the logit [n] that each text entails one hypothesis, which begins where the text's tokens end."""
        length = self.tails.shape[1]
        after = torch.arange(ids.shape[1] + length, device=ids.device)[None] - mask.sum(dim=1, keepdim=True)
        inside, place = (after >= 0) & (after < length), after.clamp(0, length - 1)
        config = self.model.config
        # The numbers come from a file, which may have been edited: one that is no token must not end in a crash.
        tail = self.tails[number].clamp(0, config.vocab_size - 1)
        there = torch.where(inside, self.tail_mask[number].clamp(0, 1)[place], functional.pad(mask, (0, length)))
        joined = torch.where(inside, tail[place], functional.pad(ids, (0, length)))
        joined = torch.where(there.bool(), joined, torch.full_like(joined, config.pad_token_id or 0))
        more = {}
        if getattr(config, "type_vocab_size", 0) > 1:
            types = self.tail_types[number].clamp(0, config.type_vocab_size - 1)
            more["token_type_ids"] = torch.where(inside, types[place], torch.zeros_like(place))
        return self.model(input_ids=joined, attention_mask=there, **more).logits[:, self.entails]
