"""The main job across domains: describe the shift, race, choose without target labels, guard, measure, report."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.choice.stored import refuse_unkept
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks import Source, open_source
from headstart.shallow.diagnose import Diagnosis, diagnose
from headstart.storage import write_json
from headstart.tasks import create_task
from headstart.workflow.across.conclude import conclude_across
from headstart.workflow.across.ground import Ground
from headstart.workflow.across.plan import AcrossPlan, make_across_plan
from headstart.workflow.across.race import Outcome, run_race
from headstart.workflow.across.sides import Sides, encode, learn_rows, open_sides
from headstart.workflow.costs import REPORT_SECONDS, in_words
from headstart.workflow.fingerprint import absolute_path, absolute_source, check_unchanged, fingerprint
from headstart.workflow.fit import find_source
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.run import Run
from headstart.workflow.site import check_out, new_run
from headstart.workflow.timetable import Timetable

NOT_HERE = ("depth", "precision", "class_weight", "batch_size", "epochs", "learning_rate", "patience")
"""Options that train networks; across domains nothing of that kind is trained."""


def start_across(
    data: Any,
    source_data: list[Any],
    options: FitOptions,
    *,
    test: Any = None,
    out: str | Path | None,
    force: bool,
    progress: Progress,
) -> Run:
    """Check everything that can be checked, then make the run folder and go."""
    began = time.perf_counter()
    check_options(options)
    check_out(out, force=force)
    source = None if options.source is None else open_source(options.source, network=options.network)
    sides = open_sides(data, source_data, options, test)
    check_labels(sides, options)
    if source is None and sides.target.dataset.modality != "table":
        source, notes = find_source(sides.sources[0], options, progress)
        options = replace(options, source=source.spec)
        sides.notes.extend(notes)
    name = sides.target.dataset.name
    folder = Path(out) if out is not None else Path("runs") / (name or "run")
    beside = [] if test is None else [test]
    paths = [absolute_path(part) for part in [data, *source_data, *beside]]
    arguments = {
        "verb": "adapt",
        "command": sys.argv[1:] if Path(sys.argv[0]).name in {"headstart", "__main__.py"} else [],
        "data": None if None in paths else paths[0],
        "source_data": None if None in paths else paths[1 : 1 + len(source_data)],
        "test": None if None in paths or test is None else paths[-1],
        "source": None if source is None else absolute_source(source),
        "options": options.to_json(),
        "notes": sides.notes,
        "fingerprint": sides_fingerprint(sides, source, options),
    }
    with new_run(folder, arguments, force=force) as site:
        return site.hand_over(carry_out_across(sides, source, options, site.work, progress=progress, began=began))


def sides_fingerprint(sides: Sides, source: Source | None, options: FitOptions) -> dict[str, Any]:
    """Return what the result of this work depends on."""
    return fingerprint(None if source is None else source.build(), sides.fingerprint, options)


def resume_across(folder: Path, saved: dict[str, Any], options: FitOptions, *, progress: Progress) -> Run:
    """Run again what was stopped: features come from the cache, and the same seeds give the same choice."""
    began = time.perf_counter()
    source = None
    if options.source is not None:
        source = replace(open_source(saved["source"], network=options.network), spec=options.source)
    sides = open_sides(saved["data"], saved["source_data"], options, saved.get("test"))
    sides = replace(sides, notes=list(saved.get("notes", ())))
    check_unchanged(saved, sides_fingerprint(sides, source, options))
    return carry_out_across(sides, source, options, folder, progress=progress, began=began)


def check_options(options: FitOptions) -> None:
    """Refuse what has no meaning across domains, and methods that do not adapt."""
    for name in NOT_HERE:
        if getattr(options, name) is not None:
            raise UserError(
                f"--{name.replace('_', '-')} trains networks, and with --source-data none is trained; leave it out."
            )
    if options.method is not None:
        known = [entry.name for entry in catalogue.METHODS if entry.kind in catalogue.DOMAIN_KINDS]
        for name in options.method.split(","):
            if catalogue.get(name.strip()).kind not in catalogue.DOMAIN_KINDS:
                raise UserError(f"--method {name} does not work across domains; choose of {', '.join(known)}.")
            refuse_unkept(catalogue.get(name.strip()))
    if options.shots is not None and options.target_labels != "learn":
        raise UserError(
            "--shots says how many target labels to learn from; with --source-data also give --target-labels learn."
        )


def check_labels(sides: Sides, options: FitOptions) -> None:
    """Refuse to learn from target labels that are not there."""
    if options.target_labels == "learn" and len(sides.labelled) < 2:
        raise UserError(
            f"--target-labels learn: {sides.target.dataset.name} has {len(sides.labelled)} labels; give at least 2, or "
            "leave the option out."
        )


def carry_out_across(
    sides: Sides, source: Source | None, options: FitOptions, folder: Path, *, progress: Progress, began: float
) -> Run:
    """Walk the road in ``folder``; ``began`` is when the verb was called, by `time.perf_counter`."""
    with progress:
        rows, encoder = encode(sides, source, progress)
        learned = [learn_rows(sides, options, seed) for seed in options.seed_list]
        evaluated = sides.to_evaluate(np.concatenate(learned))
        labels = sides.source_labels
        logic = create_task(sides.task, labels[:, None] if labels.dtype.kind == "f" else labels)
        ground = Ground(sides, rows, encoder, logic, options, source, learned, evaluated)
        progress.note("describe the shift")
        shift = diagnose_ground(ground)
        for line in shift.lines():
            progress.note(line)
        plan = make_across_plan(ground.task, shift, options, len(learned[0]), len(sides.sources))
        plan = replace(plan, reasons=[*sides.notes, *plan.reasons])
        for reason in plan.reasons:
            progress.note(f"plan: {reason}")
        write_json(folder / "plan.json", plan.to_json() | {"shift": shift.to_json()})
        outcomes = _race(ground, plan, progress, _timetable(options, folder, began))
        progress.note("measure and report")
        return conclude_across(ground, plan, shift, outcomes, folder, began=began)


def diagnose_ground(ground: Ground) -> Diagnosis:
    """Return the kind of shift; target labels to learn from may show concept shift."""
    known = ground.seen_labels(0)
    return diagnose(
        ground.rows.source,
        ground.sides.source_labels,
        ground.rows.target,
        target_labels=known,
        names=ground.rows.names,
        kind=ground.task.kind,
        seed=ground.options.seed,
    )


def _timetable(options: FitOptions, folder: Path, began: float) -> Timetable:
    """Share what encoding left of the budget out among the seeds' races; the page needs a little, too."""
    budget = seconds_of(options.budget)
    races = {f"race/seed-{seed}": 1.0 for seed in options.seed_list}
    reserve = min(REPORT_SECONDS, 0.1 * budget)
    return Timetable(budget, reserve, races, time.perf_counter, began, folder / "state" / "clock.json")


def _race(ground: Ground, plan: AcrossPlan, progress: Progress, timetable: Timetable) -> list[Outcome]:
    """Race once per seed, each within its share of what is left of the budget."""
    seeds = ground.options.seed_list
    outcomes = []
    for number, seed in enumerate(seeds):
        budget = timetable.share(f"race/seed-{seed}")
        progress.note(
            f"race of {len(plan.candidates)} candidates (seed {seed}): at most {in_words(budget)}, after which those "
            f"that have not begun are left out; expected in all: at most {ground.options.budget}"
        )
        outcome = run_race(
            ground.rows.source,
            ground.sides.source_labels,
            ground.sides.source_domain,
            ground.rows.target,
            ground.seen_labels(number),
            plan.candidates,
            budget=budget,
            seed=seed,
            standardise=ground.encoder.standardise,
            on_done=progress.note,
        )
        outcomes.append(outcome)
    return outcomes
