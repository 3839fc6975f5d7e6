"""A decision tree as arrays: read from scikit-learn, asked, cut and grown."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray


class Tree(NamedTuple):
    """Nodes by number; node 0 is the root, and ``left[i] == -1`` says that node i is a leaf.

    Attributes
    ----------
    feature, threshold : [nodes], rows with ``x[feature] <= threshold`` go left. left, right : [nodes] children.
    value : [nodes, k] class shares, or mean values [nodes, 1], of inner nodes as well.
    """

    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array


def read_tree(fitted: Any, columns: Array | None = None, k: int | None = None) -> Tree:
    """Return a fitted scikit-learn tree; class shares go to ``columns`` of k."""
    raw = fitted.tree_
    value = raw.value[:, 0, :].astype(np.float64)
    if columns is not None and k is not None:
        shares = np.zeros((len(value), k))
        shares[:, columns] = value / value.sum(axis=1, keepdims=True)
        value = shares
    left, right = raw.children_left.astype(np.int64), raw.children_right.astype(np.int64)
    return Tree(raw.feature.astype(np.int64), raw.threshold.astype(np.float64), left, right, value)


def as_tree_rows(rows: Any) -> Array:
    """Return rows as scikit-learn's trees compare them: rounded to float32."""
    return np.asarray(rows, dtype=np.float32)


def find_leaves(tree: Tree, rows: Array) -> Array:
    """Return the leaf of every row, [n]."""
    node = np.zeros(len(rows), dtype=np.int64)
    active = np.arange(len(rows))
    while len(active := active[tree.left[node[active]] >= 0]):
        at = node[active]
        lower = rows[active, tree.feature[at]] <= tree.threshold[at]
        node[active] = np.where(lower, tree.left[at], tree.right[at])
    return node


def shrunk(value: Array, targets: Array, shrinkage: float) -> Array:
    """Return ``(sum of targets + shrinkage * value) / (n + shrinkage)``, the source's ``value`` [k] where n is 0."""
    total = len(targets) + shrinkage
    return (targets.sum(axis=0) + shrinkage * value) / total if len(targets) else value


def reached(tree: Tree, rows: Array) -> dict[int, Array]:
    """Return, for every node that a row comes through, the numbers of these rows."""
    found, waiting = {}, [(0, np.arange(len(rows)))]
    while waiting:
        node, here = waiting.pop()
        if not len(here):
            continue
        found[node] = here
        if tree.left[node] >= 0:
            lower = rows[here, tree.feature[node]] <= tree.threshold[node]
            waiting += [(int(tree.left[node]), here[lower]), (int(tree.right[node]), here[~lower])]
    return found


def reestimate(tree: Tree, rows: Array, targets: Array, shrinkage: float) -> Tree:
    """Return the tree with every node's value re-estimated on the rows that reach it (`shrunk`).

    Parameters
    ----------
    rows : [n, d]. targets : one-hot classes [n, k], or values [n, 1].
    """
    value = tree.value.copy()
    for node, here in reached(tree, rows).items():
        value[node] = shrunk(tree.value[node], targets[here], shrinkage)
    return tree._replace(value=value)
