"""N-LEEP: LEEP without the source's own head, whose classes a Gaussian mixture on the features stands for."""

from __future__ import annotations

import warnings

from headstart.scores.basis import Array, classes_of, leading, read
from headstart.scores.leep import leep

DIMENSIONS = 32
"""Principal axes that the mixture reads; the paper keeps 80% of the energy, which is more on some sources."""
PER_CLASS = 5


def nleep(features: Array, labels: Array, *, seed: int = 0) -> float:
    """Return LEEP with the cluster probabilities of a Gaussian mixture in place of the source's answers.

    ``theta(x)_v = P(v | x)`` under a mixture with diagonal covariances of 5 components per class, at most n / 5, on
    the 32 leading principal axes.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n]. seed : of the mixture's start.

    References
    ----------
    Li et al., "Ranking Neural Checkpoints", CVPR 2021, section 3.3.
    """
    from sklearn.mixture import GaussianMixture

    x, y = read(features, labels)
    rows = leading(x, DIMENSIONS)
    count = max(1, min(PER_CLASS * (int(classes_of(y, "N-LEEP").max()) + 1), len(rows) // 5))
    scale = float(rows.std()) or 1.0
    mixture = GaussianMixture(count, covariance_type="diag", reg_covar=1e-4, max_iter=30, tol=1e-2, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # thirty rounds are enough to cluster by, converged or not
        mixture.fit(rows / scale)
    return leep(mixture.predict_proba(rows / scale), y)
