"""Which arms have a meaning where a class has few labels, or one."""

from __future__ import annotations

from headstart import catalogue
from headstart.errors import UserError, check_names
from headstart.workflow.arm import PLAIN
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.plan import LITTLE

CHOOSING = ("probe", "knn", "stage_probe", "averaged_heads", "linear", "trees", "pooled")
"""Arms that choose settings on held-out rows."""
check_names(CHOOSING, [*catalogue.names(), *PLAIN], "headstart.workflow.arms.few.CHOOSING")


def class_means(bench: Workbench) -> list[str]:
    """Return the arms of class means, for a source that was trained on episodes and a target of few labels."""
    task, options = bench.logic.task, bench.options
    if not bench.source.means or not task.label_space.one_class or options.arms != FitOptions.arms:
        return []
    labels = bench.dataset.labels(bench.dataset.splits["train"])
    return ["prototypes", "cosine"] if (options.shots or task.label_space.per_class(labels)) <= LITTLE else []


def without_choices(bench: Workbench) -> tuple[str, ...]:
    """Return the arms that choose nothing on held-out rows, where one label per class leaves none.

    Raises
    ------
    UserError
        Where others were asked for.
    """
    options = bench.options
    asked = [arm for arm in (*options.arms, options.method) if arm in CHOOSING]
    if options.arms == FitOptions.arms and options.method not in CHOOSING:
        return tuple(arm for arm in options.arms if arm not in (*CHOOSING, "baselines"))
    if asked:
        raise UserError(
            f"{bench.dataset.name} has one training label per class, and {asked[0]} chooses on labels that are held "
            "out; name prototypes or cosine, or label two samples of some class."
        )
    return options.arms
