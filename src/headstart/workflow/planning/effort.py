"""How many steps every trained arm gets, and what the whole fit will take: planned before the first step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from headstart import catalogue
from headstart.errors import check_names
from headstart.workflow.arm import REFERENCE, arm_of
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.planning import costs
from headstart.workflow.planning.facts import Facts

LEAST_EPOCHS, MOST_EPOCHS, MOST_VISITS = 10, 60, 24_000
WORK = 150e9
"""Floating-point operations of forward passes per arm up to which more than the least epochs are planned: about 250
pictures of 224 pixels through MobileNetV2. A budget above the default raises it in proportion."""
USUAL_BUDGET = 900.0
MORE_EPOCHS, MORE_RATE = 3.0, 0.3
"""For how long, and at which share of its learning rate, an arm goes on from the weights found when the validation rows
join; docs/decisions/0020-what-is-fitted-again.md."""
BOTH = 3.0
"""Times the cost of a step that also passes unlabelled samples, in two views."""
SMALL_NETWORK = 1_000_000
GOES_ON = ("scratch", "finetune", "lp_ft")
"""Methods whose network holds all that they carry, so that they may go on from one that they left."""
check_names(GOES_ON, catalogue.names(), "headstart.workflow.planning.effort.GOES_ON")
VIEWS, VIEWS_SHARE = 4, 0.1
"""Views per picture by default, and the share of the budget that encoding them may take; docs/augmentation.md."""


@dataclass(frozen=True)
class Effort:
    """What the budget buys.

    Attributes
    ----------
    steps, cap : most steps of every trained arm, and what it would be without a budget. per_epoch : steps of
        a round. epochs : rounds of ``steps``.
    paid : steps that the budget pays for. seconds : expected, by trained arm.
    expected : seconds by part; ``refit`` is the last fit of the kept arm. reserve : of what comes after the last fit.
    timetable : expected seconds of each fit in order.
    """

    steps: int
    cap: int
    per_epoch: float
    epochs: int
    paid: float
    seconds: dict[str, float]
    expected: dict[str, float]
    reserve: float
    timetable: dict[str, float]
    reasons: list[str]


def find_effort(
    facts: Facts, options: FitOptions, arms: tuple[str, ...], depth: int, folds: int, batch: int, views: int = 1
) -> Effort:
    """Give every trained arm the same most steps: ten rounds, more for small networks, fewer by a small budget."""
    trained = [arm for arm in arms if arm_of(arm).trains]
    again = fits_again(facts, folds)
    inner = facts.inner if not folds else 0
    sizes = costs.Sizes(facts.n_train, facts.n_validation, facts.n_test, folds, again, options.seeds, views, inner)
    learns = {arm: facts.n_stages if arm_of(arm).every_stage else depth for arm in trained}
    rounds = {arm: costs.round_seconds(facts.speed, sizes, learns[arm], facts.n_stages) for arm in trained}
    rounds = {arm: cost * (BOTH if arm_of(arm).half_labelled else 1) for arm, cost in rounds.items()}
    scores = {arm: costs.score_seconds(facts.speed, sizes, learns[arm], facts.n_stages) for arm in trained}
    encodes = any(arm_of(arm).encodes for arm in arms)
    large = facts.parameters > 2_000_000
    other = costs.overhead(
        facts.speed,
        sizes,
        encodes=encodes,
        trained=len(trained),
        network_is_large=large,
    )
    per_epoch = max(1.0, facts.n_train / batch)
    refit = _refit(facts, rounds, folds) if encodes else 0.0
    goes_on = all(may_go_on(arm, facts.parameters) for arm in trained)
    cap = math.ceil((options.epochs or _epochs(facts, options)) * per_epoch)
    left = seconds_of(options.budget) - sum(other.values()) - sum(scores.values())
    most = MORE_EPOCHS if goes_on else math.inf
    paid = per_epoch * _paid(left / options.seeds, sum(rounds.values()), refit, most)
    steps = cap if options.epochs else max(1, min(cap, math.floor(paid)))
    seconds = {arm: round(steps / per_epoch * cost * options.seeds, 1) for arm, cost in rounds.items()}
    again_for = min(most, steps / per_epoch)
    expected = {"features": other["features"], **seconds, "refit": again_for * refit * options.seeds}
    expected |= {"scores": sum(scores.values()), "test": other["test"], "report": other["report"]}
    return Effort(
        steps=steps,
        cap=cap,
        per_epoch=per_epoch,
        epochs=max(1, round(steps / per_epoch)),
        paid=paid,
        seconds=seconds,
        expected={name: round(value, 1) for name, value in expected.items()},
        reserve=round(other["test"] + other["report"], 1),
        timetable=_timetable(arms, options.seed_list, folds, again, seconds, expected, scores, searched=inner > 0),
        reasons=_reasons(options, trained, expected, steps, cap, per_epoch, min(batch, facts.n_train)),
    )


def _paid(left: float, each: float, refit: float, most: float) -> float:
    """Return the rounds r with ``r each + min(r, most) refit = left``: what is fitted again makes no more than was made
    before, so that a small budget is not spent on it.

    Examples
    --------
    >>> _paid(100, each=10, refit=10, most=3), _paid(40, each=10, refit=10, most=3), _paid(-5, 10, 10, 3)
    (7.0, 2.0, 0.0)
    """
    short = left / max(each + refit, 1e-9)
    return max(0.0, short if short <= most else (left - most * refit) / max(each, 1e-9))


def plan_views(facts: Facts, options: FitOptions, method: str) -> tuple[int, list[str]]:
    """Return how many views each sample gets, and why: several where they were measured to help and the budget pays."""
    if options.views is not None or not facts.coloured:
        return options.views or 1, []
    if not arm_of(method).trains or VIEWS == 1:
        return 1, [
            "One view per picture: augmented views of frozen features gained nothing where it was measured; try "
            "--views 4."
        ]
    dearer = (VIEWS - 1) * facts.n_train * facts.speed.encode
    budget = seconds_of(options.budget)
    if dearer > VIEWS_SHARE * budget:
        return 1, [
            f"One view per picture: augmented ones would take {costs.in_words(dearer)} of the budget of "
            f"{options.budget}; ask for them with --views {VIEWS}."
        ]
    return VIEWS, [
        f"{VIEWS} views per picture, the plain one and {VIEWS - 1} augmented: they cost {costs.in_words(dearer)} once "
        "and are kept; --views 1 turns them off."
    ]


def fits_again(facts: Facts, folds: int) -> bool:
    """Whether a network so small is fitted again on all of its rows, once inner ones have said when to stop."""
    return (folds > 0 or facts.inner > 0) and facts.parameters <= SMALL_NETWORK


def may_go_on(arm: str, parameters: int) -> bool:
    """Whether an arm with all rows goes on from its weights: a small network is trained anew, which costs little."""
    return arm in GOES_ON and parameters > SMALL_NETWORK


def _refit(facts: Facts, rounds: dict[str, float], folds: int) -> float:
    """Return the seconds per round of fitting scratch and the dearest other arm again, with the validation rows."""
    if folds or not rounds or not facts.n_validation:
        return 0.0
    others = max((cost for arm, cost in rounds.items() if arm != REFERENCE), default=0.0)
    return (rounds.get(REFERENCE, 0.0) + others) * (facts.n_train + facts.n_validation) / max(facts.n_train, 1)


def _epochs(facts: Facts, options: FitOptions) -> int:
    """Between 10 and 60 rounds: few for large networks and large sets, more with a budget above the usual."""
    most = float(MOST_VISITS)
    if facts.flops:
        most = min(most, WORK * max(1.0, seconds_of(options.budget) / USUAL_BUDGET) / facts.flops)
    return int(min(MOST_EPOCHS, max(LEAST_EPOCHS, round(most / max(facts.n_train, 1)))))


def fit_name(arm: str, seed: int, fold: int | None = None, part: str = "") -> str:
    """Return a fit's name in the timetable."""
    return "/".join([arm, f"seed-{seed}", *([] if fold is None else [f"fold-{fold}"]), *([part] if part else [])])


