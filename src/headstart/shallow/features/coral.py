"""Correlation alignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.spectral import match_covariance, principal_axes
from headstart.shallow.adaptation import DomainTransformer, dense
from headstart.shallow.domains import Domains

Array = np.ndarray


def coral(source: Any, target: Any, *, regularisation: float = 1.0) -> Array:
    """Return source rows [n, d] recoloured with the mean and covariance of target rows [m, d].

    See `headstart.functional.spectral.match_covariance` for the equation.
    """
    return match_covariance(source, principal_axes(source), principal_axes(target), regularisation)


@dataclass(kw_only=True, eq=False, repr=False)
class Coral(DomainTransformer):
    """CORAL: the source's rows are whitened and take the target's mean and covariance; the target's stay.

    ``(x - m_s) (C_s + l I)^{-1/2} (C_t + l I)^{1/2} + m_t``. With n rows of d > n features the square roots are
    diagonal on n axes, so that no d x d matrix is built.

    Parameters
    ----------
    regularisation : of both covariances, in units of the mean variance of a feature (the paper's 1 on z-scored rows);
        0 for pseudo-inverses.
    seed : of the leading axes, where rows and features are both many.

    Attributes
    ----------
    source_, target_ : `Axes` of each domain. approximation_ : "exact", or how many axes stand for how many.

    References
    ----------
    Sun, Feng and Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016, algorithm 1.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    regularisation: float = 1.0
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if not 0 <= self.regularisation < np.inf:
            raise ValueError(f"regularisation is {self.regularisation!r}; expected a number from 0 up.")
        self.source_ = principal_axes(domains.source, seed=self.seed)
        self.target_ = principal_axes(domains.target, seed=self.seed)
        exact = self.source_.exact and self.target_.exact
        shown = min(len(self.source_.variances), len(self.target_.variances))
        self.approximation_ = "exact" if exact else f"{shown} leading axes of {domains.source.shape[1]} features"

    def _map(self, rows: Any, is_source: bool) -> Array:
        if not is_source:
            return dense(rows)
        return match_covariance(rows, self.source_, self.target_, self.regularisation)
