"""Which transfer problem is this? The three classifications of Pan and Yang (2010), answered with reasons."""

from __future__ import annotations

from dataclasses import replace

from headstart.problem import Carries, Domain, Scenario, Setting, Space, Task


def classify(
    target: Domain,
    target_task: Task | None,
    source: Domain | None = None,
    source_task: Task | None = None,
    carries: Carries | None = None,
) -> Setting:
    """Answer the three classifications: scenario, feature space, and what is carried over.

    Parameters
    ----------
    target_task : None when the target has no labels.
    source : None when no source was named.
    source_task : None when the source has no labels of its own (self-supervised, or unknown).
    carries : what the method carries over, when it is known.
    """
    scenario, why_scenario = _scenario(target_task, source_task, source is not None)
    space, why_space = _space(target, source)
    carried, why_carried = _carries(carries, source is not None)
    reasons = {"scenario": why_scenario, "space": why_space, "carries": why_carried}
    return Setting(scenario, space, carried, reasons)


def _scenario(target: Task | None, source: Task | None, named: bool) -> tuple[Scenario, str]:
    if target is None and source is None:
        return "unsupervised", "Neither side has labels."
    if target is None:
        return "transductive", "The target has no labels, so the task must be the source's own."
    if not named:
        return "inductive", "The target has labels of its own; any source serves to learn its task better."
    if source is None:
        return (
            "inductive",
            "The target has labels; the source brings weights learned on another task or without labels.",
        )
    if source == target:
        return (
            "inductive",
            "Both sides have the same task, and the target has labels to learn from (supervised adaptation).",
        )
    return (
        "inductive",
        f"The tasks differ ({source.label_space.words()} against {target.label_space.words()}), "
        "and the target has labels.",
    )


def _space(target: Domain, source: Domain | None) -> tuple[Space, str]:
    if source is None:
        return "homogeneous", f"Without a source there is only the target's space: {target.modality}."
    if source.modality != target.modality:
        return (
            "heterogeneous",
            f"The source takes {source.modality} input and the target is {target.modality}.",
        )
    if target.modality != "table":
        return (
            "homogeneous",
            f"Both sides are {target.modality}, brought into one space by the source's preprocessing.",
        )
    if not source.space:
        return (
            "heterogeneous",
            "The source names no columns, so the target's columns have to be learned anew.",
        )
    if set(source.space) == set(target.space):
        return "homogeneous", f"Both tables have the same {len(target.space)} columns."
    common = len(set(source.space) & set(target.space))
    return (
        "heterogeneous",
        f"The tables share {common} of {len(source.space)} source and {len(target.space)} target columns.",
    )


def _carries(carries: Carries | None, named: bool) -> tuple[Carries, str]:
    if carries == "features":
        return "features", "The source's layers stay frozen and serve as the representation."
    if carries == "instances":
        return "instances", "Source samples are used again, reweighted."
    if carries == "relations":
        return "relations", "Relations among samples or classes are carried over."
    where = (
        "The target's network starts from the source's weights."
        if named
        else "A pretrained source would bring its weights."
    )
    return "parameters", where


def labels_set_aside(setting: Setting, n: int) -> Setting:
    """Say of a target whose ``n`` labels serve to evaluate only that it has them, and why they do not count."""
    if n == 0 or setting.scenario != "transductive":
        return setting
    why = (
        f"The target's {n:,} labels serve to evaluate only and nothing learns from them, so the task must be the "
        "source's own; --target-labels learn lets a part of them teach."
    )
    return replace(setting, reasons=setting.reasons | {"scenario": why})


ACROSS: dict[Carries, str] = {
    "instances": "Labelled source rows are used again, weighted to stand for the target.",
    "features": "Both domains are brought into one feature space, in which the source's labels serve the target.",
    "parameters": "A model fitted on the source is the starting point of the target's.",
    "relations": "Labels travel along relations between source and target rows.",
}


def carried(setting: Setting, carries: Carries | None) -> Setting:
    """Say what a method across domains carries over; None before one is chosen."""
    if carries is None:
        reason = "Candidates that carry instances, features and relations race; the evidence decides."
        return replace(setting, carries="features", reasons=setting.reasons | {"carries": reason})
    return replace(setting, carries=carries, reasons=setting.reasons | {"carries": ACROSS[carries]})
