"""Kinds of task: one file and one line here for what each says of its labels, and one in `headstart.tasks` with torch.

``KINDS`` is the table; what the tuples and sets below hold follows from it.
"""

from headstart.errors import check_names
from headstart.kinds.base import LabelSpace
from headstart.kinds.boxes import BoxSets
from headstart.kinds.class_sets import ClassSets
from headstart.kinds.masks import Masks
from headstart.kinds.one_class import OneClass
from headstart.kinds.values import Values

KINDS: dict[str, type[LabelSpace]] = {
    "classification": OneClass,
    "multilabel": ClassSets,
    "regression": Values,
    "segmentation": Masks,
    "detection": BoxSets,
}
TASKS: tuple[str, ...] = tuple(KINDS)
METRICS: dict[str, tuple[str, ...]] = {kind: space.metrics for kind, space in KINDS.items()}
"""What may be a task's primary metric; the first is, unless another is asked for."""
SHARES: frozenset[str] = frozenset().union(*(space.shares for space in KINDS.values()))
"""Metrics from 0 to 1, which are shown in percent and in points."""
ERRORS: frozenset[str] = frozenset().union(*(space.errors for space in KINDS.values()))
"""Metrics of which less is better."""
for _kind, _space in KINDS.items():
    check_names(_space.shares | _space.errors, _space.metrics, f"headstart.kinds.KINDS['{_kind}']")

__all__ = [
    "ERRORS",
    "KINDS",
    "METRICS",
    "SHARES",
    "TASKS",
    "BoxSets",
    "ClassSets",
    "LabelSpace",
    "Masks",
    "OneClass",
    "Values",
]
