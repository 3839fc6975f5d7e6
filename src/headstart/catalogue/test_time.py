"""Methods at prediction: from a model and the rows to predict."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.test_time"
NEEDS = ("target_inputs",)

TEST_TIME: tuple[Entry, ...] = (
    Entry(
        "adabn",
        "AdaBN: batch norm with the target's statistics",
        f"{ROOM}.adabn:AdaBN",
        (
            "Li et al., Revisiting Batch Normalization for Practical Domain Adaptation, ICLR Workshop 2017",
            "Schneider et al., Improving robustness against common corruptions by covariate shift adaptation, "
            "NeurIPS 2020",
        ),
        carries="features",
        scenario="transductive",
        needs=NEEDS,
        applies="image, text, table (networks with batch norm); classification, multilabel, regression",
        kind="test_time",
    ),
    Entry(
        "tent",
        "TENT: entropy of the rows to predict",
        f"{ROOM}.tent:TENT",
        ("Wang et al., Tent: Fully Test-Time Adaptation by Entropy Minimization, ICLR 2021",),
        scenario="transductive",
        needs=NEEDS,
        applies="image, text, table (networks with a normalisation); classification",
        kind="test_time",
    ),
    Entry(
        "sar",
        "SAR: certain rows, flat minima, and a way back",
        f"{ROOM}.sar:SAR",
        ("Niu et al., Towards Stable Test-Time Adaptation in Dynamic Wild World, ICLR 2023",),
        scenario="transductive",
        needs=NEEDS,
        applies="image, text, table (networks with a normalisation); classification",
        kind="test_time",
    ),
    Entry(
        "lame",
        "LAME: answers that agree with those nearby",
        f"{ROOM}.lame:LAME",
        ("Boudiaf et al., Parameter-free Online Test-time Adaptation, CVPR 2022",),
        carries="features",
        scenario="transductive",
        needs=NEEDS,
        applies="image, text, table; classification",
        kind="test_time",
    ),
)
