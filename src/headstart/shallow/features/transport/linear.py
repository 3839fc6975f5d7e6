"""Linear optimal transport: the closed form between Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from headstart.functional.gaussian_transport import linear_transport
from headstart.functional.sinkhorn import Array
from headstart.shallow.adaptation import DomainTransformer, dense
from headstart.shallow.domains import Domains
from headstart.shallow.features.transport.maps import check_positive


@dataclass(kw_only=True, eq=False, repr=False)
class LinearOT(DomainTransformer):
    """Moves source rows by the affine map that is optimal between Gaussians: `linear_transport`.

    ``x -> m_t + A (x - m_s)`` with ``A = S^(-1/2) (S^(1/2) T S^(1/2))^(1/2) S^(-1/2)``, for any row, new or not.

    Parameters
    ----------
    reg : added to both covariances, relative to the mean variance of a feature.
    rank : axes solved for at most, where there are more features (and rows) than that.

    Attributes
    ----------
    map_ : an `Affine`. plan_summary_ : cost and solver; a map is no plan, and has no entropy and no partners.
    approximation_ : "exact", or the axes kept.

    References
    ----------
    Flamary, Lounici and Ferrari, "Concentration bounds for linear Monge mapping estimation and optimal transport
    domain adaptation", 2019. Knott and Smith, "On the optimal mapping of distributions", 1984.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    reg: float = 0.1
    rank: int = 2000

    def _learn(self, domains: Domains) -> None:
        check_positive("reg", self.reg)
        source, target = dense(domains.source), dense(domains.target)
        self.map_ = linear_transport(source, target, reg=self.reg, rank=self.rank)
        shift = self.map_.target_mean - self.map_.source_mean
        n_axes, n_rows = len(self.map_.core), len(source) + len(target)
        cut = n_axes == self.rank < min(source.shape[1], n_rows)
        self.approximation_ = f"{n_axes} axes of most variance" if cut else "exact"
        self.plan_summary_: dict[str, Any] = {
            "cost": float(shift @ shift) + self.map_.bures,
            "entropy": None,
            "partners": None,
            "violation": None,
            "across_classes": None,
            "solver": "closed form between Gaussians",
            "approximation": self.approximation_,
        }

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.map_(dense(rows)) if is_source else dense(rows)
