"""Texts: a tokenizer and a length."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headstart.networks.preprocess import Preprocess
from headstart.scratch import scratch_folder
from headstart.storage import atomic_write, write_json


class TextPreprocess(Preprocess):
    """Turns n strings into ``input_ids`` and ``attention_mask`` [n, l] (int64), padded on the right.

    Parameters
    ----------
    tokenizer : a transformers tokenizer; where it has no padding token, its end-of-text token pads.
    max_length : longest sequence in tokens; what is over is cut off.
    pad_to : pad every batch to this length; None: to the longest in the batch.
    fingerprint : digest of the tokenizer, kept when it is loaded so that the cache's key stays the same.
    """

    modality = "text"

    def __init__(
        self, tokenizer: Any, max_length: int = 256, pad_to: int | None = None, fingerprint: str | None = None
    ) -> None:
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token if tokenizer.eos_token is not None else tokenizer.unk_token
        tokenizer.padding_side = "right"
        tokenizer.truncation_side = "right"
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.pad_to = pad_to
        self.fingerprint = fingerprint or digest_tokenizer(tokenizer)

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> dict[str, Tensor]:
        encoded = self.tokenizer(
            ["" if raw is None else str(raw) for raw in raws],
            truncation=True,
            max_length=self.max_length if self.pad_to is None else min(self.max_length, self.pad_to),
            padding="longest" if self.pad_to is None else "max_length",
            return_attention_mask=True,
        )
        ids, mask = encoded["input_ids"], encoded["attention_mask"]
        if len(ids[0]) == 0:
            # A tokenizer without special tokens leaves nothing of an empty text; a network needs one position.
            pad = self.tokenizer.pad_token_id
            ids, mask = [[pad]] * len(ids), [[1]] * len(ids)
        return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}

    def to_json(self) -> dict[str, Any]:
        return {
            "modality": "text",
            "max_length": self.max_length,
            "pad_to": self.pad_to,
            "tokenizer": self.fingerprint,
        }

    def save(self, directory: Path) -> None:
        """Write ``preprocess.json`` and ``tokenizer/``."""
        directory = Path(directory)
        with scratch_folder() as temporary:
            self.tokenizer.save_pretrained(str(temporary))
            for file in sorted(temporary.rglob("*")):
                if file.is_file():
                    target = directory / "tokenizer" / file.relative_to(temporary)
                    atomic_write(target, partial(_copy, file))
        write_json(directory / "preprocess.json", self.to_json())

    @classmethod
    def load(cls, value: dict[str, Any], directory: Path) -> TextPreprocess:
        """Rebuild from `to_json` and the tokenizer's files in ``directory/tokenizer``."""
        tokenizer = load_tokenizer(Path(directory) / "tokenizer")
        return cls(tokenizer, value["max_length"], value["pad_to"], value["tokenizer"])


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def load_tokenizer(directory: str | Path) -> Any:
    """Load a tokenizer from a local directory, without code of its own."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)


def digest_tokenizer(tokenizer: Any) -> str:
    """Return a BLAKE2b digest of vocabulary, rules and special tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        rules = json.loads(backend.to_str())
        # Padding and truncation are set anew by every call and are told by the other settings.
        rules = {name: rule for name, rule in rules.items() if name not in ("padding", "truncation")}
    else:
        rules = {
            "vocabulary": tokenizer.get_vocab(),
            "special": {k: str(v) for k, v in tokenizer.special_tokens_map.items()},
        }
    return hashlib.blake2b(json.dumps(rules, sort_keys=True).encode(), digest_size=16).hexdigest()
