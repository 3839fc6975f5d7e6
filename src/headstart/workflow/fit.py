"""The main job: plan, train, measure, guard, report."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart import catalogue
from headstart.data import Checks, Dataset, check
from headstart.data.assembling import AS_TEST
from headstart.engine.device import few_threads
from headstart.engine.progress import Progress
from headstart.errors import UserError, nearest
from headstart.isolated import isolate
from headstart.networks import Source, open_source
from headstart.storage import write_json
from headstart.workflow.arms import run_arm
from headstart.workflow.conclude import choose_kept, conclude
from headstart.workflow.describe import meaning_lines, source_shift
from headstart.workflow.fingerprint import (
    absolute_path,
    absolute_source,
    check_unchanged,
    fingerprint,
    test_fingerprint,
)
from headstart.workflow.metrics import write_metrics
from headstart.workflow.options import FitOptions, depth_of, seconds_of
from headstart.workflow.plain import PLAIN, plain_arms
from headstart.workflow.plan import Plan, facts_of, make_plan
from headstart.workflow.refit import refit_arms
from headstart.workflow.run import Run
from headstart.workflow.saved import read_plan
from headstart.workflow.shots import check_shots
from headstart.workflow.site import Site, check_out, new_run
from headstart.workflow.target import open_target
from headstart.workflow.timetable import Timetable
from headstart.workflow.timing import count_flops, measure
from headstart.workflow.workbench import Workbench, start_processes


@isolate
def fit(
    data: Any,
    *,
    source: str | None = None,
    source_data: Any = None,
    target_labels: str = "evaluate",
    test: Any = None,
    network: str | None = None,
    method: str | None = None,
    depth: str | int | None = None,
    budget: str = "15m",
    views: int | None = None,
    arms: str | Sequence[str] = ("scratch", "probe", "baselines", "chosen"),
    seed: int = 0,
    seeds: int = 1,
    shots: int | None = None,
    label: str | None = None,
    group: str | None = None,
    text: str | None = None,
    image: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
    device: str | None = None,
    precision: str | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    patience: int | None = None,
    metric: str | None = None,
    class_weight: str | None = None,
    allow_damaged: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> Run | None:
    """Transfer from ``source``, or from labelled ``source_data``, to ``data``, and measure whether that helped.

    Parameters
    ----------
    data : path, DataFrame, arrays, `datasets.Dataset`, or what `headstart.open` returned.
    source : see ``headstart sources``; with ``source_data`` the backbone of images and texts. None tries those that are
        at hand by a quick probe (`headstart.workflow.source_choice`).
    source_data : labelled data of the same task from another domain, as ``data`` is given, or a list of several.
    target_labels : with ``source_data``, what the target's labels serve for: ``evaluate`` only, ``learn`` as well, or
        ``none``.
    test : labelled data of the same form as ``data``, on which the verdict is measured; all of ``data`` then trains and
        validates.
    network : architecture of a ``file:`` source.
    method : name of ``headstart methods``, penalties joined by ``+``; None lets the plan choose.
    depth : how many of the last stages learn: ``none``, ``all`` or a number; None lets the plan choose.
    budget : wall time of the fit, e.g. ``90s``, ``10m``, ``2h``; trained arms share it equally.
    views : views per sample, the plain one and augmented ones; 1 is no augmentation; None lets the plan choose.
    arms : what is fitted beside one another, in a list or joined by commas: methods, ``chosen`` for the planned one,
        and ``baselines`` for what a person does in five lines.
    seed, seeds : first seed, and how many repetitions.
    shots : training labels per class, drawn by each seed; None takes the whole training split.
    label, group, text, image : columns of the target: the label or labels, groups that no split may part, and what
        holds texts or paths of images.
    task, modality : ``classification``, ``multilabel`` or ``regression``, and ``image``, ``text`` or ``table``, where
        what is inferred is wrong.
    out : folder of the run; by default ``runs/NAME``.
    force : replace a former run in ``out``.
    device : ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; None takes the fastest at hand.
    precision : ``no`` (float32) or ``bf16``; None chooses by the device.
    batch_size, epochs, learning_rate, patience : samples per step, most epochs, and rate of every trained arm, and
        evaluations without a better one before stopping; None lets the plan choose.
    metric : what arms, epochs and the verdict go by, one of the task's metrics; None for the task's own.
    class_weight : ``balanced`` lets every class count alike in the losses.
    allow_damaged : go on although more than 5% of the files are damaged.
    quiet : show no progress.
    verbose : show more of it: what learns stage by stage, and every evaluation.

    Returns
    -------
    Run, or None in a helper process of a distributed run.

    Raises
    ------
    UserError
        For everything that the user can mend, before anything is written where possible.
    """
    labelled = _several(source_data)
    names = tuple(part.strip() for part in arms.split(",") if part.strip()) if isinstance(arms, str) else tuple(arms)
    options = FitOptions(
        source=source,
        source_data=tuple(spoken(part) for part in labelled),
        target_labels=target_labels,
        test=None if test is None else spoken(test),
        network=network,
        method=method,
        depth=None if depth is None else str(depth),
        budget=str(budget),
        views=views,
        arms=names,
        seed=seed,
        seeds=seeds,
        shots=shots,
        label=label,
        group=group,
        text=text,
        image=image,
        task=task,
        modality=modality,
        device=device,
        precision=precision,
        batch_size=batch_size,
        epochs=epochs,
        learning_rate=learning_rate,
        patience=patience,
        metric=metric,
        class_weight=class_weight,
        allow_damaged=allow_damaged,
    )
    progress = Progress(quiet=quiet, verbose=verbose)
    if labelled:
        from headstart.workflow.across.fit import start_across

        return start_across(data, labelled, options, test=test, out=out, force=force, progress=progress)
    return start(data, options, test=test, out=out, force=force, progress=progress)


def spoken(data: Any) -> str:
    """Return what data are called among the options: their path, or their type."""
    return str(data) if isinstance(data, str | Path) else type(data).__name__


def _several(source_data: Any) -> list[Any]:
    if source_data is None:
        return []
    if isinstance(source_data, list):
        return source_data
    return [source_data]


def start(
    data: Any,
    options: FitOptions,
    *,
    test: Any = None,
    out: str | Path | None,
    force: bool,
    progress: Progress,
) -> Run | None:
    """Check everything that can be checked, then make the run folder and go."""
    began = time.monotonic()
    check_arms(options)
    check_out(out, force=force)
    named = None if options.source is None else open_source(options.source, network=options.network)
    dataset = open_target(data, options, test)
    if named is not None:
        check_fits(dataset, named)
    dataset, checks = check(dataset, allow_damaged=options.allow_damaged)
    check_shots(dataset, options.shots)
    processes = start_processes(options.device)
    found, notes = (named, ()) if named is not None else find_source(dataset, options, progress)
    options = replace(options, source=found.spec)
    bench = Workbench.create(dataset, found, options, processes, progress)
    bench.notes = (*notes, *split_notes(dataset))
    bench.began = began
    check_network(bench)
    folder = Path(out) if out is not None else Path("runs") / (dataset.name or "run")
    with begun(bench, "fit", data, folder, test=test, force=force) as site:
        return site.hand_over(carry_out(bench, site.work, checks))


def split_notes(dataset: Dataset) -> tuple[str, ...]:
    """Say which given part serves the verdict, where that is not what its name says."""
    if AS_TEST not in dataset.inferred.get("splits", ""):
        return ()
    n = len(dataset.splits["test"])
    return (f"{AS_TEST[0].upper()}{AS_TEST[1:]}: {n} samples judge, and no training sample is spent on a test.",)


def find_source(dataset: Dataset, options: FitOptions, progress: Progress) -> tuple[Source, tuple[str, ...]]:
    """Choose a source where none was named, and say why."""
    from headstart.workflow.source_choice import choose_source

    if options.network is not None:
        raise UserError(f"--network {options.network} goes with --source file:WEIGHTS; name the file of weights.")
    found, reason = choose_source(dataset, progress, seed=options.seed)
    return found, (reason,)


def reopen(saved: dict[str, Any], progress: Progress) -> tuple[Workbench, Checks]:
    """Open again what a run began with, and refuse anything else."""
    options = FitOptions.from_json(saved["options"])
    assert options.source is not None
    source = open_source(saved["source"], network=options.network if saved["verb"] == "fit" else None)
    source = replace(source, spec=options.source)
    dataset = replace(open_target(saved["data"], options, saved.get("test")), origin=saved["origin"])
    check_fits(dataset, source)
    dataset, checks = check(dataset, allow_damaged=options.allow_damaged)
    bench = Workbench.create(dataset, source, options, start_processes(options.device), progress)
    bench.notes = tuple(saved.get("notes", ()))
    check_unchanged(saved, bench_fingerprint(bench, saved["verb"]))
    return bench, checks


def check_network(bench: Workbench, *, pretrained: bool = True) -> None:
    """Build the network once before anything is written: wrong weights and depths are refused here."""
    network = bench.network(pretrained=pretrained, seed=bench.options.seed)
    depth_of(bench.options.depth, len(network.stages))


def begun(
    bench: Workbench, verb: str, data: Any, folder: Path, *, test: Any = None, force: bool
) -> contextlib.AbstractContextManager[Site]:
    """Make the run's folder, and note there what `resume` needs."""
    paths = [absolute_path(part) for part in (data, *([] if test is None else [test]))]
    arguments = {
        "verb": verb,
        "command": sys.argv[1:] if Path(sys.argv[0]).name in {"headstart", "__main__.py"} else [],
        "data": None if None in paths else paths[0],
        "test": None if None in paths or test is None else paths[1],
        "origin": bench.dataset.origin,
        "source": absolute_source(bench.source),
        "options": bench.options.to_json(),
        "notes": list(bench.notes),
        "fingerprint": bench_fingerprint(bench, verb),
    }
    return new_run(folder, arguments, force=force, is_main=bench.is_main, wait=bench.wait)


