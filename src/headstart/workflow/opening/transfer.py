"""What a run is asked to carry, and from where: the target, labelled source data, a source network, the options."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import headstart
from headstart.data import Checks, Counterpart, Dataset, check
from headstart.data.assembling import AS_TEST
from headstart.data.crossing import set_apart, together
from headstart.data.half import open_half
from headstart.data.joined import open_joined
from headstart.data.several import Labels, fingerprint_of, open_several
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks import Source, open_source
from headstart.workflow.opening.beside import ROWS, open_beside
from headstart.workflow.opening.fingerprint import absolute_path, absolute_source, fingerprint, test_fingerprint
from headstart.workflow.opening.old import open_old
from headstart.workflow.opening.pairs import Pair, open_pair
from headstart.workflow.opening.refusals import check_fits, check_labels, check_source_free
from headstart.workflow.opening.sides import Sides, open_sides
from headstart.workflow.opening.squeezing import squeezed
from headstart.workflow.opening.target import check_shots, open_target, with_metric
from headstart.workflow.opening.task_methods import require_solvable
from headstart.workflow.opening.unlabelled import open_source_free, reopen_source_free
from headstart.workflow.options import FitOptions, is_of_pairs
from headstart.workflow.raced import Raced


class Given(NamedTuple):
    """The data as the user gave them: of the target, of labelled sources, and those that judge, if they lie apart."""

    data: Any
    source_data: tuple[Any, ...] = ()
    test: Any = None
    unlabelled: Any = None

    @property
    def paths(self) -> dict[str, Any]:
        """Return where all of it lies; None throughout where a part is in memory only."""
        beside = () if self.test is None else (self.test,)
        rows = isinstance(self.unlabelled, str) and self.unlabelled == ROWS
        more = () if self.unlabelled is None or rows else (self.unlabelled,)
        paths = [_places(part) for part in (self.data, *self.source_data, *more, *beside)]
        known = None not in paths
        n = len(self.source_data)
        sources: dict[str, Any] = {"source_data": paths[1 : 1 + n] if known else None} if n else {}
        if more:
            sources["unlabelled"] = paths[1 + n] if known else None
        if rows:
            sources["unlabelled"] = ROWS
        return {"data": paths[0] if known else None, "test": paths[-1] if known and beside else None, **sources}


def _places(data: Any) -> str | list[str] | None:
    """Return where data lie, or each of several; None where one is in memory."""
    if not isinstance(data, list):
        return absolute_path(data)
    paths = [path for part in data if (path := absolute_path(part)) is not None]
    return paths if len(paths) == len(data) else None


@dataclass
class Transfer:
    """What a run has to work with; the stages of the road ask it, and never which kind of run it is.

    Attributes
    ----------
    verb : ``fit``, ``adapt`` (from labelled source data) or ``pretrain``. given : the data as the user gave them.
    target, checks : the opened target, and what was found in it. sides : labelled source data beside the target; None
        where there are none.
    source : the network that knowledge comes from, or that encodes samples; None where raw columns are used.
    notes : sentences on what was decided before the plan. began : when the verb was called, by `time.monotonic`.
    several : label columns that are a task each, by name.
    pair : the other side of pairs, of which the target is the left one.
    unlabelled : samples without labels that stand beside a labelled target.
    sources : those that race for the target; () where there is no race, or it is over. raced : its outcome.
    counterpart : a target that a run's model is adapted to without labels (those that it has evaluate only); else None.
    """

    verb: str
    given: Given
    target: Dataset
    checks: Checks
    sides: Sides | None
    source: Source | None
    options: FitOptions
    progress: Progress
    notes: tuple[str, ...] = ()
    began: float = field(default_factory=time.monotonic)
    counterpart: Counterpart | None = None
    sources: tuple[Source, ...] = ()
    raced: Raced | None = None
    unlabelled: Dataset | None = None
    several: dict[str, Labels] | None = None
    pair: Pair | None = None

    @cached_property
    def old(self) -> Dataset | None:
        """Old samples of the same task, to learn from beside the target's; None where none are given."""
        path = self.options.replay
        return None if path is None else open_old(path, self.target, allow_damaged=self.options.allow_damaged)

    @property
    def has_source_data(self) -> bool:
        return self.sides is not None

    @property
    def is_source_free(self) -> bool:
        """Whether a run's model is adapted to the target without labels and without the run's data."""
        return self.counterpart is not None

    @property
    def fingerprint(self) -> str:
        """Of everything that is learned from or measured on."""
        if self.counterpart is not None:
            return self.counterpart.fingerprint
        if self.pair is not None:
            return f"{self.target.fingerprint} {self.pair.right.fingerprint}"
        if self.several is not None:
            return fingerprint_of(self.target, self.several)
        return self.target.fingerprint if self.sides is None else self.sides.fingerprint

    @property
    def seconds(self) -> float:
        """Since the verb was called."""
        return round(time.monotonic() - self.began, 2)

    @property
    def default_folder(self) -> Path:
        """Where the run goes that was given no ``--out``."""
        name = self.target.name or "run"
        return Path("runs") / (f"{name}-source" if self.verb == "pretrain" else name)

    def depends_on(self, weights: str | None) -> dict[str, Any]:
        """Return what the result depends on; ``weights`` is a hash of the source's as the run uses them."""
        found = fingerprint(weights, self.fingerprint, self.options)
        apart = self.sides is None and self.options.test is not None
        found |= {"test": test_fingerprint(self.target)} if apart else {}
        found |= {} if self.unlabelled is None else {"unlabelled": self.unlabelled.fingerprint}
        return found if self.old is None else found | {"replay": self.old.fingerprint}

    def arguments(self, weights: str | None) -> dict[str, Any]:
        """Return what `resume` needs to open all this again."""
        return {
            "verb": self.verb,
            "command": _command(),
            **self.given.paths,
            "origin": self.target.origin,
            "source": None if self.source is None else absolute_source(self.source),
            "sources": [absolute_source(source) for source in (self.pair.sources if self.pair else self.sources)],
            "options": self.options.to_json(),
            "notes": list(self.notes),
            "fingerprint": self.depends_on(weights),
        }


