"""What a fine-tuning may be: sources, methods and depths, and the hyper-parameters that are searched for each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from headstart import catalogue
from headstart.workflow.arm import arm_of
from headstart.workflow.options import FitOptions, depth_of
from headstart.workflow.planning.effort import VIEWS
from headstart.workflow.planning.plan import EVERY, SOME

PENALTY = "l2sp"
"""The penalty that is tried where no method was asked for."""
STRENGTHS = ("alpha", "strength", "eta")
"""What penalties call their trade-off."""
LAST, ALL = "last", "all"
TENTH, TEN = 0.1, 10.0
"""How far a rate, or a penalty's strength, may lie from the usual one."""
WEIGHT_DECAYS = (1e-4, 1e-1)
STAGE_DECAYS = (0.5, 1.0)


class Way(NamedTuple):
    """One draw: a source, a method, ``depth`` in words, ``rate`` as a multiple of the usual one, and settings."""

    source: str
    method: str
    depth: str
    rate: float
    views: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Space:
    """What is drawn from.

    Attributes
    ----------
    sources, methods, depths : among which. views : numbers of views. rate : whether the learning rate is searched for.
    penalised : whether a penalty may be added to the methods.
    """

    sources: tuple[str, ...]
    methods: tuple[str, ...]
    depths: tuple[str, ...]
    views: tuple[int, ...]
    rate: bool
    penalised: bool

    def draw(self, trial: Any) -> Way:
        """Let an optuna trial suggest everything that is open."""
        source = _one_of(trial, "source", self.sources)
        method = _one_of(trial, "method", self.methods)
        depth = _one_of(trial, "depth", self.depths)
        rate = trial.suggest_float("rate", TENTH, TEN, log=True) if self.rate else 1.0
        settings = {"weight_decay": trial.suggest_float("weight_decay", *WEIGHT_DECAYS, log=True)}
        if "stage_decay" in _names(method):
            settings["stage_decay"] = trial.suggest_float("stage_decay", *STAGE_DECAYS)
        if self.penalised and trial.suggest_categorical("penalty", ["none", PENALTY]) == PENALTY:
            method = f"{method}+{PENALTY}"
        for name, usual in _strengths(method).items():
            settings[name] = trial.suggest_float(name, TENTH * usual, TEN * usual, log=True)
        return Way(source, method, depth, rate, int(_one_of(trial, "views", self.views)), settings)

    def usual(self, source: str) -> dict[str, Any]:
        """Return the field's recipe for a source as a trial's parameters: the first that is run."""
        found: dict[str, Any] = {"weight_decay": 1e-2, "stage_decay": 0.9, "rate": 1.0}
        found |= {"source": source, "method": self.methods[0], "depth": self.depths[0], "views": self.views[0]}
        return found | ({"penalty": "none"} if self.penalised else _strengths(self.methods[0]))


def space_of(sources: list[str], options: FitOptions, *, coloured: bool, usual_depth: str) -> Space | None:
    """Return what may be fine-tuned; None where nothing learns but a head."""
    trains = options.method is None or arm_of(options.method).trains
    if not trains or depth_of(options.depth, 10**6) == 0:
        return None
    free = options.method is None
    depths = (usual_depth, ALL if usual_depth == LAST else LAST) if options.depth is None else (options.depth,)
    views = (options.views,) if options.views is not None else (1, VIEWS) if coloured else (1,)
    methods = (SOME, EVERY) if options.method is None else (options.method,)
    return Space(tuple(sources), methods, depths, views, options.learning_rate is None, free)


def _one_of(trial: Any, name: str, choices: tuple[Any, ...]) -> Any:
    return choices[0] if len(choices) == 1 else trial.suggest_categorical(name, list(choices))


def _names(method: str) -> set[str]:
    return {field.name for field in fields(type(catalogue.create(method)))}


def _strengths(method: str) -> dict[str, float]:
    """Return the trade-offs of a method's penalties, by dotted name, and their usual values."""
    found = {}
    for entry in catalogue.parts(method)[1]:
        usual = {field.name: field.default for field in fields(entry.load())}
        name = next((name for name in STRENGTHS if name in usual), None)
        value = None if name is None else usual[name]
        if isinstance(value, float) and value > 0:
            found[f"{entry.name}.{name}"] = value
    return found
