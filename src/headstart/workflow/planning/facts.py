"""What a plan looks at: how much data, how large a network, how fast it is, how far the source lies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from headstart.data import Dataset
from headstart.data.crossing import n_folds
from headstart.networks import Network
from headstart.workflow.planning.costs import Speed, watched_rows


@dataclass(frozen=True)
class Facts:
    """What the plan looks at.

    Attributes
    ----------
    n_train, per_class : training samples, and the median number per class (all of them for regression).
    parameters, n_stages : size of the network. flops : of a forward pass per sample; 0 if it was not counted.
    speed : measured seconds per sample.
    coloured : whether inputs are pictures of three channels, for which augmented views were measured.
    shift_auc : AUC of the domain classifier, or None when the source's inputs are not at hand.
    device : kind of device that trains.
    solvable : whether a head can be fitted without gradients, as a probe is. dense : whether answers lie in space.
    modality : of the inputs where the labels are classes, one per sample; "" otherwise.
    inner : of the training rows, those that say when to stop where there is a validation split; 0 where its rows do.
    single : whether no class has a second training label, so that nothing can be held out.
    named : whether a side of the source reads the classes' names.
    crossed : in how many parts every sample is judged once, by a model that never saw it, for want of a test split; 0
        where there is one.
    means : how class means of the source's features are compared best, by its own evidence: `prototypes` or `cosine`.
    """

    n_train: int
    per_class: int
    has_validation: bool
    parameters: int
    n_stages: int
    family: str
    speed: Speed
    shift_auc: float | None = None
    device: str = "cpu"
    flops: float = 0.0
    n_validation: int = 0
    n_test: int = 0
    coloured: bool = False
    inner: int = 0
    modality: str = ""
    solvable: bool = True
    dense: bool = False
    single: bool = False
    named: bool = False
    means: str = "cosine"
    crossed: int = 0


def facts_of(
    dataset: Dataset,
    network: Network,
    speed: Speed,
    shift_auc: float | None = None,
    shots: int | None = None,
    flops: float = 0.0,
    means: str = "",
    *,
    named: bool = False,
) -> Facts:
    """Collect what `make_plan` looks at."""
    rows = dataset.splits["train"]
    assert dataset.task is not None
    labels = dataset.labels(rows)
    per_class, n_train = dataset.task.label_space.per_class(labels), len(rows)
    if shots is not None:
        per_class, n_train = shots, shots * dataset.task.n_outputs
    return Facts(
        n_train=n_train,
        per_class=per_class,
        has_validation=len(dataset.splits["validation"]) > 0 and shots is None,
        parameters=sum(p.numel() for p in network.parameters()),
        n_stages=len(network.stages),
        family=str(network.spec.get("family", "")),
        speed=speed,
        shift_auc=shift_auc,
        device=next(network.parameters()).device.type,
        flops=flops,
        n_validation=len(dataset.splits["validation"]),
        inner=watched_rows(n_train) if len(dataset.splits["validation"]) and shots is None else 0,
        n_test=len(dataset.splits["test"]),
        modality=dataset.modality if dataset.task.label_space.one_class else "",
        solvable=bool(dataset.task.label_space.solved_as) and not hasattr(network.head, "reads"),
        dense=network.reads_maps,
        single=is_single(dataset, shots),
        named=named,
        means=means or "cosine",
        crossed=n_folds(dataset),
        coloured=network.preprocess.augments and getattr(network.preprocess, "channels", 3) == 3,
    )


def by_tiles(facts: Facts, tiles: float) -> Facts:
    """Return the facts counted in tiles, so many to a picture, of which speed and work were measured."""
    if tiles == 1:
        return facts
    counted = {name: round(tiles * getattr(facts, name)) for name in ("n_train", "n_validation", "n_test", "inner")}
    return replace(facts, **counted)


def is_single(dataset: Dataset, shots: int | None = None) -> bool:
    """Whether no class has a second training label, or one is drawn of each, and there are no validation rows."""
    assert dataset.task is not None
    if not dataset.task.label_space.one_class or len(dataset.splits["validation"]):
        return False
    if shots is not None:
        return shots == 1
    labels = dataset.labels(dataset.splits["train"])
    return len(np.unique(labels)) == len(labels)
