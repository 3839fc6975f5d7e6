"""Relational distillation: a linear map under which samples stand to one another as a teacher sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.optimize import minimize

from headstart.functional.linear import principal, unfold
from headstart.functional.relational import draw_relations, relational_loss
from headstart.functional.ridge import ridge_path
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.source_model import fit_model, in_order, is_single, scores

Array = np.ndarray
MOST_ROWS = 2000
PAIRS_PER_ROW = 10


class LinearMap(NamedTuple):
    """``x -> x coef + intercept`` with coef [d, q], and the relational loss at the start and at the end."""

    coef: Array
    intercept: Array
    start: float
    end: float

    def __call__(self, rows: Array) -> Array:
        return rows @ self.coef + self.intercept


def relational_map(
    rows: Array, teacher: Array, *, angles: float = 2.0, strength: float = 1e-3, steps: int = 100, seed: int = 0
) -> LinearMap:
    """Return the linear map of rows [n, d] whose distances and angles are most like the teacher's [n, q].

    Starts from the ridge regression of the teacher's features (closed form; exact where a linear map can have them) and
    goes on by L-BFGS over `relational_loss`, with ``strength`` on the squared distance from the start in standardised
    coordinates. At most 2,000 rows and 20,000 pairs are compared, so the cost is linear in rows.

    Parameters
    ----------
    rows, teacher : of the same samples. angles : weight of angles where distances have 1 (the paper's 2). seed : of the
        pairs and triples; the rows' order picks them, so sort rows first.

    References
    ----------
    Park, Kim, Lu and Cho, "Relational Knowledge Distillation", CVPR 2019, section 3.
    """
    if len(rows) < 2 or len(rows) != len(teacher):
        raise ValueError(
            f"rows has n_samples = {len(rows)} and teacher {len(teacher)}; expected two or more, as many of each."
        )
    basis = principal(rows)
    mean = teacher.mean(axis=0)
    begin = ridge_path(basis, teacher - mean, np.array([1e-3]))[0]
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), min(len(rows), MOST_ROWS), replace=False))
    relations = draw_relations(len(chosen), PAIRS_PER_ROW * len(chosen), seed)
    rotated, wanted = basis.rotated[chosen], teacher[chosen]
    if not np.ptp(wanted, axis=0).any() or not begin.size:
        coef, intercept = unfold(basis, begin, mean)
        return LinearMap(coef.T, intercept, 0.0, 0.0)

    def objective(flat: Array) -> tuple[float, Array]:
        weights = flat.reshape(begin.shape)
        value, slope = relational_loss(rotated @ weights, wanted, relations, angles=angles)
        away = weights - begin
        return value + strength / 2 * float((away**2).sum()), (rotated.T @ slope + strength * away).ravel()

    found = minimize(objective, begin.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    weights = found.x.reshape(begin.shape)
    start, end = (relational_loss(rotated @ w, wanted, relations, angles=angles)[0] for w in (begin, weights))
    coef, intercept = unfold(basis, weights, mean)
    return LinearMap(coef.T, intercept, start, end)


def teach(model: Any, rows: Any, k: int | None) -> Array:
    """Return a fitted teacher's embedding of rows: its transform, else its class scores, else its values."""
    return np.asarray(model.transform(rows)) if hasattr(model, "transform") else scores(model, rows, k)


@dataclass(kw_only=True, eq=False, repr=False)
class RelationalMap(DomainTransformer):
    """One linear map of both domains' rows that keeps the relations among them which a source's teacher sees.

    The teacher is learned on the labelled source and shows, for the rows of both domains, who stands near whom and at
    which angle; the map keeps that structure and not the teacher's coordinates, and stays linear where the teacher is
    not. See `relational_map`.

    Parameters
    ----------
    teacher : estimator with ``transform``, or a classifier or regressor; None for `TunedLogistic` or `TunedRidge`.
    angles, strength, steps, seed : as in `relational_map`.

    Attributes
    ----------
    map_ : the `LinearMap`. teacher_.

    References
    ----------
    Park, Kim, Lu and Cho, "Relational Knowledge Distillation", CVPR 2019.
    """

    needs_labels: ClassVar[bool] = True
    teacher: Any = None
    angles: float = 2.0
    strength: float = 1e-3
    steps: int = 100
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        domains = in_order(domains)
        classification = domains.labels.dtype.kind in "iu"
        default = TunedLogistic() if classification else TunedRidge()
        teacher = default if self.teacher is None else self.teacher
        self.teacher_ = fit_model(teacher, domains.source, domains.labels)
        k = len(self.classes_) if classification else None
        rows = domains.source if is_single(domains) else np.concatenate([domains.source, domains.target])
        options: dict[str, Any] = {"angles": self.angles, "strength": self.strength, "steps": self.steps}
        self.map_ = relational_map(rows, teach(self.teacher_, rows, k), **options, seed=self.seed)

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.map_(rows)
