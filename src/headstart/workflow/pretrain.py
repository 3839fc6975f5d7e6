"""Learn a source of your own: supervised training from random weights, usable as ``--source RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart import catalogue
from headstart.engine.progress import Progress
from headstart.errors import UserError, check_names
from headstart.isolated import isolate
from headstart.library import located
from headstart.workflow.opening.fingerprint import absolute_name
from headstart.workflow.opening.transfer import Given
from headstart.workflow.options import FitOptions
from headstart.workflow.road import start
from headstart.workflow.run import Run

DRAWING = "dcgan"
check_names([DRAWING], catalogue.names(), "headstart.workflow.pretrain.DRAWING")


@isolate
def pretrain(
    data: Any,
    *,
    network: str | None = None,
    source: str | None = None,
    judge: str | None = None,
    test: str | Path | None = None,
    left: str | None = None,
    right: str | None = None,
    pretrained: str | None = None,
    teacher: str | None = None,
    method: str | None = None,
    ways: int | None = None,
    shots: int | None = None,
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
    method : of the kind "meta" (``headstart methods``): learns from few-shot episodes, for classes to come, and is
        measured on classes that it has never seen; of the kind "self_supervised": learns from samples without their
        labels. None trains a classifier or a regression of what is labelled.
    ways, shots : classes of an episode, and samples of each to learn from; 5 and 1 where ``method`` is given.
    left, right : columns of each side of pairs, of methods of the kind "pairs"; several are joined by commas.
        ``network`` then names that of both sides, or ``LEFT,RIGHT``.
    pretrained : sides that start from weights of what ``network`` names: ``left``, ``right`` or ``both``.
    source : a run of ``dcgan`` whose generator and discriminator are carried over to ``data``, in ``network``'s place.
    judge : source whose features compare drawn pictures with real ones (``dcgan``; headstart/glyphs).
    test : pictures apart from ``data`` that judge (``dcgan``).
    teacher : a run whose answers of the left side the right side learns (``crossmodal``).
    others : as in `fit`.
    """
    refuse_start(network, source, method, judge, test)
    options = FitOptions(
        carried=None if source is None else absolute_name(str(located(source))),
        judge=None if judge is None else absolute_name(judge),
        test=None if test is None else absolute_name(test),
        left=left,
        right=right,
        pretrained=pretrained,
        teacher=teacher,
        source=network or source,
        method=method,
        ways=ways,
        shots=shots,
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
    progress = Progress(quiet=quiet, verbose=verbose)
    return start("pretrain", Given(data), options, out=out, force=force, progress=progress)


def refuse_start(network: str | None, source: str | None, method: str | None, judge: Any, test: Any) -> None:
    """Refuse a pretraining that names neither an architecture nor a run, or both, and what only drawing has."""
    if not network and not source:
        raise UserError("No architecture was named; give --network, for example --network timm/resnet18.")
    if network and source:
        raise UserError(f"--source {source} brings its own network; leave --network {network} out.")
    for name, value in (("source", source), ("judge", judge), ("test", test)):
        if value is not None and method != DRAWING:
            raise UserError(f"--{name} in pretrain is for --method {DRAWING}, which draws pictures; leave it out.")
