"""A map of the pooled features before and after training, and how pure its neighbourhoods are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headstart.engine.predict import pooled_features
from headstart.networks.network import Network
from headstart.storage import checksum

POINTS = 400
FEW_POINTS = 250
LARGE = 2_000_000  # parameters, from which on the map takes fewer points
NEIGHBOURS = 5
ITERATIONS = 300
"""Of t-SNE, twice per page."""


Encode = Callable[[Network, np.ndarray], np.ndarray]
"""``encode(network, rows)`` gives pooled features [n, d]."""


def feature_map(
    before: Network, after: Network, dataset: Any, rows: np.ndarray, seed: int, encode: Encode | None = None
) -> dict[str, Any]:
    """Return the 2-D layout of test features from both networks, for the same samples.

    Where both compute the same features, because every stage stood still, they are computed and laid out once.

    Layout: principal components (at most 50), then t-SNE [1]_; with fewer than 12 samples the first two principal
    components alone. ``agreement`` is the share of a sample's 5 nearest neighbours, in the full feature space, that
    carry its label (leave-one-out; classification only).

    Parameters
    ----------
    before, after : the source's network, and the one that was kept.
    encode : such as one that keeps features in the cache; by default a pass over the samples.

    References
    ----------
    .. [1] van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008.
    """
    chosen = mapped_rows(after, rows, seed)
    labels = dataset.labels(chosen)
    first = pooled_features(before, dataset, chosen) if encode is None else encode(before, chosen).astype(np.float64)
    spaces = {"before": first}
    if not same_features(before, after):
        if encode is None or after.taps:
            spaces["after"] = pooled_features(after, dataset, chosen)
        else:
            spaces["after"] = encode(after, chosen).astype(np.float64)
    points = {name: np.round(layout(space, seed), 3).tolist() for name, space in spaces.items()}
    shares = {name: agreement(space, labels) for name, space in spaces.items()}
    return {
        "layout": "t-SNE" if len(chosen) >= 12 else "PCA",
        "n": len(chosen),
        "n_test": len(rows),
        "points": {"before": points["before"], "after": points.get("after", points["before"])},
        "agreement": {"before": shares["before"], "after": shares.get("after", shares["before"])},
        "labels": np.asarray(labels).tolist(),
        "names": dataset.names(chosen),
    }


def same_features(one: Network, other: Network) -> bool:
    """Whether two networks compute the same features: equal stages, poolings and taps, whatever their heads."""
    if one.taps != other.taps or one.preprocess.to_json() != other.preprocess.to_json():
        return False
    parts = [{name: x for name, x in net.state_dict().items() if not name.startswith("head.")} for net in (one, other)]
    return parts[0].keys() == parts[1].keys() and checksum(parts[0]) == checksum(parts[1])


def mapped_rows(after: Network, rows: np.ndarray, seed: int) -> np.ndarray:
    """Return the rows that the map shows: all, or a draw of them."""
    return _subsample(rows, POINTS if _size(after) < LARGE else FEW_POINTS, seed)


def _subsample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _size(network: Network) -> int:
    return sum(p.numel() for p in network.parameters())


def layout(features: np.ndarray, seed: int) -> np.ndarray:
    """Lay features [n, d] out in the plane, [n, 2]; constant features all lie at the origin."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count = len(features)
    if count < 2 or not np.ptp(features, axis=0).any():
        return np.zeros((count, 2))
    reduced = PCA(min(50, *features.shape), random_state=seed).fit_transform(features)
    if count < 12:
        return np.pad(reduced, ((0, 0), (0, 2)))[:, :2]
    model = TSNE(perplexity=min(30.0, (count - 1) / 3), init="pca", max_iter=ITERATIONS, random_state=seed)
    return model.fit_transform(reduced)


def agreement(features: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the mean share of the nearest neighbours with a sample's own label; None where that has no meaning."""
    from sklearn.neighbors import NearestNeighbors

    if labels.ndim > 1 or len(labels) <= NEIGHBOURS:
        return None
    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(features).kneighbors(return_distance=False)
    return float((labels[near] == labels[:, None]).mean())
