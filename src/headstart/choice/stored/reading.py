"""Read an array model that may come from anywhere: the whole file is checked before anything is built."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from headstart.choice.stored.table import MOVED, NEIGHBOURS, class_of, extra_of, is_tuple, may_have, parameters
from headstart.choice.stored.trees import build_tree, check_nodes
from headstart.choice.stored.writing import DTYPES, JSON_FILE, SCHEMA, TENSOR_FILE
from headstart.errors import UserError
from headstart.storage import load_tensors, read_json

MOST_BYTES = 2**28
MOST_NODES = 2_000_000
DEEPEST = 60
ROOT = "headstart.choice.kept:Kept"
_KEYS = {
    "list": {"items"},
    "tuple": {"items"},
    "dict": {"items"},
    "number": {"dtype", "value"},
    "texts": {"shape", "items"},
    "array": {"tensor", "turned"},
    "csr_matrix": {"shape", "data", "indices", "indptr"},
    "csr_array": {"shape", "data", "indices", "indptr"},
    "tree": {"n_features", "arrays"},
    "object": {"class", "values"},
}
_INFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Refused(Exception):
    """What in the file is not as it is written."""


def load_estimator(directory: Path) -> Any:
    """Load what `save_estimator` wrote.

    Nothing in the files is run: classes are looked up in a table by their exact names, objects get their attributes and
    no call, and both happen after all nodes and arrays were checked.

    Raises
    ------
    UserError
        If files are missing, damaged, changed, newer than this version, or name a class that the table does not.
    """
    path = directory / JSON_FILE
    if not path.is_file():
        raise UserError(f"{path} is missing; the run is damaged, make it anew.")
    value = read_json(path, MOST_BYTES)
    tensors = load_tensors(directory / TENSOR_FILE)[0]
    try:
        nodes = _nodes(value)
        arrays = {name: _plain(tensor) for name, tensor in tensors.items()}
        check(nodes, arrays)
        return _build(nodes, arrays)
    except Refused as error:
        raise UserError(f"{path} {error}; the file is damaged or was changed, not loaded.") from None


def _nodes(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict) or type(value.get("schema")) is not int:
        raise Refused("has no schema number")
    if value["schema"] != SCHEMA:
        raise Refused(f"has schema {value['schema']}, and this version of Headstart reads {SCHEMA}")
    nodes = value.get("nodes")
    if not isinstance(nodes, list) or not 0 < len(nodes) <= MOST_NODES:
        raise Refused("holds no nodes")
    return [_renamed(node) for node in nodes]


def _renamed(node: Any) -> Any:
    """Return a node of an earlier version with the class's name of today."""
    name = node.get("class") if isinstance(node, dict) else None
    return node | {"class": MOVED[name]} if isinstance(name, str) and name in MOVED else node


def _plain(tensor: Any) -> np.ndarray:
    if str(tensor.dtype).removeprefix("torch.") not in DTYPES:
        raise Refused(f"names an array of type {tensor.dtype}")
    return tensor.numpy()


def check(nodes: list[Any], arrays: dict[str, np.ndarray]) -> None:
    """Refuse anything but known kinds with their own keys, exact classes, data attributes and earlier nodes.

    Raises
    ------
    Refused
        With what is wrong, before anything is built.
    """
    depths: list[int] = []
    sizes: list[int] = []
    for number, node in enumerate(nodes):
        used = _Check(number, node, nodes, arrays).used
        depths.append(1 + max((depths[one] for one in used), default=0))
        sizes.append(1 + sum(sizes[one] for one in used))
        # shared parts are built once and asked once per use, so a file of few nodes could ask for ever
        if depths[-1] > DEEPEST or sizes[-1] > MOST_NODES:
            raise Refused(f"nests node {number} deeper than any model")
    if nodes[-1].get("class") != ROOT:
        raise Refused("does not end in a model")


