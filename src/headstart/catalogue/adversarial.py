"""Methods trained on two domains against a player that looks for what still differs."""

from __future__ import annotations

from typing import Any

from headstart.catalogue.entry import Entry

_ADVERSARIAL = "headstart.deep.adversarial"
_CLASSES = "image, text, table; classification"
_COMMON: dict[str, Any] = {
    "carries": "features",
    "scenario": "transductive",
    "needs": ("source_labels", "target_inputs"),
    "kind": "joint",
}

ADVERSARIAL: tuple[Entry, ...] = (
    Entry(
        "dann",
        "Domain-adversarial training",
        f"{_ADVERSARIAL}.dann:DANN",
        ("Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016",),
        **_COMMON,
    ),
    Entry(
        "cdan",
        "Conditional adversarial training (CDAN, CDAN+E)",
        f"{_ADVERSARIAL}.cdan:CDAN",
        ("Long et al., Conditional Adversarial Domain Adaptation, NeurIPS 2018",),
        applies=_CLASSES,
        **_COMMON,
    ),
    Entry(
        "mcd",
        "Maximum classifier discrepancy",
        f"{_ADVERSARIAL}.mcd:MCD",
        ("Saito et al., Maximum Classifier Discrepancy for Unsupervised Domain Adaptation, CVPR 2018",),
        applies=_CLASSES,
        **_COMMON,
    ),
)
