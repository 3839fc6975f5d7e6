"""Sources ``hf/NAME`` whose model tells entailment: with hypotheses they are networks of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from headstart.errors import UserError
from headstart.networks.build import build
from headstart.networks.entailment_family import STAGE, create_entailment, cut_entailment, entailment_spec
from headstart.networks.loading import load_pretrained
from headstart.networks.network import Network
from headstart.networks.sized import measured
from headstart.networks.source import Source
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.text_preprocess import TextPreprocess
from headstart.networks.transformers_family import LAYOUTS

PAPER = (
    "Yin, Hay and Roth, Benchmarking Zero-shot Text Classification: Datasets, Evaluation and Entailment Approach, "
    "EMNLP 2019"
)
PROBE = "a"
"""A text of one token or more, to see what the tokenizer puts after one."""


def label_of_entailment(config: Any) -> int | None:
    """Return which label of a classifier of pairs says entailment; None for any other model."""
    kinds = getattr(config, "architectures", None) or ()
    if not any(str(kind).endswith("ForSequenceClassification") for kind in kinds) or LAYOUTS[config.model_type].decoder:
        return None
    found = [int(number) for number, name in config.id2label.items() if str(name).lower().startswith("entail")]
    return found[0] if len(found) == 1 and config.num_labels > 1 else None


def with_hypotheses(
    source: Source, directory: Callable[[], Path], config: Any, tokenizer: Any, limit: int
) -> Callable[[Sequence[Sequence[str]]], Source]:
    """Return a function of hypotheses, a row of all classes per template, that makes a source of them."""

    def told(hypotheses: Sequence[Sequence[str]]) -> Source:
        tails = tails_of(tokenizer, [text for row in hypotheses for text in row])
        length = max(len(ids) for ids, _ in tails)
        room = limit - length
        if room < 2:
            raise UserError(
                f"A class's hypothesis has {length} tokens, and {source.spec} reads {limit} with the text; shorten its "
                "description, or --prompts."
            )
        entails = label_of_entailment(config)
        assert entails is not None
        spec = entailment_spec(config, len(hypotheses[0]), len(hypotheses), length, entails)
        preprocess = TextPreprocess(tokenizer, room)

        def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
            measured(lambda: create_entailment(spec), source.spec)
            known = cut_entailment(_pretrained(source.spec, directory()), spec, preprocess) if pretrained else None
            return put_tails(known or build(spec, preprocess), tails)

        return replace(source, make=make, paper=PAPER, title=f"{source.title}, entailment", entails=None)

    return told


def tails_of(tokenizer: Any, hypotheses: Sequence[str]) -> list[tuple[list[int], list[int]]]:
    """Return the tokens, and their segments, that follow a text's own where it stands before each hypothesis."""
    first = tokenizer(PROBE)["input_ids"]
    found = []
    for text in hypotheses:
        pair = tokenizer(PROBE, text)
        ids = pair["input_ids"]
        # A tokenizer that names no segments belongs to a model that was trained without.
        types = pair.get("token_type_ids") or [0] * len(ids)
        if ids[: len(first)] != first or len(ids) <= len(first):
            raise UserError("This tokenizer does not put a second text after the first; take another model.")
        found.append((ids[len(first) :], types[len(first) :]))
    return found


def put_tails(network: Network, tails: list[tuple[list[int], list[int]]]) -> Network:
    """Write hypotheses into a network's stage."""
    stage: Any = network.stages[STAGE]
    for row, (ids, types) in enumerate(tails):
        for name, values in (("tails", ids), ("tail_types", types), ("tail_mask", [1] * len(ids))):
            getattr(stage, name)[row, : len(ids)] = torch.tensor(values)
    return network


def _pretrained(spec: str, directory: Path) -> Any:
    from transformers import AutoModelForSequenceClassification

    return load_pretrained(AutoModelForSequenceClassification, directory, spec)
