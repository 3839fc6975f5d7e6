"""Learn a source of your own: supervised training from random weights, usable as ``--source RUN``."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.data import Checks, check
from headstart.engine.device import few_threads
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.networks import open_source, save_network
from headstart.report.card import model_card
from headstart.storage import write_json
from headstart.workflow.arms import load_arm, run_arm
from headstart.workflow.conclude import save_reference
from headstart.workflow.describe import data_record, meaning_lines, target_domain
from headstart.workflow.finish import finish
from headstart.workflow.fit import begun, check_fits, check_network, reopen, timetable_of
from headstart.workflow.metrics import write_metrics
from headstart.workflow.options import FitOptions
from headstart.workflow.plan import Plan, facts_of, make_plan
from headstart.workflow.record import selection, versions
from headstart.workflow.run import SCHEMA, Run
from headstart.workflow.saved import read_plan
from headstart.workflow.setting import classify
from headstart.workflow.site import check_out
from headstart.workflow.target import open_target
from headstart.workflow.timing import measure
from headstart.workflow.trained_rows import save_rows, used_rows
from headstart.workflow.workbench import Workbench, start_processes


@isolate
def pretrain(
    data: Any,
    *,
    network: str,
    out: str | Path | None = None,
    budget: str = "15m",
    label: str | None = None,
    group: str | None = None,
    text: str | None = None,
    image: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    views: int = 1,
    force: bool = False,
    device: str | None = None,
    precision: str | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    patience: int | None = None,
    allow_damaged: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> Run | None:
    """Train ``network`` on labelled data from random weights, and keep it as a source.

    Parameters
    ----------
    network : architecture, named as a source is: ``timm/resnet18``, ``headstart/glyphs``, ``headstart/tabular``.
    others : as in `fit`.
    """
    options = FitOptions(
        source=network,
        budget=str(budget),
        views=views,
        arms=("scratch",),
        seed=seed,
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
        allow_damaged=allow_damaged,
    )
    if not network:
        raise UserError("No architecture was named; give --network, for example --network timm/resnet18.")
    check_out(out, force=force)
    found = open_source(network)
    dataset = open_target(data, options)
    check_fits(dataset, found)
    dataset, checks = check(dataset, allow_damaged=allow_damaged)
    bench = Workbench.create(dataset, found, options, start_processes(device), Progress(quiet=quiet, verbose=verbose))
    check_network(bench, pretrained=False)
    folder = Path(out) if out is not None else Path("runs") / f"{dataset.name}-source"
    with begun(bench, "pretrain", data, folder, force=force) as site:
        return site.hand_over(_train(bench, site.work, checks))


def resume_pretrain(folder: Path, saved: dict[str, Any], *, progress: Progress) -> Run | None:
    """Go on with a stopped `pretrain`."""
    bench, checks = reopen(saved, progress)
    return _train(bench, folder, checks)


def _train(bench: Workbench, folder: Path, checks: Checks) -> Run | None:
    began = time.perf_counter()
    seed = bench.options.seed
    network = bench.network(pretrained=False, seed=0)
    with few_threads(network, bench.device), bench.progress as progress:
        for line in meaning_lines(bench.dataset, checks):
            progress.note(line)
        plan = _plan(bench, folder)
        bench.timetable = timetable_of(bench, plan, folder)
        bench.progress.ahead = bench.timetable.ahead
        state = folder / "state" / "scratch" / f"seed-{seed}"
        result = run_arm(bench, plan, "scratch", seed, state, compared=False)
        return _write(bench, plan, result, checks, folder, time.perf_counter() - began) if bench.is_main else None


def _plan(bench: Workbench, folder: Path) -> Plan:
    """Plan only epochs, rate and batch: nothing is transferred."""
    path = folder / "plan.json"
    if bench.is_main and not path.exists():
        network = bench.network(pretrained=False, seed=bench.options.seed)
        facts = replace(facts_of(bench.dataset, network, measure(bench, network)), has_validation=True, inner=0)
        plan = make_plan(facts, bench.options)
        reasons = ("A source is trained from random weights, all stages together.", *plan.reasons[-2:])
        write_json(path, replace(plan, method="scratch", depth=facts.n_stages, reasons=reasons).to_json())
    bench.wait()
    return Plan.from_json(read_plan(path), str(path))


def _write(bench: Workbench, plan: Plan, result: dict[str, Any], checks: Checks, folder: Path, seconds: float) -> Run:
    network = load_arm(folder / "state" / "scratch" / f"seed-{bench.options.seed}").to(bench.device)
    bench.alone = True
    test = bench.dataset.splits["test"]
    labels = bench.dataset.labels(test)
    metrics = bench.logic.metrics(bench.predict(network, test), labels)
    arm = {key: value for key, value in result.items() if key not in {"history", "cut", "score"}} | {"test": metrics}
    source = bench.source
    record = {
        "schema": SCHEMA,
        "headstart": versions()["headstart"],
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "verb": "pretrain",
        "arguments": bench.options.to_json(),
        "seconds": round(seconds, 2),
        "seed": bench.options.seed,
        "seeds": [bench.options.seed],
        "versions": versions(),
        "modality": bench.dataset.modality,
        "task": bench.logic.task.to_json(),
        "metric": bench.logic.task.metric,
        "source": {
            "spec": source.spec,
            "kind": source.kind,
            "title": source.title,
            "licence": source.licence,
        },
        "setting": classify(target_domain(bench.dataset), bench.logic.task).to_json(),
        "data": data_record(bench.dataset, checks) | {"selection": selection(plan)},
        "plan": plan.to_json(),
        "arms": {"scratch": arm},
        "verdict": None,
        "warnings": list(checks.warnings),
    }
    write_metrics(folder / "metrics.jsonl", {"scratch": [result]})
    save_network(network, bench.logic, folder / "model", card=model_card(record))
    save_reference(bench, network, folder)
    save_rows(folder, used_rows(bench.dataset))
    return finish(folder, record)
