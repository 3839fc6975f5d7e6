"""Validators that read how the target's predictions sit on the target's own structure."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from scipy.special import softmax
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.metrics import adjusted_mutual_info_score, pairwise_distances_argmin, v_measure_score

from headstart.validators.density import leading
from headstart.validators.evidence import Array, Evidence, classes_only, some_rows

LIMIT = 2000


def snd(evidence: Evidence, *, temperature: float = 0.05) -> float:
    """Return soft neighbourhood density: the mean entropy of each row's softmax over its similarities to the others.

    Similarities are products of the L2-normalised predictions; a row is not its own neighbour. Dense neighbourhoods of
    equal answers give high entropy. At most 2,000 seeded rows are read.

    References
    ----------
    Saito, Kim, Teterwak, Sclaroff, Darrell and Saenko, "Tune it the Right Way: Unsupervised Validation of Domain
    Adaptation via Soft Neighborhood Density", ICCV 2021, equations 1 to 3.
    """
    p = classes_only(evidence, "snd")
    p = p[some_rows(len(p), LIMIT, evidence.seed)]
    if len(p) < 3:
        return 0.0
    p = p / np.linalg.norm(p, axis=1, keepdims=True)
    similarity = p @ p.T / temperature
    np.fill_diagonal(similarity, -np.inf)
    q = softmax(similarity, axis=1)
    return float(-(q * np.log(np.maximum(q, 1e-30))).sum(axis=1).mean())


def cluster(features: Any, k: int, *, algorithm: str = "kmeans", seed: int = 0) -> Array:
    """Return the cluster number of each row [m], k clusters by "kmeans" or "spectral" on leading principal axes.

    Spectral clustering reads at most 2,000 seeded rows; the others go to the cluster of their nearest read row.
    """
    rows = leading(features, features[:0], seed=seed)[0]
    k = min(k, len(rows))
    if algorithm == "kmeans":
        return KMeans(k, n_init=cast(Any, 3), random_state=seed).fit_predict(rows)
    read = some_rows(len(rows), LIMIT, seed)
    near = min(10, len(read))
    model = SpectralClustering(k, affinity="nearest_neighbors", n_neighbors=near, random_state=seed)
    found = model.fit_predict(rows[read])
    if len(read) == len(rows):
        return found
    return found[pairwise_distances_argmin(rows, rows[read])]


def _clusters(evidence: Evidence, k: int, algorithm: str) -> Array:
    if evidence.clusters is not None:
        return np.asarray(evidence.clusters)
    mapped = evidence.mapped_target
    rows = evidence.target_features if mapped is None else mapped
    return cluster(rows, k, algorithm=algorithm, seed=evidence.seed)


def cluster_ami(evidence: Evidence, *, algorithm: str = "kmeans") -> float:
    """Return the adjusted mutual information of predicted classes and clusters of the target's features.

    References
    ----------
    Vinh, Epps and Bailey, "Information Theoretic Measures for Clusterings Comparison", JMLR 2010; as a validator:
    Ericsson, Li and Hospedales, "Better Practices for Domain Adaptation", AutoML 2023.
    """
    p = classes_only(evidence, "cluster_ami")
    return float(adjusted_mutual_info_score(_clusters(evidence, p.shape[1], algorithm), p.argmax(axis=1)))


def cluster_v_measure(evidence: Evidence, *, algorithm: str = "kmeans") -> float:
    """Return the V-measure (harmonic mean of homogeneity and completeness) of predicted classes and clusters.

    References
    ----------
    Rosenberg and Hirschberg, "V-Measure: A Conditional Entropy-Based External Cluster Evaluation Measure", EMNLP 2007.
    """
    p = classes_only(evidence, "cluster_v_measure")
    return float(v_measure_score(_clusters(evidence, p.shape[1], algorithm), p.argmax(axis=1)))
