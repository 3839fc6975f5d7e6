"""Feature methods in kernel spaces."""

from __future__ import annotations

from headstart.catalogue.entry import Entry, Variant

ROOM = "headstart.shallow.features"
UNLABELLED = ("source_labels", "target_inputs")
CLASSES = "table, features of any backbone; classification"

FEATURES_KERNEL: tuple[Entry, ...] = (
    Entry(
        name="tca",
        title="Transfer component analysis",
        path=f"{ROOM}.tca:TCA",
        papers=("Pan, Tsang, Kwok and Yang, Domain Adaptation via Transfer Component Analysis, IEEE TNN 2011",),
        carries="features",
        scenario="transductive",
        needs=("target_inputs",),
        applies="table, features of any backbone; classification, regression",
        kind="map",
    ),
    Entry(
        name="jda",
        title="Joint distribution adaptation",
        path=f"{ROOM}.jda:JDA",
        papers=(
            "Long, Wang, Ding, Sun and Yu, Transfer Feature Learning with Joint Distribution Adaptation, ICCV 2013",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=CLASSES,
        kind="map",
        cost=(0.053, 0.45, 0.028, 1.6),
        raced=(Variant(),),
    ),
    Entry(
        name="bda",
        title="Balanced distribution adaptation",
        path=f"{ROOM}.bda:BDA",
        papers=("Wang, Chen, Hao, Feng and Shen, Balanced Distribution Adaptation for Transfer Learning, ICDM 2017",),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=CLASSES,
        kind="map",
    ),
    Entry(
        name="tjm",
        title="Transfer joint matching",
        path=f"{ROOM}.tjm:TJM",
        papers=("Long, Wang, Ding, Sun and Yu, Transfer Joint Matching for Unsupervised Domain Adaptation, CVPR 2014",),
        carries="features",
        scenario="transductive",
        needs=("target_inputs",),
        applies="table, features of any backbone; classification, regression",
        kind="map",
    ),
    Entry(
        name="jgsa",
        title="Joint geometrical and statistical alignment",
        path=f"{ROOM}.jgsa:JGSA",
        papers=(
            "Zhang, Li and Ogunbona, Joint Geometrical and Statistical Alignment for Visual Domain Adaptation, "
            "CVPR 2017",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=CLASSES,
        kind="map",
        cost=(0.059, 1.0, 0.028, 6.9),
        raced=(Variant(),),
    ),
    Entry(
        name="meda",
        title="Manifold embedded distribution alignment",
        path=f"{ROOM}.meda:MEDA",
        papers=(
            "Wang, Feng, Chen, Yu, Huang and Yu, Visual Domain Adaptation with Manifold Embedded Distribution "
            "Alignment, ACM Multimedia 2018",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=CLASSES,
        kind="predictor",
        cost=(0.037, 0.48, 0.82, 0.0),
        raced=(Variant(),),
    ),
    Entry(
        name="artl",
        title="Adaptation regularisation",
        path=f"{ROOM}.artl:ARTL",
        papers=(
            "Long, Wang, Ding, Pan and Yu, Adaptation Regularization: A General Framework for Transfer Learning, "
            "IEEE TKDE 2014",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=CLASSES,
        kind="predictor",
        cost=(0.028, 0.36, 0.85, 0.18),
        raced=(Variant(),),
    ),
)
