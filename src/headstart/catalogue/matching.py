"""Methods trained on two domains that make a distance between their features small."""

from __future__ import annotations

from typing import Any

from headstart.catalogue.entry import Entry

_MATCHING = "headstart.deep.matching"
_COMMON: dict[str, Any] = {
    "carries": "features",
    "scenario": "transductive",
    "needs": ("source_labels", "target_inputs"),
    "kind": "joint",
}

MATCHING: tuple[Entry, ...] = (
    Entry(
        "dan",
        "Deep adaptation network: kernel means that agree",
        f"{_MATCHING}.dan:DAN",
        ("Long et al., Learning Transferable Features with Deep Adaptation Networks, ICML 2015",),
        **_COMMON,
    ),
    Entry(
        "deep_coral",
        "Deep CORAL: covariances that agree",
        f"{_MATCHING}.deep_coral:DeepCORAL",
        ("Sun and Saenko, Deep CORAL: Correlation Alignment for Deep Domain Adaptation, ECCV workshops 2016",),
        **_COMMON,
    ),
    Entry(
        "deepjdot",
        "DeepJDOT: features and labels, transported together",
        f"{_MATCHING}.deepjdot:DeepJDOT",
        (
            "Damodaran et al., DeepJDOT: Deep Joint Distribution Optimal Transport for Unsupervised Domain "
            "Adaptation, ECCV 2018",
        ),
        applies="image, text, table; classification",
        **_COMMON,
    ),
    Entry(
        "jan",
        "Joint adaptation network: features and answers",
        f"{_MATCHING}.jan:JAN",
        ("Long et al., Deep Transfer Learning with Joint Adaptation Networks, ICML 2017",),
        applies="image, text, table; classification",
        **_COMMON,
    ),
    Entry(
        "dsan",
        "Deep subdomain adaptation: kernel means by class",
        f"{_MATCHING}.dsan:DSAN",
        ("Zhu et al., Deep Subdomain Adaptation Network for Image Classification, TNNLS 2021",),
        applies="image, text, table; classification",
        **_COMMON,
    ),
    Entry(
        "cmd",
        "Central moment discrepancy",
        f"{_MATCHING}.cmd:CMD",
        ("Zellinger et al., Central Moment Discrepancy (CMD) for Domain-Invariant Representation Learning, ICLR 2017",),
        **_COMMON,
    ),
)
