"""Methods that are trained on few-shot episodes, and make a source for classes to come."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.meta"
NEEDS = ("episodes",)
APPLIES = "image, text, table; classification"

META: tuple[Entry, ...] = (
    Entry(
        "protonet",
        "Prototypical networks",
        f"{ROOM}.protonet:ProtoNet",
        ("Snell, Swersky and Zemel, Prototypical Networks for Few-shot Learning, NeurIPS 2017",),
        carries="features",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "matchingnet",
        "Matching networks",
        f"{ROOM}.matchingnet:MatchingNet",
        ("Vinyals et al., Matching Networks for One Shot Learning, NeurIPS 2016",),
        carries="features",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "relationnet",
        "Relation networks",
        f"{ROOM}.relationnet:RelationNet",
        ("Sung et al., Learning to Compare: Relation Network for Few-Shot Learning, CVPR 2018",),
        carries="features",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "r2d2",
        "R2-D2: ridge regression in each episode",
        f"{ROOM}.r2d2:R2D2",
        ("Bertinetto et al., Meta-learning with Differentiable Closed-form Solvers, ICLR 2019",),
        carries="features",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "maml",
        "MAML: a start for a few steps",
        f"{ROOM}.maml:MAML",
        ("Finn, Abbeel and Levine, Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, ICML 2017",),
        carries="parameters",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "fomaml",
        "First-order MAML",
        f"{ROOM}.fomaml:FOMAML",
        ("Finn, Abbeel and Levine, Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, ICML 2017",),
        carries="parameters",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "anil",
        "ANIL: MAML of the last layer",
        f"{ROOM}.anil:ANIL",
        ("Raghu et al., Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML, ICLR 2020",),
        carries="parameters",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "meta_sgd",
        "Meta-SGD: start and rates",
        f"{ROOM}.meta_sgd:MetaSGD",
        ("Li et al., Meta-SGD: Learning to Learn Quickly for Few-Shot Learning, 2017",),
        carries="parameters",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
    Entry(
        "reptile",
        "Reptile: towards where a task leads",
        f"{ROOM}.reptile:Reptile",
        ("Nichol, Achiam and Schulman, On First-Order Meta-Learning Algorithms, 2018",),
        carries="parameters",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
)