def _command() -> list[str]:
    """Return what was typed after ``headstart``; nothing in another program."""
    program = Path(sys.argv[0])
    own = Path(headstart.__file__).with_name("__main__.py")
    return sys.argv[1:] if program.name == "headstart" or program.absolute() == own else []


def open_transfer(verb: str, given: Given, options: FitOptions, progress: Progress, *, began: float) -> Transfer:
    """Open and check the target and what it is to learn from; a source that was not named is found.

    Raises
    ------
    UserError
        For everything that can be refused before a folder is made.
    """
    if is_of_pairs(options.method):
        return open_paired(verb, given, options, progress, began)
    opened = open_named(options, options.sources)
    named = None if options.source is None else open_source(options.source, network=options.network)
    part = _across(given, options) if given.source_data else _alone(verb, given, options, [named] if named else opened)
    verb = verb if part.sides is None and part.counterpart is None else "adapt"
    notes = (*(() if part.sides is None else part.sides.notes), *split_notes(part.target))
    named = None if named is None else named.facing(part.target.modality)
    opened = [one.facing(part.target.modality) for one in opened]
    found = Transfer(verb, given, part.target, part.checks, part.sides, named, options, progress, notes, began)
    found = replace(found, counterpart=part.counterpart, several=part.several, unlabelled=part.unlabelled)
    found = _with_unlabelled(found)
    if opened:
        return replace(found, source=opened[0], sources=tuple(opened))
    found = _with_source(found) if named is None else found
    if found.source is not None:
        found = replace(found, notes=(*found.notes, *squeezed(found.source, found.target)))
    return replace(found, sources=(found.source,)) if options.races and found.source is not None else found