def _timetable(
    arms: tuple[str, ...],
    seeds: list[int],
    folds: int,
    again: bool,
    seconds: dict[str, float],
    expected: dict[str, float],
    scores: dict[str, float],
    *,
    searched: bool,
) -> dict[str, float]:
    """List the fits in order with what they are expected to take; features go to the first that reads them.

    What scores a fit stands behind it, so that it is kept back while the fit goes on.
    """
    table: dict[str, float] = {}
    features = expected["features"]
    for arm in arms:
        for seed in seeds:
            n = len(seeds)
            parts = _fits(arm, seed, folds, again, seconds.get(arm, 0.0) / n, searched, scores.get(arm, 0.0) / n)
            if arm_of(arm).encodes and features:
                first = next(iter(parts))
                parts[first], features = parts[first] + features, 0.0
            table |= parts
    trained = [arm for arm in arms if arm in seconds and expected["refit"] > 0]
    share = sum(seconds[arm] for arm in trained) or 1.0
    for arm in trained:
        for seed in seeds:
            table[fit_name(arm, seed, part="refit")] = expected["refit"] * seconds[arm] / share / len(seeds)
    return {name: round(value, 3) for name, value in table.items()}


def _fits(
    arm: str, seed: int, folds: int, again: bool, seconds: float, searched: bool, score: float
) -> dict[str, float]:
    if not arm_of(arm).trains:
        return {fit_name(arm, seed): seconds}
    last = {} if folds else {fit_name(arm, seed, part="score"): score}
    if not (folds or searched):
        return {fit_name(arm, seed): seconds} | last
    if not folds:
        search = {fit_name(arm, seed, part="search"): seconds / (1 + again)}
        return search | ({fit_name(arm, seed): seconds / 2} if again else {}) | last
    each, part = seconds / costs.visits(folds, again=again), 1 - 1 / folds
    out = {}
    for fold in range(folds):
        out[fit_name(arm, seed, fold, "search")] = each * part * (1 - 1 / costs.INNER)
        if again:
            out[fit_name(arm, seed, fold)] = each * part
        out[fit_name(arm, seed, fold, "score")] = score / folds
    return out | {fit_name(arm, seed): each}


