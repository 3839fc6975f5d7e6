"""Weightings of several tasks that share a body, and a body with experts."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.multitask"
NEEDS = ("target_inputs",)
APPLIES = "image, text, table; several columns of classification, multilabel and regression"

MULTITASK: tuple[Entry, ...] = (
    Entry(
        "equal",
        "Equal weights",
        f"{ROOM}.equal:EqualWeights",
        ("Caruana, Multitask Learning, Machine Learning 1997",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "mmoe",
        "MMoE: gates of each task over shared experts",
        f"{ROOM}.mmoe:MixtureOfExperts",
        ("Ma et al., Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts, KDD 2018",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "uncertainty",
        "Uncertainty weighting",
        f"{ROOM}.uncertainty:UncertaintyWeights",
        (
            "Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and "
            "Semantics, CVPR 2018",
        ),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "dwa",
        "Dynamic weight average",
        f"{ROOM}.dwa:DynamicWeightAverage",
        ("Liu, Johns and Davison, End-to-End Multi-Task Learning with Attention, CVPR 2019",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "gradnorm",
        "GradNorm: gradients of one length",
        f"{ROOM}.gradnorm:GradNorm",
        (
            "Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks, "
            "ICML 2018",
        ),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "rlw",
        "Random loss weighting",
        f"{ROOM}.random_weights:RandomWeights",
        ("Lin et al., Reasonable Effectiveness of Random Weighting: A Litmus Test for Multi-Task Learning, TMLR 2022",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "pcgrad",
        "PCGrad: gradient surgery",
        f"{ROOM}.pcgrad:PCGrad",
        ("Yu et al., Gradient Surgery for Multi-Task Learning, NeurIPS 2020",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "cagrad",
        "CAGrad: conflict-averse gradients",
        f"{ROOM}.cagrad:CAGrad",
        ("Liu et al., Conflict-Averse Gradient Descent for Multi-task Learning, NeurIPS 2021",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "imtl",
        "IMTL-G: impartial gradients",
        f"{ROOM}.imtl:IMTL",
        ("Liu et al., Towards Impartial Multi-task Learning, ICLR 2021",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "mgda",
        "MGDA: the shortest common gradient",
        f"{ROOM}.mgda:MGDA",
        ("Sener and Koltun, Multi-Task Learning as Multi-Objective Optimization, NeurIPS 2018",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "nash_mtl",
        "Nash-MTL: a bargain of gradients",
        f"{ROOM}.nash_mtl:NashMTL",
        ("Navon et al., Multi-Task Learning as a Bargaining Game, ICML 2022",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "aligned_mtl",
        "Aligned-MTL",
        f"{ROOM}.aligned_mtl:AlignedMTL",
        ("Senushkin et al., Independent Component Alignment for Multi-Task Learning, CVPR 2023",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
    Entry(
        "famo",
        "FAMO: losses that fall alike",
        f"{ROOM}.famo:FAMO",
        ("Liu et al., FAMO: Fast Adaptive Multitask Optimization, NeurIPS 2023",),
        needs=NEEDS,
        applies=APPLIES,
        kind="multitask",
    ),
)
