"""The options that commands share, and the file that may hold them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from headstart import console
from headstart.errors import UserError, nearest
from headstart.kinds import TASKS
from headstart.problem import READINGS


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take defaults from a TOML file: option names as on the command line, at the top or under the verb's name."""
    if path is None:
        return None
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"--config {path} does not exist.") from error
    except OSError as error:
        raise UserError(f"--config {str(path)[:200]} cannot be read ({error.strerror}); give a TOML file.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"--config {path} is not readable TOML: {str(error)[:200]}.") from error
    verb = str(context.info_name)
    own = values.get(verb, {})
    if not isinstance(own, dict):
        raise UserError(f"--config {path} has {verb} = {str(own)[:40]}; options of {verb} stand under [{verb}].")
    flat = {key: value for key, value in values.items() if not isinstance(value, dict)} | own
    strange = next((key for key, value in flat.items() if isinstance(value, dict)), None)
    if strange is not None:
        raise UserError(f"--config {path} has a table under '{strange}' of {verb}; give one value.")
    known = {str(parameter.name): parameter for parameter in context.command.params}
    context.default_map = {}
    for key, value in flat.items():
        name = key.replace("-", "_")
        name = "json_" if name == "json" else name
        if name not in known:
            raise UserError(f"--config {path} has an unknown option '{key}' for {verb}; {nearest(key, known)}")
        takes_several = getattr(known[name], "multiple", False) or known[name].nargs == -1
        if isinstance(value, list) and not takes_several and known[name].nargs == 1:
            value = ",".join(map(str, value))
        # A text would be read letter by letter where an option may be given again.
        context.default_map[name] = [value] if takes_several and isinstance(value, str) else value
    return path


def show(result: Any, as_json: bool, lines: list[str], *, quiet: bool = False) -> None:
    """JSON goes to standard output for scripts; words for people go to standard error then, else to output.

    When quiet, the words are the result's first line, or none beside JSON.
    """
    if quiet:
        lines = [] if as_json else lines[:1]
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=not console.speaks_utf8(sys.stdout)))
    for line in lines:
        print(line, file=sys.stderr if as_json else sys.stdout)


def one_of(names: Sequence[str]) -> str:
    """Return the names of a table as help shows them."""
    return f"{', '.join(names[:-1])} or {names[-1]}."


