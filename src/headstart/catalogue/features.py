"""Methods that carry features over: a representation that both domains share."""

from __future__ import annotations

from headstart.catalogue.entry import Entry, Variant

ROOM = "headstart.shallow.features"
APPLIES = "table, features of any backbone; classification, regression"
UNLABELLED = ("source_labels", "target_inputs")

FEATURES: tuple[Entry, ...] = (
    Entry(
        name="standardize",
        title="Standardisation of each domain",
        path=f"{ROOM}.standardize:DomainStandardizer",
        papers=(
            "Li, Wang, Shi, Liu and Hou, Revisiting Batch Normalization for Practical Domain Adaptation, ICLR "
            "Workshop 2017",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="map",
        cost=(0.027, 0.3, 0.016, 0.25),
        raced=(Variant(),),
    ),
    Entry(
        name="coral",
        title="CORAL: correlation alignment",
        path=f"{ROOM}.coral:Coral",
        papers=("Sun, Feng and Saenko, Return of Frustratingly Easy Domain Adaptation, AAAI 2016",),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="map",
        cost=(0.027, 0.48, 0.015, 0.5),
        raced=(Variant(),),
    ),
    Entry(
        name="subspace_alignment",
        title="Subspace alignment",
        path=f"{ROOM}.subspace:SubspaceAlignment",
        papers=(
            "Fernando, Habrard, Sebban and Tuytelaars, Unsupervised Visual Domain Adaptation Using Subspace "
            "Alignment, ICCV 2013",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="map",
    ),
    Entry(
        name="gfk",
        title="Geodesic flow kernel",
        path=f"{ROOM}.gfk:GFK",
        papers=("Gong, Shi, Sha and Grauman, Geodesic Flow Kernel for Unsupervised Domain Adaptation, CVPR 2012",),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="map",
        cost=(0.027, 0.43, 0.016, 0.36),
        raced=(Variant(),),
    ),
    Entry(
        name="joint_pca",
        title="Joint principal component analysis",
        path=f"{ROOM}.joint_pca:JointPCA",
        papers=(
            "Pan, Tsang, Kwok and Yang, Domain Adaptation via Transfer Component Analysis, IEEE Transactions on "
            "Neural Networks 2011",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="map",
    ),
    Entry(
        name="feda",
        title="Feature augmentation (FEDA)",
        path=f"{ROOM}.feda:FeatureAugmentation",
        papers=("Daume III, Frustratingly Easy Domain Adaptation, ACL 2007",),
        carries="features",
        scenario="inductive",
        needs=("source_labels", "target_inputs", "target_labels"),
        applies=APPLIES,
        kind="map",
    ),
    Entry(
        name="feda_semi",
        title="Feature augmentation with unlabelled rows (EA++)",
        path=f"{ROOM}.feda_semi:SemiSupervisedAugmentation",
        papers=(
            "Daume III, Frustratingly Easy Domain Adaptation, ACL 2007",
            "Daume III, Kumar and Saha, Frustratingly Easy Semi-Supervised Domain Adaptation, ACL Workshop on Domain "
            "Adaptation for Natural Language Processing 2010",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="predictor",
        regressor=f"{ROOM}.feda_semi:SemiSupervisedAugmentationRegressor",
    ),
    Entry(
        name="mmd_ls",
        title="Location-scale alignment by MMD",
        path=f"{ROOM}.mmd_ls:MMDLS",
        papers=(
            "Zhang, Schoelkopf, Muandet and Wang, Domain Adaptation under Target and Conditional Shift, ICML 2013",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies=APPLIES,
        kind="map",
    ),
    Entry(
        name="easytl",
        title="EasyTL",
        path=f"{ROOM}.easytl:EasyTL",
        papers=(
            "Wang, Chen, Yu, Huang and Yang, Easy Transfer Learning By Exploiting Intra-domain Structures, ICME 2019",
        ),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies="table, features of any backbone; classification",
        kind="predictor",
        cost=(0.017, 0.17, 0.01, 0.24),
        raced=(Variant(),),
    ),
    Entry(
        name="msda",
        title="Marginalised stacked denoising autoencoder",
        path=f"{ROOM}.msda:MSDA",
        papers=("Chen, Xu, Weinberger and Sha, Marginalized Denoising Autoencoders for Domain Adaptation, ICML 2012",),
        carries="features",
        scenario="transductive",
        needs=UNLABELLED,
        applies="text as word counts, table, features of any backbone; classification, regression",
        kind="map",
        cost=(9.0, 13.0, 0.0, 0.0),
    ),
)
