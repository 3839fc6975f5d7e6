"""How often is a model right on rows without labels? Estimates from how sure it is, and how far off they are."""

from __future__ import annotations

import numpy as np

from headstart.functional.mmd import squared_distances

Array = np.ndarray


def by_threshold(sure: Array, right: Array, new: Array) -> float:
    """Return the share of new rows as sure as the held-out rows that the model gets right (ATC).

    Held-out rows that tie at the threshold count as right by the share that makes the held-out accuracy come out.

    Parameters
    ----------
    sure, right : confidence [n] of held-out answers, and whether they are right. new : confidence [m] of new answers.

    References
    ----------
    Garg, Balakrishnan, Lipton, Neyshabur and Sedghi, "Leveraging Unlabeled Data to Predict Out-of-Distribution
    Performance", ICLR 2022, section 4.
    """
    accuracy = float(right.mean())
    threshold = np.quantile(sure, 1 - accuracy, method="lower")
    above, at = float((sure > threshold).mean()), float((sure == threshold).mean())
    return float((new > threshold).mean() + (new == threshold).mean() * min(1.0, max(0.0, accuracy - above) / at))


def neighbours_agree(features: Array, labels: Array, asked: Array | None, told: Array, link: str, k: int = 5) -> Array:
    """Return how far a model's answers agree with those of the k nearest labelled rows, one number per row.

    A share of right labels; for values, minus the mean distance.

    Parameters
    ----------
    features : [n, d] of labelled rows. labels : [n, c] indicators, or values. asked : [m, d] features of the rows whose
        answers ``told`` [m, c] are judged; None for the labelled rows, each without itself.
    """
    squares = squared_distances(features if asked is None else asked, features)
    if asked is None:
        np.fill_diagonal(squares, np.inf)
    k = max(1, min(k, len(features) - 1))
    nearest = np.argpartition(squares, k - 1, axis=1)[:, :k]
    vote = labels[nearest].mean(axis=1)
    if link == "softmax":
        return (vote.argmax(axis=1) == told.argmax(axis=1)).astype(np.float64)
    if link == "sigmoid":
        return ((vote > 0.5) == (told > 0.5)).mean(axis=1)
    return -np.abs(vote - told).mean(axis=1)
