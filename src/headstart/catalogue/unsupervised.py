"""What is learned without labels on either side."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.shallow.unsupervised"
APPLIES = "table, features of any backbone; a later classification or regression"
NEEDS = ("source_inputs", "target_inputs")

UNSUPERVISED: tuple[Entry, ...] = (
    Entry(
        name="transferred_pca",
        title="PCA or kernel PCA of the source",
        path=f"{ROOM}.pca:TransferredPCA",
        papers=(
            "Schoelkopf, Smola and Mueller, Nonlinear Component Analysis as a Kernel Eigenvalue Problem, Neural "
            "Computation 1998",
        ),
        carries="features",
        scenario="unsupervised",
        needs=NEEDS,
        applies=APPLIES,
        kind="unsupervised",
    ),
    Entry(
        name="transferred_dictionary",
        title="Self-taught learning",
        path=f"{ROOM}.dictionary:TransferredDictionary",
        papers=(
            "Raina, Battle, Lee, Packer and Ng, Self-taught Learning: Transfer Learning from Unlabeled Data, ICML 2007",
        ),
        carries="features",
        scenario="unsupervised",
        needs=NEEDS,
        applies=APPLIES,
        kind="unsupervised",
    ),
    Entry(
        name="transferred_clusters",
        title="Clusters of the source, found again in the target",
        path=f"{ROOM}.clusters:TransferredClusters",
        papers=("Dai, Yang, Xue and Yu, Self-taught Clustering, ICML 2008",),
        carries="features",
        scenario="unsupervised",
        needs=NEEDS,
        applies=APPLIES,
        kind="unsupervised",
    ),
)
