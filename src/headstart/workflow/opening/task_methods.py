"""Which methods and arms a kind of task can be fitted by."""

from __future__ import annotations

from dataclasses import replace

from headstart.data import Dataset
from headstart.errors import UserError
from headstart.problem import Task
from headstart.workflow.options import FitOptions

STANDING = ("chosen", "baselines")
"""Words for arms that the plan fills in by what there is."""


def with_fitting_arms(options: FitOptions, task: Task) -> FitOptions:
    """Return the options without arms that the task has not, where none were named."""
    if task.label_space.methods is None:
        return options
    return replace(options, arms=tuple(arm for arm in options.arms if arm != "baselines" and _fits(arm, task)))


def check_methods_fit(options: FitOptions, task: Task) -> None:
    """Refuse a method or an arm that was named and does not fit tasks of this kind."""
    if task.label_space.methods is None:
        return
    named = [("--arms", arm) for arm in options.arms if options.arms != FitOptions.arms]
    named += [("--method", options.method)] if options.method is not None else []
    for option, name in named:
        if not _fits(name, task):
            known = ", ".join(sorted(task.label_space.methods))
            raise UserError(
                f"{option} {name} does not fit {task.kind}: its answers lie in space, and no head is found for them "
                f"without gradients; take {known}."
            )


def require_solvable(dataset: Dataset, what: str) -> None:
    """Refuse ``what`` compares sources or methods by heads that are found without gradients, where none can be."""
    task = dataset.task
    if task is not None and not task.label_space.solved_as:
        raise UserError(
            f"{dataset.name} is for {task.kind}, and {what} goes by heads that are found without gradients, which "
            "answers in space have not; name one source with --source."
        )


def _fits(arm: str, task: Task) -> bool:
    known = task.label_space.methods or frozenset()
    return arm in STANDING or all(part.strip() in known for part in arm.split("+"))
