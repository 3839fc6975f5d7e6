"""What has no meaning in a run is refused before anything is written, and where possible before anything is opened."""

from __future__ import annotations

from headstart import catalogue
from headstart.data import Dataset
from headstart.errors import UserError, check_names, nearest
from headstart.networks import Source
from headstart.workflow.arm import VERIFYING
from headstart.workflow.opening.beside import ROWS
from headstart.workflow.opening.named import PRETRAINS, check_arms, check_methods
from headstart.workflow.opening.sides import Sides
from headstart.workflow.options import (
    VERIFICATION,
    FitOptions,
    is_of_pairs,
    is_self_supervised,
)

NOT_WHO = {
    "test": "the people that judge are drawn from the data, and nobody of them is learned from",
    "shots": "every picture of the people to learn from teaches",
    "metric": "people are counted by how often they are recognised from one picture",
    "class_weight": "people count alike",
    "head": "vectors need no head",
    "size": "pictures enter as the source takes them",
    "patience": "the people to choose by choose the arm, and not the step",
    "trials": "nothing races",
    "study": "nothing races",
    "norm": "there is one domain",
    "classes": "nobody has a class",
    "words": "nobody has a class",
    "prompts": "nobody has a class",
}
"""Options that a verification cannot heed, and why."""
BLIND = {
    "group": "no split by labels is made",
    "task": "there is no task",
    "patience": "no validation says when to stop",
    "ways": "there are no classes",
    "shots": "there are no classes",
}
"""Options that learning without labels cannot heed, and why."""
TAUGHT = "crossmodal"
check_names([TAUGHT], catalogue.names(), "headstart.workflow.opening.refusals.TAUGHT")
NOT_PAIRS = {
    "modality": "each side has its own, by its columns",
    "views": "each side is seen as it is",
}
"""Options that pairs cannot heed, and why."""
UNTRAINED = ("depth", "shots", "epochs", "learning_rate", "patience", "class_weight", "unlabelled", "trials", "test")
"""Options that zero-shot learning on features of a source cannot heed."""
UNUSED = {
    "shots": "no label is learned from",
    "class_weight": "no label is learned from",
    "patience": "no label says when to stop",
    "metric": "no label is there to choose by",
    "trials": "there is nothing to race by",
    "study": "there is nothing to race by",
    "replay": "no label is learned from",
    "views": "each method shows the views that it needs",
    "precision": "it trains in full precision",
    "classes": "the run knows its classes",
    "words": "the run knows its classes",
    "prompts": "the run knows its classes",
}
"""Options that a run's model cannot heed where it is adapted without labels, and why."""


def check_source_free(data: Dataset, options: FitOptions) -> None:
    """Refuse what has no meaning where a run's model is adapted to unlabelled data."""
    if options.forgetting:
        raise UserError("--forgetting is measured where a target is labelled; leave it out.")
    if options.remember:
        raise UserError("--remember keeps what labels say of weights, and none is learned from; leave it out.")
    for name, why in UNUSED.items():
        if getattr(options, name) is not None:
            raise UserError(
                f"--{name.replace('_', '-')} has no meaning where the run {options.source} is adapted to {data.name} "
                f"without labels: {why}; leave it out."
            )


