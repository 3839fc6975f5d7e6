"""What has no meaning in a run is refused before anything is written, and where possible before anything is opened."""

from __future__ import annotations

from headstart import catalogue
from headstart.catalogue.entry import Entry
from headstart.choice.stored import refuse_unkept
from headstart.data import Dataset
from headstart.errors import UserError, check_names, nearest
from headstart.networks import Source
from headstart.workflow.arm import HALF_LABELLED, PLAIN, REFERENCE, VERIFYING, arm_of
from headstart.workflow.opening.beside import ROWS
from headstart.workflow.opening.sides import Sides
from headstart.workflow.options import (
    TRAINED,
    UNSEEN,
    VERIFICATION,
    FitOptions,
    is_of_pairs,
    is_self_supervised,
    is_source_free,
    is_unseen,
)

NOT_HERE = ("precision", "class_weight", "batch_size", "epochs", "learning_rate", "patience")
"""Options of training that a race across domains sets by the size of the data."""

NOT_WHO = {
    "test": "the people that judge are drawn from the data, and nobody of them is learned from",
    "shots": "every picture of the people to learn from teaches",
    "metric": "people are counted by how often they are recognised from one picture",
    "class_weight": "people count alike",
    "patience": "the people to choose by choose the arm, and not the step",
    "trials": "nothing races",
    "study": "nothing races",
    "norm": "there is one domain",
}
"""Options that a verification cannot heed, and why."""
PRETRAINS = frozenset({"meta", "self_supervised", "pairs"})
"""Kinds of methods that `pretrain` takes."""
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
    if options.labels:
        _check_several(options, has_source_data=has_source_data)
        return
    if options.unlabelled is not None:
        _check_unlabelled(options, has_source_data=has_source_data)
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
    "size": "it is for pictures with masks or boxes",
    "head": "each task has a linear head",
}
"""Options that several tasks cannot heed, and why."""


def _check_several(options: FitOptions, *, has_source_data: bool) -> None:
    """Refuse what has no meaning where several label columns are a task each."""
    named = ", ".join(options.labels)[:200]
    if has_source_data or options.sources:
        raise UserError(
            f"--label is given for several tasks ({named}), which are learned from one source network at most; leave "
            "--source-data and further --source out."
        )
    for name, why in NOT_SEVERAL.items():
        if getattr(options, name) is not None:
            raise UserError(
                f"--{name.replace('_', '-')} has no meaning with several --label ({named}): {why}; leave it out."
            )
    flags = [f"--{name}" for name in ("forgetting", "remember") if getattr(options, name)]
    if flags or options.arms != FitOptions.arms:
        what = flags[0] if flags else "--arms"
        raise UserError(f"{what} has no meaning with several --label ({named}); name weightings with --method a,b.")
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


def check_zero_shot(options: FitOptions) -> bool:
    """Whether classes without a sample are to be told; refuse what has no meaning there."""
    if options.classes is None and options.prompts is not None:
        raise UserError("--prompts says how the names of --classes are read; give that list too, or leave it out.")
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


def check_arms(options: FitOptions) -> None:
    """Refuse unknown methods and arms before anything is opened."""
    known = [*catalogue.names(), "chosen", "baselines", *PLAIN]
    for arm in options.arms:
        if arm not in known and "+" not in arm:
            raise UserError(f"--arms names '{arm[:100]}', which is no arm; {nearest(arm, known)}")
        if arm not in {"chosen", "baselines", *PLAIN}:
            _check_method("--arms", arm, options)
    if not any(arm == "chosen" or (arm != "baselines" and arm_of(arm).uses_source) for arm in options.arms):
        raise UserError("--arms leaves no transfer to measure; name chosen, probe or another method.")
    if is_source_free(options.method) and options.test is not None:
        raise UserError(
            f"--method {options.method} learns from no label, so labels of the data evaluate; leave --test out."
        )
    if options.method is not None and not is_source_free(options.method):
        if "," in options.method:
            raise UserError(
                f"--method names several ({options.method[:100]}), which race with --source-data only; name one, or "
                "compare them with --arms."
            )
        _check_method("--method", options.method, options)
        if options.method == REFERENCE:
            raise UserError(f"--method {REFERENCE} transfers nothing; it is trained as the arm to compare with.")


def _check_method(option: str, expression: str, options: FitOptions) -> None:
    """Refuse what names no method, and methods that no network is trained with."""
    if not all(word.strip() for word in expression.split("+")):
        raise UserError(f"{option} names '{expression[:100]}', where a method is missing beside a +; name it.")
    base, _ = catalogue.parts(expression)
    if base.name in HALF_LABELLED:
        if options.unlabelled is None:
            raise UserError(_half_labelled(option, base.name))
    elif base.kind not in ("trained", "fitted", "penalty"):
        raise UserError(_misplaced(option, base))
    catalogue.create(expression)