def open_paired(
    verb: str, given: Given, options: FitOptions, progress: Progress, began: float, specs: tuple[str, ...] = ()
) -> Transfer:
    """Open both sides of pairs, and the networks of both."""
    target, checks, pair = open_pair(given.data, options, specs)
    found = Transfer(verb, given, target, checks, None, pair.sources[0], options, progress, began=began)
    return replace(found, pair=pair)


def open_named(options: FitOptions, specs: Sequence[str]) -> list[Source]:
    """Open several sources; an architecture that was named is of the files of weights among them."""
    return [open_source(spec, network=options.network if spec.startswith("file:") else None) for spec in specs]


def _several(given: Given, options: FitOptions, named: Sequence[Source]) -> _Part:
    """Open a target of several tasks."""
    open_tasks = open_joined if options.data_sets > 1 else open_several
    target, labels = open_tasks(
        given.data, options.labels, modality=options.modality, text=options.text, image=options.image, seed=options.seed
    )
    for source in named:
        check_fits(target, source)
    target, checks = check(target, allow_damaged=options.allow_damaged)
    return _Part(target, checks, several=labels)


def _half(given: Given, options: FitOptions, named: Sequence[Source]) -> _Part:
    """Open a target some of whose rows have no label."""
    target, rest = open_half(
        given.data,
        label=options.label,
        task=options.task,
        modality=options.modality,
        text=options.text,
        image=options.image,
        seed=options.seed,
    )
    for source in named:
        check_fits(target, source)
    target, checks = check(with_metric(target, options), allow_damaged=options.allow_damaged)
    check_shots(target, options.shots)
    return _Part(target, checks, unlabelled=rest)


class _Part(NamedTuple):
    """The target, what was found in it, and what stands beside it; see `Transfer`."""

    target: Dataset
    checks: Checks
    sides: Sides | None = None
    counterpart: Counterpart | None = None
    several: dict[str, Labels] | None = None
    unlabelled: Dataset | None = None


def _across(given: Given, options: FitOptions) -> _Part:
    sides = open_sides(given.data, list(given.source_data), options, given.test)
    check_labels(sides, options)
    return _Part(sides.target.dataset, sides.checks, sides)


def _alone(verb: str, given: Given, options: FitOptions, named: Sequence[Source]) -> _Part:
    """Open a target without source data: labelled, or to be adapted to from a run alone."""
    if options.of_several_tasks:
        return _several(given, options, named)
    if isinstance(given.unlabelled, str) and given.unlabelled == ROWS:
        return _half(given, options, named)
    opened = cache(lambda: open_target(given.data, options, given.test))
    if verb == "fit" and given.test is None:
        free = open_source_free(given.data, options, opened)
        if free is not None:
            check_source_free(free[0].dataset, options)
            return _Part(free[0].dataset, free[1], None, free[0])
    target = opened()
    for source in named:
        check_fits(target, source)
    if options.races:
        require_solvable(target, "a race")
    target, checks = check(_judged(verb, target, options), allow_damaged=options.allow_damaged)
    target = together(target, checks)
    if verb != "pretrain":
        check_shots(target, options.shots, least=2 if options.races else 1)
    if options.shots == 1:  # nothing can be held out
        target = target.with_splits(target.splits | {"validation": target.splits["validation"][:0]})
    return _Part(target, checks)


def _judged(verb: str, target: Dataset, options: FitOptions) -> Dataset:
    """Return the target with what its verb judges by: a network that is compared with nothing is fitted once."""
    return set_apart(target, options.seed) if verb == "pretrain" else target


def _with_source(transfer: Transfer) -> Transfer:
    """Find a source where none was named; tables with labelled source data need none."""
    from headstart.workflow.opening.source_choice import choose_source

    options = transfer.options
    if transfer.several is not None:
        return _without_source(transfer)
    if transfer.has_source_data and transfer.target.modality == "table":
        return transfer
    if options.network is not None:
        raise UserError(f"--network {options.network} goes with --source file:WEIGHTS; name the file of weights.")
    labelled = transfer.target if transfer.sides is None else transfer.sides.sources[0]
    source, reason = choose_source(labelled, transfer.progress, seed=options.seed)
    notes = (reason, *transfer.notes)
    return replace(transfer, source=source, options=replace(options, source=source.spec), notes=notes)