def bench_fingerprint(bench: Workbench, verb: str) -> dict[str, Any]:
    """Return what the result of this work depends on."""
    network = bench.network(pretrained=verb != "pretrain", seed=bench.options.seed)
    found = fingerprint(network, bench.dataset.fingerprint, bench.options)
    return found if bench.options.test is None else found | {"test": test_fingerprint(bench.dataset)}


def check_arms(options: FitOptions) -> None:
    """Refuse unknown methods and arms before anything is opened."""
    known = [*catalogue.names(), "chosen", "baselines", *PLAIN]
    for arm in options.arms:
        if arm not in known and "+" not in arm:
            raise UserError(f"--arms names '{arm[:100]}', which is no arm; {nearest(arm, known)}")
        if arm not in {"chosen", "baselines", *PLAIN}:
            _check_method("--arms", arm)
    if all(arm in {"scratch", "linear", "trees", "baselines"} for arm in options.arms):
        raise UserError("--arms leaves no transfer to measure; name chosen, probe or another method.")
    if options.method is not None:
        _check_method("--method", options.method)
        if options.method == "scratch":
            raise UserError("--method scratch transfers nothing; it is trained as the arm to compare with.")


def _check_method(option: str, expression: str) -> None:
    """Refuse what names no method, and methods that no network is trained with."""
    if not all(word.strip() for word in expression.split("+")):
        raise UserError(f"{option} names '{expression[:100]}', where a method is missing beside a +; name it.")
    base, _ = catalogue.parts(expression)
    if base.kind not in ("trained", "fitted", "penalty"):
        raise UserError(
            f"{option} {base.name} works across domains and trains no network; give labelled data of another domain "
            "with --source-data, or choose finetune, probe or another method for networks."
        )
    catalogue.create(expression)