def check_methods(options: FitOptions) -> None:
    """Refuse what has no meaning across domains, and methods that do not adapt."""
    for name in NOT_HERE:
        if getattr(options, name) is not None:
            raise UserError(
                f"--{name.replace('_', '-')} has no meaning with --source-data, where what is trained goes by the size "
                "of the data; leave it out."
            )
    if options.arms != FitOptions.arms:
        raise UserError(
            "--arms compares ways of learning from one labelled target, and with --source-data methods race; name them "
            f"with --method, as in --method {','.join(options.arms)[:100]} (`headstart methods`)."
        )
    if options.method is not None:
        known = [entry.name for entry in catalogue.METHODS if entry.kind in catalogue.RACED_KINDS]
        for name in options.method.split(","):
            if name.strip() not in (TRAINED, UNSEEN):
                _check_candidate(name.strip(), known)
    _check_unseen(options)
    _check_needs(options)
    if options.shots is not None and options.target_labels != "learn":
        raise UserError(
            "--shots says how many target labels to learn from; with --source-data also give --target-labels learn."
        )


def _check_needs(options: FitOptions) -> None:
    """Refuse methods that are named and lack what they learn from, before anything is encoded or trained."""
    for name in (options.method or "").split(","):
        if name.strip() in (TRAINED, UNSEEN, ""):
            continue
        needs = catalogue.parts(name.strip())[0].needs
        if not {"target_labels", "some_target_labels"}.isdisjoint(needs) and options.target_labels != "learn":
            raise UserError(
                f"--method {name.strip()} learns from labels of some target samples too, and they evaluate only unless "
                "told otherwise; add --target-labels learn, or choose another method."
            )
        if "domains" in needs and len(options.source_data) < 2:
            raise UserError(
                f"--method {name.strip()} learns from source data of several domains, and one was given; give each "
                "with a --source-data of its own."
            )


def _check_unseen(options: FitOptions) -> None:
    """Refuse what an unseen target rules out: one source, labels of the target, other methods beside."""
    names = [name.strip() for name in (options.method or "").split(",")]
    if UNSEEN in names and len(names) > 1:
        raise UserError(
            f"--method {options.method} names '{UNSEEN}', which is chosen without the target, beside methods that are "
            f"not; give {UNSEEN} alone or names of methods alone."
        )
    if not is_unseen(options.method):
        return
    if len(options.source_data) < 2 and UNSEEN in names:
        raise UserError(
            f"--method {UNSEEN} leaves each source out in turn, and {len(options.source_data)} was given; give two "
            "--source-data or more."
        )
    if options.target_labels == "learn":
        raise UserError(
            f"--method {options.method} is for a target that nobody has seen, and --target-labels learn would teach "
            "from it; leave one of the two out."
        )


def _half_labelled(option: str, name: str) -> str:
    """Say what a method lacks that learns from labelled and unlabelled samples."""
    return (
        f"{option} {name} also learns from samples without labels; give those with --unlabelled, or labelled data of "
        "another domain with --source-data."
    )


def _misplaced(option: str, base: Entry) -> str:
    """Say where a method belongs that learns from no labelled target by itself."""
    name = base.name
    if base.kind == "test_time":
        return f"{option} {name} adapts at prediction; fit first, then `headstart predict RUN DATA --adapt {name}`."
    if base.kind == "multitask":
        return f"{option} {name} weighs several tasks; give every label column with a --label of its own."
    if base.kind == "zero_shot":
        return f"{option} {name} tells classes by their attributes; list them with --classes FILE."
    if base.kind in PRETRAINS:
        return (
            f"{option} {name} makes a source; `headstart pretrain DATA --method {name} --out RUN`, then fit with "
            "--source RUN."
        )
    if base.kind == "source_free":
        return (
            f"{option} {name} adapts a run's model without labels and stands by itself; name it alone with --method, "
            "and give the run with --source."
        )
    return (
        f"{option} {name} works across domains; give labelled data of another domain with --source-data, or choose "
        "finetune, probe or another method that learns from a labelled target."
    )


def _check_candidate(name: str, known: list[str]) -> None:
    """Refuse what cannot race, and penalties on a method that the loop does not train."""
    if not all(word.strip() for word in name.split("+")):
        raise UserError(f"--method names '{name[:100]}', where a method is missing beside a comma or a +; name it.")
    base, penalties = catalogue.parts(name)
    if base.kind not in catalogue.RACED_KINDS:
        raise UserError(f"--method {name} does not work across domains; choose of {', '.join(known)}.")
    if penalties and base.kind not in catalogue.LEARNT:
        raise UserError(
            f"--method {name} joins a penalty to {base.name}, which the loop does not train; join it to a method that "
            "does (`headstart methods`), or leave it out."
        )
    if penalties:
        catalogue.create(name)
    refuse_unkept(base)


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
