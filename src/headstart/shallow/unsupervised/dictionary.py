"""Self-taught learning: a dictionary of the source, and the target's rows as sparse codes in it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning

from headstart.functional.folds import projected_order
from headstart.functional.scale import in_units, location_scale
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains

Array = np.ndarray


def learn_dictionary(rows: Any, n_atoms: int, penalty: float, *, seed: int = 0, n_passes: int = 10) -> Array:
    """Return atoms [n_atoms, d] of length at most 1 in which rows [n, d] have sparse codes.

    ``min_{D, A} sum_i 1/2 ||x_i - a_i D||^2 + penalty ||a_i||_1``, by minibatches.

    References
    ----------
    Mairal, Bach, Ponce and Sapiro, "Online Learning for Matrix Factorization and Sparse Coding", JMLR 2010.
    """
    learner: Any = MiniBatchDictionaryLearning(
        n_components=n_atoms,
        batch_size=min(256, len(rows)),
        max_iter=n_passes,
        fit_algorithm="cd",
        transform_algorithm="lasso_cd",
        random_state=seed,
    ).set_params(alpha=penalty)
    with warnings.catch_warnings():  # codes of a minibatch need not be exact
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(rows)
    return learner.components_


def sparse_codes(rows: Array, atoms: Array, penalty: float, *, tolerance: float = 1e-4, n_steps: int = 300) -> Array:
    """Return ``argmin_a 1/2 ||x - a D||^2 + penalty ||a||_1`` of every row, [n, k], by FISTA.

    A row is done when no entry of its code changes by more than ``tolerance`` of the largest; rows do not see each
    other.

    Parameters
    ----------
    rows : [n, d]. atoms : D [k, d].
    """
    return codes_of(rows @ atoms.T, atoms, penalty, tolerance=tolerance, n_steps=n_steps)


def codes_of(wanted: Array, atoms: Array, penalty: float, *, tolerance: float = 1e-4, n_steps: int = 300) -> Array:
    """As `sparse_codes`, from the rows' products with the atoms, ``X D'`` [n, k], which are all that is read of them.

    References
    ----------
    Beck and Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse Problems", SIAM Journal on
    Imaging Sciences 2009.
    """
    gram = atoms @ atoms.T
    step = 1 / max(float(np.linalg.norm(gram, 2)), 1e-300)
    out = np.zeros_like(wanted)
    open_rows = np.arange(len(wanted))
    codes, ahead, pace = np.zeros_like(wanted), np.zeros_like(wanted), 1.0
    for number in range(n_steps):
        moved = ahead - step * (ahead @ gram - wanted)
        new = moved - np.clip(moved, -step * penalty, step * penalty)
        next_pace = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        change = new - codes
        ahead, codes, pace = new + (pace - 1) / next_pace * change, new, next_pace
        if number % 10 == 9:
            going = np.abs(change).max(axis=1) > tolerance * np.abs(codes).max(axis=1)
            out[open_rows[~going]] = codes[~going]
            open_rows, codes, ahead, wanted = open_rows[going], codes[going], ahead[going], wanted[going]
            if len(open_rows) == 0:
                break
    out[open_rows] = codes
    return out


@dataclass(kw_only=True, eq=False, repr=False)
class TransferredDictionary(DomainTransformer):
    """Self-taught learning: rows become their sparse codes in a dictionary learned on the source.

    ``a(x) = argmin_a 1/2 ||x' - a D||^2 + b ||a||_1`` with x' the row, centred and scaled. CSR rows are made dense for
    learning, the source's alone, and never for their codes.

    Parameters
    ----------
    n_atoms : size of the dictionary.
    sparsity : b, in units of the square root of the number of features, the length of a typical row.
    standardise : whether each feature is scaled by its own spread on the source; else all by their common one.
    recentre : whether target rows are centred at the target's mean instead of the source's.
    n_passes : over the source's rows. seed : of the dictionary's start and of the minibatches.

    Attributes
    ----------
    dictionary_ : [n_atoms, d].

    References
    ----------
    Raina, Battle, Lee, Packer and Ng, "Self-taught Learning: Transfer Learning from Unlabeled Data", ICML 2007,
    section 3; Mairal et al., JMLR 2010 (the solver).
    """

    sparse_input: ClassVar[bool] = True
    n_atoms: int = 100
    sparsity: float = 0.03
    standardise: bool = False
    recentre: bool = True
    n_passes: int = 10
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_atoms < 1 or not 0 < self.sparsity < np.inf:
            raise ValueError(
                f"n_atoms is {self.n_atoms!r} and sparsity {self.sparsity!r}; expected a number of atoms from 1 up and "
                "a penalty above 0."
            )
        source = domains.source[projected_order(domains.source, self.seed)]  # minibatches are the same in any order
        self.mean_, self.scale_ = location_scale(source, each=self.standardise)
        self.target_mean_ = np.asarray(domains.target.mean(axis=0)).ravel() if self.recentre else self.mean_
        self.penalty_ = self.sparsity * np.sqrt(source.shape[1])
        rows = in_units(source, self.mean_, self.scale_)
        self.dictionary_ = learn_dictionary(rows, self.n_atoms, self.penalty_, seed=self.seed, n_passes=self.n_passes)

    def _map(self, rows: Any, is_source: bool) -> Array:
        mean = self.mean_ if is_source else self.target_mean_
        turned = (self.dictionary_ / self.scale_).T
        seen = np.asarray(rows @ turned) - mean @ turned if sparse.issparse(rows) else None
        if seen is None:
            seen = in_units(rows, mean, self.scale_) @ self.dictionary_.T
        return codes_of(seen, self.dictionary_, self.penalty_)