def named_arms(bench: Workbench) -> FitOptions:
    """Return the options with the word ``baselines`` replaced by those that have a meaning here."""
    options = bench.options
    if "baselines" not in options.arms:
        return options
    arms = [name for arm in options.arms for name in (plain_arms(bench) if arm == "baselines" else (arm,))]
    return replace(options, arms=tuple(dict.fromkeys(arms)))


def check_fits(dataset: Dataset, source: Source) -> None:
    """Refuse a source that takes another kind of input."""
    if source.modality != dataset.modality:
        raise UserError(
            f"The source {source.spec} takes {source.modality} input, and {dataset.name} holds {dataset.modality} "
            "data; choose another --source, or override --modality."
        )


def carry_out(bench: Workbench, folder: Path, checks: Checks) -> Run | None:
    """Walk the road in ``folder``, skipping what is finished there."""
    began = time.perf_counter()
    network = bench.network(pretrained=False, seed=0)
    with few_threads(network, bench.device), bench.progress as progress:
        for line in meaning_lines(bench.dataset, checks):
            progress.note(line)
        plan, shift = _planned(bench, folder)
        bench.timetable = timetable_of(bench, plan, folder)
        progress.ahead = bench.timetable.ahead
        results = _train_arms(bench, plan, folder)
        kept = choose_kept(bench, plan, results)
        results = refit_arms(bench, plan, results, kept.kept, folder)
        if not bench.is_main:
            return None
        progress.note("measure the arms on the test split")
        seconds = time.perf_counter() - began
        return conclude(bench, plan, results, kept, folder, checks=checks, shift=shift, seconds=seconds)


