"""Methods that carry parameters over: what a source model learned."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

LABELLED = ("source_labels", "target_labels")
ROOM = "headstart.shallow.parameters"
BOTH = "table, features of any backbone; classification, regression"

PARAMETERS: tuple[Entry, ...] = (
    Entry(
        name="towards_source",
        title="Regularisation towards the source's coefficients",
        path=f"{ROOM}.towards_source:TowardsSourceClassifier",
        regressor=f"{ROOM}.towards_source:TowardsSourceRegressor",
        papers=(
            "Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional Networks, "
            "ICML 2018",
            "Kuzborskij and Orabona, Stability and Hypothesis Transfer Learning, ICML 2013",
        ),
        needs=LABELLED,
        applies=BOTH,
        kind="predictor",
    ),
    Entry(
        name="transferred_forest",
        title="Transferred forest (SER, STRUT)",
        path=f"{ROOM}.forest:TransferredForestClassifier",
        regressor=f"{ROOM}.forest:TransferredForestRegressor",
        papers=(
            "Segev, Harel, Mannor, Crammer and El-Yaniv, Learn on Source, Refine on Target: A Model Transfer Learning "
            "Framework with Random Forests, IEEE TPAMI 2017",
        ),
        needs=LABELLED,
        applies=BOTH,
        kind="predictor",
    ),
    Entry(
        name="stacked_sources",
        title="Stacking of source predictors",
        path=f"{ROOM}.stacked:StackedSourcesClassifier",
        regressor=f"{ROOM}.stacked:StackedSourcesRegressor",
        papers=(
            "Wolpert, Stacked Generalization, Neural Networks 1992",
            "Breiman, Stacked Regressions, Machine Learning 1996",
        ),
        needs=LABELLED,
        applies=BOTH,
        kind="predictor",
    ),
    Entry(
        name="warm_start",
        title="Warm start of any estimator",
        path=f"{ROOM}.warm_start:WarmStartClassifier",
        regressor=f"{ROOM}.warm_start:WarmStartRegressor",
        papers=(
            "Yosinski et al., How transferable are features in deep neural networks?, NeurIPS 2014",
            "Yao, Rosasco and Caponnetto, On Early Stopping in Gradient Descent Learning, Constructive Approximation "
            "2007",
        ),
        needs=LABELLED,
        applies=f"{BOTH}; estimators with partial_fit or warm_start",
        kind="predictor",
    ),
    Entry(
        name="weighted_sources",
        title="Several sources, weighted by evidence",
        path="headstart.shallow.several.weighted:WeightedSourcesClassifier",
        regressor="headstart.shallow.several.weighted:WeightedSourcesRegressor",
        papers=(
            "Mansour, Mohri and Rostamizadeh, Domain Adaptation with Multiple Sources, NIPS 2008",
            "Sun et al., A Two-Stage Weighting Framework for Multi-Source Domain Adaptation, NIPS 2011",
            "Breiman, Stacked Regressions, Machine Learning 1996",
        ),
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies=BOTH,
        kind="predictor",
    ),
)
