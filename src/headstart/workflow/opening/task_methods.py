"""Which methods and arms a kind of task can be fitted by."""

from __future__ import annotations

from dataclasses import replace

from headstart import catalogue
from headstart.data import Dataset
from headstart.errors import UserError
from headstart.problem import Task
from headstart.workflow.options import TRAINED, UNSEEN, FitOptions

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


def check_methods_learn(options: FitOptions, task: Task) -> None:
    """Refuse a method across domains that was named and learns tasks of other kinds only."""
    wanted = task.label_space.solved_as
    for name in filter(None, map(str.strip, (options.method or "").split(","))):
        if name in (TRAINED, UNSEEN):
            continue
        served = catalogue.parts(name)[0].applies
        if wanted not in served:
            raise UserError(
                f"--method {name} serves {served.split(';')[1].strip()}, and this task is {task.kind}; choose "
                "another (`headstart methods`)."
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
