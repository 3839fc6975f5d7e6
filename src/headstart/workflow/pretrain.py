"""Learn a source of your own: supervised training from random weights, usable as ``--source RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.workflow.opening.transfer import Given
from headstart.workflow.options import FitOptions
from headstart.workflow.road import start
from headstart.workflow.run import Run


@isolate
def pretrain(
    data: Any,
    *,
    network: str,
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
    teacher : a run whose answers of the left side the right side learns (``crossmodal``).
    others : as in `fit`.
    """
    options = FitOptions(
        left=left,
        right=right,
        pretrained=pretrained,
        teacher=teacher,
        source=network,
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
    if not network:
        raise UserError("No architecture was named; give --network, for example --network timm/resnet18.")
    progress = Progress(quiet=quiet, verbose=verbose)
    return start("pretrain", Given(data), options, out=out, force=force, progress=progress)