def timetable_of(bench: Workbench, plan: Plan, folder: Path) -> Timetable:
    """Return the clock of the run's budget; the main process keeps what it has spent."""
    path = folder / "state" / "clock.json" if bench.is_main else None
    budget = seconds_of(bench.options.budget)
    return Timetable(budget, plan.reserve, plan.timetable, bench.clock, bench.began, path)


def _train_arms(bench: Workbench, plan: Plan, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Train every arm with every seed; when interrupted, leave the curves of what is finished, and tell it."""
    results: dict[str, list[dict[str, Any]]] = {arm: [] for arm in plan.arms}
    try:
        for arm in plan.arms:
            for seed in bench.options.seed_list:
                results[arm].append(run_arm(bench, plan, arm, seed, folder / "state" / arm / f"seed-{seed}"))
    except KeyboardInterrupt:
        if bench.is_main:
            write_metrics(folder / "metrics.jsonl", results)
            for arm, parts in results.items():
                scores = ", ".join(f"{part['score']:.4g}" for part in parts)
                bench.progress.note(f"{arm}: " + (f"validation score {scores}" if parts else "not finished"))
        raise
    return results


def _planned(bench: Workbench, folder: Path) -> tuple[Plan, dict[str, Any] | None]:
    """Return the plan, made once and kept, so that a resumed run does the same; and the measured shift."""
    path = folder / "plan.json"
    if bench.is_main and not path.exists():
        network = bench.network(pretrained=True, seed=bench.options.seed)
        bench.progress.note("describe the shift and plan")
        shift = source_shift(bench.dataset, bench.source, seed=bench.options.seed, network=network)
        auc, flops = shift.auc if shift else None, count_flops(bench, network)
        facts = facts_of(bench.dataset, network, measure(bench, network), auc, bench.options.shots, flops)
        plan = make_plan(facts, named_arms(bench))
        plan = replace(plan, reasons=(*bench.notes, *plan.reasons))
        write_json(path, plan.to_json() | {"shift": shift.to_json() if shift else None})
    bench.wait()
    value = read_plan(path)
    shift_record = value.pop("shift", None)
    plan = Plan.from_json(value, str(path))
    for reason in plan.reasons:
        bench.progress.note(f"plan: {reason}")
    return plan, shift_record
