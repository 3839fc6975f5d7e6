"""``(DataFrame, y)``: a frame of inputs with its labels beside it, as one frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.data.objects import held, is_series
from headstart.errors import UserError


def is_frame(data: Any) -> bool:
    return type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "columns")


def as_names(columns: Any) -> Any:
    """Return the names of columns as text, as all columns are called here: a number, or several in a list."""
    if columns is None or isinstance(columns, str):
        return columns
    if isinstance(columns, list | tuple):
        return [str(name) for name in columns]
    return str(columns)


def join_labels(inputs: Any, labels: Any) -> tuple[Any, list[str]]:
    """Return a DataFrame of inputs and labels, and the names of the label columns.

    The labels' own names are kept where the inputs do not have them too; else it is ``y``.

    Raises
    ------
    UserError
        If there is not one label per row, or both have an index and the same rows in another order.
    """
    columns = _columns(labels)
    if any(len(values) != len(inputs) for values in columns.values()):
        wrong = next(len(values) for values in columns.values() if len(values) != len(inputs))
        raise UserError(f"(X, y) has {len(inputs)} rows but {wrong} labels; give one label each.")
    index = getattr(labels, "index", None) if is_series(labels) or is_frame(labels) else None
    if (
        index is not None
        and not index.equals(inputs.index)
        and sorted(map(str, index)) == sorted(map(str, inputs.index))
    ):
        raise UserError("X and y have the same index in another order; bring y into the order of X (y.loc[X.index]).")
    joined = inputs.rename(columns=str)
    names = []
    for name, values in columns.items():
        names.append(_free(name, [*joined.columns]))
        joined = joined.assign(**{names[-1]: values})
    return joined, names


def _columns(labels: Any) -> dict[str, Any]:
    """Return label columns by name, without an index."""
    labels = held(labels)
    if is_frame(labels):
        return {str(name): labels[name].array for name in labels.columns}
    if is_series(labels):
        return {"y" if labels.name is None else str(labels.name): labels.array}
    if not hasattr(labels, "__len__") or isinstance(labels, str | bytes | dict):
        raise UserError("(X, y) has no labels y by row; give a Series, an array or a list with one label per row.")
    if isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.shape[1] > 1:
        return {f"y{i}": labels[:, i] for i in range(labels.shape[1])}
    return {"y": labels.reshape(len(labels)) if isinstance(labels, np.ndarray) and labels.ndim == 2 else list(labels)}


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name = "y" if name != "y" and "y" not in taken else f"{name}_"
    return name
