"""The commands. No logic: each turns its options into one call of the Python interface."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from headstart import cli_sources, console
from headstart.cli_options import (
    Adapt,
    AllowDamaged,
    Arms,
    AsJson,
    BatchSize,
    Budget,
    Classes,
    ClassWeight,
    Config,
    Data,
    DataSets,
    Depth,
    Device,
    Epochs,
    Flips,
    Force,
    Forgetting,
    Gallery,
    Group,
    Head,
    Image,
    Label,
    Labels,
    LearningRate,
    MethodName,
    Metric,
    ModalityName,
    Network,
    Norm,
    Out,
    Patience,
    Precision,
    Prompts,
    Quiet,
    RawCells,
    Remember,
    Replay,
    RunFolder,
    Seed,
    Seeds,
    Shots,
    Size,
    SourceData,
    SourceSpec,
    SourceSpecs,
    Study,
    TargetLabels,
    TaskName,
    TestData,
    Text,
    Trials,
    Unlabelled,
    Verbose,
    Views,
    Words,
    show,
)

app = typer.Typer(
    name="headstart",
    help="Transfer learning that proves whether it helped.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; see `headstart.console.run`."""
    console.run(app)


def _version(asked: bool) -> None:
    if asked:
        from headstart import __version__

        print(f"headstart {__version__}")
        raise typer.Exit


app.add_typer(cli_sources.app, name="sources")


