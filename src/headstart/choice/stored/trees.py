"""Scikit-learn's trees as arrays, and back: children and features are checked, for prediction trusts them as memory."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


def tree_arrays(tree: Any) -> dict[str, Array]:
    """Return a fitted tree's fields by name, and its values."""
    state = tree.__getstate__()
    nodes = state["nodes"]
    fields = {name: np.ascontiguousarray(nodes[name]) for name in nodes.dtype.names}
    return {**fields, "values": state["values"], "n_classes": np.asarray(tree.n_classes, dtype=np.int64)}


def build_tree(arrays: dict[str, Array], n_features: int) -> Any:
    """Return scikit-learn's own tree from checked arrays.

    Raises
    ------
    ValueError
        If the fields are not this scikit-learn's, a child does not come after its parent, or a feature is none of
        ``n_features``.
    """
    from sklearn.tree._tree import NODE_DTYPE, Tree  # pyright: ignore[reportAttributeAccessIssue]

    fields = {name: arrays[name] for name in arrays if name not in ("values", "n_classes")}
    if set(fields) != set(NODE_DTYPE.names):
        raise ValueError("a tree's fields are those of another version of scikit-learn")
    n, values, n_classes = len(arrays["left_child"]), arrays["values"], arrays["n_classes"]
    if any(field.shape != (n,) for field in fields.values()) or not n:
        raise ValueError("a tree's fields differ in length")
    if any(field.dtype != NODE_DTYPE[name] for name, field in fields.items()) or values.dtype != np.float64:
        raise ValueError("a tree's fields have other types")
    if n_classes.dtype != np.int64 or n_classes.ndim != 1 or not len(n_classes) or (n_classes < 1).any():
        raise ValueError("a tree's numbers of classes are none")
    if values.shape != (n, len(n_classes), int(n_classes.max())):
        raise ValueError("a tree's values have another shape")
    check_nodes(fields["left_child"], fields["right_child"], fields["feature"], n_features)
    nodes: Any = np.zeros(n, dtype=NODE_DTYPE)
    for name, field in fields.items():
        nodes[name] = field
    tree = Tree(n_features, n_classes, len(n_classes))
    depth = max_depth(fields["left_child"], fields["right_child"])
    tree.__setstate__({"max_depth": depth, "node_count": n, "nodes": nodes, "values": np.ascontiguousarray(values)})
    return tree


def check_nodes(left: Array, right: Array, feature: Array, n_features: int | None) -> None:
    """Refuse children outside the tree, before their parent or with one side only, and features that are not there."""
    n, own = len(left), np.arange(len(left))
    inner = left != -1
    if not np.array_equal(inner, right != -1):
        raise ValueError("a tree's node has one child only")
    for children in (left[inner], right[inner]):
        if (children <= own[inner]).any() or (children >= n).any():
            raise ValueError("a tree's child is outside the tree")
    if (feature[inner] < 0).any() or (n_features is not None and (feature[inner] >= n_features).any()):
        raise ValueError("a tree asks for a feature that is not there")


def max_depth(left: Array, right: Array) -> int:
    """Return the length of the longest way down; children come after their parents."""
    depth = np.zeros(len(left), dtype=np.int64)
    for node in np.flatnonzero(left != -1):
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    return int(depth.max())
