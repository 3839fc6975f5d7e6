"""Names of arms, methods and candidates that have no meaning in a run are refused before anything is opened."""

from __future__ import annotations

from headstart import catalogue
from headstart.catalogue.entry import Entry
from headstart.choice.stored import refuse_unkept
from headstart.errors import UserError, nearest
from headstart.workflow.arm import HALF_LABELLED, PLAIN, REFERENCE, arm_of
from headstart.workflow.opening.names import ALIGNED
from headstart.workflow.options import (
    TRAINED,
    UNSEEN,
    FitOptions,
    is_source_free,
    is_unseen,
)

NOT_HERE = ("precision", "class_weight", "batch_size", "epochs", "learning_rate", "patience")
"""Options of training that a race across domains sets by the size of the data."""
PRETRAINS = frozenset({"meta", "self_supervised", "pairs"})
"""Kinds of methods that `pretrain` takes."""


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
    if expression == ALIGNED and options.prompts is not None:
        return
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
        prompts = ", or say how the source reads their names with --prompts" if name == ALIGNED else ""
        return f"{option} {name} tells classes by their attributes; list them with --classes FILE{prompts}."
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
