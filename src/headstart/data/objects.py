"""Objects of other libraries, as what is read here; none of the libraries is imported for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError


def held(data: Any) -> Any:
    """Return tensors as arrays, iterators and views of a dict as lists, and paths as `Path`; all else as it is."""
    if isinstance(data, np.ndarray | str | bytes | bytearray | Mapping | list) or hasattr(data, "getbands"):
        return data
    if hasattr(data, "__fspath__"):
        return Path(data)
    if hasattr(data, "detach") and hasattr(data, "cpu"):
        return _from_tensor(data)
    if isinstance(data, set | frozenset):
        raise UserError("A set has no order, so answers could not be told apart; give a list.")
    is_file = hasattr(data, "read")
    if isinstance(data, Iterator | type({}.values()) | type({}.keys()) | range) and not is_file:
        return list(data)
    return data


def _from_tensor(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    # numpy has no bfloat16
    return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()


def is_series(data: Any) -> bool:
    return type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "to_list") and not hasattr(data, "columns")


def as_items(data: Any) -> list[Any] | None:
    """Return what a list, a tuple, a Series or an array of objects or strings holds; None for anything else."""
    if is_series(data):
        return data.to_list()
    if isinstance(data, np.ndarray):
        if data.dtype.kind not in "OUST" or data.ndim > 1:
            return None
        return [data.item()] if data.ndim == 0 else data.tolist()
    return list(data) if isinstance(data, list | tuple) else None


def kind_of(value: Any) -> str:
    """Say what a thing is: ``a list``, ``an array of shape (3,)``, ``None``."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} of {value.dtype}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
