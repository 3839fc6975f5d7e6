"""What a row of the catalogue says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple, get_args

from headstart.errors import check_names
from headstart.kinds import TASKS
from headstart.problem import MODALITIES, Carries, Scenario, Space

KINDS = (
    "trained",
    "fitted",
    "penalty",
    "joint",
    "source_free",
    "test_time",
    "meta",
    "zero_shot",
    "self_supervised",
    "pairs",
    "multitask",
    "weights",
    "map",
    "predictor",
    "head",
    "unsupervised",
)
NEEDS = (
    "target_labels",
    "some_target_labels",
    "source_labels",
    "source_inputs",
    "target_inputs",
    "domains",
    "episodes",
)
"""Those of `headstart.deep.method.NEEDS`, which this room cannot import."""


class Variant(NamedTuple):
    """A way in which a method races: its name in the race, None for the method's own, and its options."""

    label: str | None = None
    options: dict[str, Any] | None = None


@dataclass(frozen=True)
class Entry:
    """A method's place in the field.

    Parameters
    ----------
    name : what is typed. title : the field's name for it.
    path : ``module:Class``, imported when used.
    papers : authors, title, venue and year.
    carries, scenario : where it stands in the classifications of `headstart.problem.Setting`.
    needs : what the data must hold. applies : modalities and tasks.
    kind : "trained" (by the loop), "fitted" (without gradients through the network), "penalty" (a term that others
        carry, joined by ``+``; alone it stands on fine-tuning), "joint" (by the loop, on labelled sources and mostly
        an unlabelled target), "source_free" (by the loop, on an unlabelled target from a source's model), "test_time"
        (at prediction, from a model and the rows to predict), "meta" (by the loop, on few-shot episodes, for classes to
        come), "zero_shot" (a function of features, labels and classes' attributes), "self_supervised" (by the loop,
        from samples without labels, to make a source), "pairs" (the same, from two sides of samples), "multitask" (by
        the loop, several label columns at once), or, across domains of arrays and features: "weights" (a function that
        weighs source rows), "map" (a `DomainTransformer`), "predictor" (a `DomainClassifier` or `DomainRegressor`; one
        that serves several tasks has ``regressor`` beside), "head" (starts from a fitted source estimator) or
        "unsupervised" (no labels on either side).
    space : homogeneous, or heterogeneous for methods that take source and target features of different meaning.
    regressor : ``module:Class`` of the regressor, for a predictor whose ``path`` is a classifier.
    words : what it is as a baseline, after "over"; None for the name.
    every_stage : learns in a trained method, whatever the depth, at one rate. uses_source : False for a reference that
        carries nothing over. simple : a few lines of another library, which transfer has to beat.
    continues : starts as its source answers, head and all, and is to forget little of it: the source must be a run that
        knows the target's task.
    former_head : learns its source's own classes too: the source must be a run of classes.
    answers_unknown : its network's last class is "unknown", of which the source has no sample (open sets).
    unoffered : what was measured that speaks against it, with where it stands; a plan never proposes such a method, and
        the list of methods says why. None where nothing does.
    raced : the variants that race across domains unless told otherwise.
    cost : seconds of fitting twice and scoring, ``a + b N q k / 10^7 + c (N / 1000)^3 + e (q / 1000)^3``: N rows of
        both domains (beyond 2,000 the cube grows by 4 N / 1000), q the smaller of N and the columns, k classes. Those
        in the table were fitted to 120 races of the development pairs on one thread of a server of 2026, mostly within
        a factor of 2; only their order and their share of a budget are used. Of methods that the loop trains: a for a
        thousand steps, b for a thousand steps and as many columns. None for what most methods of its kind cost.
    """

    name: str
    title: str
    path: str
    papers: tuple[str, ...]
    carries: Carries = "parameters"
    scenario: Scenario = "inductive"
    needs: tuple[str, ...] = ("target_labels",)
    applies: str = "image, text, table; classification, multilabel, regression"
    kind: str = "trained"
    space: Space = "homogeneous"
    regressor: str | None = None
    words: str | None = None
    every_stage: bool = False
    uses_source: bool = True
    simple: bool = False
    continues: bool = False
    former_head: bool = False
    answers_unknown: bool = False
    unoffered: str | None = None
    raced: tuple[Variant, ...] = ()
    cost: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse a word that would select nothing: a race or a table would silently do without the method."""
        given = {
            "kind": ((self.kind,), KINDS),
            "needs": (self.needs, NEEDS),
            "carries": ((self.carries,), get_args(Carries)),
            "scenario": ((self.scenario,), get_args(Scenario)),
            "space": ((self.space,), get_args(Space)),
        }
        for field, (words, known) in given.items():
            check_names(words, known, f"The catalogue's {field} of '{self.name}'")
        if self.unoffered is not None and (self.raced or not re.search(r"\d", self.unoffered)):
            raise ValueError(
                f"The catalogue's unoffered of '{self.name}' takes a measured figure, and no method that races unasked."
            )
        known = (*MODALITIES, *TASKS)
        almost = [word for word in re.findall(r"\w+", self.applies) if get_close_matches(word, known, 1, 0.8)]
        check_names(almost, known, f"The catalogue's applies of '{self.name}'")
        for wanted, words in (("modality", (*MODALITIES, "features")), ("task", (*TASKS, "every task"))):
            if not any(word in self.applies for word in words):
                raise ValueError(
                    f"The catalogue's applies of '{self.name}' names no {wanted}; known: {', '.join(words)}"
                )

    def load(self) -> Any:
        """Return the class, or the function of a reweighting."""
        module, name = self.path.split(":")
        return getattr(import_module(module), name)