def _without_source(transfer: Transfer) -> Transfer:
    """Let several tasks of a table be learned by the architecture for tables, from random weights."""
    if transfer.target.modality != "table":
        raise UserError(
            f"Several tasks of {transfer.target.modality} data need a network to share; name it with --source."
        )
    source = open_source("headstart/tabular")
    notes = (*transfer.notes, "No source was named: the network for tables starts from random weights.")
    return replace(transfer, source=source, options=replace(transfer.options, source=source.spec), notes=notes)


def reopen(saved: dict[str, Any], progress: Progress, *, began: float) -> Transfer:
    """Open again what a run began with; what it depends on is compared by the road, which builds the network."""
    options = FitOptions.from_json(saved["options"])
    if is_of_pairs(options.method):
        return open_paired(saved["verb"], Given(saved["data"]), options, progress, began, tuple(saved["sources"]))
    source = None
    if options.source is not None:
        network = None if saved["verb"] == "pretrain" else options.network
        source = replace(open_source(saved["source"], network=network), spec=options.source)
    sources = tuple(
        replace(one, spec=spec)
        for one, spec in zip(open_named(options, saved.get("sources") or ()), options.sources, strict=False)
    )
    if options.races and source is not None:
        sources = (source,)
    given = Given(saved["data"], tuple(saved.get("source_data") or ()), saved.get("test"), saved.get("unlabelled"))
    sides = counterpart = several = rest = None
    if given.source_data:
        sides = open_sides(given.data, list(given.source_data), options, given.test)
        target, checks = sides.target.dataset, sides.checks
    elif options.of_several_tasks:
        part = _several(given, options, sources or ([] if source is None else [source]))
        target, checks, several = part.target, part.checks, part.several
    elif given.unlabelled == ROWS:
        part = _half(given, options, [] if source is None else [source])
        target, checks, rest = part.target, part.checks, part.unlabelled
    elif saved["verb"] == "adapt":
        counterpart, checks = reopen_source_free(given.data, options)
        target = counterpart.dataset
    else:
        target = replace(open_target(given.data, options, given.test), origin=saved["origin"])
        for one in sources or ([] if source is None else [source]):
            check_fits(target, one)
        target, checks = check(_judged(saved["verb"], target, options), allow_damaged=options.allow_damaged)
        target = together(target, checks)
    source = None if source is None else source.facing(target.modality)
    sources = tuple(one.facing(target.modality) for one in sources)
    notes = tuple(saved.get("notes", ()))
    first = sources[0] if sources else source
    found = Transfer(saved["verb"], given, target, checks, sides, first, options, progress, notes, began, counterpart)
    return _with_unlabelled(replace(found, sources=sources, several=several, unlabelled=rest), said=False)


def _with_unlabelled(transfer: Transfer, *, said: bool = True) -> Transfer:
    """Open the samples without labels that were given beside the target."""
    if transfer.given.unlabelled is None:
        return transfer
    if transfer.is_source_free:
        raise UserError("--unlabelled stands beside a labelled target, and this one has no labels; leave it out.")
    given = transfer.given.unlabelled if transfer.unlabelled is None else transfer.unlabelled
    found = open_beside(given, transfer.target, transfer.options)
    notes = (*transfer.notes, *found.notes) if said else transfer.notes
    return replace(transfer, unlabelled=found.dataset, notes=notes)


def split_notes(dataset: Dataset) -> tuple[str, ...]:
    """Say which given part serves the verdict, where that is not what its name says."""
    if AS_TEST not in dataset.inferred.get("splits", ""):
        return ()
    n = len(dataset.splits["test"])
    return (f"{AS_TEST[0].upper()}{AS_TEST[1:]}: {n} samples judge, and no training sample is spent on a test.",)
