"""What the stages of the road need to know of an arm: facts that methods state, and those of the simple ways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from headstart import catalogue
from headstart.errors import check_names
from headstart.problem import Carries

REFERENCE = "scratch"
"""The arm that the gain is counted from where the target is labelled."""
HALF_LABELLED = ("self_taught", "pseudo_labels", "mean_teacher", "fixmatch", "entropy_minimisation", "mcc", "bnm")
"""Methods of a half-labelled target: codes of all its samples, and methods across domains with the labelled rows in the
source's place."""
BESIDE = HALF_LABELLED[:4]
"""Those that race unasked where there are unlabelled samples."""
check_names(HALF_LABELLED, catalogue.names(), "headstart.workflow.arm.HALF_LABELLED")
check_names([REFERENCE], catalogue.names(), "headstart.workflow.arm.REFERENCE")


@dataclass(frozen=True)
class Arm:
    """One way of transferring, or of doing without.

    Attributes
    ----------
    name : what is typed; methods of the catalogue may be joined by ``+``. title : the field's name for it.
    words : what it is, after "over"; the name where it is no baseline.
    trains : by the loop. learns : anything at all. every_stage : learns, whatever the depth.
    encodes : reads features of the source. uses_source : carries anything over. simple : a few lines of another
        library, which transfer has to beat. plain : no method of the catalogue. continues : starts as the source
        answers. replays : learns from old samples too. former_head : learns the source's own classes too.
        half_labelled : learns from unlabelled samples too.
    """

    name: str
    title: str
    words: str
    papers: tuple[str, ...] = ()
    carries: Carries = "parameters"
    trains: bool = False
    learns: bool = True
    every_stage: bool = False
    encodes: bool = True
    uses_source: bool = True
    simple: bool = False
    plain: bool = False
    continues: bool = False
    replays: bool = False
    former_head: bool = False
    half_labelled: bool = False


PLAIN = {
    arm.name: arm
    for arm in (
        Arm("source", "The source as it is", "the source as it is", learns=False, simple=True, plain=True),
        Arm(
            "pooled",
            "Source and target rows as one, a linear model",
            "training on both domains as one",
            carries="instances",
            simple=True,
            plain=True,
        ),
        Arm(
            "linear",
            "A regularised linear model of the raw columns",
            "a linear model of the raw columns",
            encodes=False,
            uses_source=False,
            simple=True,
            plain=True,
        ),
        Arm(
            "trees",
            "Boosted trees on the raw columns",
            "boosted trees on the raw columns",
            encodes=False,
            uses_source=False,
            simple=True,
            plain=True,
        ),
    )
}
"""What a person does in five lines."""
ACROSS = {
    arm.name: arm
    for arm in (
        Arm("source_only", "Source only", "the source model as it is", plain=True),
        Arm("target_only", "Target only", "training on the target's labels alone", uses_source=False, plain=True),
    )
}
"""What every choice across domains is measured against, beside ``pooled``."""
FEW_SHOT = {
    arm.name: arm
    for arm in (
        Arm(
            "classifier",
            "A classifier of the same classes, new ones by the cosine of its features",
            "a classifier of the same classes with a cosine head",
            (
                "Wang et al., SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning, 2019",
                "Chen et al., A Closer Look at Few-shot Classification, ICLR 2019",
            ),
            carries="features",
            plain=True,
        ),
        Arm(
            "nearest",
            "The nearest raw input",
            "the nearest raw input",
            learns=False,
            uses_source=False,
            plain=True,
        ),
    )
}
"""What a method of few-shot episodes is measured against."""
VERIFYING = {
    arm.name: arm
    for arm in (
        Arm(
            "pixels",
            "Eigenfaces: principal components of the pixels",
            "eigenfaces, which need no source",
            ("Turk and Pentland, Eigenfaces for Recognition, Journal of Cognitive Neuroscience 1991",),
            uses_source=False,
            simple=True,
            plain=True,
        ),
        Arm(
            "whitened",
            "The source's features, whitened within people",
            "the source's features, whitened within people",
            ("Hatch et al., Within-class covariance normalization for SVM-based speaker recognition, 2006",),
            carries="features",
            plain=True,
        ),
        Arm(
            "arcface",
            "Fine-tuned by ArcFace",
            "ArcFace",
            ("Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019",),
            trains=True,
            plain=True,
        ),
    )
}
"""What finds vectors of people, beside the source as it is and training from scratch."""
ZERO_SHOT = {
    "seen_only": Arm(
        "seen_only",
        "A linear model of the classes with samples, which answers no other",
        "a linear model that knows the classes with samples alone",
        carries="features",
        plain=True,
    )
}
"""What telling classes by their attributes is measured against."""


@cache
def arm_of(name: str) -> Arm:
    """Return an arm by its name; one sentence with the nearest names if a method of it is unknown."""
    if name in PLAIN:
        return PLAIN[name]
    base, penalties = catalogue.parts(name)
    first = catalogue.get(name.split("+")[0].strip())
    half = base.name in HALF_LABELLED
    trains = base.kind == "trained" or (half and base.kind == "joint")
    return Arm(
        name=name,
        title=first.title,
        words=base.words or name,
        papers=tuple(catalogue.papers(name)),
        carries=first.carries,
        trains=trains,
        every_stage=base.every_stage,
        encodes=base.uses_source,
        uses_source=base.uses_source,
        simple=base.simple,
        continues=any(entry.continues for entry in (base, *penalties)),
        former_head=base.former_head,
        replays=base.kind == "trained" and "source_labels" in base.needs,
        half_labelled=half,
    )


MOVES_INPUTS = ("pgd", "vat")
"""Penalties that learn from inputs moved against the network."""
check_names(MOVES_INPUTS, catalogue.names(), "headstart.workflow.arm.MOVES_INPUTS")


def without_moves(name: str) -> str | None:
    """Return the same method without penalties that move inputs; None where it has none.

    Examples
    --------
    >>> without_moves("finetune+pgd+l2sp"), without_moves("vat"), without_moves("finetune")
    ('finetune+l2sp', 'finetune', None)
    """
    parts = [part.strip() for part in name.split("+")]
    rest = [part for part in parts if part not in MOVES_INPUTS]
    return None if len(rest) == len(parts) else "+".join(rest) or "finetune"


def known(name: str) -> Arm:
    """Return an arm that a run names: one of this version, or of another, which is known by its name alone."""
    bases = set(catalogue.names())
    if name in PLAIN or all(word.strip() in bases for word in name.split("+")):
        return arm_of(name)
    more = ACROSS | FEW_SHOT | VERIFYING | ZERO_SHOT
    return more.get(name) or Arm(name, name, name)
