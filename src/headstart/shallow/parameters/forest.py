"""Transferred forests: a source's trees, refined on the target's labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from headstart.shallow.domains import Domains
from headstart.shallow.parameters.tree import Tree, as_tree_rows, find_leaves, read_tree, reestimate
from headstart.shallow.parameters.tree_transfer import ser, strut
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.shallow.source_model import fit_model, in_order, is_single, known_rows

Array = np.ndarray
WAYS = ("mix", "strut", "ser", "leaves")


def refine_forest(
    trees: list[Tree],
    rows: Array,
    targets: Array,
    way: str = "mix",
    *,
    shrinkage: float = 3.0,
    min_rows: int = 5,
    seed: int = 0,
) -> list[Tree]:
    """Return the trees refined on labelled target rows [n, d], float32.

    Parameters
    ----------
    targets : one-hot classes [n, k], or values [n, 1].
    way : "strut" (structure kept, thresholds and leaves re-learned), "ser" (expanded and reduced), "leaves" (leaves
        re-learned only) or "mix" (both of the first two, side by side).
    shrinkage : target rows that the source's leaf counts for. min_rows : that a new threshold needs.
    """
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; expected one of {', '.join(WAYS)}.")
    if shrinkage <= 0:
        raise ValueError(f"shrinkage is {shrinkage}; expected a number above 0.")
    out: list[Tree] = []
    if way == "leaves":
        out = [reestimate(tree, rows, targets, shrinkage) for tree in trees]
    if way in ("mix", "strut"):
        out += [strut(tree, rows, targets, shrinkage=shrinkage, min_rows=min_rows) for tree in trees]
    if way in ("mix", "ser"):
        out += [ser(tree, rows, targets, shrinkage=shrinkage, seed=seed + i) for i, tree in enumerate(trees)]
    return out


def forest_outputs(trees: list[Tree], rows: Any) -> Array:
    """Return the mean of the trees' values, [n, k]."""
    rows = as_tree_rows(rows)
    return sum((tree.value[find_leaves(tree, rows)] for tree in trees), np.zeros(())) / len(trees)


def read_forest(fitted: Any, k: int | None) -> list[Tree]:
    """Return the trees of a fitted forest; of one class only, a single leaf."""
    if not hasattr(fitted, "estimators_"):  # one class: its share is 1 everywhere
        value = np.eye(k or 1)[[int(fitted.classes_[0])]]
        nothing = np.array([-1])
        return [Tree(nothing, np.zeros(1), nothing, nothing, value)]
    columns = None if k is None else np.asarray(fitted.classes_)
    return [read_tree(tree, columns, k) for tree in fitted.estimators_]


class _Refined:
    """Learns a forest on the source and refines it on the target."""

    estimator: Any
    way: str
    shrinkage: float
    min_rows: int
    seed: int

    def _begin(self, default: Any, domains: Domains, k: int | None) -> None:
        forest = default if self.estimator is None else self.estimator
        if not hasattr(forest, "n_estimators") or not hasattr(forest, "max_leaf_nodes") or hasattr(forest, "loss"):
            name = type(forest).__name__
            raise ValueError(f"estimator is {name}, which is no forest; expected one like RandomForestClassifier.")
        if is_regressor(forest) != (k is None):
            wanted = "regressor" if k is None else "classifier"
            raise ValueError(f"estimator is {type(forest).__name__}, which is no {wanted}; expected a {wanted}.")
        domains = in_order(domains)
        self.model_: Any = fit_model(forest, domains.source, domains.labels)
        self.source_trees_ = read_forest(self.model_, k)
        rows, labels = known_rows(domains)
        targets = labels[:, None] if k is None else np.eye(k)[labels]
        if is_single(domains) or not len(labels):
            self.trees_ = self.source_trees_
            return
        options: dict[str, Any] = {"shrinkage": self.shrinkage, "min_rows": self.min_rows, "seed": self.seed}
        self.trees_ = refine_forest(self.source_trees_, as_tree_rows(rows), targets, self.way, **options)


@dataclass(kw_only=True, eq=False, repr=False)
class TransferredForestClassifier(_Refined, DomainClassifier):
    """A random forest of the source whose trees are refined on the target's labels.

    STRUT keeps every tree's structure and re-learns its thresholds, since a domain may measure on another scale; SER
    grows leaves where the target is finer and cuts branches where it is simpler; "mix" lets both vote. A leaf's class
    shares are ``(n p_target + shrinkage p_source) / (n + shrinkage)``, so that without a target label the forest is
    the source's.

    Parameters
    ----------
    estimator : a random forest or extra trees, not fitted; None for `RandomForestClassifier`.
    way : "mix", "strut", "ser" or "leaves" (`refine_forest`).
    shrinkage : target rows that the source's leaf counts for. min_rows : target rows that a new threshold needs.
    seed : of the default forest and the expansion.

    Attributes
    ----------
    trees_, source_trees_ : refined and as they were. model_ : the source's forest.

    References
    ----------
    Segev, Harel, Mannor, Crammer and El-Yaniv, "Learn on Source, Refine on Target: A Model Transfer Learning Framework
    with Random Forests", IEEE TPAMI 2017.
    """

    estimator: Any = None
    way: str = "mix"
    shrinkage: float = 3.0
    min_rows: int = 5
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._begin(RandomForestClassifier(random_state=self.seed), domains, len(self.classes_))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return forest_outputs(self.source_trees_ if is_source else self.trees_, rows)


@dataclass(kw_only=True, eq=False, repr=False)
class TransferredForestRegressor(_Refined, DomainRegressor):
    """A random forest of the source whose trees are refined on the target's values.

    As `TransferredForestClassifier`, with variance in the place of information and means in that of class shares: the
    paper treats classes only.

    Parameters
    ----------
    estimator : a forest of regression trees, not fitted; None for `RandomForestRegressor`.
    way, shrinkage, min_rows, seed : as in `TransferredForestClassifier`.

    Attributes
    ----------
    trees_, source_trees_, model_ : as in `TransferredForestClassifier`.

    References
    ----------
    Segev, Harel, Mannor, Crammer and El-Yaniv, IEEE TPAMI 2017.
    """

    estimator: Any = None
    way: str = "mix"
    shrinkage: float = 3.0
    min_rows: int = 5
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        default = RandomForestRegressor(min_samples_leaf=3, max_features=1 / 3, random_state=self.seed)
        self._begin(default, domains, None)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return forest_outputs(self.source_trees_ if is_source else self.trees_, rows)[:, 0]
