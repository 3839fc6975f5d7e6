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
        cost=(8.0, 6.0, 0.0, 0.0),
    ),
    Entry(
        "mdd",
        "Margin disparity discrepancy",
        f"{_ADVERSARIAL}.mdd:MDD",
        ("Zhang et al., Bridging Theory and Algorithm for Domain Adaptation, ICML 2019",),
        applies=_CLASSES,
        **_COMMON,
    ),
    Entry(
        "adda",
        "Adversarial discriminative adaptation",
        f"{_ADVERSARIAL}.adda:ADDA",
        ("Tzeng et al., Adversarial Discriminative Domain Adaptation, CVPR 2017",),
        **_COMMON,
    ),
    Entry(
        "wdgrl",
        "Wasserstein distance guided representation",
        f"{_ADVERSARIAL}.wdgrl:WDGRL",
        ("Shen et al., Wasserstein Distance Guided Representation Learning for Domain Adaptation, AAAI 2018",),
        **_COMMON,
    ),
)

ADVERSARIAL_PENALTIES: tuple[Entry, ...] = (
    Entry(
        "pgd",
        "Adversarial training on inputs (FGSM, PGD)",
        f"{_ADVERSARIAL}.pgd:PGD",
        (
            "Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, ICLR 2015",
            "Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018",
        ),
        kind="penalty",
    ),
    Entry(
        "vat",
        "Virtual adversarial training",
        f"{_ADVERSARIAL}.vat:VAT",
        (
            "Miyato et al., Virtual Adversarial Training: A Regularization Method for Supervised and "
            "Semi-Supervised Learning, TPAMI 2019",
        ),
        kind="penalty",
    ),
)
