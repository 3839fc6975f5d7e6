"""How to transfer, decided before training, with the reasons in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from headstart import catalogue
from headstart.errors import check_names
from headstart.schema import record_of, require
from headstart.workflow.arm import arm_of
from headstart.workflow.options import FitOptions, depth_of
from headstart.workflow.planning.effort import SMALL_NETWORK, Effort, find_effort, fits_again, plan_views
from headstart.workflow.planning.facts import Facts
from headstart.workflow.planning.first_guess import first_guess
from headstart.workflow.raced import Raced

LITTLE, MUCH = 20, 200
"""Labels per class: up to LITTLE only the head learns, up to MUCH the last stages, above all of them.

The thresholds restate the field's rule (few data: freeze; many data: fine-tune) and were not tuned on a benchmark.
"""
FEW_STEPS = 60
"""Steps below which fine-tuning has hardly begun."""
FOLDS = 3
SINGLE = (
    "With one label per class nothing can be held out, so arms are not compared: the planned one is handed back, and "
    "the test split alone says what it is worth."
)
FROZEN, SOME, EVERY, NAMED = "probe", "lp_ft", "finetune", "wise_ft"
"""What is planned where no stage, some stages, or with much data every stage learns; where names are a head."""
NAMES_READ = (
    "The source reads the classes' names, so fine-tuning starts from the head that they make, and the best share of "
    "both ends is kept (WiSE-FT)."
)
check_names((FROZEN, SOME, EVERY, NAMED), catalogue.names(), "headstart.workflow.planning.plan")


@dataclass(frozen=True)
class Plan:
    """What will be done; also a part of the run's key, so that a resumed run does the same.

    Attributes
    ----------
    method, depth : the chosen method's name in the catalogue, and how many of the last stages learn.
    steps : most steps of the optimiser on all training rows, the same for every trained arm; folds make fewer in
        proportion to their rows. per_epoch : steps that see every training row once.
    again : whether an arm is fitted again on all its rows, once inner rows have said when to stop.
    epochs : the rounds that these are, by arm.
    learning_rate : by arm.
    folds : number of cross-validation folds; 0 when there is a validation split. crossed : whether the folds also
        judge, for want of a test split, so that arms are compared on other rows.
    seconds : expected, by arm, if no validation stops it.
    expected : seconds of the whole fit, by part. reserve : those of what comes after the last arm.
    timetable : expected seconds of each fit in order, by which the clock shares out the budget.
    settings : hyper-parameters of the chosen method that a race found, ``weight_decay`` among them.
    reasons : why, one sentence each.
    """

    method: str
    depth: int
    epochs: dict[str, int]
    learning_rate: dict[str, float]
    batch_size: int
    patience: int
    views: int
    folds: int
    arms: tuple[str, ...]
    seconds: dict[str, float]
    steps: int = 1
    per_epoch: float = 1.0
    again: bool = False
    expected: dict[str, float] = field(default_factory=dict)
    reserve: float = 0.0
    timetable: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    crossed: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"arms": list(self.arms), "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, value: dict[str, Any], where: str = "plan.json") -> Plan:
        require(value, record_of(cls), where)
        fields: dict[str, Any] = {**value, "arms": tuple(value["arms"]), "reasons": tuple(value.get("reasons", ()))}
        return cls(**fields)


def make_plan(facts: Facts, options: FitOptions, raced: Raced | None = None) -> Plan:
    """Pick method and depth by the field's policy, and epochs that fit the budget; options always win.

    With little data everything is frozen and the head is trained; with middling data the last stages learn, from a
    trained head (LP-FT); with much, all stages learn from the source's weights. What was raced for stands among the
    options, and its settings are the chosen method's.
    """
    asked_for = "was asked for" if raced is None or raced.method is None else "won the race"
    method, depth, reasons = _policy(facts)
    method = _by_gradients(facts, method)
    if facts.named and not facts.single:
        method, depth, reasons = NAMED, depth or _last_stages(facts), [*reasons, NAMES_READ]
    if options.method is not None:
        method = options.method
        reasons = [f"The method {method} {asked_for}."]
        depth = (depth or _last_stages(facts)) if arm_of(method).trains else 0
    asked = depth_of(options.depth, facts.n_stages)
    if asked is not None:
        depth = asked
        reasons.append(f"The depth {options.depth} {asked_for}: {_stages(depth, facts)}.")
        if depth == 0 and options.method is None:
            method = _by_gradients(facts, FROZEN)
        elif options.method is None and method == FROZEN:
            method = SOME
    folds = 0 if facts.has_validation or facts.single else facts.crossed or FOLDS
    batch = options.batch_size or _batch(facts)
    free = options.method is None and asked is None and options.epochs is None
    for fallback in [None, *_shallower(facts, depth)] if free else [None]:
        if fallback is not None:
            method, depth, why = fallback
            method = _by_gradients(facts, method)
            reasons.append(why)
        views, about_views = plan_views(facts, options, method)
        named = [arm for arm in options.arms if arm != "baselines"]
        arms = tuple(dict.fromkeys(method if arm == "chosen" else arm for arm in named))
        effort = find_effort(facts, options, arms, depth, folds, batch, views)
        if method not in effort.seconds or effort.paid >= FEW_STEPS or effort.steps == effort.cap:
            break
    reasons += [_selection(folds, facts.crossed > 0) if not facts.single else SINGLE, *about_views]
    rates = {arm: options.learning_rate or _rate(facts, arm) for arm in arms}
    settings = {} if raced is None else dict(raced.settings)
    rates |= {method: settings.pop("learning_rate")} if "learning_rate" in settings else {}
    settings.pop("views", None)
    return Plan(
        method=method,
        depth=depth,
        settings=settings,
        epochs=dict.fromkeys(effort.seconds, effort.epochs),
        learning_rate=rates,
        batch_size=batch,
        patience=options.patience or _patience(effort),
        views=views,
        folds=folds,
        arms=arms,
        seconds=effort.seconds,
        steps=effort.steps,
        per_epoch=effort.per_epoch,
        again=fits_again(facts, folds),
        expected=effort.expected,
        reserve=effort.reserve,
        timetable=effort.timetable,
        reasons=(*reasons, *effort.reasons),
        crossed=facts.crossed > 0,
    )


def _by_gradients(facts: Facts, method: str) -> str:
    """Return the method that does the same where no head can be fitted without gradients."""
    return method if facts.solvable else EVERY


def _policy(facts: Facts) -> tuple[str, int, list[str]]:
    """Return what did best on measured targets of this kind; where none speaks, what the field's thresholds say."""
    if facts.single:
        return facts.means, 0, ["There is one training label per class: every stage stays frozen, and it is its class."]
    guess = first_guess(facts.modality, facts.parameters, facts.per_class)
    if isinstance(guess, str):
        method, depth, reasons = _thresholds(facts)
        return method, depth, [*reasons, guess]
    depth = min(facts.n_stages, max(1, round(facts.n_stages * guess.share))) if guess.share else 0
    head = _after_head(facts) if guess.method == SOME else ""
    labels = f"There are about {facts.per_class} training labels per class: {_stages(depth, facts)}{head}."
    return guess.method, depth, [labels, guess.why]


