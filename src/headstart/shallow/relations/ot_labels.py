"""Label propagation by optimal transport: a target row's label is where its mass comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from headstart.functional.sinkhorn import row_shares, sinkhorn, slabs
from headstart.functional.transport import Cost, Frame, Piece, Tally, canonical_order, frame_of, paired_batches
from headstart.shallow.domains import Domains
from headstart.shallow.predictors import DomainClassifier, DomainRegressor

Array = np.ndarray


class Propagation(NamedTuple):
    """Labelled rows in the plan's units with their potential and labels [r, k], and the plan's summary."""

    frame: Frame
    rows: Array
    labels: Array
    potential: Array
    reg: float
    summary: dict[str, Any]

    def __call__(self, rows: Array, is_source: bool = False) -> Array:
        """Return ``sum_i softmax_i((g_i - C_ji) / reg) y_i`` of rows [n, d], each domain centred by its own mean."""
        centre = self.frame.source if is_source else self.frame.target
        cost = Cost((rows - centre) / np.sqrt(self.frame.scale), self.rows, dtype=np.float64)
        out = np.empty((len(rows), self.labels.shape[1]))
        for part in slabs(*cost.shape):
            out[part] = row_shares(cost[part], self.potential, self.reg) @ self.labels
        return out


def propagate(
    domains: Domains,
    labels: Array,
    known: Array,
    *,
    reg: float = 0.1,
    limit: int = 120_000_000,
    max_iter: int = 1000,
    seed: int = 0,
) -> Propagation:
    """Transport labelled rows to the unlabelled target rows; each takes ``sum_i P_ij y_i / sum_i P_ij``.

    The entropic plan P of strength ``reg`` (relative to the mean cost between centred domains) joins the unlabelled
    target rows to the source rows and the q labelled ones of m target rows, which hold q / m of the mass. Its
    potential of labelled rows extends the average to new rows.

    Parameters
    ----------
    labels : [n, k], classes as one-hot rows, or values. known : [m, k] of the target, NaN where masked.
    limit : entries of a plan solved at once; above, a stratified sample of both sides gives the potential.

    References
    ----------
    Solomon, Rustamov, Guibas and Butscher, "Wasserstein Propagation for Semi-Supervised Learning", ICML 2014.
    Redko, Courty, Flamary and Tuia, "Optimal Transport for Multi-source Domain Adaptation under Target Shift",
    AISTATS 2019, section 3.3 (labels by transport).
    """
    frame = frame_of(domains.source, domains.target)
    unit = np.sqrt(frame.scale)
    source, target = (domains.source - frame.source) / unit, (domains.target - frame.target) / unit
    told = ~np.isnan(known[:, 0])
    rows = target[~told] if not told.all() else target
    columns = np.concatenate([source, target[told]])
    mass = np.repeat([(1 - told.mean()) / len(source), 1 / len(target)], [len(source), told.sum()])
    some, kept = _sample(rows, columns, mass, limit, seed)
    cost = Cost(rows[some], columns[kept])
    mass = mass[kept] / mass[kept].sum()
    found = sinkhorn(cost, reg, b=mass, tolerance=1e-4 if cost.dtype == np.float32 else 1e-6, max_iter=max_iter)
    tally = Tally(cost, b=mass)
    for part in slabs(*cost.shape):
        block = cost[part]
        tally.add(Piece(part, slice(None), row_shares(block, found.values, reg) / len(some), block))
    said = f"potential of {len(kept)} of {len(columns)} labelled and {len(some)} of {len(rows)} unlabelled rows"
    said = said if len(some) < len(rows) else "exact"
    summary = tally.summary(frame, solver="sinkhorn", approximation=said, iterations=found.iterations)
    every = np.concatenate([labels, known[told]])[kept]
    return Propagation(frame, columns[kept], every, found.values, reg, summary)


def _sample(rows: Array, columns: Array, mass: Array, limit: int, seed: int) -> tuple[Array, Array]:
    """Return which unlabelled and labelled rows are solved for; those without mass are not."""
    order = canonical_order(columns, seed)
    return paired_batches(canonical_order(rows, seed), order[mass[order] > 0], limit)[0]


class _Told:
    """What both predictors keep."""

    def _keep(self, found: Propagation) -> None:
        self.propagation_ = found
        self.plan_summary_: dict[str, Any] = found.summary
        self.approximation_: str = found.summary["approximation"]
        self.n_iter_: int = found.summary["iterations"]


@dataclass(kw_only=True, eq=False, repr=False)
class OTLabels(_Told, DomainClassifier):
    """A row's class probabilities are the shares of the transported mass that reaches it, by class: `propagate`.

    ``p_j(c) = sum_(i of class c) P_ij / sum_i P_ij``; for new rows through the plan's potential.

    Parameters
    ----------
    reg : strength of the entropy, relative to the mean cost between centred domains.
    limit : entries of a plan solved at once. max_iter : of Sinkhorn's scaling. seed : of the order and the sample.

    Attributes
    ----------
    plan_summary_ : cost, entropy, partners (labelled rows per target row), violation, solver, approximation,
        iterations; across_classes is None, since labelled target rows are where mass comes from.
    approximation_, n_iter_, propagation_.

    References
    ----------
    Solomon et al., "Wasserstein Propagation for Semi-Supervised Learning", ICML 2014. Redko et al., "Optimal Transport
    for Multi-source Domain Adaptation under Target Shift", AISTATS 2019.
    """

    reg: float = 0.1
    limit: int = 120_000_000
    max_iter: int = 1000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        one_hot = np.eye(len(self.classes_))
        known = np.where(domains.target_labels[:, None] >= 0, one_hot[domains.target_labels], np.nan)
        self._keep(_propagated(self, domains, one_hot[domains.labels], known))

    def _outputs(self, rows: Array, is_source: bool) -> Array:
        shares = self.propagation_(rows, is_source)
        return shares / shares.sum(axis=1, keepdims=True)


@dataclass(kw_only=True, eq=False, repr=False)
class OTLabelsRegressor(_Told, DomainRegressor):
    """A row's value is the mean of the values whose mass reaches it: `propagate`.

    Parameters
    ----------
    reg, limit, max_iter, seed : as in `OTLabels`.

    Attributes
    ----------
    plan_summary_, approximation_, n_iter_, propagation_ : as in `OTLabels`.

    References
    ----------
    Solomon et al., "Wasserstein Propagation for Semi-Supervised Learning", ICML 2014.
    """

    reg: float = 0.1
    limit: int = 120_000_000
    max_iter: int = 1000
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._keep(_propagated(self, domains, domains.labels[:, None], domains.target_labels[:, None]))

    def _outputs(self, rows: Array, is_source: bool) -> Array:
        return self.propagation_(rows, is_source)[:, 0]


def _propagated(method: OTLabels | OTLabelsRegressor, domains: Domains, labels: Array, known: Array) -> Propagation:
    if not (np.isfinite(method.reg) and method.reg > 0):
        raise ValueError(f"reg is {method.reg!r}; expected a finite number above 0.")
    options = {"limit": method.limit, "max_iter": method.max_iter, "seed": method.seed}
    return propagate(domains, labels, known, reg=method.reg, **options)
