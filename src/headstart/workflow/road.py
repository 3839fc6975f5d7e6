"""The one road: open, plan, fit the arms, select, fit again, judge and report; each stage stands in its own module."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from headstart.data.crossing import is_crossed
from headstart.engine.progress import Progress
from headstart.workflow.adapting.field import ArrayField
from headstart.workflow.conclude import conclude
from headstart.workflow.crossed_field import CrossedField
from headstart.workflow.description import meaning_lines
from headstart.workflow.few_shot.field import FewShotField
from headstart.workflow.field import Field
from headstart.workflow.generating.field import GeneratingField
from headstart.workflow.generating.training import METHOD
from headstart.workflow.multitask.field import MultiTaskField
from headstart.workflow.network_field import NetworkField
from headstart.workflow.opening.fingerprint import check_unchanged
from headstart.workflow.opening.race_options import check_race
from headstart.workflow.opening.refusals import check_options
from headstart.workflow.opening.transfer import Given, Transfer, open_transfer, reopen
from headstart.workflow.options import FitOptions, is_self_supervised
from headstart.workflow.pairs.field import PairsField
from headstart.workflow.planning.timetable import began_at
from headstart.workflow.racing.field import RaceField
from headstart.workflow.registering import registered
from headstart.workflow.run import Run
from headstart.workflow.self_supervised.field import SelfSupervisedField
from headstart.workflow.site import check_out, new_run
from headstart.workflow.source_field import SourceField
from headstart.workflow.source_free.field import SourceFreeField
from headstart.workflow.verifying.field import VerificationField
from headstart.workflow.zero_shot.field import ZeroShotField


def start(
    verb: str,
    given: Given,
    options: FitOptions,
    *,
    out: str | Path | None,
    force: bool,
    progress: Progress,
) -> Run | None:
    """Check everything that can be checked, then make the run's folder and go."""
    began = began_at()
    check_race(options, has_source_data=bool(given.source_data))
    check_options(verb, options, has_source_data=bool(given.source_data))
    check_out(out, force=force)
    transfer = open_transfer(verb, given, options, progress, began=began)
    field = field_of(transfer)
    field.check()
    folder = transfer.default_folder if out is None else Path(out)
    arguments = transfer.arguments(field.weights())
    with new_run(folder, arguments, force=force, is_main=field.is_main, wait=field.wait) as site:
        return registered(site.hand_over(walk(field.ready(site.work), site.work)))


def go_on(folder: Path, saved: dict[str, Any], progress: Progress) -> Run | None:
    """Go on in ``folder`` with what was begun there, if nothing that it depends on has changed."""
    transfer = reopen(saved, progress, began=time.monotonic())
    field = field_of(transfer)
    check_unchanged(saved, transfer.depends_on(field.weights()))
    return walk(field.ready(folder), folder)


def field_of(transfer: Transfer) -> Field[Any, Any]:
    """Return the arms that can race with what there is."""
    if transfer.options.verifies:
        return VerificationField(transfer)
    if transfer.has_source_data:
        return ArrayField(transfer)
    if transfer.pair is not None:
        return PairsField(transfer)
    if transfer.several is not None:
        return MultiTaskField(transfer)
    if transfer.is_source_free:
        return SourceFreeField(transfer)
    if transfer.sources:
        return RaceField(transfer)
    if transfer.options.classes is not None:
        return ZeroShotField(transfer)
    if transfer.verb == "pretrain":
        if transfer.options.method == METHOD:
            return GeneratingField(transfer)
        if is_self_supervised(transfer.options.method):
            return SelfSupervisedField(transfer)
        return SourceField(transfer) if transfer.options.method is None else FewShotField(transfer)
    return CrossedField(transfer) if is_crossed(transfer.target) else NetworkField(transfer)


def walk(field: Field[Any, Any], folder: Path) -> Run | None:
    """Walk the road in ``folder``, skipping what is finished there; None in a helper process."""
    transfer = field.transfer
    with field.at_work():
        for line in meaning_lines(transfer.target, transfer.checks):
            transfer.progress.note(line)
        plan = field.plan(folder)
        for reason in plan.reasons:
            transfer.progress.note(f"plan: {reason}")
        results = field.fit(plan, folder)
        kept = field.select(plan, results)
        results = field.refit(plan, results, kept, folder)
        if not field.is_main:
            return None
        transfer.progress.note("measure and report")
        return conclude(field, plan, results, kept, folder)
