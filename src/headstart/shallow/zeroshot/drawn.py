"""Features of classes without a sample are drawn, and a classifier learns from them as from the others."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import Array

STRENGTHS = (0.01, 0.1, 1.0)
DRAWS, LEAST = 60, 10


def drawn(features: Array, labels: Array, attributes: Array, *, strength: float = 0.1, seed: int = 0) -> Array:
    """Return weights [k, d + 1] (the last column the intercepts) of a softmax on real and on drawn rows.

    A class without a sample is Gaussian: its mean is regressed from its attributes by ridge on the means of the classes
    with samples, and its covariance is theirs, pooled and halfway shrunk to its diagonal.

    Parameters
    ----------
    features : [n, d]. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes. strength : of the
        ridge, times the mean of the kernel's diagonal. seed : of the draws.

    References
    ----------
    Verma and Rai, "A Simple Exponential Family Framework for Zero-Shot Learning", ECML 2017, sections 3.1 and 3.2.
    """
    from sklearn.linear_model import LogisticRegression

    rng, seen = np.random.default_rng(seed), np.unique(labels)
    means = np.stack([features[labels == k].mean(axis=0) for k in seen])
    middle, kernel = means.mean(axis=0), attributes[seen] @ attributes[seen].T
    dual = np.linalg.solve(kernel + strength * np.trace(kernel) / len(seen) * np.eye(len(seen)), means - middle)
    spread = np.cov((features - means[np.searchsorted(seen, labels)]).T, bias=True).reshape(len(middle), -1)
    spread = 0.5 * spread + 0.5 * np.diag(np.diag(spread)) + 1e-6 * np.eye(len(middle))
    unseen = np.setdiff1d(np.arange(len(attributes)), seen)
    per_class = int(np.clip(np.median(np.unique(labels, return_counts=True)[1]), LEAST, DRAWS))
    noise = rng.standard_normal((len(unseen) * per_class, len(middle))) @ np.linalg.cholesky(spread).T
    centres = middle + attributes[unseen] @ attributes[seen].T @ dual
    x = np.concatenate([features, np.repeat(centres, per_class, axis=0) + noise])
    y = np.concatenate([labels, np.repeat(unseen, per_class)])
    model = LogisticRegression(C=1.0, max_iter=200).fit(x, y)
    found = np.concatenate([model.coef_, model.intercept_[:, None]], axis=1)
    return np.concatenate([-found, found]) if len(found) == 1 else found
