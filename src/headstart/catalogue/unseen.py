"""Methods that learn from labelled sources for a target that is not at hand."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.unseen"
NEEDS = ("source_labels", "domains")
APPLIES = "image, text, table, features of any backbone; classification, multilabel, regression"

UNSEEN: tuple[Entry, ...] = (
    Entry(
        "erm",
        "Empirical risk minimisation (training on the source alone)",
        f"{ROOM}.erm:ERM",
        (
            "Vapnik, Statistical Learning Theory, Wiley 1998",
            "Gulrajani and Lopez-Paz, In Search of Lost Domain Generalization, ICLR 2021",
        ),
        scenario="transductive",
        needs=("source_labels",),
        applies=APPLIES,
        kind="joint",
        words="training on the source alone",
    ),
    Entry(
        "irm",
        "Invariant risk minimisation",
        f"{ROOM}.irm:IRM",
        ("Arjovsky et al., Invariant Risk Minimization, arXiv 2019",),
        carries="features",
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "vrex",
        "Risk extrapolation",
        f"{ROOM}.vrex:VREx",
        ("Krueger et al., Out-of-Distribution Generalization via Risk Extrapolation (REx), ICML 2021",),
        carries="features",
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "group_dro",
        "Group distributionally robust optimisation",
        f"{ROOM}.group_dro:GroupDRO",
        (
            "Sagawa et al., Distributionally Robust Neural Networks for Group Shifts: On the Importance of "
            "Regularization for Worst-Case Generalization, ICLR 2020",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
)
