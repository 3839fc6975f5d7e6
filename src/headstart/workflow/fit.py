"""The main job: plan, train, measure, guard, report."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from headstart.engine.progress import Progress
from headstart.isolated import isolate
from headstart.library import located
from headstart.workflow.opening.fingerprint import absolute_name, absolute_path
from headstart.workflow.opening.transfer import Given
from headstart.workflow.options import FitOptions
from headstart.workflow.road import start
from headstart.workflow.run import Run


@isolate
def fit(
    data: Any,
    *,
    source: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    source_data: Any = None,
    target_labels: str = "evaluate",
    test: Any = None,
    network: str | None = None,
    method: str | None = None,
    depth: str | int | None = None,
    norm: str | None = None,
    budget: str = "15m",
    views: int | None = None,
    arms: str | Sequence[str] = ("scratch", "probe", "baselines", "chosen"),
    seed: int = 0,
    seeds: int = 1,
    shots: int | None = None,
    label: str | Sequence[str] | None = None,
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
    forgetting: bool = False,
    replay: str | Path | None = None,
    remember: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    trials: int | None = None,
    study: str | None = None,
    unlabelled: Any = None,
    size: int | None = None,
    head: str | None = None,
    classes: str | Path | None = None,
    words: str | Path | None = None,
    prompts: str | None = None,
) -> Run | None:
    """Transfer from ``source``, or from labelled ``source_data``, to ``data``, and measure whether that helped.

    Parameters
    ----------
    data : path, DataFrame, arrays, `datasets.Dataset`, or what `headstart.open` returned; a list of several with one
        kind of input and tasks of their own are learned together and alone.
    source : see ``headstart sources``; with ``source_data`` the backbone of images and texts. None tries those that are
        at hand by a quick probe (`headstart.workflow.opening.source_choice`). A list of several has them race within
        half of the budget, on training samples alone (`headstart.workflow.racing`).
    source_data : labelled data of the same task from another domain, as ``data`` is given, or a list of several.
    target_labels : with ``source_data``, what the target's labels serve for: ``evaluate`` only, ``learn`` as well, or
        ``none``.
    test : labelled data of the same form as ``data``, on which the verdict is measured; all of ``data`` then trains and
        validates.
    network : architecture of a ``file:`` source.
    method : name of ``headstart methods``, penalties joined by ``+``; with ``source_data`` several, by commas, or
        ``trained`` for all that the loop trains; None lets the plan choose.
    depth : how many of the last stages learn: ``none``, ``all`` or a number; ``auto`` lets the plan choose, as None
        does where there is no ``source_data``; with it None trains none.
    norm : with ``source_data`` and a depth, what batch norm in the stages that learn counts by: ``shared`` running
        statistics, those of each ``domain``, or ``held`` as they came.
    budget : wall time of the fit, e.g. ``90s``, ``10m``, ``2h``; trained arms share it equally.
    views : views per sample, the plain one and augmented ones; 1 is no augmentation; None lets the plan choose.
    arms : what is fitted beside one another, in a list or joined by commas: methods, ``chosen`` for the planned one,
        and ``baselines`` for what a person does in five lines.
    seed, seeds : first seed, and how many repetitions.
    shots : training labels per class, drawn by each seed; None takes the whole training split.
    label, group, text, image : columns of the target: the label (names joined by commas are one task, a list of several
        is a task each, learned together and alone), groups that no split may part, and what
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
    forgetting : measure how well the source, a run whose data are still there, solves its own task before and after.
    replay : path of old samples of the same task, which the method ``replay`` learns from beside ``data``; without a
        method that one is taken.
    remember : keep what the data say of each weight (as large as the model), so that a run that goes on from this one
        by ``ewc`` needs no data of it.
    quiet : show no progress.
    verbose : show more of it: what learns stage by stage, and every evaluation.
    trials : most fine-tunings of a race; with one source it is a race of methods, depths and settings.
    unlabelled : samples of the same form without labels (labels are not read); methods that learn from them too race
        beside those that learn from the labels alone.
    study : URL of a database in which several machines share a race, e.g. ``postgresql://host/name``.

    size : of tasks with masks or boxes, the side in pixels at which whole pictures enter the network.
    head : of tasks with masks or boxes, what reads the maps of the network's stages: ``unet`` or ``fpn`` for masks.

    classes : CSV file that lists classes with attributes, those without a sample among them: zero-shot learning.
    prompts : how a text source, or the source's own text side, reads a class, e.g. ``a photo of a {}.``; several joined
        by ``|``.
    words : ``.npz`` file of ``words`` and ``vectors``, or a text source, which tell classes by name or description.

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
    several = [source] if isinstance(source, str | PathLike) else source or ()
    named = [str(located(fspath(one))) for one in several]
    data = data[0] if isinstance(data, list) and len(data) == 1 else data
    several_data = len(data) if isinstance(data, list) else 1
    columns = () if label is None else (label,) if isinstance(label, str) else tuple(label)
    options = FitOptions(
        source=named[0] if len(named) == 1 else None,
        sources=tuple(named) if len(named) > 1 else (),
        source_data=tuple(spoken(part) for part in labelled),
        target_labels=target_labels,
        test=None if test is None else spoken(test),
        network=network,
        method="replay" if method is None and replay is not None else method,
        depth=None if depth is None else str(depth),
        norm=norm,
        budget=str(budget),
        views=views,
        arms=names,
        seed=seed,
        seeds=seeds,
        shots=shots,
        label=columns[0] if len(columns) == 1 and several_data == 1 else None,
        labels=columns if len(columns) > 1 or several_data > 1 else (),
        data_sets=several_data,
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
        forgetting=forgetting,
        replay=None if replay is None else absolute_path(replay),
        remember=remember,
        trials=trials,
        study=study,
        unlabelled=None if unlabelled is None else spoken(unlabelled),
        size=size,
        head=head,
        classes=None if classes is None else absolute_path(str(classes)),
        prompts=prompts,
        words=None if words is None else absolute_name(words),
    )
    progress = Progress(quiet=quiet, verbose=verbose)
    given = Given(data, tuple(labelled), test, unlabelled)
    return start("fit", given, options, out=out, force=force, progress=progress)


def spoken(data: Any) -> str:
    """Return what data are called among the options: their path, or their type."""
    return str(data) if isinstance(data, str | Path) else type(data).__name__


def _several(source_data: Any) -> list[Any]:
    if source_data is None:
        return []
    if isinstance(source_data, list):
        return source_data
    return [source_data]
