"""Pairs as the options say: both sides, and the network of each."""

from __future__ import annotations

from typing import Any, NamedTuple

from headstart.data import Checks, Dataset
from headstart.data.two_sides import open_pairs
from headstart.errors import UserError
from headstart.networks import Source, open_source
from headstart.workflow.opening.refusals import TAUGHT, check_fits
from headstart.workflow.options import FitOptions


class Pair(NamedTuple):
    """What stands beside the left side, which is the target: the right one, and what each side's network comes from.

    ``sources`` are of the left and the right side; the left one teaches where a teacher does.
    """

    right: Dataset
    sources: tuple[Source, Source]


def open_pair(data: Any, options: FitOptions, specs: tuple[str, ...] = ()) -> tuple[Dataset, Checks, Pair]:
    """Open both sides and their sources; ``specs`` name them from any folder, for a run that goes on.

    Raises
    ------
    UserError
        If a side cannot be read, or its network takes another kind of input.
    """
    first, second = (open_source(spec) for spec in specs or named(options))
    left, right, checks = open_pairs(
        data,
        options.left,
        options.right,
        label=options.label,
        text=options.text,
        image=options.image,
        seed=options.seed,
        allow_damaged=options.allow_damaged,
    )
    for side, dataset, source in (("left", left, first), ("right", right, second)):
        try:
            check_fits(dataset, source)
        except UserError as error:
            raise UserError(
                f"The {side} side ({dataset.inferred['side']}) holds {dataset.modality} data, and {source.spec} takes "
                f"{source.modality} input; name another network for it, or its kind with --text or --image."
            ) from error
    first, second = first.facing(left.modality), second.facing(right.modality)
    if options.method == TAUGHT and first.task is None:
        raise UserError(
            f"--teacher {first.spec} answers no task, so it has nothing to teach; name a run of `headstart fit`."
        )
    return left, checks, Pair(right, (first, second))


def named(options: FitOptions) -> tuple[str, str]:
    """Return the sources of both sides: one name for both, or one each, joined by a comma."""
    names = [part.strip() for part in str(options.source).split(",")]
    if options.method == TAUGHT:
        if len(names) != 1:
            raise UserError(
                f"--method {TAUGHT} trains the right side alone, and --network names {len(names)}; name one."
            )
        return str(options.teacher), names[0]
    if len(names) > 2 or "" in names:
        raise UserError(
            f"--network {str(options.source)[:100]} names no two networks; give LEFT,RIGHT or one for both sides."
        )
    return names[0], names[-1]
