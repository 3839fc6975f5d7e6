"""Write a fitted array model: its objects as a list of nodes in JSON, its arrays as safetensors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from headstart.choice.stored.table import LEFT_OUT, NEIGHBOURS, extra_of, is_tuple, may_have, name_of
from headstart.choice.stored.trees import tree_arrays
from headstart.errors import UserError
from headstart.storage import save_tensors, write_json

SCHEMA = 1
JSON_FILE, TENSOR_FILE = "estimator.json", "estimator.safetensors"
DTYPES = frozenset(["bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64"])


def save_estimator(estimator: Any, directory: Path) -> None:
    """Write ``estimator.safetensors`` and, last, ``estimator.json``.

    Raises
    ------
    UserError
        If a part of the model is of a class that the table does not name: nothing is written then.
    """
    import sklearn
    import torch

    book = _Book()
    book.value(estimator)
    tensors = {
        str(number): torch.from_numpy(array if array.flags.writeable else array.copy())
        for number, array in enumerate(book.arrays)
    }
    save_tensors(directory / TENSOR_FILE, tensors)
    write_json(directory / JSON_FILE, {"schema": SCHEMA, "scikit-learn": sklearn.__version__, "nodes": book.nodes})


class _Book:
    """Nodes in the order in which they can be built again: each names earlier ones only; the last is the model."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.arrays: list[np.ndarray] = []
        self._known: dict[int, tuple[Any, dict[str, int]]] = {}

    def value(self, value: Any) -> Any:
        """Return a value as JSON: itself where JSON has it, else the number of its node."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if id(value) not in self._known:
            node = self._node(value)
            self.nodes.append(node)
            self._known[id(value)] = value, {"node": len(self.nodes) - 1}
        return self._known[id(value)][1]

    def _node(self, value: Any) -> dict[str, Any]:
        kind: Any = type(value)
        if kind is list or kind is tuple:
            return {"kind": kind.__name__, "items": [self.value(item) for item in value]}
        if kind is dict:
            if not all(type(key) is str for key in value):
                raise UserError("A part of this model is a dict with keys that are no texts, which no run can keep.")
            return {"kind": "dict", "items": {key: self.value(item) for key, item in value.items()}}
        if issubclass(kind, np.generic) and value.dtype.name in DTYPES:
            return {"kind": "number", "dtype": value.dtype.name, "value": self.value(value.item())}
        if (
            kind is np.ndarray
            and value.dtype.kind in "UO"
            and all(type(word) is str for word in value.ravel().tolist())
        ):
            return {"kind": "texts", "shape": list(value.shape), "items": value.ravel().tolist()}
        if kind is np.ndarray and value.dtype.name in DTYPES:
            return {"kind": "array", **self._array(value)}
        if kind in (sparse.csr_matrix, sparse.csr_array):
            parts = {name: self._array(getattr(value, name)) for name in ("data", "indices", "indptr")}
            return {"kind": kind.__name__, "shape": list(value.shape), **parts}
        if kind.__module__ == "sklearn.tree._tree" and kind.__name__ == "Tree":
            parts = {name: self._array(array) for name, array in tree_arrays(value).items()}
            return {"kind": "tree", "n_features": int(value.n_features), "arrays": parts}
        return self._object(value)

    def _array(self, array: np.ndarray) -> dict[str, Any]:
        """Keep the order in memory too, for sums are taken in it."""
        turned = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
        given = array.T if turned else array
        self.arrays.append(np.ascontiguousarray(given).reshape(given.shape))  # a number alone keeps no dimension
        return {"tensor": str(len(self.arrays) - 1), "turned": turned}

    def _object(self, value: Any) -> dict[str, Any]:
        name = name_of(type(value))
        if extra_of(name) is None:
            raise UserError(f"This model holds a {name.replace(':', '.')}, which a run cannot keep in a safe file.")
        if name == NEIGHBOURS:
            given = {"_fit_X": value._fit_X, **value.get_params(deep=False)}
        elif is_tuple(type(value)):
            given = value._asdict()
        else:
            given = {key: item for key, item in vars(value).items() if key not in LEFT_OUT}
        for attribute in given:
            if attribute != "_fit_X" and not may_have(name, attribute):
                raise UserError(f"This model's {name.replace(':', '.')} has {attribute}, which a run cannot keep.")
        return {"kind": "object", "class": name, "values": {key: self.value(item) for key, item in given.items()}}
