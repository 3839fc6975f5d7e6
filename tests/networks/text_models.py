"""A tokenizer and a saved text model, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from small_networks import text_spec
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModel, PreTrainedTokenizerFast

from headstart.networks.transformers_family import create_transformers

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "small", "cat", "sat", "on", "a", "mat", "."]


def tokenizer(special: bool = True) -> Any:
    """Return a tokenizer of a dozen words; without ``special`` as decoders have it: no padding, no class token."""
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if not special:
        return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", eos_token="[SEP]")
    backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


def save_model(directory: Path, kind: str = "bert") -> AutoModel:
    """Write a directory of transformers' layout with random weights; return the library's model."""
    torch.manual_seed(3)
    model = create_transformers(text_spec(kind)).eval()
    model.save_pretrained(directory)
    tokenizer(special=kind != "gpt2").save_pretrained(directory)
    return model
