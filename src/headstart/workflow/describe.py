"""What problem is this? Size, balance, damage, duplicates, scenario and shift, before anything is trained."""

from __future__ import annotations

from typing import Any

from headstart.data import Dataset, check, open_data, open_files, open_inputs
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.library import located
from headstart.networks import open_source
from headstart.tasks import create_task
from headstart.workflow.adapting.adaptation import adapt, setting_across
from headstart.workflow.description import Description, target_domain
from headstart.workflow.opening.sides import open_sides
from headstart.workflow.options import FitOptions
from headstart.workflow.setting import classify
from headstart.workflow.shift import source_shift

UNLABELLED = "none"
"""What ``--label`` says of data without labels."""


@isolate
def describe(
    data: Any,
    *,
    source: str | None = None,
    source_data: Any = None,
    target_labels: str = "evaluate",
    network: str | None = None,
    label: str | None = None,
    group: str | None = None,
    text: str | None = None,
    image: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    allow_damaged: bool = False,
) -> Description:
    """Describe a target and, with a source, the transfer problem; options as in `fit`, and ``label="none"``.

    With ``source_data``, labelled data of another domain, the kind of shift is diagnosed.
    """
    source = located(source)
    if source_data is not None and not (isinstance(source_data, list | tuple) and not len(source_data)):
        options = FitOptions(
            source=source,
            network=network,
            target_labels=target_labels,
            label=label,
            group=group,
            text=text,
            image=image,
            task=task,
            modality=modality,
            seed=seed,
            allow_damaged=allow_damaged,
        )
        return _describe_across(data, source_data if isinstance(source_data, list) else [source_data], options)
    found = open_source(source, network=network) if source else None
    if isinstance(data, Dataset):
        dataset = data
    elif label == UNLABELLED:
        dataset = _open_unlabelled(data, modality or (found.modality if found else None))
    else:
        dataset = open_data(
            data, label=label, group=group, text=text, image=image, task=task, modality=modality, seed=seed
        )
    dataset, checks = check(dataset, allow_damaged=allow_damaged)
    found = None if found is None else found.facing(dataset.modality)
    setting = classify(
        target_domain(dataset),
        dataset.task,
        found.domain if found else None,
        found.task if found else None,
    )
    shift = source_shift(dataset, found, seed=seed) if found else None
    return Description(dataset, checks, setting, shift, found, noted=_noted(dataset))


def _noted(dataset: Dataset) -> tuple[str, ...]:
    """Return how samples would enter a network, where the task has something to say of it."""
    if dataset.task is None:
        return ()
    labels = dataset.labels(dataset.splits["train"])
    return create_task(dataset.task, labels).noted(labels)


def _open_unlabelled(data: Any, modality: str | None) -> Dataset:
    if modality is None:
        raise UserError("--label none cannot tell what the inputs are; give --modality image, text or table.")
    return open_files([data], modality=modality) if isinstance(data, str) else open_inputs(data, modality=modality)


def _describe_across(data: Any, source_data: list[Any], options: FitOptions) -> Description:
    """Diagnose the shift from the source data; target labels count only with ``--target-labels learn``."""
    source = None if options.source is None else open_source(options.source, network=options.network)
    sides = open_sides(data, source_data, options)
    source = None if source is None else source.facing(sides.target.dataset.modality)
    adaptation = adapt(sides, source, options, Progress(quiet=True))
    setting = setting_across(sides, len(adaptation.learned[0]), None)
    found, sets = adaptation.diagnosis(), adaptation.label_sets()
    return Description(sides.target.dataset, sides.checks, setting, None, source, found, sets, sides.task.classes)
