"""Which methods race: each family wins only on its own kind of shift."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from headstart import catalogue
from headstart.catalogue import Entry
from headstart.problem import Task
from headstart.shallow.diagnose import KINDS, Diagnosis
from headstart.workflow.options import FitOptions

FIRST: dict[str, tuple[str, ...]] = {
    "none": ("standardise", "coral"),
    "covariate": ("kliep", "density_classifier", "coral", "ot_linear"),
    "label": ("mlls", "bbse", "mmdtars"),
    "subspace": ("subspace_alignment", "gfk", "tca", "ot_linear"),
    "concept": ("toward_source", "feda"),
}
"""What is proposed first for a kind of shift."""


@dataclass(frozen=True)
class AcrossPlan:
    """What races, and why.

    Attributes
    ----------
    candidates : names of the catalogue, those for this kind of shift first; None for the standard field.
    """

    method: str
    candidates: list[str] | None
    reasons: list[str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def make_across_plan(task: Task, shift: Diagnosis, options: FitOptions, n_labelled: int) -> AcrossPlan:
    """Choose the field by the kind of shift, the task and what is labelled."""
    if options.method is not None:
        names = [name.strip() for name in options.method.split(",")]
        return AcrossPlan(options.method, names, [f"--method names what races: {', '.join(names)}."])
    from headstart.choice.candidates import DEFAULTS

    wanted = list(dict.fromkeys([*FIRST[shift.kind], *DEFAULTS]))
    if n_labelled and shift.kind != "concept":
        wanted += [name for name in FIRST["concept"] if name not in wanted]
    entries = {entry.name: entry for entry in catalogue.METHODS}
    names = [name for name in wanted if name in entries and applies(entries[name], task, n_labelled)]
    first = [name for name in FIRST[shift.kind] if name in names]
    reasons = [f"{KINDS[shift.kind]}: {', '.join(first) or 'the standard field'} first."]
    if n_labelled:
        reasons.append(f"{n_labelled} target labels may be learned from, so target-only and pooled stand beside.")
    else:
        reasons.append("No target label is learned from: the choice rests on validators that need none.")
    return AcrossPlan("adapted", names, reasons)


def applies(entry: Entry, task: Task, n_labelled: int) -> bool:
    """Return whether a method can serve the task with what is labelled."""
    if "target_labels" in entry.needs and not n_labelled:
        return False
    return task.kind in entry.applies and entry.kind in catalogue.DOMAIN_KINDS and entry.space == "homogeneous"
