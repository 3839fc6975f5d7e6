"""The options of a fit: one dataclass behind the command line, Python, TOML files and `resume`."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from headstart import catalogue
from headstart.choice.joint.plan import NORMS
from headstart.errors import UserError, nearest
from headstart.kinds import METRICS, TASKS
from headstart.problem import READINGS
from headstart.workflow.bounds import BOUNDS, LONGEST_BUDGET, real, whole

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
CLASS_WEIGHTS = ("balanced",)
SIDES = ("left", "right", "both")
TARGET_LABELS = ("evaluate", "learn", "none")


VERIFICATION = "verification"
"""A task of no kind of its own: labels are classes, people, and those that judge are none of those learned from."""
AUTO = "auto"
"""A depth that the plan chooses; without source data the same as none given."""
TRAINED = "trained"
"""What the method of a run across domains may be beside names: every one that the loop can train on these domains."""
UNSEEN = "unseen"
"""The same for a target that takes no part: every method that needs none, chosen by leaving each source out in turn."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Everything that decides a fit; names and meanings are those of the command line.

    Parameters
    ----------
    source : what knowledge comes from, e.g. ``timm/resnet50.a1_in1k``; see ``headstart sources``. With ``source_data``
        it is the backbone of images and texts; tables need none.
    source_data : labelled data of the same task from another domain, one or several.
    target_labels : with ``source_data``, what the target's labels serve for: ``evaluate`` only, ``learn`` as well, or
        ``none``.
    test : labelled data, of the target's form, that the verdict is about; the target then only trains and validates.
    sources : several, of which a race finds the best (`headstart.workflow.racing`); ``source`` is None then.
    trials : most fine-tunings of the race; with one source or none, a race of its methods and settings.
    study : URL of a database in which several machines share a race's trials.
    network : architecture of a ``file:`` source.
    method : name in the catalogue, penalties joined by ``+``; None lets the plan choose.
    depth : how many of the last stages learn: ``none``, ``all`` or a number; ``auto`` lets the plan choose, as None
        does where there is no ``source_data``; with it None trains none.
    norm : with ``source_data`` and a depth, what batch norm in the stages that learn counts by.
    budget : wall-clock limit of the training, e.g. ``90s``, ``10m``, ``2h``; shared equally by the arms.
    views : views per sample, the plain one and augmented ones; 1 means no augmentation; None lets the plan choose.
    arms : names of the arms to train; ``chosen`` stands for the planned method, ``baselines`` for what a person does in
        five lines (``source``, ``pooled``, ``linear``, ``trees``), where they have a meaning.
    seed, seeds : first seed, and how many repetitions.
    shots : training labels per class; each seed draws its own; None takes the whole training split. Where episodes are
        learned from, samples per class to learn from in each.
    ways : classes of an episode.
    label, group, text, image : columns of the target. labels : several label columns, each a task of its own.
    data_sets : how many data sets share a body, each with tasks of its own.
    classes : CSV file that lists classes, those without a sample among them, with their attributes.
    words : ``.npz`` file of word vectors, or a text source, by which classes are told by names or descriptions.
    prompts : templates of what a text source reads of a class, joined by ``|``, ``{}`` in the name's place.
    task, modality : override what is inferred.
    device, precision, batch_size, epochs, learning_rate, patience : override what is planned.
    unlabelled : samples without labels beside the labelled target, which half-labelled methods learn from too.
    metric : what arms, epochs and the verdict go by, one of the task's metrics; None for the task's own.
    class_weight : ``balanced`` lets every class count alike in the losses, whatever its number of samples.
    allow_damaged : go on although more than 5% of the files are damaged.
    forgetting : measure how well the source's own task is solved before and after.
    replay : old samples of the same task, a path; the method ``replay`` learns from them beside the target's.
    remember : keep what the run's data say of each weight, for a later run that is to forget little.
    left, right : of pairs, the column of each side, or several joined by commas. pretrained : which sides start from
        the weights that ``source`` names, ``left``, ``right`` or ``both``; the others start at random. teacher : the
        run or network whose answers of the left side the right side learns.
    carried : a run whose generator is carried over; ``source`` is the same. judge : network whose features compare what
        is drawn with real pictures.
    size, head : of tasks with masks or boxes: the side in pixels at which pictures enter, and what reads the maps of
        the network's stages.
    """

    source: str | None = None
    sources: tuple[str, ...] = ()
    source_data: tuple[str, ...] = ()
    target_labels: str = "evaluate"
    test: str | None = None
    network: str | None = None
    method: str | None = None
    depth: str | None = None
    norm: str | None = None
    budget: str = "15m"
    views: int | None = None
    arms: tuple[str, ...] = ("scratch", "probe", "baselines", "chosen")
    seed: int = 0
    seeds: int = 1
    shots: int | None = None
    ways: int | None = None
    classes: str | None = None
    words: str | None = None
    prompts: str | None = None
    label: str | None = None
    group: str | None = None
    text: str | None = None
    image: str | None = None
    task: str | None = None
    modality: str | None = None
    device: str | None = None
    precision: str | None = None
    batch_size: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    patience: int | None = None
    metric: str | None = None
    class_weight: str | None = None
    allow_damaged: bool = False
    forgetting: bool = False
    replay: str | None = None
    remember: bool = False
    trials: int | None = None
    study: str | None = None
    labels: tuple[str, ...] = ()
    data_sets: int = 1
    unlabelled: str | None = None
    size: int | None = None
    head: str | None = None
    left: str | None = None
    right: str | None = None
    pretrained: str | None = None
    teacher: str | None = None
    carried: str | None = None
    judge: str | None = None

    def __post_init__(self) -> None:
        one_of("--task", self.task, (*TASKS, VERIFICATION))
        one_of("--modality", self.modality, READINGS)
        one_of("--target-labels", self.target_labels, TARGET_LABELS)
        one_of("--precision", self.precision, ("no", "bf16"))
        one_of("--metric", self.metric, tuple(dict.fromkeys(name for names in METRICS.values() for name in names)))
        one_of("--norm", self.norm, NORMS)
        one_of("--pretrained", self.pretrained, SIDES)
        one_of("--class-weight", self.class_weight, CLASS_WEIGHTS)
        for option in BOUNDS:
            object.__setattr__(self, option, whole(option, getattr(self, option)))
        object.__setattr__(self, "learning_rate", real("learning_rate", self.learning_rate, 10))
        seconds_of(self.budget)
        depth_of(self.depth, n_stages=10**6)

    @property
    def verifies(self) -> bool:
        """Whether the question is who is who, rather than which class."""
        return self.task == VERIFICATION

    @property
    def balanced(self) -> bool:
        return self.class_weight == "balanced"

    @property
    def of_task(self) -> dict[str, Any]:
        """What a task is asked for beyond the noun (`headstart.tasks.TaskLogic.configured`)."""
        return {"size": self.size, "head": self.head}

    @property
    def of_several_tasks(self) -> bool:
        """Whether tasks share a body: several label columns, or several data sets."""
        return bool(self.labels) or self.data_sets > 1

    @property
    def races(self) -> bool:
        """Whether the source, the method and its settings are found by a race."""
        return bool(self.sources) or self.trials is not None

    @property
    def seed_list(self) -> list[int]:
        return list(range(self.seed, self.seed + self.seeds))

    def to_json(self) -> dict[str, Any]:
        listed = {name: list(getattr(self, name)) for name in ("arms", "source_data", "sources", "labels")}
        return asdict(self) | listed

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FitOptions:
        fields: dict[str, Any] = {
            **value,
            "arms": tuple(value.get("arms", cls.arms)),
            "source_data": tuple(value.get("source_data", ())),
            "sources": tuple(value.get("sources", ())),
            "labels": tuple(value.get("labels", ())),
        }
        return cls(**fields)


def one_of(option: str, value: str | None, known: tuple[str, ...]) -> None:
    """Refuse a value that is not known, naming the nearest."""
    if value is not None and value not in known:
        raise UserError(f"{option} '{value}' is not known; {nearest(value, known)}")


def seconds_of(budget: str) -> float:
    """Turn ``90s``, ``10m``, ``1.5h`` or plain seconds into seconds.

    Examples
    --------
    >>> seconds_of("10m"), seconds_of("90"), seconds_of("1.5h")
    (600.0, 90.0, 5400.0)
    """
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)([smh]?)", str(budget).strip())
    if match is None or not 0 < float(match[1]) * _SECONDS[match[2]] <= LONGEST_BUDGET:
        raise UserError(f"--budget '{budget}' is not a time; expected a number with s, m or h, such as 90s, 10m or 2h.")
    return float(match[1]) * _SECONDS[match[2]]


def is_source_free(method: str | None) -> bool:
    """Return whether a method, or all of several joined by commas, need a run alone and no data of its source."""
    names = [name.strip() for name in (method or "").split(",")]
    kinds = {entry.name: entry.kind for entry in catalogue.METHODS}
    return {kinds.get(name) for name in names} == {"source_free"}


def is_self_supervised(method: str | None) -> bool:
    """Return whether a method learns from samples without labels, to make a source."""
    return method in {entry.name for entry in catalogue.UNLABELLED}


def is_of_pairs(method: str | None) -> bool:
    """Return whether a method learns from pairs, to make a source."""
    return method in {entry.name for entry in catalogue.PAIRS}


def is_unseen(method: str | None) -> bool:
    """Return whether what ``--method`` names is chosen by leaving each source out in turn: two methods or more for a
    target that nobody has seen, or `UNSEEN`, which stands for all of them."""
    names = [name.strip().partition("+")[0] for name in (method or "").split(",")]
    return names == [UNSEEN] or (len(names) > 1 and {*names} <= catalogue.FOR_UNSEEN)


def depth_of(depth: str | int | None, n_stages: int) -> int | None:
    """Turn ``none``, ``all`` or a number of last stages into a number of stages that learn; None and ``auto`` are None.

    Examples
    --------
    >>> depth_of("all", 5), depth_of("none", 5), depth_of("2", 5), depth_of(None, 5)
    (5, 0, 2, None)
    """
    if depth is None or str(depth).strip().lower() == AUTO:
        return None
    words = {"none": 0, "all": n_stages}
    text = str(depth).strip().lower()
    number = words.get(text, int(text) if re.fullmatch("[0-9]{1,6}", text) else -1)
    if not 0 <= number <= n_stages:
        stages = "" if n_stages >= 10**6 else f"; this network has {n_stages} stages"
        raise UserError(
            f"--depth '{depth}' is not a depth; expected none, all, auto, or a number of last stages{stages}."
        )
    return number
