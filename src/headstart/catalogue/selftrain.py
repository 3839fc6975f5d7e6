"""Methods that learn from a network's own answers on an unlabelled target, beside labelled source data."""

from __future__ import annotations

from headstart.catalogue.entry import Entry, Variant

ROOM = "headstart.deep.selftrain"
NEEDS = ("source_labels", "target_inputs")
FEW = ("source_labels", "some_target_labels")
APPLIES = "image, text, table, features of any backbone; classification"

SELFTRAIN: tuple[Entry, ...] = (
    Entry(
        "entropy_minimisation",
        "Entropy minimisation",
        f"{ROOM}.entropy_minimisation:EntropyMinimisation",
        (
            "Grandvalet and Bengio, Semi-supervised Learning by Entropy Minimization, NeurIPS 2004",
            "Long et al., Unsupervised Domain Adaptation with Residual Transfer Networks, NeurIPS 2016",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "mcc",
        "Minimum class confusion",
        f"{ROOM}.mcc:MCC",
        ("Jin et al., Minimum Class Confusion for Versatile Domain Adaptation, ECCV 2020",),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
        raced=(Variant(),),
    ),
    Entry(
        "bnm",
        "Batch nuclear-norm maximisation",
        f"{ROOM}.bnm:BNM",
        (
            "Cui et al., Towards Discriminability and Diversity: Batch Nuclear-norm Maximization under Label "
            "Insufficient Situations, CVPR 2020",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "pseudo_labels",
        "Pseudo-labels above a threshold",
        f"{ROOM}.pseudo_labels:PseudoLabels",
        (
            "Lee, Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks, "
            "ICML Workshop 2013",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "mean_teacher",
        "Mean teacher (self-ensembling)",
        f"{ROOM}.mean_teacher:MeanTeacher",
        (
            "Tarvainen and Valpola, Mean teachers are better role models, NeurIPS 2017",
            "French, Mackiewicz and Fisher, Self-ensembling for visual domain adaptation, ICLR 2018",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "fixmatch",
        "FixMatch: a certain answer holds for a harder view",
        f"{ROOM}.fixmatch:FixMatch",
        (
            "Sohn et al., FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence, NeurIPS 2020",
            "Zhang et al., Semi-supervised Models are Strong Unsupervised Domain Adaptation Learners, arXiv 2021",
        ),
        scenario="transductive",
        needs=NEEDS,
        applies=APPLIES,
        kind="joint",
    ),
    Entry(
        "source_and_target",
        "S+T: the labels of both domains",
        f"{ROOM}.source_and_target:SourceAndTarget",
        ("Saito et al., Semi-supervised Domain Adaptation via Minimax Entropy, ICCV 2019",),
        scenario="transductive",
        needs=FEW,
        applies=f"{APPLIES}, multilabel, regression",
        kind="joint",
        words="training on the labels of both domains",
    ),
    Entry(
        "mme",
        "Minimax entropy, with few labels of the target",
        f"{ROOM}.mme:MME",
        ("Saito et al., Semi-supervised Domain Adaptation via Minimax Entropy, ICCV 2019",),
        scenario="transductive",
        needs=FEW,
        applies=APPLIES,
        kind="joint",
    ),
)
