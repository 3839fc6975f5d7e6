"""Methods that learn from labelled sources for a target that is not at hand."""

from __future__ import annotations

from headstart.catalogue.entry import Entry, Variant

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
        raced=(Variant(),),
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
    Entry(
        "mixstyle",
        "MixStyle: samples in the style of another domain",
        f"{ROOM}.mixstyle:MixStyle",
        ("Zhou et al., Domain Generalization with MixStyle, ICLR 2021",),
        carries="features",
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "weight_averaging",
        "Averaged weights",
        f"{ROOM}.weight_averaging:WeightAveraging",
        (
            "Arpit et al., Ensemble of Averages: Improving Model Selection and Boosting Performance in Domain "
            "Generalization, NeurIPS 2022",
            "Cha et al., SWAD: Domain Generalization by Seeking Flat Minima, NeurIPS 2021",
        ),
        scenario="transductive",
        needs=("source_labels",),
        applies=APPLIES,
        kind="joint",
    ),
)
