"""Which methods race: each family wins only on its own kind of shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from headstart import catalogue
from headstart.catalogue import Entry
from headstart.choice.candidates import Candidate, by_default, many_pictures, standard_field
from headstart.errors import check_names
from headstart.problem import Task
from headstart.shallow.diagnose import KINDS, Diagnosis
from headstart.workflow.adapting.adaptation import Adaptation
from headstart.workflow.adapting.stages import find_stages, not_worth, staged
from headstart.workflow.options import TRAINED, UNSEEN, FitOptions, is_unseen
from headstart.workflow.record import stages_in_words

FIRST: dict[str, tuple[str, ...]] = {
    "none": ("standardize", "coral"),
    "covariate": ("kliep", "density_classifier", "coral", "ot_linear"),
    "label": ("mlls", "bbse", "mmdtars"),
    "subspace": ("subspace_alignment", "gfk", "tca", "ot_linear"),
    "concept": ("towards_source", "feda"),
}
"""What is proposed first for a kind of shift."""
check_names(
    (name for row in FIRST.values() for name in row), catalogue.names(), "headstart.workflow.adapting.plan.FIRST"
)
check_names(KINDS, [*FIRST], "headstart.shallow.diagnose.KINDS")


@dataclass(frozen=True)
class AcrossPlan:
    """What races, and why.

    Attributes
    ----------
    candidates : what races, those for this kind of shift first.
    unseen : whether the target takes no part, neither in fits nor in the choice.
    """

    method: str
    candidates: list[Candidate]
    reasons: list[str]
    unseen: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "candidates": [one.name for one in self.candidates], "reasons": self.reasons}


def make_across_plan(
    task: Task, shift: Diagnosis, options: FitOptions, n_labelled: int, n_sources: int = 1
) -> AcrossPlan:
    """Choose the field by the kind of shift, the task, what is labelled and how many sources there are."""
    if options.method is not None:
        names = list(dict.fromkeys(_named(options.method, task, n_labelled, n_sources)))
        reasons = [f"--method names what races: {', '.join(names)}."]
        unseen = is_unseen(options.method) and n_sources > 1
        if unseen:
            reasons.append(f"They read no target row, so each of {n_sources} sources is left out in turn to choose.")
        return AcrossPlan(options.method, [Candidate(name) for name in names], reasons, unseen)
    extra = FIRST["concept"] if n_labelled else ()
    several = ("weighted_sources",) if n_sources > 1 else ()
    regression = not task.label_space.of_classes
    standard = {one.name: one for one in standard_field() if by_default(catalogue.get(one.method), regression)}
    wanted = list(dict.fromkeys([*several, *FIRST[shift.kind], *standard, *extra]))
    raced = [standard.get(name) or Candidate(name) for name in wanted]
    raced = [one for one in raced if offered(catalogue.get(one.method), task, n_labelled)]
    first = [one.name for one in raced if one.name in FIRST[shift.kind]]
    reasons = [f"{KINDS[shift.kind]}: {', '.join(first) or 'the standard field'} first."]
    if several:
        reasons.append(f"{n_sources} sources: weighted by evidence beside pooled.")
    if n_labelled:
        reasons.append(f"{n_labelled} target labels may be learned from, so target-only and pooled stand beside.")
    else:
        reasons.append("No target label is learned from: the choice rests on validators that need none.")
    return AcrossPlan("adapted", raced, reasons)


def of_many_pictures(plan: AcrossPlan, adaptation: Adaptation) -> AcrossPlan:
    """Leave to what convolves small pictures, and to the cheap correction of class shares, where there are many."""
    n_rows = len(adaptation.rows.source) + len(adaptation.rows.target)
    if adaptation.options.method is not None or not many_pictures(n_rows, adaptation.encoder.grid):
        return plan
    learnt = [one for one in plan.candidates if catalogue.get(one.method).kind in catalogue.LEARNT]
    kept = [one for one in plan.candidates if one in learnt or one.method in FIRST["label"]]
    reason = f"{n_rows} small pictures as they are: what takes pixels for columns stays out unless --method names it."
    return replace(plan, candidates=kept, reasons=[*plan.reasons, reason]) if learnt else plan


def on_stages(plan: AcrossPlan, adaptation: Adaptation) -> AcrossPlan:
    """Let candidates train the network's last stages where ``--depth`` says so.

    Named methods that train do so on stages alone; those of the standard field on stages as well.
    """
    stages, options = find_stages(adaptation), adaptation.options
    if stages is None:
        return plan
    against = not_worth(stages, plan.candidates, adaptation)
    if against is not None:
        return replace(plan, reasons=[*plan.reasons, f"--depth {options.depth}: no stage is trained, {against}."])
    moved = [staged(one, stages) for one in plan.candidates]
    added = [new for new, one in zip(moved, plan.candidates, strict=True) if new is not one]
    reason = (
        f"--depth {options.depth}: what is trained is the network's {stages_in_words(stages.depth)} and a head; the "
        "stages before stay as they are."
    )
    candidates = moved if options.method is not None else [*plan.candidates, *added]
    return replace(plan, candidates=candidates, reasons=[*plan.reasons, reason])


def _named(method: str, task: Task, n_labelled: int, n_sources: int) -> list[str]:
    """Return what ``--method`` names; `TRAINED` stands for every one that the loop can train on these
    domains, but for those that answer a class more or need pictures."""
    names = []
    if method == UNSEEN:
        return [one.name for one in catalogue.METHODS if one.name in catalogue.FOR_UNSEEN and offered(one, task, 0)]
    for name in (part.strip() for part in method.split(",")):
        if name != TRAINED:
            names.append(name)
            continue
        learnt = [one for one in catalogue.METHODS if one.kind in catalogue.LEARNT and offered(one, task, n_labelled)]
        learnt = [one for one in learnt if not one.answers_unknown and "table" in one.applies]
        names += [one.name for one in learnt if n_sources > 1 or "domains" not in one.needs]
    return names


def offered(entry: Entry, task: Task, n_labelled: int) -> bool:
    """Return whether a plan proposes a method: it applies, and nothing that was measured speaks against it."""
    return entry.unoffered is None and applies(entry, task, n_labelled)


def applies(entry: Entry, task: Task, n_labelled: int) -> bool:
    """Return whether a method can serve the task with what is labelled."""
    if not n_labelled and not {"target_labels", "some_target_labels"}.isdisjoint(entry.needs):
        return False
    served = task.label_space.solved_as in entry.applies
    return served and entry.kind in catalogue.RACED_KINDS and entry.space == "homogeneous"
