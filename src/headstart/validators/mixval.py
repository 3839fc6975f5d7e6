"""MixVal: mixed target rows as probes."""

from __future__ import annotations

import numpy as np

from headstart.validators.evidence import Array, Evidence, classes_only, some_rows


def mixval(evidence: Evidence, *, share: float = 0.55, limit: int = 1000) -> float:
    """Return how often the answer to ``share x_i + (1 - share) x_j`` is the answer to x_i.

    Half of the score comes from pairs of one predicted class (a probe within clusters), half from pairs of two classes
    (a probe of the boundary). At most ``limit`` seeded rows lead a pair of each sort.

    Raises
    ------
    ValueError
        If the evidence holds no ``predict``.

    References
    ----------
    Hu, Liang, Liew, Xue, Bai and Wang, "Mixed Samples as Probes for Unsupervised Model Selection in Domain Adaptation",
    NeurIPS 2023, section 3 (there the two parts' ranks are averaged, here their values).
    """
    p = classes_only(evidence, "mixval")
    if evidence.predict is None:
        raise ValueError("The validator 'mixval' needs predict, the model as a function of target rows.")
    answers = p.argmax(axis=1)
    rng = np.random.default_rng(evidence.seed)
    leaders = some_rows(len(p), limit, evidence.seed)
    parts = []
    for same in (True, False):
        first, second = _partners(answers, leaders, same, rng)
        if len(first) == 0:
            continue
        rows = evidence.target_features
        mixed = evidence.predict(share * rows[first] + (1 - share) * rows[second])
        parts.append(float((np.asarray(mixed).argmax(axis=1) == answers[first]).mean()))
    return float(np.mean(parts)) if parts else 0.0


def _partners(answers: Array, leaders: Array, same: bool, rng: np.random.Generator) -> tuple[Array, Array]:
    """Give every leader a seeded partner of its own class, or of another; leaders without one are left out."""
    first, second = [], []
    for name in np.unique(answers[leaders]):
        mine = leaders[answers[leaders] == name]
        pool = ((answers == name) == same).nonzero()[0]
        if len(pool) > (1 if same else 0):
            first.append(mine)
            second.append(rng.choice(pool, len(mine)))
    if not first:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    left, right = np.concatenate(first), np.concatenate(second)
    different = left != right
    return left[different], right[different]
