"""Methods by optimal transport: maps of features, a joint predictor, and labels that travel with the mass."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.shallow.features.transport"
COURTY = "Courty, Flamary, Tuia and Rakotomamonjy, Optimal Transport for Domain Adaptation, TPAMI 2017"
EVERYTHING = "table, features of any backbone; classification, regression"

FEATURES_TRANSPORT: tuple[Entry, ...] = (
    Entry(
        name="ot_exact",
        title="Exact optimal transport",
        path=f"{ROOM}.maps:ExactOT",
        papers=(COURTY, "Fatras et al., Learning with minibatch Wasserstein, AISTATS 2020"),
        carries="features",
        scenario="transductive",
        needs=("target_inputs",),
        applies=EVERYTHING,
        kind="map",
    ),
    Entry(
        name="ot_entropic",
        title="Entropic optimal transport",
        path=f"{ROOM}.maps:EntropicOT",
        papers=(
            COURTY,
            "Cuturi, Sinkhorn Distances: Lightspeed Computation of Optimal Transport, NeurIPS 2013",
            "Pooladian and Niles-Weed, Entropic estimation of optimal transport maps, 2021",
        ),
        carries="features",
        scenario="transductive",
        needs=("target_inputs",),
        applies=EVERYTHING,
        kind="map",
    ),
    Entry(
        name="ot_class",
        title="Class-regularised optimal transport",
        path=f"{ROOM}.maps:ClassRegularisedOT",
        papers=(
            COURTY,
            "Courty, Flamary and Tuia, Domain Adaptation with Regularized Optimal Transport, ECML PKDD 2014",
        ),
        carries="features",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, features of any backbone; classification",
        kind="map",
    ),
    Entry(
        name="ot_linear",
        title="Linear (Gaussian) optimal transport",
        path=f"{ROOM}.linear:LinearOT",
        papers=(
            "Flamary, Lounici and Ferrari, Concentration bounds for linear Monge mapping estimation and optimal "
            "transport domain adaptation, 2019",
            "Knott and Smith, On the optimal mapping of distributions, JOTA 1984",
        ),
        carries="features",
        scenario="transductive",
        needs=("target_inputs",),
        applies=EVERYTHING,
        kind="map",
    ),
    Entry(
        name="jdot",
        title="Joint distribution optimal transport",
        path=f"{ROOM}.jdot:JDOT",
        regressor=f"{ROOM}.jdot:JDOTRegressor",
        papers=(
            "Courty, Flamary, Habrard and Rakotomamonjy, Joint distribution optimal transportation for domain "
            "adaptation, NeurIPS 2017",
        ),
        carries="features",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies=EVERYTHING,
        kind="predictor",
    ),
    Entry(
        name="ot_labels",
        title="Label propagation by optimal transport",
        path="headstart.shallow.relations.ot_labels:OTLabels",
        regressor="headstart.shallow.relations.ot_labels:OTLabelsRegressor",
        papers=(
            "Solomon et al., Wasserstein Propagation for Semi-Supervised Learning, ICML 2014",
            "Redko et al., Optimal Transport for Multi-source Domain Adaptation under Target Shift, AISTATS 2019",
        ),
        carries="relations",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies=EVERYTHING,
        kind="predictor",
    ),
)