def _thresholds(facts: Facts) -> tuple[str, int, list[str]]:
    labels = f"There are about {facts.per_class} training labels per class"
    if facts.family == "tabular" or (facts.parameters <= SMALL_NETWORK and facts.per_class <= MUCH):
        size = f"the network is small ({facts.parameters:,} parameters)"
        why = f"{labels}, and {size}, so it is cheap to train: all stages learn{_after_head(facts)}."
        return SOME, facts.n_stages, [why]
    if facts.per_class <= LITTLE:
        return (
            FROZEN,
            0,
            [f"{labels} (at most {LITTLE}): little data, so every stage stays frozen and only the head learns."],
        )
    if facts.per_class <= MUCH:
        depth = _last_stages(facts)
        why = f"{labels} (between {LITTLE} and {MUCH}): {_stages(depth, facts)}{_after_head(facts)}."
        return SOME, depth, [why]
    why = f"{labels} (more than {MUCH}): much data, so all {facts.n_stages} stages learn from the source's weights."
    return EVERY, facts.n_stages, [why]


def _shallower(facts: Facts, depth: int) -> list[tuple[str, int, str]]:
    """Return what to do instead where the budget leaves too few epochs to learn anything."""
    last = _last_stages(facts)
    why = f"The budget leaves fewer than {FEW_STEPS} steps for that"
    fewer = [(SOME, last, f"{why}, so {_stages(last, facts)}{_after_head(facts)}.")] if depth > last else []
    return [*fewer, (FROZEN, 0, f"{why}, so only the head learns.")]


def _after_head(facts: Facts) -> str:
    """Return that the head is found first, where it can be without gradients."""
    return ", after the head (LP-FT)" if facts.solvable else ""


def _last_stages(facts: Facts) -> int:
    """A third of the stages; half of them when the source is far from the target."""
    far = facts.shift_auc is not None and facts.shift_auc > 0.9
    return max(1, round(facts.n_stages / (2 if far else 3)))


def _stages(depth: int, facts: Facts) -> str:
    if depth == 0:
        return "every stage stays frozen and only the head learns"
    if depth >= facts.n_stages:
        return f"all {facts.n_stages} stages learn"
    return f"the last {depth} of {facts.n_stages} stages learn and the others stay frozen"


CROSSED = (
    "The pictures are too few to set some apart for a test: each is judged once, by one of {folds} models that never "
    "saw it. The arm is chosen for each of these by pictures among the others; what is handed back is fitted on all."
)


def _selection(folds: int, crossed: bool = False) -> str:
    if crossed:
        return CROSSED.format(folds=folds)
    if folds == 0:
        return (
            "Arms are compared on the validation split, on which nothing else is chosen: a part of the training rows "
            "says when to stop. The test split is touched once, by the verdict."
        )
    return f"The data are too few for a validation split, so arms are compared by {folds}-fold cross-validation."


def _batch(facts: Facts) -> int:
    """Few samples a step on a CPU, where a larger batch is no faster, and a budget is better spent on steps.

    Still fewer pictures with masks or boxes, each of which holds many labels.
    """
    if facts.family == "tabular":
        return max(16, min(256, facts.n_train // 16))
    if facts.dense:
        return 4 if facts.device == "cpu" else 16
    if facts.device != "cpu":
        return 32
    return 8 if facts.family == "transformers" else 16


def _rate(facts: Facts, arm: str) -> float:
    """Learning rates of AdamW at which each family of networks is usually trained.

    Methods that start from the source train the body at a tenth of the run's rate.
    """
    transformer = facts.family == "transformers" or "vit" in facts.family
    small = facts.parameters <= SMALL_NETWORK
    if facts.dense and not arm_of(arm).every_stage:
        return 5e-4 if transformer else 1e-3
    if arm_of(arm).every_stage:
        return 3e-4 if transformer else 2e-3 if small else 1e-3
    return 5e-4 if transformer else 3e-3


def _patience(effort: Effort) -> int:
    """Rounds without a better one: many where rounds are cheap and many, a few where there are few."""
    return min(8, max(3, round(0.3 * effort.epochs)))
