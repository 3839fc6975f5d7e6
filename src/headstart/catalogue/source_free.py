"""Methods that adapt a source's model to an unlabelled target, without the source's data."""

from __future__ import annotations

from headstart.catalogue.entry import Entry, Variant

ROOM = "headstart.deep.source_free"
NEEDS = ("target_inputs",)
APPLIES = "image, text, table, features of any backbone; classification"

SOURCE_FREE: tuple[Entry, ...] = (
    Entry(
        "shot",
        "SHOT: information maximisation and nearest centroids",
        f"{ROOM}.shot:SHOT",
        (
            "Liang, Hu and Feng, Do We Really Need to Access the Source Data? Source Hypothesis Transfer for "
            "Unsupervised Domain Adaptation, ICML 2020",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="source_free",
        raced=(Variant(),),
    ),
    Entry(
        "aad",
        "AaD: as the neighbours, unlike the rest",
        f"{ROOM}.aad:AaD",
        ("Yang et al., Attracting and Dispersing: A Simple Approach for Source-free Domain Adaptation, NeurIPS 2022",),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="source_free",
    ),
)