class _Check:
    """One node; ``used`` are the nodes that it names."""

    def __init__(self, number: int, node: Any, nodes: list[Any], arrays: dict[str, np.ndarray]) -> None:
        self.number, self.nodes, self.arrays = number, nodes, arrays
        self.used: list[int] = []
        kind = node.get("kind") if type(node) is dict else None
        if type(kind) is not str or kind not in _KEYS or set(node) != {"kind", *_KEYS[kind]}:
            raise Refused(f"has a node {number} of no known kind")
        getattr(self, f"_{kind}")(node)

    def _value(self, value: Any) -> None:
        if value is None or type(value) in (bool, int, float, str):
            return
        if type(value) is dict and set(value) == {"float"} and value["float"] in list(_INFINITE):
            return
        place = value.get("node") if type(value) is dict and set(value) == {"node"} else None
        if type(place) is not int or not 0 <= place < self.number:
            raise Refused(f"has a node {self.number} that names no earlier one")
        self.used.append(place)

    def _list(self, node: dict[str, Any]) -> None:
        if type(node["items"]) is not list:
            raise Refused(f"has a list {self.number} without items")
        for item in node["items"]:
            self._value(item)

    _tuple = _list

    def _dict(self, node: dict[str, Any]) -> None:
        if type(node["items"]) is not dict:
            raise Refused(f"has a dict {self.number} without items")
        for item in node["items"].values():
            self._value(item)

    def _number(self, node: dict[str, Any]) -> None:
        dtype, value = node["dtype"], node["value"]
        if type(dtype) is not str or dtype not in DTYPES:
            raise Refused(f"has a number {self.number} of no known type")
        self._value(value)
        if self.used or type(value) not in (
            (dict, float) if "float" in dtype else (bool,) if dtype == "bool" else (int,)
        ):
            raise Refused(f"has a number {self.number} that is no {dtype}")
        if "int" in dtype and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            raise Refused(f"has a number {self.number} that is no {dtype}")

    def _texts(self, node: dict[str, Any]) -> None:
        items, shape = node["items"], node["shape"]
        if type(items) is not list or not all(type(item) is str for item in items):
            raise Refused(f"has texts {self.number} that are none")
        if not _is_shape(shape) or math.prod(shape) != len(items):
            raise Refused(f"has texts {self.number} of another shape")

    def _array(self, node: dict[str, Any]) -> None:
        _known(node, self.arrays, self.number)

    def _csr_matrix(self, node: dict[str, Any]) -> None:
        for name in ("data", "indices", "indptr"):
            part = node[name]
            if type(part) is not dict or set(part) != _KEYS["array"]:
                raise Refused(f"has a sparse matrix {self.number} without {name}")
        data, indices, indptr = (_known(node[name], self.arrays, self.number) for name in ("data", "indices", "indptr"))
        _check_csr(node["shape"], data, indices, indptr, self.number)

    _csr_array = _csr_matrix

    def _tree(self, node: dict[str, Any]) -> None:
        parts, n = node["arrays"], node["n_features"]
        if type(n) is not int or not 0 < n < 2**31 or type(parts) is not dict:
            raise Refused(f"has a tree {self.number} without features")
        for part in parts.values():
            if type(part) is not dict or set(part) != _KEYS["array"]:
                raise Refused(f"has a tree {self.number} without arrays")
        _tree({name: _known(part, self.arrays, self.number) for name, part in parts.items()}, n)

    def _object(self, node: dict[str, Any]) -> None:
        name, values = node["class"], node["values"]
        if type(name) is not str or extra_of(name) is None:
            raise Refused(f"names the class {str(name)[:80]!r}, which is none of those that models are made of")
        if type(values) is not dict:
            raise Refused(f"has an object {self.number} without values")
        for attribute, value in values.items():
            if not (may_have(name, attribute) or (name == NEIGHBOURS and attribute == "_fit_X")):
                raise Refused(f"gives {name.replace(':', '.')} the attribute {attribute[:80]!r}, which it has not")
            self._value(value)
        cls = class_of(name)
        if is_tuple(cls) and not set(parameters(cls)) - set(cls._field_defaults) <= set(values):
            raise Refused(f"has an object {self.number} that lacks a field")
        if values.get("n_jobs") is not None:
            raise Refused(f"has an object {self.number} that asks for processes")
        _check_trees(name, values, self.nodes, self.arrays)


def _is_shape(shape: Any) -> bool:
    return type(shape) is list and len(shape) <= 8 and all(type(n) is int and 0 <= n < 2**40 for n in shape)


