"""Methods that learn from pairs, two sides of the same samples without labels, and make a source."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.pairs"
NEEDS = ("target_inputs", "source_inputs")

PAIRS: tuple[Entry, ...] = (
    Entry(
        "contrastive",
        "Dual encoders: pairs against all other pairs",
        f"{ROOM}.contrastive:Contrastive",
        ("Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021",),
        scenario="unsupervised",
        needs=NEEDS,
        applies="image, text, table; every task to come",
        kind="pairs",
    ),
    Entry(
        "crossmodal",
        "Distillation from one side of pairs to the other",
        f"{ROOM}.crossmodal:Crossmodal",
        (
            "Gupta, Hoffman and Malik, Cross Modal Distillation for Supervision Transfer, CVPR 2016",
            "Aytar, Vondrick and Torralba, SoundNet: Learning Sound Representations from Unlabeled Video, NeurIPS 2016",
        ),
        scenario="unsupervised",
        needs=NEEDS,
        applies="image, text, table; classification, multilabel, regression",
        kind="pairs",
    ),
)
