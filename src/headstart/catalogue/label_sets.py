"""Methods across domains whose classes are not the same."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.label_sets"
NEEDS = ("source_labels", "target_inputs")
APPLIES = "image, text, table, features of any backbone; classification"

LABEL_SETS: tuple[Entry, ...] = (
    Entry(
        "partial_mcc",
        "Class-weighted minimum class confusion: some of the source's classes are absent from the target",
        f"{ROOM}.partial_mcc:PartialMCC",
        (
            "Cao et al., Partial Adversarial Domain Adaptation, ECCV 2018",
            "Jin et al., Minimum Class Confusion for Versatile Domain Adaptation, ECCV 2020",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "separate",
        "Separation of unknown classes, then self-training (open set)",
        f"{ROOM}.separate:Separate",
        (
            "Liu et al., Separate to Adapt: Open Set Domain Adaptation via Progressive Separation, CVPR 2019",
            "Bucci, Loghmani and Tommasi, On the Effectiveness of Image Rotation for Open Set Domain Adaptation, "
            "ECCV 2020",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
        answers_unknown=True,
    ),
    Entry(
        "rejecting",
        "Source-only that answers unknown where it is not certain: the baseline of open sets",
        "headstart.shallow.label_sets.rejecting:Rejecting",
        (
            "Hendrycks and Gimpel, A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural "
            "Networks, ICLR 2017",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies="table, features of any backbone; classification",
        kind="predictor",
        answers_unknown=True,
    ),
)
