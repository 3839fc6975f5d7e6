"""Methods between feature spaces of different dimension or meaning."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

TIED = ("source_labels", "target_inputs", "target_labels")
ROOM = "headstart.shallow.heterogeneous"
DIGITS = "on digits (other features, 3 and 10 labels a class) it gained no more from its source than from noise"
"""docs/log.md; the other figures are those of docs/heterogeneous.md, SURF words to network features."""
NOISE = "with noise in its source's place it gains as much"

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
        unoffered=f"from words to network features it gains 1.2 and 0.3 points over the target alone; {DIGITS}",
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
        unoffered=f"{NOISE}: +3.2 and +2.6 points instead of +3.0 and +2.6; {DIGITS}",
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
        unoffered=f"{DIGITS}, in two cells of four less",
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
        unoffered=f"{NOISE}: +3.7 and +1.3 points instead of +3.8 and +1.4; {DIGITS}",
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
        unoffered=f"from words to network features it loses 27 and 35 points; {DIGITS}",
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
        unoffered=f"from words to network features it loses 41 and 67 points; {DIGITS}",
    ),
)
