"""From material to a `Dataset`: requirements, splits, categories."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrow import Columns
from headstart.data.conventions import Reading
from headstart.data.crossing import crossed_splits, is_few, words
from headstart.data.dataset import SPLITS, Dataset, TableColumns
from headstart.data.inputs import Records
from headstart.data.material import Material, Options
from headstart.data.requirements import require_classes, require_splits, require_whole_groups
from headstart.data.spellings import similar_classes
from headstart.data.splits import given_as_test, make_splits
from headstart.errors import UserError


def assemble(material: Material, options: Options) -> Dataset:
    """Return the data set; refuse labels and splits that would make the result wrong."""
    task, targets = material.encoded.task, material.encoded.labels
    given = _usable(material)
    if not options.singles:
        require_classes(task, targets, given, material.origin)
    numbers, names = material.group if material.group else (None, [])
    if numbers is not None and given is not None:
        require_whole_groups(numbers, given, names, material.origin)
    few = is_few(task, len(targets), given)
    splits = crossed_splits(len(targets)) if few else make_splits(task, targets, given, numbers, options.seed)
    if not options.singles:
        require_splits(task, targets, splits, material.origin)
    inferred = {"task": f"{task.kind}: {material.encoded.reason}", **material.inferred}
    made = words(task, len(targets)) if few else _describe_splits(given, numbers is not None, options.seed)
    inferred.setdefault("splits", made)
    if material.given is not None and not (material.given == 2).any() and given is not None:
        inferred["splits"] += f"; {AS_TEST}"
    inputs = material.inputs
    columns = None
    if isinstance(inputs, Records):
        columns = table_columns(inputs.columns, splits["train"], material.readings)
    return Dataset(
        name=material.name, origin=material.origin, modality=inputs.modality, task=task, splits=splits,
        given_splits=given is not None, inputs=inputs, targets=targets, row_names=material.row_names, columns=columns,
        group=numbers, input_column=material.input_column, label_columns=material.label_columns, inferred=inferred,
        warnings=(*material.warnings, *material.encoded.warnings, *similar_classes(task.classes)),
    )  # fmt: skip


AS_TEST = (
    "the given validation part is the test split, since the verdict needs samples that nothing has seen; arms are "
    "compared inside the training part"
)


def _usable(material: Material) -> np.ndarray | None:
    """Return the given splits, or None where they name one split only; a training split is a must."""
    given = material.given
    if given is None or len(np.unique(given)) == 1:
        return None
    if not (given == 0).any():
        raise UserError(f"{material.origin} gives a validation and a test split but none called train; name it train.")
    return given_as_test(given)


def _describe_splits(given: np.ndarray | None, grouped: bool, seed: int) -> str:
    how = "by whole groups" if grouped else "stratified"
    if given is None:
        return f"none were given, so they were made, {how}, with seed {seed}"
    lacking = [name for number, name in enumerate(SPLITS) if not (given == number).any()]
    if not lacking:
        return "given with the data"
    return f"given with the data; {' and '.join(lacking)} from the training part, {how}, with seed {seed}"


def table_columns(columns: Columns, rows: np.ndarray, readings: dict[str, Reading] | None = None) -> TableColumns:
    """Return a table's features, with the categories that the training rows have."""
    schema = columns.table.schema
    numeric = tuple(field.name for field in schema if field.type == pa.float64())
    chosen = np.zeros(len(columns), bool)
    chosen[rows] = True
    words = [field.name for field in schema if field.name not in numeric]
    categorical = {name: _categories(columns, name, chosen) for name in words}
    return TableColumns(numeric, categorical, readings or {})


def _categories(columns: Columns, name: str, chosen: np.ndarray) -> tuple[str, ...]:
    found: set[str] = set()
    for start, values in columns.chunks(name):
        kept = values.filter(pa.array(chosen[start : start + len(values)])).drop_null()
        found.update(pc.unique(kept).to_pylist())  # type: ignore[attr-defined]
    return tuple(sorted(found))
