"""Methods between feature spaces of different dimension or meaning."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

TIED = ("source_labels", "target_inputs", "target_labels")
ROOM = "headstart.shallow.heterogeneous"

HETEROGENEOUS: tuple[Entry, ...] = (
    Entry(
        name="bridge_cca",
        title="Canonical correlation through labels, shared columns or pairs",
        path=f"{ROOM}.cca:BridgeCCA",
        papers=(
            "Hotelling, Relations Between Two Sets of Variates, Biometrika 1936",
            "Rasiwasia, Mahajan, Mahadevan and Aggarwal, Cluster Canonical Correlation Analysis, AISTATS 2014",
        ),
        carries="features",
        scenario="transductive",
        needs=TIED,
        applies="table, features of any backbone; classification, regression; shared columns do for target labels",
        kind="map",
        space="heterogeneous",
    ),
    Entry(
        name="dama",
        title="Manifold alignment (DAMA)",
        path=f"{ROOM}.dama:DAMA",
        papers=(
            "Wang and Mahadevan, Heterogeneous Domain Adaptation Using Manifold Alignment, IJCAI 2011",
            "Wang and Mahadevan, Manifold Alignment without Correspondence, IJCAI 2009",
        ),
        carries="features",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, features of any backbone; classification, regression; target labels help much",
        kind="map",
        space="heterogeneous",
    ),
    Entry(
        name="hfa",
        title="Heterogeneous feature augmentation (HFA)",
        path=f"{ROOM}.hfa:HFA",
        papers=("Duan, Xu and Tsang, Learning with Augmented Features for Heterogeneous Domain Adaptation, ICML 2012",),
        carries="features",
        scenario="transductive",
        needs=TIED,
        applies="table, features of any backbone; classification of three classes or more",
        kind="predictor",
        space="heterogeneous",
    ),
    Entry(
        name="shfa",
        title="Semi-supervised heterogeneous feature augmentation (SHFA)",
        path=f"{ROOM}.hfa:SHFA",
        papers=(
            "Li, Duan, Xu and Tsang, Learning with Augmented Features for Supervised and Semi-Supervised Heterogeneous "
            "Domain Adaptation, TPAMI 2014",
        ),
        carries="features",
        scenario="transductive",
        needs=TIED,
        applies="table, features of any backbone; classification of three classes or more",
        kind="predictor",
        space="heterogeneous",
    ),
    Entry(
        name="gromov_wasserstein",
        title="Gromov-Wasserstein transport between feature spaces",
        path=f"{ROOM}.gromov:GromovWasserstein",
        papers=(
            "Memoli, Gromov-Wasserstein Distances and the Metric Approach to Object Matching, Foundations of "
            "Computational Mathematics 2011",
            "Yan et al., Semi-Supervised Optimal Transport for Heterogeneous Domain Adaptation, IJCAI 2018",
        ),
        carries="features",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, features of any backbone; classification, regression; target labels help much",
        kind="map",
        space="heterogeneous",
    ),
    Entry(
        name="coot",
        title="CO-Optimal Transport of rows and columns",
        path=f"{ROOM}.coot:COOT",
        papers=("Redko, Vayer, Flamary and Courty, CO-Optimal Transport, NeurIPS 2020",),
        carries="features",
        scenario="transductive",
        needs=("source_labels", "target_inputs"),
        applies="table, features of any backbone; classification, regression; target labels help much",
        kind="map",
        space="heterogeneous",
    ),
)