@app.callback()
def headstart(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Transfer learning that proves whether it helped."""


@app.command()
def fit(
    data: DataSets,
    source: SourceSpecs = None,
    source_data: SourceData = None,
    target_labels: TargetLabels = "evaluate",
    test: TestData = None,
    unlabelled: Unlabelled = None,
    classes: Classes = None,
    words: Words = None,
    prompts: Prompts = None,
    network: Network = None,
    method: MethodName = None,
    depth: Depth = None,
    norm: Norm = None,
    budget: Budget = "15m",
    views: Views = None,
    arms: Arms = "scratch,probe,baselines,chosen",
    seed: Seed = 0,
    seeds: Seeds = 1,
    shots: Shots = None,
    label: Labels = None,
    group: Group = None,
    text: Text = None,
    image: Image = None,
    task: TaskName = None,
    modality: ModalityName = None,
    out: Out = None,
    force: Force = False,
    device: Device = None,
    precision: Precision = None,
    batch_size: BatchSize = None,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    patience: Patience = None,
    metric: Metric = None,
    class_weight: ClassWeight = None,
    allow_damaged: AllowDamaged = False,
    forgetting: Forgetting = False,
    replay: Replay = None,
    remember: Remember = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    trials: Trials = None,
    study: Study = None,
    size: Size = None,
    head: Head = None,
    json_: AsJson = False,
    config: Config = None,
) -> None:
    """Plan, train, compare with training from scratch, guard and report."""
    began = time.monotonic()
    from headstart.workflow.fit import fit as run_fit
    from headstart.workflow.planning.timetable import counting_from

    fit_now = counting_from(began)(run_fit)
    result = fit_now(
        data,
        source=source,
        source_data=source_data,
        target_labels=target_labels,
        test=test,
        unlabelled=unlabelled,
        classes=classes,
        words=words,
        prompts=prompts,
        network=network,
        method=method,
        depth=depth,
        norm=norm,
        budget=budget,
        views=views,
        arms=arms,
        seed=seed,
        seeds=seeds,
        shots=shots,
        label=label,
        group=group,
        text=text,
        image=image,
        task=task,
        modality=modality,
        out=out,
        force=force,
        device=device,
        precision=precision,
        batch_size=batch_size,
        epochs=epochs,
        learning_rate=learning_rate,
        patience=patience,
        metric=metric,
        class_weight=class_weight,
        allow_damaged=allow_damaged,
        forgetting=forgetting,
        replay=replay,
        remember=remember,
        quiet=quiet,
        verbose=verbose,
        trials=trials,
        study=study,
        size=size,
        head=head,
    )
    if result is not None:
        show(result.result, json_, result.lines(), quiet=quiet)


@app.command()
def describe(
    data: Data,
    source: SourceSpec = None,
    source_data: SourceData = None,
    target_labels: TargetLabels = "evaluate",
    network: Network = None,
    label: Label = None,
    group: Group = None,
    text: Text = None,
    image: Image = None,
    task: TaskName = None,
    modality: ModalityName = None,
    seed: Seed = 0,
    allow_damaged: AllowDamaged = False,
    json_: AsJson = False,
    config: Config = None,
) -> None:
    """Say what problem this is: size, balance, damage, duplicates, scenario, shift."""
    from headstart.workflow.describe import describe as run_describe

    description = run_describe(
        data,
        source=source,
        source_data=source_data,
        target_labels=target_labels,
        network=network,
        label=label,
        group=group,
        text=text,
        image=image,
        task=task,
        modality=modality,
        seed=seed,
        allow_damaged=allow_damaged,
    )
    show(description.to_json(), json_, description.lines())


@app.command()
def rank(
    data: Data,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="A source to rank, see `headstart sources`; give it again for several."),
    ] = None,
    sources: Annotated[
        str | None, typer.Option("--sources", help="all-local, or a text file of one source a line.")
    ] = None,
    network: Network = None,
    samples: Annotated[int, typer.Option("--samples", help="Training samples that are read, at most.")] = 1000,
    label: Label = None,
    group: Group = None,
    text: Text = None,
    image: Image = None,
    task: TaskName = None,
    modality: ModalityName = None,
    seed: Seed = 0,
    device: Device = None,
    precision: Precision = None,
    allow_damaged: AllowDamaged = False,
    out: Out = None,
    backend: Annotated[
        str | None,
        typer.Option("--backend", help="dask: share sources out over processes; dask:tcp://HOST:8786 for a cluster."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes of --backend dask; 2 by default.")] = None,
    quiet: Quiet = False,
    json_: AsJson = False,
    config: Config = None,
) -> None:
    """Order sources by what they are worth for the data, before any training, and say how sure that is."""
    from headstart.workflow.ranking.rank import rank as run_rank

    found = run_rank(
        data,
        source=source,
        sources=sources,
        network=network,
        samples=samples,
        label=label,
        group=group,
        text=text,
        image=image,
        task=task,
        modality=modality,
        seed=seed,
        device=device,
        precision=precision,
        allow_damaged=allow_damaged,
        out=out,
        backend=backend,
        workers=workers,
        quiet=quiet,
    )
    show(found.to_json(), json_, found.lines(), quiet=quiet)


@app.command()
def pretrain(
    data: Data,
    network: Annotated[
        str | None, typer.Option("--network", help="Architecture to train, e.g. timm/resnet18 or headstart/tabular.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Run of dcgan to carry over, in the place of --network.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", help="Source whose features judge drawn pictures (headstart/glyphs).")
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", help="Pictures that judge what is drawn, apart from DATA.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method", help="Of few-shot episodes (protonet), without labels (simclr) or of pairs (contrastive)."
        ),
    ] = None,
    left: Annotated[str | None, typer.Option("--left", help="Of pairs: the column, or columns, of one side.")] = None,
    right: Annotated[str | None, typer.Option("--right", help="Of pairs: those of the other.")] = None,
    pretrained: Annotated[
        str | None, typer.Option("--pretrained", help="Sides that start from a source's weights: left, right, both.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option("--teacher", help="Run whose answers of the left side the right learns (crossmodal).")
    ] = None,
    ways: Annotated[int | None, typer.Option("--ways", help="Classes of a few-shot episode (5).")] = None,
    shots: Annotated[int | None, typer.Option("--shots", help="Samples per class that an episode teaches (1).")] = None,
    out: Out = None,
    budget: Budget = "15m",
    label: Label = None,
    group: Group = None,
    text: Text = None,
    image: Image = None,
    task: TaskName = None,
    modality: ModalityName = None,
    seed: Seed = 0,
    views: Annotated[int, typer.Option("--views", help="Views per sample; 1 is no augmentation.")] = 1,
    force: Force = False,
    device: Device = None,
    precision: Precision = None,
    batch_size: BatchSize = None,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    patience: Patience = None,
    allow_damaged: AllowDamaged = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json_: AsJson = False,
    config: Config = None,
) -> None:
    """Train a source of your own on labelled data, usable as --source RUN."""
    from headstart.workflow.pretrain import pretrain as run_pretrain

    result = run_pretrain(
        data,
        network=network,
        source=source,
        judge=judge,
        test=test,
        method=method,
        left=left,
        right=right,
        pretrained=pretrained,
        teacher=teacher,
        ways=ways,
        shots=shots,
        out=out,
        budget=budget,
        label=label,
        group=group,
        text=text,
        image=image,
        task=task,
        modality=modality,
        seed=seed,
        views=views,
        force=force,
        device=device,
        precision=precision,
        batch_size=batch_size,
        epochs=epochs,
        learning_rate=learning_rate,
        patience=patience,
        allow_damaged=allow_damaged,
        quiet=quiet,
        verbose=verbose,
    )
    if result is not None:
        show(result.result, json_, result.lines(), quiet=quiet)


@app.command()
def resume(run: RunFolder, quiet: Quiet = False, verbose: Verbose = False, json_: AsJson = False) -> None:
    """Finish a run that was stopped, as if it had never been."""
    from headstart.workflow.resume import resume as run_resume

    result = run_resume(run, quiet=quiet, verbose=verbose)
    if result is not None:
        show(result.result, json_, result.lines(), quiet=quiet)


@app.command()
def predict(
    run: RunFolder,
    files: Annotated[list[str], typer.Argument(help="Files, folders or tables; - reads standard input.")],
    out: Out = None,
    device: Device = None,
    json_: AsJson = False,
    raw_cells: RawCells = False,
    adapt: Adapt = None,
    gallery: Gallery = None,
    flips: Flips = False,
) -> None:
    """Predict new samples: CSV or JSON on standard output, or CSV, JSON, JSON lines or Parquet with --out."""
    from headstart.workflow.predict import predict_files

    predict_files(
        run,
        files,
        out=out,
        device=device,
        as_json=json_,
        raw_cells=raw_cells,
        adapt=adapt,
        gallery=gallery,
        flips=flips,
    )


@app.command()
def evaluate(
    run: RunFolder,
    data: Data,
    label: Label = None,
    text: Text = None,
    image: Image = None,
    allow_damaged: AllowDamaged = False,
    device: Device = None,
    adapt: Adapt = None,
    flips: Flips = False,
    json_: AsJson = False,
) -> None:
    """Measure a run's model on labelled data, with intervals."""
    from headstart.workflow.evaluate import evaluate as run_evaluate

    options: dict[str, Any] = {"label": label, "text": text, "image": image, "allow_damaged": allow_damaged}
    result = run_evaluate(run, data, **options, device=device, adapt=adapt, flips=flips)
    show(result.to_json(), json_, result.lines())


@app.command()
def watch(
    run: RunFolder,
    data: Annotated[list[str], typer.Argument(help="New samples without labels, as for predict.", metavar="DATA...")],
    seed: Seed = 0,
    device: Device = None,
    json_: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Is new, unlabelled data still what the run was fitted for? Exit code 0 fine, 3 look, 4 adapt again."""
    from headstart.workflow.watching.watch import watch as run_watch

    found = run_watch(run, data, seed=seed, device=device)
    show(found.to_json(), json_, found.lines(), quiet=quiet)
    raise typer.Exit(found.exit_code)


@app.command()
def report(run: RunFolder) -> None:
    """Write report.html again from the files of a run."""
    from headstart.report.html import write_report
    from headstart.workflow.run import load

    print(write_report(load(run).path))


@app.command()
def export(
    run: RunFolder,
    format_: Annotated[str, typer.Option("--format", help="onnx.")] = "onnx",
    out: Out = None,
    force: Force = False,
) -> None:
    """Write the model with its preprocessing inside, checked against the run's own predictions."""
    from headstart.workflow.export import export as run_export

    print(run_export(run, format=format_, out=out, force=force))


@app.command()
def methods(json_: AsJson = False) -> None:
    """List the methods with their papers and where each applies."""
    from headstart import catalogue
    from headstart.workflow.listing import method_lines

    rows = catalogue.rows()
    show(rows, json_, [] if json_ else method_lines(rows))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the result.")] = Path("runs/demo"),
    seeds: Seeds = 3,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json_: AsJson = False,
) -> None:
    """Letters in printed fonts to handwritten digits: offline, in about a minute."""
    from headstart.workflow.demo import demo as run_demo

    result = run_demo(out=out, seeds=seeds, force=force, quiet=quiet, verbose=verbose)
    show(result.result, json_, result.lines(), quiet=quiet)
