"""Methods that answer classes without a sample, known by attributes."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.shallow.zeroshot"
APPLIES = "image, text, table; classification"


def _entry(name: str, title: str, paper: str) -> Entry:
    return Entry(name, title, f"{ROOM}.{name}:{name}", (paper,), carries="relations", applies=APPLIES, kind="zero_shot")


ZERO_SHOT: tuple[Entry, ...] = (
    _entry(
        "eszsl",
        "ESZSL: features and attributes, in closed form",
        "Romera-Paredes and Torr, An embarrassingly simple approach to zero-shot learning, ICML 2015",
    ),
    _entry(
        "sae",
        "SAE: attributes that decode features",
        "Kodirov, Xiang and Gong, Semantic Autoencoder for Zero-Shot Learning, CVPR 2017",
    ),
    _entry(
        "ale",
        "ALE: classes ranked by their attributes",
        "Akata et al., Label-Embedding for Image Classification, TPAMI 2016",
    ),
    _entry(
        "devise",
        "DeViSE: every class that comes too near",
        "Frome et al., DeViSE: A Deep Visual-Semantic Embedding Model, NeurIPS 2013",
    ),
    _entry(
        "sje",
        "SJE: the class that comes nearest",
        "Akata et al., Evaluation of Output Embeddings for Fine-Grained Image Classification, CVPR 2015",
    ),
    _entry(
        "aligned",
        "The nearest name, in the space of a source of two sides",
        "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021",
    ),
    _entry(
        "entailed",
        "What a text entails, each class a hypothesis",
        "Yin, Hay and Roth, Benchmarking Zero-shot Text Classification: Datasets, Evaluation and Entailment Approach, "
        "EMNLP 2019",
    ),
    _entry(
        "drawn",
        "Features drawn for classes without samples",
        "Verma and Rai, A Simple Exponential Family Framework for Zero-Shot Learning, ECML 2017",
    ),
)
