"""Transfer of a decision tree: STRUT keeps its structure and re-learns thresholds, SER grows and cuts it.

``targets`` are one-hot classes [n, k], or values [n, 1], of the labelled target rows [n, d].

References
----------
Segev, Harel, Mannor, Crammer and El-Yaniv, "Learn on Source, Refine on Target: A Model Transfer Learning Framework with
Random Forests", IEEE TPAMI 2017, sections 3 (SER) and 4 (STRUT).
"""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from headstart.shallow.parameters.tree import Tree, read_tree, reestimate, shrunk

Array = np.ndarray


def strut(tree: Tree, rows: Array, targets: Array, *, shrinkage: float = 1.0, min_rows: int = 5) -> Tree:
    """Return the tree with the same tests on the same features at thresholds re-learned from the root down.

    Among the thresholds at which the gain (of information; for values, of variance) is a local maximum, the one whose
    halves look most like the source's: ``1 - sum_h (n_h / n) D(target_h, source_h)`` over both halves h, with D the
    Jensen-Shannon divergence of class shares, or the squared difference of means in units of the node's variance.
    Where the source's halves fit better the other way round, they change places. A node keeps its threshold where fewer
    than ``min_rows`` rows reach it (the paper knows no such number) or all of them agree, and a node that no row
    reaches keeps all it has (the paper cuts it).
    """
    tree = Tree(*(part.copy() for part in tree))
    waiting = [(0, np.arange(len(rows)))]
    while waiting:
        node, here = waiting.pop()
        if tree.left[node] < 0 or not len(here):
            continue
        found = _relearn(tree, node, rows[here, tree.feature[node]], targets[here]) if len(here) >= min_rows else None
        if found is not None:
            tree.threshold[node], swap = found
            if swap:
                tree.left[node], tree.right[node] = tree.right[node], tree.left[node]
        lower = rows[here, tree.feature[node]] <= tree.threshold[node]
        waiting += [(int(tree.left[node]), here[lower]), (int(tree.right[node]), here[~lower])]
    return reestimate(tree, rows, targets, shrinkage)


def _relearn(tree: Tree, node: int, x: Array, targets: Array) -> tuple[float, bool] | None:
    """Return the threshold and whether the children change places; None where nothing is to be learned."""
    order = np.argsort(x, kind="stable")
    x, targets = x[order], targets[order]
    cuts = (x[1:] > x[:-1]).nonzero()[0] + 1
    if not len(cuts) or (targets == targets[0]).all():
        return None
    n = len(x)
    below = np.cumsum(targets, axis=0)[cuts - 1]
    low, high = below / cuts[:, None], (targets.sum(axis=0) - below) / (n - cuts)[:, None]
    share = cuts / n
    kind, spread = ("values", float(targets.var()) or 1.0) if targets.shape[1] == 1 else ("classes", 1.0)
    if kind == "values":
        gain = share * (1 - share) * (low - high)[:, 0] ** 2
    else:
        gain = -(share * _entropy(low) + (1 - share) * _entropy(high))
    padded = np.concatenate([[-np.inf], gain, [-np.inf]])
    peaks = ((gain >= padded[:-2]) & (gain >= padded[2:])).nonzero()[0]
    first, second = tree.value[tree.left[node]], tree.value[tree.right[node]]
    alike = [
        1 - share * _apart(low, a, spread) - (1 - share) * _apart(high, b, spread)
        for a, b in ((first, second), (second, first))
    ]
    best = [int(peaks[values[peaks].argmax()]) for values in alike]
    swap = bool(alike[1][best[1]] > alike[0][best[0]] + 1e-12)
    cut = cuts[best[swap]]
    return (float(x[cut - 1]) + float(x[cut])) / 2, swap


def _entropy(shares: Array) -> Array:
    return -(shares * np.log2(np.maximum(shares, 1e-300))).sum(axis=-1)


def _apart(shares: Array, other: Array, spread: float) -> Array:
    """Jensen-Shannon divergence in bits of shares [c, k] and [k], or the squared difference of means over spread."""
    if shares.shape[1] == 1:
        return (shares - other)[:, 0] ** 2 / spread
    return np.maximum(_entropy((shares + other) / 2) - (_entropy(shares) + _entropy(other)) / 2, 0.0)


