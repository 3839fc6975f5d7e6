"""One explicit table of methods. Importing it loads no method and no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from headstart.catalogue.adversarial import ADVERSARIAL, ADVERSARIAL_PENALTIES
from headstart.catalogue.entry import Entry
from headstart.catalogue.features import FEATURES
from headstart.catalogue.features_kernel import FEATURES_KERNEL
from headstart.catalogue.features_transport import FEATURES_TRANSPORT
from headstart.catalogue.heterogeneous import HETEROGENEOUS
from headstart.catalogue.instances import INSTANCES
from headstart.catalogue.label_sets import LABEL_SETS
from headstart.catalogue.matching import MATCHING
from headstart.catalogue.meta import META
from headstart.catalogue.multitask import MULTITASK
from headstart.catalogue.pairs import PAIRS
from headstart.catalogue.parameters import PARAMETERS
from headstart.catalogue.pseudo_labels import PSEUDO_LABELS
from headstart.catalogue.relations import RELATIONS
from headstart.catalogue.selftrain import SELFTRAIN
from headstart.catalogue.source_free import SOURCE_FREE
from headstart.catalogue.target import TARGET_METHODS
from headstart.catalogue.test_time import TEST_TIME
from headstart.catalogue.translation import TRANSLATION
from headstart.catalogue.unlabelled import UNLABELLED
from headstart.catalogue.unseen import UNSEEN
from headstart.catalogue.unsupervised import UNSUPERVISED
from headstart.catalogue.zero_shot import ZERO_SHOT
from headstart.errors import UserError, nearest

METHODS: tuple[Entry, ...] = (
    *TARGET_METHODS,
    *ADVERSARIAL_PENALTIES,
    *INSTANCES,
    *PSEUDO_LABELS,
    *FEATURES,
    *FEATURES_KERNEL,
    *FEATURES_TRANSPORT,
    *PARAMETERS,
    *RELATIONS,
    *HETEROGENEOUS,
    *UNSUPERVISED,
    *MATCHING,
    *ADVERSARIAL,
    *LABEL_SETS,
    *SELFTRAIN,
    *TRANSLATION,
    *SOURCE_FREE,
    *TEST_TIME,
    *UNSEEN,
    *META,
    *ZERO_SHOT,
    *UNLABELLED,
    *PAIRS,
    *MULTITASK,
)
LEARNT = frozenset({"joint", "source_free"})
"""Kinds of methods that the loop trains across domains."""
FOR_UNSEEN = frozenset(entry.name for entry in UNSEEN)
"""Methods that read no row of the target."""
DOMAIN_KINDS = frozenset({"weights", "map", "predictor"})
RACED_KINDS = DOMAIN_KINDS | LEARNT
"""What can be a candidate of a race across domains."""
UNKNOWN = "unknown"
"""The answer that a sample is of no class of the source."""


def names() -> list[str]:
    """Return every method's name, in the table's order."""
    return [entry.name for entry in METHODS]


def get(name: str) -> Entry:
    """Return a method's entry; one sentence with the nearest names if there is none."""
    for entry in METHODS:
        if entry.name == name:
            return entry
    raise UserError(f"There is no method '{name}'; {nearest(name, names())}")


def answers_unknown(methods: str | None) -> bool:
    """Return whether one of some methods joined by commas can answer `UNKNOWN`."""
    given = {word.strip() for word in re.split("[,+]", methods or "")}
    return any(entry.answers_unknown for entry in METHODS if entry.name in given)


def rows() -> list[dict[str, str]]:
    """Return the table for people: one dict of texts per method."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "kind": entry.kind,
            "carries": entry.carries,
            "scenario": entry.scenario,
            "space": entry.space,
            "needs": ", ".join(entry.needs),
            "applies to": entry.applies,
            "paper": "; ".join(entry.papers),
            "not offered": entry.unoffered or "",
        }
        for entry in METHODS
    ]


def parts(expression: str) -> tuple[Entry, list[Entry]]:
    """Split ``finetune+l2sp+bss`` into the base and its penalties; penalties alone stand on fine-tuning."""
    entries = [get(word.strip()) for word in expression.split("+")]
    penalties = [entry for entry in entries if entry.kind == "penalty"]
    bases = [entry for entry in entries if entry.kind != "penalty"]
    if len(bases) > 1:
        raise UserError(
            f"'{expression}' joins {bases[0].name} and {bases[1].name}, but only penalties "
            f"({', '.join(e.name for e in METHODS if e.kind == 'penalty')}) can be joined to a method."
        )
    return (bases[0] if bases else get("finetune")), penalties


def papers(expression: str) -> list[str]:
    """Return the papers of a method and its penalties, each once."""
    base, penalties = parts(expression)
    return list(dict.fromkeys(paper for entry in (base, *penalties) for paper in entry.papers))


def create(expression: str, depth: int | None = None, options: dict[str, Any] | None = None) -> Any:
    """Return the method that ``expression`` names, with its penalties and options.

    Parameters
    ----------
    expression : a name, or names joined by ``+``: ``finetune+l2sp+bss``.
    depth : number of last stages that learn, for methods that have a depth; None keeps the method's own.
    options : hyper-parameter to value; ``l2sp.alpha`` names one part's where several have it. Texts are read as JSON
        where the hyper-parameter is no text.

    Raises
    ------
    UserError
        For an unknown name or option (with the nearest), a base that takes no penalties, or a depth it has not.
    """
    base, penalties = parts(expression)
    known = {entry.name: _defaults(entry) for entry in (base, *penalties)}
    chosen = _assign(expression, known, options or {})
    if depth is not None:
        if "depth" not in known[base.name]:
            raise UserError(f"The method '{base.name}' has no depth; choose finetune, lp_ft, gradual or lora.")
        chosen[base.name].setdefault("depth", depth)
    if penalties:
        if "penalties" not in known[base.name]:
            raise UserError(f"The method '{base.name}' takes no penalties; join them to finetune, lp_ft or gradual.")
        chosen[base.name]["penalties"] = tuple(entry.load()(**chosen[entry.name]) for entry in penalties)
    return base.load()(**chosen[base.name])


def _defaults(entry: Entry) -> dict[str, Any]:
    return {item.name: item.default for item in fields(entry.load()) if item.init}


def _assign(expression: str, known: dict[str, dict[str, Any]], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give each option to the part that has it."""
    chosen: dict[str, dict[str, Any]] = {name: {} for name in known}
    for option, value in options.items():
        part, _, short = option.rpartition(".")
        owners = [name for name, defaults in known.items() if short in defaults and part in ("", name)]
        if not owners:
            raise UserError(f"The method '{expression}' has no option '{option}'; {nearest(option, _options(known))}")
        if len(owners) > 1:
            raise UserError(
                f"The option '{option}' belongs to {' and '.join(owners)}; "
                f"write {' or '.join(f'{owner}.{short}' for owner in owners)}."
            )
        chosen[owners[0]][short] = _typed(option, value, known[owners[0]][short])
    return chosen


def _options(known: dict[str, dict[str, Any]]) -> Iterable[str]:
    """Return what can be written: short names, and dotted ones where two parts share one."""
    every = [short for defaults in known.values() for short in defaults if short != "penalties"]
    shared = {short for short in every if every.count(short) > 1}
    return [
        f"{name}.{short}" if short in shared else short
        for name, defaults in known.items()
        for short in defaults
        if short != "penalties"
    ]


def _typed(option: str, value: Any, default: Any) -> Any:
    if not isinstance(value, str) or isinstance(default, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise UserError(f"The option '{option}' is '{value}', but a value like {default!r} was expected.") from error
