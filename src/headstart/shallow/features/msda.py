"""Marginalised stacked denoising autoencoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import linalg, sparse

from headstart.functional.spectral import dense_product
from headstart.shallow.adaptation import DomainTransformer, dense
from headstart.shallow.domains import Domains, stack

Array = np.ndarray
GROUP = 5000  # features whose scatter matrix is solved in one piece


def denoising_map(rows: Any, corruption: float, outputs: Array | None = None, *, ridge: float = 1e-5) -> Array:
    """Return W [d + 1, r], which reconstructs features from rows whose features are each left out with probability p.

    The expectation over all corruptions has a closed form: ``W = Q^{-1} P'`` with ``S = X' X`` (a constant 1 added to
    every row, never left out), ``q = 1 - p``, ``Q_ij = S_ij q_i q_j``, ``Q_ii = S_ii q_i`` and ``P_ij = S_ij q_j``.

    Parameters
    ----------
    rows : [n, d], dense or CSR. corruption : p. outputs : numbers of the features to reconstruct; None for all.
    ridge : added to the diagonal of Q.

    References
    ----------
    Chen, Xu, Weinberger and Sha, "Marginalized Denoising Autoencoders for Domain Adaptation", ICML 2012, section 3.1.
    """
    wide, d = _with_constant(rows), rows.shape[1]
    kept = np.append(np.full(d, 1 - corruption), 1.0)
    scatter = dense_product(wide.T, wide)
    wanted = (scatter[:, :d] if outputs is None else scatter[:, outputs]) * kept[:, None]
    diagonal = np.diag(scatter) * kept + ridge
    scatter *= kept[:, None] * kept
    np.fill_diagonal(scatter, diagonal)
    return linalg.solve(scatter, wanted, assume_a="pos", overwrite_a=True, check_finite=False)


def _with_constant(rows: Any) -> Any:
    ones = np.ones((rows.shape[0], 1))
    if sparse.issparse(rows):
        return sparse.csr_matrix(sparse.hstack([rows, sparse.csr_matrix(ones)]))
    return np.concatenate([rows, ones], axis=1)


def grouped_denoising_map(rows: Any, corruption: float, outputs: Array, *, groups: int, seed: int = 0) -> Array:
    """As `denoising_map`, each of ``groups`` random parts of the features reconstructing the outputs; their mean.

    References
    ----------
    Chen, Xu, Weinberger and Sha, ICML 2012, section 3.4 (high dimensional data).
    """
    d = rows.shape[1]
    if groups == 1:
        return denoising_map(rows, corruption, outputs)
    weights = np.zeros((d + 1, len(outputs)))
    shown = rows[:, outputs]
    for part in np.array_split(np.random.default_rng(seed).permutation(d), groups):
        both = sparse.csr_matrix(sparse.hstack([rows[:, part], shown])) if sparse.issparse(rows) else None
        both = np.concatenate([rows[:, part], shown], axis=1) if both is None else both
        weights[np.append(part, d)] += _from_part(both, len(part), corruption) / groups
    return weights


def _from_part(both: Any, size: int, corruption: float, ridge: float = 1e-5) -> Array:
    """Reconstruct the last columns of ``both`` from its first ``size`` ones and a constant."""
    inputs = _with_constant(both[:, :size])
    kept = np.append(np.full(size, 1 - corruption), 1.0)
    scatter = dense_product(inputs.T, inputs)
    wanted = dense_product(inputs.T, both[:, size:]) * kept[:, None]
    diagonal = np.diag(scatter) * kept + ridge
    scatter *= kept[:, None] * kept
    np.fill_diagonal(scatter, diagonal)
    return linalg.solve(scatter, wanted, assume_a="pos", overwrite_a=True, check_finite=False)


@dataclass(kw_only=True, eq=False, repr=False)
class MSDA(DomainTransformer):
    """Marginalised stacked denoising autoencoder: the input and L layers that fill in what was left out of it.

    ``h_l = tanh([h_{l-1}, 1] W_l)`` with W_l from `denoising_map` on all rows of both domains; mapped rows are
    ``[x, h_1, ..., h_L]``. Made for word counts; features are scaled to a largest absolute value of 1.

    Parameters
    ----------
    n_layers, corruption : L and p.
    n_outputs : features that the layers reconstruct, those of the largest second moment (for words: the most
        frequent); all where there are no more.
    keep_input : whether x stands before the layers.
    seed : of the random groups of features, where there are more than 5,000.

    Attributes
    ----------
    scale_ : [d]. outputs_ : numbers of the reconstructed features. weights_ : L matrices.
    approximation_ : "exact", or what is reconstructed from what.

    References
    ----------
    Chen, Xu, Weinberger and Sha, "Marginalized Denoising Autoencoders for Domain Adaptation", ICML 2012.
    """

    sparse_input: ClassVar[bool] = True
    label_free: ClassVar[bool] = True
    n_layers: int = 5
    corruption: float = 0.5
    n_outputs: int = 1000
    keep_input: bool = True
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_layers < 1 or self.n_outputs < 1:
            raise ValueError(
                f"n_layers is {self.n_layers!r} and n_outputs {self.n_outputs!r}; expected both from 1 up."
            )
        if not 0 < self.corruption < 1:
            raise ValueError(f"corruption is {self.corruption!r}; expected a probability between 0 and 1.")
        rows = stack(domains.source, domains.target)
        d = rows.shape[1]
        largest = np.abs(rows).max(axis=0)
        largest = largest.toarray().ravel() if sparse.issparse(largest) else np.asarray(largest).ravel()
        self.scale_ = np.where(largest > 0, largest, 1.0)
        rows = self._scaled(rows)
        squares = rows.multiply(rows).sum(axis=0) if sparse.issparse(rows) else np.square(rows).sum(axis=0)
        order = np.argsort(-np.asarray(squares).ravel().round(9), kind="stable")
        self.outputs_ = np.sort(order[: self.n_outputs])
        groups = -(-d // GROUP)
        first = grouped_denoising_map(rows, self.corruption, self.outputs_, groups=groups, seed=self.seed)
        self.weights_ = [first]
        for _ in range(self.n_layers - 1):
            rows = _layer(rows, self.weights_[-1])
            self.weights_.append(denoising_map(rows, self.corruption))
        self.approximation_ = "exact" if d <= min(self.n_outputs, GROUP) else self._partly(d, groups)

    def _partly(self, d: int, groups: int) -> str:
        text = f"{len(self.outputs_)} of {d} features reconstructed"
        return text if groups == 1 else f"{text} from {groups} groups"

    def _scaled(self, rows: Any) -> Any:
        return (
            sparse.csr_matrix(rows @ sparse.diags_array(1 / self.scale_))
            if sparse.issparse(rows)
            else rows / self.scale_
        )

    def _map(self, rows: Any, is_source: bool) -> Array:
        rows = self._scaled(rows)
        layers = [dense(rows)] if self.keep_input else []
        for weights in self.weights_:
            rows = _layer(rows, weights)
            layers.append(rows)
        return np.concatenate(layers, axis=1)


def _layer(rows: Any, weights: Array) -> Array:
    return np.tanh(np.asarray(rows @ weights[:-1]) + weights[-1])