def ser(tree: Tree, rows: Array, targets: Array, *, shrinkage: float = 1.0, seed: int = 0) -> Tree:
    """Return the tree expanded below its leaves and cut above them, both by the target's rows.

    Expansion: a leaf whose rows disagree becomes the root of a full tree grown on them. Reduction, from the leaves up:
    an inner node becomes a leaf where that leaf errs less on its rows than what stands below it. (The paper cuts on
    ties as well, which with few labels takes away most of the source: every node that a single row reaches.) New leaves
    are shrunk towards the source's leaf.
    """
    builder = _Builder(tree, rows, targets, shrinkage, seed)
    builder.visit(0, np.arange(len(rows)))
    return builder.finished()


class _Builder:
    """Nodes as they are written, and the error of what stands below each."""

    def __init__(self, tree: Tree, rows: Array, targets: Array, shrinkage: float, seed: int) -> None:
        self.tree, self.rows, self.targets, self.shrinkage = tree, rows, targets, shrinkage
        self.random = np.random.RandomState(seed)
        self.parts: list[list] = [list(part) for part in tree]

    def visit(self, root: int, here: Array) -> None:
        """Expand every leaf that rows reach, then cut from the deepest node up."""
        feature, threshold, left, right, value = self.parts
        waiting, met = [(root, here)], []
        while waiting:
            node, here = waiting.pop()
            if not len(here):
                continue
            met.append((node, here))
            if self.tree.left[node] >= 0:
                lower = self.rows[here, feature[node]] <= threshold[node]
                waiting += [(int(left[node]), here[lower]), (int(right[node]), here[~lower])]
        below: dict[int, float] = {}
        for node, here in reversed(met):
            wanted = self.targets[here]
            own = shrunk(self.tree.value[node], wanted, self.shrinkage)
            value[node] = own
            if self.tree.left[node] < 0:
                below[node] = self._expand(node, here)
                continue
            error, beneath = _error(own, wanted), below.get(int(left[node]), 0.0) + below.get(int(right[node]), 0.0)
            if error < beneath - 1e-12:
                left[node] = right[node] = -1
            below[node] = min(error, beneath)

    def _expand(self, node: int, here: Array) -> float:
        """Grow a tree below a leaf where its rows disagree; return the error that is left."""
        rows, wanted = self.rows[here], self.targets[here]
        if (wanted == wanted[0]).all() or (rows == rows[0]).all():
            return _error(self.parts[4][node], wanted)
        grown = self._grow(rows, wanted)
        start, origin = len(self.parts[0]) - 1, self.tree.value[node]
        grown = reestimate(grown._replace(value=np.tile(origin, (len(grown.left), 1))), rows, wanted, self.shrinkage)
        shift = np.where(grown.left >= 0, start, 0)
        moved = grown._replace(left=grown.left + shift, right=grown.right + shift)
        for part, new in zip(self.parts, moved, strict=True):
            part[node] = new[0]
            part.extend(new[1:])
        return 0.0

    def _grow(self, rows: Array, wanted: Array) -> Tree:
        chance = self.random.randint(2**31 - 1)
        if wanted.shape[1] == 1:
            return read_tree(DecisionTreeRegressor(max_features=1 / 3, random_state=chance).fit(rows, wanted[:, 0]))
        labels = wanted.argmax(axis=1)
        fitted = DecisionTreeClassifier(max_features="sqrt", random_state=chance).fit(rows, labels)
        return read_tree(fitted, np.asarray(fitted.classes_), wanted.shape[1])

    def finished(self) -> Tree:
        feature, threshold, left, right, value = self.parts
        return Tree(np.array(feature), np.array(threshold), np.array(left), np.array(right), np.array(value))


def _error(value: Array, wanted: Array) -> float:
    """Wrong rows of a leaf's majority, or its squared error."""
    if wanted.shape[1] == 1:
        return float(((wanted - value) ** 2).sum())
    return float((wanted.argmax(axis=1) != value.argmax()).sum())