def check_verification(verb: str, options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse what a verification cannot heed: its people are split, trained and compared in a way of their own."""
    if verb != "fit":
        raise UserError(f"--task {VERIFICATION} has no meaning in {verb}; use `headstart fit PEOPLE`.")
    given = {name: getattr(options, name) for name in NOT_WHO}
    given |= {"source_data": has_source_data or None, "source": options.sources or None}
    for name, value in given.items():
        if value is not None and value is not False:
            why = "one source at a time" if name == "source" else NOT_WHO.get(name, "people are of one data set")
            raise UserError(
                f"--{name.replace('_', '-')} has no meaning with --task {VERIFICATION}: {why}; leave it out."
            )
    for name, left in (("arms", FitOptions.arms), ("seeds", FitOptions.seeds)):
        if getattr(options, name) != left:
            raise UserError(
                f"--{name} has no meaning with --task {VERIFICATION}: all ways are tried, once; leave it out."
            )
    known = ("source", *VERIFYING)
    if options.method is not None and options.method not in known:
        raise UserError(f"--method {options.method[:100]} finds no vectors of people; {nearest(options.method, known)}")


def check_options(verb: str, options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse options that have no meaning in this run, before anything is opened."""
    if options.verifies:
        check_verification(verb, options, has_source_data=has_source_data)
        return
    if options.forgetting and (has_source_data or options.races):
        raise UserError(
            "--forgetting asks one run that a fit starts from, --source RUN, about its own task; leave it out with "
            "--source-data, with several sources and with --trials."
        )
    for name in ("replay", "remember"):
        if getattr(options, name) and (has_source_data or options.races or verb != "fit"):
            raise UserError(
                f"--{name} is for a run on one labelled target that goes on from, or will be gone on from by, another; "
                "leave it out with --source-data, with several sources and with --trials."
            )
    if options.of_several_tasks:
        _check_several(options, has_source_data=has_source_data)
        return
    if options.unlabelled is not None:
        _check_unlabelled(options, has_source_data=has_source_data)
    _check_names(options, has_source_data=has_source_data)
    if has_source_data:
        check_methods(options)
        return
    if options.target_labels != "evaluate":
        raise UserError(
            f"--target-labels {options.target_labels} says what a target's labels are for beside labelled source data; "
            "give those with --source-data, or leave it out."
        )
    if options.norm is not None:
        raise UserError(
            f"--norm {options.norm} says what batch norm counts by where stages learn from two domains; give labelled "
            "data of another one with --source-data, or leave it out."
        )
    if verb == "fit" and check_zero_shot(options):
        return
    if verb == "fit":
        check_arms(options)
    else:
        check_pretraining(options)


NOT_SEVERAL = {
    "test": "the splits are made for all tasks alike",
    "group": "the splits are made for all tasks alike",
    "depth": "all stages learn",
    "norm": "all stages learn",
    "shots": "labels are not counted per class",
    "views": "one view is learned from",
    "patience": "every arm makes the same number of steps",
    "metric": "each task has its own",
    "task": "each task is inferred from its column",
    "class_weight": "each task has its own classes",
    "trials": "weightings race with --method a,b",
    "study": "weightings race with --method a,b",
    "unlabelled": "labels may be missing in the data themselves",
    "precision": "it trains in full precision",
    "replay": "no arm goes on from a run",
    "classes": "each task has the classes of its column",
    "words": "each task has the classes of its column",
    "prompts": "each task has the classes of its column",
    "size": "it is for pictures with masks or boxes",
    "head": "each task has a linear head",
}
"""Options that several tasks cannot heed, and why."""


def _check_several(options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse what has no meaning where several label columns are a task each."""
    named = f"several --label ({', '.join(options.labels)[:200]})" if options.labels else "several data sets"
    if has_source_data or options.sources:
        raise UserError(
            f"{named[:1].upper()}{named[1:]} are learned from one source network at most; leave --source-data and "
            "further --source out."
        )
    for name, why in NOT_SEVERAL.items():
        if getattr(options, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} has no meaning with {named}: {why}; leave it out.")
    flags = [f"--{name}" for name in ("forgetting", "remember") if getattr(options, name)]
    if flags or options.arms != FitOptions.arms:
        what = flags[0] if flags else "--arms"
        raise UserError(f"{what} has no meaning with {named}; name weightings with --method a,b.")
    known = [entry.name for entry in catalogue.METHODS if entry.kind == "multitask"]
    for method in (options.method or known[0]).split(","):
        if method.strip() not in known:
            raise UserError(
                f"--method {method.strip()[:100]} does not weigh several tasks; {nearest(method.strip(), known)}"
            )


def _check_unlabelled(options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse unlabelled samples where nothing would learn from them."""
    if has_source_data or options.races:
        what = "--source-data, whose target is unlabelled already" if has_source_data else "a race of sources"
        raise UserError(f"--unlabelled does not go with {what}; leave one of the two out.")
    if options.unlabelled == ROWS and (options.test is not None or options.group is not None):
        what = "--test" if options.test is not None else "--group"
        raise UserError(f"--unlabelled rows makes its own splits of the labelled rows; leave {what} out.")
    if options.unlabelled == "":
        raise UserError("--unlabelled is empty; name a file or a folder.")


def check_pretraining(options: FitOptions) -> None:
    """Refuse methods that make no source, what only few-shot episodes have, and what learning without labels cannot."""
    if options.method is None:
        for name in ("ways", "shots"):
            if getattr(options, name) is not None:
                raise UserError(
                    f"--{name} {getattr(options, name)} is for few-shot episodes; name a method of them, such as "
                    "--method protonet, or leave it out."
                )
        return
    known = [entry.name for entry in catalogue.METHODS if entry.kind in PRETRAINS]
    if options.method not in known:
        raise UserError(f"--method {options.method[:100]} makes no source; {nearest(options.method, known)}")
    if is_of_pairs(options.method):
        check_pairs(options)
        return
    if is_self_supervised(options.method):
        _check_blind(options)
    elif options.group is not None:
        raise UserError(
            f"--group keeps samples together, and here whole classes are kept apart (--method {options.method}); leave "
            "--group out."
        )


def _check_blind(options: FitOptions) -> None:
    for name, why in BLIND.items():
        if getattr(options, name) is not None:
            raise UserError(
                f"--{name} has no meaning with --method {options.method}, which learns without labels: {why}; leave "
                "it out."
            )


def check_pairs(options: FitOptions) -> None:
    """Refuse what pairs cannot heed, and sides that are named in half."""
    _check_blind(options)
    for name, why in NOT_PAIRS.items():
        if getattr(options, name) not in (None, 1):
            raise UserError(f"--{name} has no meaning with --method {options.method}: {why}; leave it out.")
    if (options.left is None) != (options.right is None):
        given, lacking = ("left", "right") if options.right is None else ("right", "left")
        raise UserError(
            f"--{given} names one side of the pairs; name the other with --{lacking}, a column or several joined by "
            "commas."
        )
    if options.method == TAUGHT and options.teacher is None:
        raise UserError(f"--method {TAUGHT} needs who teaches; name a run with --teacher RUN.")
    if options.method != TAUGHT and options.teacher is not None:
        raise UserError(f"--teacher is for --method {TAUGHT}; leave it out.")
    if options.method == TAUGHT and options.pretrained in ("left", "both"):
        raise UserError(
            f"--pretrained {options.pretrained}: the left side is the teacher's; give right, or leave it out."
        )


def _check_names(options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse a list of classes and what reads it where nothing would: beside source data, and where sources race."""
    if options.prompts is not None and options.classes is None and options.source is None and not options.sources:
        raise UserError("--prompts is read by a source of two sides; name one with --source, or leave it out.")
    where = "with --source-data, which has samples of every class" if has_source_data else ""
    where = where or ("in a race, which starts from trained heads" if options.races else "")
    for name in ("classes", "words", "prompts") if where else ():
        if getattr(options, name) is not None and (has_source_data or name == "prompts"):
            raise UserError(f"--{name} has no meaning {where}; leave it out.")


def check_zero_shot(options: FitOptions) -> bool:
    """Whether classes without a sample are to be told; refuse what has no meaning there."""
    if options.classes is None:
        if options.words is not None:
            raise UserError("--words tells the classes of --classes by name; give that list too, or leave it out.")
        return False
    if options.source is None:
        raise UserError("--classes learns from features of a source; name one with --source.")
    for name in (
        "depth",
        "shots",
        "epochs",
        "learning_rate",
        "patience",
        "class_weight",
        "unlabelled",
        "trials",
        "test",
    ):
        if getattr(options, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} has no meaning with --classes, where no network is trained.")
    known = [entry.name for entry in catalogue.METHODS if entry.kind == "zero_shot"]
    for name in (options.method or "").split(",") if options.method else ():
        if name.strip() not in known:
            raise UserError(f"--method {name[:100]} tells no class by its attributes; {nearest(name, known)}")
    return True


def check_labels(sides: Sides, options: FitOptions) -> None:
    """Refuse to learn from target labels that are not there."""
    if options.target_labels == "learn" and len(sides.labelled) < 2:
        raise UserError(
            f"--target-labels learn: {sides.target.dataset.name} has {len(sides.labelled)} labels; give at least 2, or "
            "leave the option out."
        )


def check_fits(dataset: Dataset, source: Source) -> None:
    """Refuse a source that takes another kind of input."""
    if source.facing(dataset.modality).modality != dataset.modality:
        raise UserError(
            f"The source {source.spec} takes {source.modality} input, and {dataset.name} holds {dataset.modality} "
            "data; choose another --source, or override --modality."
        )
