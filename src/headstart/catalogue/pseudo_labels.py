"""Methods that carry instances over: target rows, labelled by the model itself."""

from __future__ import annotations

from headstart.catalogue.entry import Entry, Variant

PSEUDO_LABELS: tuple[Entry, ...] = (
    Entry(
        name="self_training",
        title="Class-balanced self-training",
        path="headstart.shallow.instances.self_training:SelfTraining",
        papers=(
            "Scudder, Probability of Error of Some Adaptive Pattern-Recognition Machines, IEEE TIT 1965",
            "Zou, Yu, Kumar, Wang, Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced "
            "Self-Training, ECCV 2018",
        ),
        carries="instances",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, word counts, features of any backbone; classification",
        kind="predictor",
        cost=(0.1, 1.3, 0.058, 0.0),
        raced=(Variant(), Variant("self_training_free", {"balanced": False})),
    ),
)