Data = Annotated[str, typer.Argument(help="Image folder, CSV, TSV, Parquet, JSON lines or .npz.", metavar="DATA")]
DataSets = Annotated[
    list[str],
    typer.Argument(
        help="Image folder, CSV, TSV, Parquet, JSON lines or .npz; several of one kind of input share a body.",
        metavar="DATA...",
    ),
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")]
SourceSpec = Annotated[
    str | None,
    typer.Option("--source", help="Where knowledge comes from, see `headstart sources`; what is at hand by default."),
]
SourceSpecs = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="Where knowledge comes from, see `headstart sources`; what is at hand by default. Give it again for "
        "several, which race.",
    ),
]
Trials = Annotated[
    int | None, typer.Option("--trials", help="Race: most fine-tunings; with one --source of its methods and settings.")
]
Study = Annotated[
    str | None, typer.Option("--study", help="Race: URL of a database in which several machines share the trials.")
]
SourceData = Annotated[
    list[str] | None,
    typer.Option(
        "--source-data", help="Labelled data of the same task from another domain; give it again for several."
    ),
]
TargetLabels = Annotated[
    str, typer.Option("--target-labels", help="With --source-data: evaluate (default), learn, or none.")
]
TestData = Annotated[
    str | None,
    typer.Option("--test", help="Labelled test set of DATA's form; all of DATA then trains and validates."),
]
Unlabelled = Annotated[
    str | None,
    typer.Option("--unlabelled", help="More samples of DATA's form, whose labels are not there or not read."),
]
Network = Annotated[
    str | None, typer.Option("--network", help="Architecture of a file: source, e.g. torchvision/mobilenet_v2.")
]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="Method, see `headstart methods`; penalties joined by +. With --source-data several, by commas, or "
        "trained for all that train.",
    ),
]
Depth = Annotated[
    str | None, typer.Option("--depth", help="How many of the last stages learn: none, all, auto or a number.")
]
Norm = Annotated[
    str | None,
    typer.Option(
        "--norm", help="With --source-data and --depth, batch norm counts by shared, domain or held statistics."
    ),
]
Budget = Annotated[str, typer.Option("--budget", help="Wall time of it all, e.g. 90s, 10m, 2h; arms share it equally.")]
Views = Annotated[
    int | None, typer.Option("--views", help="Views per sample; 1 is no augmentation; by default the plan's.")
]
Arms = Annotated[
    str, typer.Option("--arms", help="Arms, joined by commas; `chosen` is the planned method, `baselines` simple ways.")
]
Seed = Annotated[int, typer.Option("--seed", help="First seed.")]
Seeds = Annotated[int, typer.Option("--seeds", help="Number of repetitions with other seeds.")]
Shots = Annotated[
    int | None, typer.Option("--shots", help="Training labels per class, drawn anew by each seed; all by default.")
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label", help="Label column, or several joined by commas; again for another task, learned together and alone."
    ),
]
Classes = Annotated[
    Path | None,
    typer.Option("--classes", help="CSV of all classes with attributes, those without a sample too (zero-shot)."),
]
Words = Annotated[
    str | None,
    typer.Option(
        "--words", help="With --classes: .npz of word vectors or a text source, which reads the classes' names."
    ),
]
Prompts = Annotated[
    str | None, typer.Option("--prompts", help="Templates of a class's name, joined by |: 'a photo of a {}.'.")
]
Label = Annotated[str | None, typer.Option("--label", help="Label column, or several joined by commas.")]
Forgetting = Annotated[
    bool, typer.Option("--forgetting", help="Measure the source's own task before and after; SOURCE is a run.")
]
Replay = Annotated[
    str | None,
    typer.Option("--replay", help="Old samples of SOURCE's task, to learn from too (--method replay)."),
]
Remember = Annotated[
    bool, typer.Option("--remember", help="Keep what a later run needs to forget little of this one (--method ewc).")
]
Group = Annotated[str | None, typer.Option("--group", help="Column whose groups never straddle a split.")]
Text = Annotated[str | None, typer.Option("--text", help="Text column.")]
Image = Annotated[str | None, typer.Option("--image", help="Column of image paths.")]
TaskName = Annotated[str | None, typer.Option("--task", help=one_of((*TASKS, "verification")))]
ModalityName = Annotated[str | None, typer.Option("--modality", help=one_of(READINGS))]
Out = Annotated[Path | None, typer.Option("--out", help="Folder or file for the result.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a former run in --out.")]
Device = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda, cuda:1 or mps; the best one at hand by default.")
]
Precision = Annotated[str | None, typer.Option("--precision", help="no or bf16; chosen by device by default.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Samples per step.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Most epochs of every trained arm.")]
LearningRate = Annotated[float | None, typer.Option("--learning-rate", help="Learning rate of every trained arm.")]
Patience = Annotated[int | None, typer.Option("--patience", help="Evaluations without improvement before stopping.")]
Metric = Annotated[
    str | None, typer.Option("--metric", help="What arms and the verdict go by, e.g. balanced_accuracy, roc_auc, rmse.")
]
ClassWeight = Annotated[
    str | None, typer.Option("--class-weight", help="balanced: every class counts alike in the losses.")
]
AllowDamaged = Annotated[bool, typer.Option("--allow-damaged", help="Go on although over 5% of the files are damaged.")]
Size = Annotated[int | None, typer.Option("--size", help="Masks and boxes: side in pixels at which pictures enter.")]
Head = Annotated[str | None, typer.Option("--head", help="Masks: unet or fpn, what reads the network's maps.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress; print the result's one line only.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show more: what learns stage by stage, and every evaluation.")
]
Gallery = Annotated[
    str | None,
    typer.Option("--gallery", help="Known people, a folder of one to five pictures each; for --task verification."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Adapt = Annotated[
    str | None,
    typer.Option(
        "--adapt", help="Adapt the model to these samples first: adabn, tent, sar or lame (docs/test-time.md)."
    ),
]
Flips = Annotated[
    bool, typer.Option("--flips", help="Of masks: average over each picture and its mirror image (docs/scenes.md).")
]
RawCells = Annotated[
    bool, typer.Option("--raw-cells", help="In CSV, leave cells as they are that a spreadsheet would run as formulas.")
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="TOML file with options; the command line wins.",
        callback=read_config,
        is_eager=True,
    ),
]