def _known(node: dict[str, Any], arrays: dict[str, np.ndarray], number: int) -> np.ndarray:
    name, turned = node["tensor"], node["turned"]
    if type(name) is not str or name not in arrays or type(turned) is not bool:
        raise Refused(f"has a node {number} whose array is not there")
    return arrays[name].T if turned else arrays[name]


def _check_csr(shape: Any, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, number: int) -> None:
    """Refuse indices outside the matrix, which compiled code would follow."""
    good = _is_shape(shape) and len(shape) == 2 and data.ndim == indices.ndim == indptr.ndim == 1
    good = good and data.dtype.kind in "fiub" and data.dtype != np.float16 and len(data) == len(indices)
    good = good and indices.dtype == indptr.dtype and indices.dtype in (np.int32, np.int64)
    good = good and len(indptr) == shape[0] + 1 and indptr[0] == 0 and indptr[-1] == len(indices)
    good = good and bool((np.diff(indptr) >= 0).all()) and bool(((indices >= 0) & (indices < shape[1])).all())
    if not good:
        raise Refused(f"has a sparse matrix {number} whose indices lie outside it")


def _tree(arrays: dict[str, np.ndarray], n_features: int) -> Any:
    try:
        return build_tree(arrays, n_features)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Refused(f"has a tree that cannot be used ({error})") from None


def _check_trees(name: str, values: dict[str, Any], nodes: list[Any], arrays: dict[str, np.ndarray]) -> None:
    """Refuse a tree under a name that promises other features, and one of ours that would be walked for ever."""
    if name == "headstart.shallow.parameters.tree:Tree":
        found = [_of_node(values[key], nodes) for key in ("left", "right", "feature")]
        if any(one.get("kind") != "array" for one in found):
            raise Refused("has a tree without children")
        left, right, feature = (_known(one, arrays, 0) for one in found)
        if not left.shape == right.shape == feature.shape or left.ndim != 1 or left.dtype.kind != "i":
            raise Refused("has a tree without children")
        try:
            check_nodes(left, right, feature, None)
        except ValueError as error:
            raise Refused(f"has a tree that cannot be used ({error})") from None
    if "tree_" in values:
        tree = _of_node(values["tree_"], nodes)
        if tree.get("kind") != "tree" or tree["n_features"] != values.get("n_features_in_"):
            raise Refused("has a tree of another number of features than it says")


def _of_node(value: Any, nodes: list[Any]) -> dict[str, Any]:
    return nodes[value["node"]] if type(value) is dict and "node" in value else {}


def _build(nodes: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> Any:
    """Build what `check` has passed, from the first node to the last."""
    built: list[Any] = []

    def value(item: Any) -> Any:
        if type(item) is not dict:
            return item
        return _INFINITE[item["float"]] if "float" in item else built[item["node"]]

    for number, node in enumerate(nodes):
        kind = node["kind"]
        if kind in ("list", "tuple"):
            made: Any = [value(item) for item in node["items"]]
            made = tuple(made) if kind == "tuple" else made
        elif kind == "dict":
            made = {key: value(item) for key, item in node["items"].items()}
        elif kind == "number":
            made = np.dtype(node["dtype"]).type(value(node["value"]))
        elif kind == "texts":
            made = np.array(node["items"], dtype=str).reshape(node["shape"])
        elif kind == "array":
            made = _known(node, arrays, number)
        elif kind in ("csr_matrix", "csr_array"):
            parts = tuple(_known(node[name], arrays, number) for name in ("data", "indices", "indptr"))
            made = getattr(sparse, kind)(parts, shape=tuple(node["shape"]))
        elif kind == "tree":
            parts = {name: _known(part, arrays, number) for name, part in node["arrays"].items()}
            made = _tree(parts, node["n_features"])
        else:
            made = _object(node["class"], {key: value(item) for key, item in node["values"].items()})
        built.append(made)
    return built[-1]


def _object(name: str, values: dict[str, Any]) -> Any:
    cls = class_of(name)
    if is_tuple(cls):
        return cls(**values)
    if name == NEIGHBOURS:
        rows = values.pop("_fit_X", None)
        try:
            return cls(**values).fit(rows)
        except (ValueError, TypeError, AttributeError) as error:
            raise Refused(f"has neighbours that cannot be used ({str(error).splitlines()[0][:100]})") from None
    made = cls.__new__(cls)
    vars(made).update(values)
    return made
