"""One explicit table of methods. Importing it loads no method and no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

from headstart.errors import UserError, nearest
from headstart.problem import Carries, Scenario


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
    kind : "trained" (by the loop), "fitted" (without gradients through the network) or "penalty" (a term that others
        carry, joined by ``+``; alone it stands on fine-tuning).
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

    def load(self) -> type:
        """Return the class."""
        module, name = self.path.split(":")
        return getattr(import_module(module), name)


_FINETUNE = "headstart.deep.finetune"
_PENALTIES = "headstart.deep.finetune.penalties"

METHODS: tuple[Entry, ...] = (
    Entry(
        "probe",
        "Linear probe",
        "headstart.shallow.parameters.probe:Probe",
        (
            "Alain and Bengio, Understanding intermediate layers using linear classifier probes, ICLR 2017",
            "Kornblith, Shlens and Le, Do Better ImageNet Models Transfer Better?, CVPR 2019",
        ),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "knn",
        "Nearest neighbours on features",
        "headstart.shallow.parameters.knn:KNN",
        ("Wu et al., Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR 2018",),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "stage_probe",
        "Probe of several stages, reduced and fused",
        "headstart.shallow.features.stage_probe:StageProbe",
        (
            "Evci et al., Head2Toe: Utilizing Intermediate Representations for Better Transfer Learning, ICML 2022",
            "Breiman, Stacked Regressions, Machine Learning 1996",
        ),
        carries="features",
        kind="fitted",
    ),
    Entry(
        "finetune",
        "Fine-tuning",
        f"{_FINETUNE}.finetune:FineTune",
        (
            "Yosinski et al., How transferable are features in deep neural networks?, NeurIPS 2014",
            "Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018",
        ),
    ),
    Entry(
        "lp_ft",
        "Linear probe, then fine-tuning",
        f"{_FINETUNE}.lp_ft:LPFT",
        ("Kumar et al., Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution, ICLR 2022",),
    ),
    Entry(
        "gradual",
        "Gradual unfreezing",
        f"{_FINETUNE}.gradual:GradualUnfreezing",
        ("Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018",),
    ),
    Entry(
        "l2sp",
        "L2-SP: stay near the starting point",
        f"{_PENALTIES}.l2sp:L2SP",
        (
            "Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional "
            "Networks, ICML 2018",
        ),
        kind="penalty",
    ),
    Entry(
        "delta",
        "DELTA: keep the behaviour of the feature maps",
        f"{_PENALTIES}.delta:DELTA",
        (
            "Li et al., DELTA: DEep Learning Transfer using Feature Map with Attention for Convolutional "
            "Networks, ICLR 2019",
        ),
        carries="features",
        kind="penalty",
    ),
    Entry(
        "bss",
        "Batch spectral shrinkage",
        f"{_PENALTIES}.bss:BSS",
        (
            "Chen et al., Catastrophic Forgetting Meets Negative Transfer: Batch Spectral Shrinkage for Safe "
            "Transfer Learning, NeurIPS 2019",
        ),
        carries="features",
        kind="penalty",
    ),
    Entry(
        "lora",
        "Low-rank adaptation",
        f"{_FINETUNE}.lora:LoRA",
        ("Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022",),
        applies="image, text, table (linear and ungrouped convolution layers); every task",
    ),
    Entry(
        "distill",
        "Distillation from the source",
        f"{_FINETUNE}.distill:Distill",
        (
            "Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, NeurIPS workshop 2014",
            "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015",
        ),
        carries="relations",
    ),
    Entry(
        "scratch",
        "Training from scratch (the reference)",
        f"{_FINETUNE}.scratch:Scratch",
        ("He, Girshick and Dollar, Rethinking ImageNet Pre-training, ICCV 2019",),
    ),
)


def names() -> list[str]:
    """Return every method's name, in the table's order."""
    return [entry.name for entry in METHODS]


def get(name: str) -> Entry:
    """Return a method's entry; one sentence with the nearest names if there is none."""
    for entry in METHODS:
        if entry.name == name:
            return entry
    raise UserError(f"There is no method '{name}'; {nearest(name, names())}")


def rows() -> list[dict[str, str]]:
    """Return the table for people: one dict of texts per method."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "kind": entry.kind,
            "carries": entry.carries,
            "scenario": entry.scenario,
            "needs": ", ".join(entry.needs),
            "applies to": entry.applies,
            "paper": "; ".join(entry.papers),
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
