"""A test set that lies apart from the data: read as they are read, and joined to them as the split "test"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from headstart.data.arrow import Columns
from headstart.data.assembling import table_columns
from headstart.data.dataset import SPLITS, Dataset
from headstart.data.inputs import Inputs, Joined, Records, Texts
from headstart.data.labels import Encoded
from headstart.data.like import Like
from headstart.data.material import Material, Options
from headstart.errors import UserError

TEST = SPLITS.index("test")


def beside(material: Material, options: Options) -> Options:
    """Return how to read a test set: by the types, columns and classes of ``material``, whatever its own look like."""
    inputs = material.inputs
    columns = material.input_column
    if isinstance(inputs, Records):
        columns = table_columns(inputs.columns, np.arange(len(inputs)), material.readings)
    task = material.encoded.task
    like = Like(task, inputs.modality, columns, material.label_columns, material.known)
    group = options.group if isinstance(options.group, str) else None
    return Options(options.label, group, modality=inputs.modality, text=options.text, image=options.image, like=like)


def join_test(material: Material, test: Material, seed: int) -> Material:
    """Return both as one material whose split "test" is all of ``test``; the rest trains and validates.

    Raises
    ------
    UserError
        If either brings splits that leave in doubt what the test split is.
    """
    n, m = len(material.inputs), len(test.inputs)
    given = _training_parts(material, n)
    if test.given is not None and len(np.unique(test.given)) > 1:
        raise UserError(f"--test {test.origin} has splits of its own; name the part of it that is to be the test.")
    group, warnings = _join_groups(material, test)
    labels = np.concatenate([material.encoded.labels, test.encoded.labels])
    validated = "" if (given == 1).any() else f", a part of them, drawn with seed {seed}, to validate where it is worth"
    splits = f"all samples of {material.origin} train{validated}; {test.origin} is the test split"
    return replace(
        material,
        inputs=join_inputs(material.inputs, test.inputs),
        row_names=joined_names(material, test, n),
        encoded=replace(material.encoded, labels=labels),
        given=np.concatenate([given, np.full(m, TEST, np.int8)]),
        group=group,
        inferred=material.inferred | {"splits": splits},
        warnings=(*material.warnings, *(f"Of the test set: {text}" for text in test.warnings), *warnings),
    )


def material_of(dataset: Dataset) -> Material:
    """Return an opened data set as material, so that a test set can be joined to it."""
    if dataset.task is None or dataset.targets is None or dataset.kept is not None:
        raise UserError(f"{dataset.name} is no labelled data set as it was opened; give --test with its path instead.")
    place = np.zeros(len(dataset), np.int8)
    for number, name in enumerate(SPLITS):
        place[dataset.splits[name]] = number
    groups = None if dataset.group is None else [str(number) for number in range(int(dataset.group.max()) + 1)]
    inferred = {name: text for name, text in dataset.inferred.items() if name != "splits"}
    return Material(
        dataset.name, dataset.origin, dataset.inputs, dataset.row_names,
        Encoded(dataset.task, dataset.targets, dataset.inferred.get("task", "").partition(": ")[2]),
        place if dataset.given_splits else None, None if groups is None else (dataset.group, groups),  # type: ignore[arg-type]
        dataset.input_column, dataset.label_columns, inferred, dataset.warnings,
        {} if dataset.columns is None else dataset.columns.readings,
    )  # fmt: skip


def _training_parts(material: Material, n: int) -> np.ndarray:
    """Return 0 or 1 per row: where it trains or validates."""
    if material.given is None or len(np.unique(material.given)) == 1:
        return np.zeros(n, np.int8)
    if (material.given == TEST).any():
        raise UserError(
            f"{material.origin} brings a test split of its own, and --test names another; take one of them away."
        )
    return material.given.astype(np.int8)


def join_inputs(first: Inputs, second: Inputs) -> Inputs:
    """Return the samples of both, one after the other."""
    if isinstance(first, Records) and isinstance(second, Records):
        return Records(_join_columns(first.columns, second.columns))
    if isinstance(first, Texts) and isinstance(second, Texts):
        one, other = first.column.table, second.column.table
        return Texts(_join_columns(Columns(one.rename_columns(["text"])), Columns(other.rename_columns(["text"]))))
    return Joined([first, second])


def _join_columns(first: Columns, second: Columns) -> Columns:
    other = second.table.select(first.names).cast(first.table.schema)
    return Columns(pa.concat_tables([first.table, other]))


def _join_groups(material: Material, test: Material) -> tuple[tuple[np.ndarray, list[str]] | None, tuple[str, ...]]:
    """Return the groups of both by name; a test set without groups has one for every row, which is said."""
    if material.group is None:
        return None, ()
    numbers, names = material.group
    if test.group is None:
        alone = [f"test row {row + 1}" for row in range(len(test.inputs))]
        said = "The test set names no groups, so whether a group lies on both sides was not looked at."
        return (np.concatenate([numbers, len(names) + np.arange(len(alone))]), [*names, *alone]), (said,)
    others, theirs = test.group
    place = {name: number for number, name in enumerate(dict.fromkeys([*names, *theirs]))}
    joined = [np.array([place[name] for name in known])[found] for found, known in ((numbers, names), (others, theirs))]
    return (np.concatenate(joined).astype(np.int64), list(place)), ()


def joined_names(first: Material | Dataset, second: Material | Dataset, n: int) -> Callable[[np.ndarray], list[str]]:
    """Return what names the rows of both, the first having ``n``."""

    def names(rows: np.ndarray) -> list[str]:
        rows = np.asarray(rows, dtype=np.int64)
        mine, out = rows < n, np.empty(len(rows), object)
        out[mine], out[~mine] = first.row_names(rows[mine]), second.row_names(rows[~mine] - n)
        return out.tolist()

    return names