def _reasons(
    options: FitOptions,
    trained: list[str],
    expected: dict[str, float],
    steps: int,
    cap: int,
    per_epoch: float,
    batch: int,
) -> list[str]:
    total = sum(expected.values())
    said = []
    if trained:
        names = " and ".join([", ".join(trained[:-1]), trained[-1]] if len(trained) > 1 else trained)
        said.append(
            f"At most {steps} steps of {batch} samples ({steps / per_epoch:.3g} epochs) for {names} alike; fewer where "
            "validation stops improving."
        )
    if steps < cap:
        said.append(f"The budget of {options.budget} pays for {steps} of {cap} steps of each: give more with --budget.")
    named = {
        "features": "features",
        "refit": "fitting again with the validation rows",
        "scores": "comparing what was trained",
        "test": "the test split",
        "report": "the report",
    }
    parts = [f"{costs.in_words(value)} for {named.get(name, name)}" for name, value in expected.items() if value >= 1]
    said.append(f"Expected: at most {costs.in_words(total)} ({', '.join(parts)}).")
    fixed = expected["features"] + expected["scores"] + expected["test"]
    if fixed > 0.9 * seconds_of(options.budget):
        said.append(
            f"Encoding features, comparing arms and predicting the test split take {costs.in_words(fixed)} of that and "
            f"cannot be cut, so the budget of {options.budget} will not be kept."
        )
    if total > 1.1 * seconds_of(options.budget):
        said.append(f"That is more than the budget of {options.budget}: what is trained stops at the clock.")
    return said
