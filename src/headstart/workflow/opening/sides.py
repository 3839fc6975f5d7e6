"""Labelled source data and a target, opened and checked together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headstart.catalogue import UNKNOWN, answers_unknown
from headstart.data import Checks, Counterpart, Dataset, TableColumns, check, open_counterpart
from headstart.data.target_test import join_target, open_test
from headstart.errors import UserError
from headstart.problem import Task, class_order
from headstart.shallow.domains import mask, masked
from headstart.workflow.opening.target import open_target, refuse_itself
from headstart.workflow.options import FitOptions

Array = np.ndarray
TEST_NOTE = "The {n} rows of the test set join the target as rows to adapt to; their labels evaluate only."


@dataclass(frozen=True)
class Sides:
    """Labelled sources and a target.

    Attributes
    ----------
    sources : one or several; their classes are numbered as ``task`` says.
    target, checks : the target and what was found in it.
    task : of both sides.
    source_labels : [n] class numbers or values, of the sources' rows one after the other.
    notes : sentences on what was decided before the plan.
    tested : target rows of a test set of its own, whose labels evaluate only.
    open_set : whether the last class is `UNKNOWN`, which no source has.
    """

    sources: list[Dataset]
    target: Counterpart
    checks: Checks
    task: Task
    source_labels: Array
    notes: list[str]
    tested: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    open_set: bool = False

    @property
    def source_names(self) -> str:
        return ", ".join(source.name for source in self.sources)

    @property
    def source_domain(self) -> Array:
        """1 for rows of the first source, 2 for the second ..."""
        return np.repeat(np.arange(1, len(self.sources) + 1), [len(source) for source in self.sources])

    @property
    def target_labels(self) -> Array:
        """[m], -1 or NaN where unknown."""
        return self.target.labels

    @property
    def labelled(self) -> Array:
        """Rows of the target that have a label, those of a test set left out."""
        return np.setdiff1d((~masked(self.target_labels)).nonzero()[0], self.tested)

    def to_evaluate(self, learned: Array) -> Array:
        """Return the rows that the verdict is about: those of the test set, or all labelled that were not learned."""
        return self.tested if len(self.tested) else np.setdiff1d(self.labelled, learned)

    @property
    def fingerprint(self) -> str:
        """Of all inputs and labels of both sides."""
        from hashlib import blake2b

        state = blake2b(digest_size=16)
        for source in self.sources:
            state.update(source.fingerprint.encode())
        state.update(self.target.dataset.fingerprint.encode())
        state.update(np.ascontiguousarray(self.target_labels).astype("<f8").tobytes())
        return state.hexdigest()


def open_sides(data: Any, source_data: list[Any], options: FitOptions, test: Any = None) -> Sides:
    """Open and check both sides.

    Parameters
    ----------
    test : labelled rows of the target; they join it without their labels, which only evaluate.

    Raises
    ------
    UserError
        If columns, classes or kinds of input do not fit together; they are named.
    """
    opened = [_open_source(part, options) for part in source_data]
    sources = [source for source, _ in opened]
    task, columns = _common_task(sources), _common_columns(sources)
    others = UNKNOWN if answers_unknown(options.method) and task.label_space.one_class else None
    if others is not None:
        task = _with_unknown(task, sources, options)
    like = replace(sources[0], task=task, columns=columns)
    found = open_counterpart(data, like, others=others)
    if options.target_labels == "none":
        hidden = mask(found.stored_labels, np.ones(len(found.stored_labels), dtype=bool))
        found = Counterpart(found.dataset, hidden)
    refuse_itself(data, test)
    if test is not None:
        found = join_target(found, open_test(test, like, others=others))
    dataset, checks = check(found.dataset, allow_damaged=options.allow_damaged)
    said = [text for _, own in opened for text in own.warnings]
    checks = replace(checks, warnings=list(dict.fromkeys([*said, *checks.warnings])))
    if len(dataset) < 2:
        raise UserError(f"{dataset.origin} has {len(dataset)} rows; a target needs 2 or more.")
    labels = np.concatenate([_numbers(source, task) for source in sources])
    if task.label_space.one_class and len(np.unique(labels)) < 2:
        raise UserError(
            f"{sources[0].name} has one class only ({task.classes[int(labels[0])]}); source data need two or more."
        )
    tested = dataset.splits["test"] if test is not None else np.zeros(0, dtype=np.int64)
    notes = [TEST_NOTE.format(n=len(tested))] if test is not None else []
    stored = Counterpart(dataset, found.stored_labels)
    return Sides(sources, stored, checks, task, labels, notes, tested, others is not None)


def _open_source(data: Any, options: FitOptions) -> tuple[Dataset, Checks]:
    return check(open_target(data, options), allow_damaged=options.allow_damaged)


def _common_task(sources: list[Dataset]) -> Task:
    """The sources' task; classes of several sources are joined by name."""
    tasks = [source.task for source in sources if source.task is not None]
    if len({task.kind for task in tasks}) > 1:
        kinds = ", ".join(f"{source.name}: {source.task and source.task.kind}" for source in sources)
        raise UserError(f"The source data are different tasks ({kinds}); give sources of one task.")
    if not tasks[0].label_space.of_classes:
        return tasks[0]
    return replace(tasks[0], classes=tuple(class_order({name for task in tasks for name in task.classes})))


def _with_unknown(task: Task, sources: list[Dataset], options: FitOptions) -> Task:
    if UNKNOWN in task.classes:
        raise UserError(
            f"--method {options.method} answers '{UNKNOWN}' where a row is of no class of {sources[0].name}, but one "
            "of its classes has that name; rename it."
        )
    return replace(task, classes=(*task.classes, UNKNOWN))


def _common_columns(sources: list[Dataset]) -> TableColumns | None:
    first = sources[0].columns
    if first is None:
        return None
    categorical = {name: set(known) for name, known in first.categorical.items()}
    for source in sources[1:]:
        other = source.columns
        different = sorted({*first.names} ^ {*(other.names if other else ())})
        if other is None or different:
            raise UserError(
                f"{sources[0].name} and {source.name} differ in the columns {', '.join(different[:8])}; give all "
                "source data the same."
            )
        mixed = sorted({*first.numeric} ^ {*other.numeric})
        if mixed:
            raise UserError(f"The column '{mixed[0]}' holds numbers in one source and words in another; mend it.")
        for name, known in other.categorical.items():
            categorical[name] |= set(known)
    return TableColumns(first.numeric, {name: tuple(sorted(known)) for name, known in categorical.items()})


def _numbers(source: Dataset, task: Task) -> Array:
    """Return a source's labels in the common numbering."""
    assert source.task is not None
    labels = source.labels(np.arange(len(source)))
    found = task.label_space.renumbered(labels, source.task.label_space.names)
    return found if found.ndim == 1 else found[:, 0]
