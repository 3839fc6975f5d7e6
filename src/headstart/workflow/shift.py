"""How far is the target from the source? Measured on the features of the source's network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart.data import Dataset
from headstart.engine import cached_states
from headstart.functional.domain_auc import domain_auc
from headstart.functional.mmd import mmd_permutation_test
from headstart.networks import Network, Source


@dataclass(frozen=True)
class Shift:
    """The distance between two domains.

    Attributes
    ----------
    auc : area under the ROC curve of a cross-validated domain classifier; 0.5 = not to be told apart.
    interval : 95% interval of the AUC.
    mmd, p : squared maximum mean discrepancy and its permutation p.
    """

    auc: float
    interval: tuple[float, float]
    mmd: float
    p: float
    n_source: int
    n_target: int

    @property
    def words(self) -> str:
        size = "far apart" if self.auc > 0.9 else "different" if self.interval[0] > 0.55 else "close"
        low, high = self.interval
        return (
            f"The domains are {size}: a classifier tells source from target inputs with AUC {self.auc:.2f} "
            f"({low:.2f} to {high:.2f}; 0.5 would be chance), MMD² {self.mmd:.3g}, permutation p {self.p:.2g}."
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"interval": list(self.interval), "words": self.words}


def measure_shift(source: np.ndarray, target: np.ndarray, *, seed: int = 0, most: int = 256) -> Shift:
    """Compare features [n, d] and [m, d] of samples of both domains, at most ``most`` rows of each."""
    rng = np.random.default_rng(seed)
    source, target = (_some(features, most, rng) for features in (source, target))
    auc, interval = domain_auc(source, target, seed=seed)
    mmd, p = mmd_permutation_test(source, target, seed=seed)
    return Shift(float(auc), (float(interval[0]), float(interval[1])), float(mmd), float(p), len(source), len(target))


def _some(features: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    rows = rng.permutation(len(features))[:most]
    return np.asarray(features, dtype=np.float64)[rows]


def source_shift(dataset: Dataset, source: Source, *, seed: int = 0, network: Network | None = None) -> Shift | None:
    """Measure the shift on features of the source's network; None when its own inputs are not at hand."""
    reference = source.reference()
    if reference is None or source.modality != dataset.modality:
        return None
    if network is None:
        if dataset.columns is not None:
            return None
        network = source.build(pretrained=True)
    rows = np.random.default_rng(seed).permutation(dataset.splits["train" if dataset.task else "test"])[:256]
    if len(rows) < 10 or reference.shape[1] != network.n_features:
        return None
    states = cached_states(network, len(network.stages), dataset, np.sort(rows), alone=True)
    if states is None:  # the disk has no room for them
        return None
    features = np.asarray(states.fetch(np.arange(len(rows)), 0))
    return measure_shift(np.asarray(reference), features, seed=seed)
