"""Methods that carry relations over: maps between the structures of two domains."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.shallow.relations"

RELATIONS: tuple[Entry, ...] = (
    Entry(
        name="label_map",
        title="Learned map from source classes to target classes",
        path=f"{ROOM}.label_map:LabelMap",
        papers=(
            "Nguyen et al., LEEP: A New Measure to Evaluate Transferability of Learned Representations, ICML 2020",
            "You et al., Co-Tuning for Transfer Learning, NeurIPS 2020",
            "Tsai, Chen and Ho, Transfer Learning without Knowing: Reprogramming Black-box Machine Learning Models, "
            "ICML 2020",
        ),
        carries="relations",
        needs=("source_labels", "target_labels"),
        applies="table, features of any backbone; classification, also with other classes in the target",
        kind="predictor",
    ),
    Entry(
        name="hierarchy_map",
        title="Map between class hierarchies, hedged prediction",
        path=f"{ROOM}.hierarchy:HierarchyMap",
        papers=(
            "Deng et al., Hedging Your Bets: Optimizing Accuracy-Specificity Trade-offs in Large Scale Visual "
            "Recognition, CVPR 2012",
            "Silla and Freitas, A Survey of Hierarchical Classification Across Different Application Domains, Data "
            "Mining and Knowledge Discovery 2011",
        ),
        carries="relations",
        needs=("source_labels",),
        applies="table, features of any backbone; classification with parents of the classes",
        kind="predictor",
    ),
    Entry(
        name="joint_propagation",
        title="Label propagation over the joint graph",
        path=f"{ROOM}.propagation:JointLabelPropagationClassifier",
        regressor=f"{ROOM}.propagation:JointLabelPropagationRegressor",
        papers=(
            "Zhou et al., Learning with Local and Global Consistency, NIPS 2003",
            "Zhu and Ghahramani, Learning from Labeled and Unlabeled Data with Label Propagation, CMU-CALD-02-107, "
            "2002",
        ),
        carries="relations",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, features of any backbone; classification, regression",
        kind="predictor",
    ),
    Entry(
        name="relational_map",
        title="Relational distillation (RKD) by a linear map",
        path=f"{ROOM}.relational_map:RelationalMap",
        papers=("Park, Kim, Lu and Cho, Relational Knowledge Distillation, CVPR 2019",),
        carries="relations",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, features of any backbone; classification, regression",
        kind="map",
    ),
)
