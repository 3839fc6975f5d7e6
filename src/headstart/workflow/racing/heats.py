"""The first two stages, which train no network: scores on cached features, then cross-validated heads."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from headstart.errors import UserError
from headstart.functional.reuse import reusing
from headstart.scores import COMBINED, Terms
from headstart.scores.combining import combine
from headstart.workflow.arm import arm_of
from headstart.workflow.arms.one_fit import Job, fit_once
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.planning.plan import FROZEN, Plan
from headstart.workflow.racing.ground import Ground
from headstart.workflow.racing.record import NOT_BEGUN, PROBES, SCORES, TUNING, Race, Standing
from headstart.workflow.ranking.encoding import Material, encode_source
from headstart.workflow.ranking.judging import best_stage
from headstart.workflow.ranking.rank import some_rows

Array = np.ndarray
_PROBE = list(COMBINED).index("linear_probe")
CLEAR = 0.05
"""Share of resamples of the rows in which a source must lie before the best one at least, to stay."""
PROBED, TUNED = 4, 3
"""Sources that go on to the probes and to the fine-tuning at most."""
RESAMPLES = 1_000
SCORED = 1_000
"""Training rows that the scores read, as many as `headstart rank` does, so that both read one cache."""


def score_sources(ground: Ground, race: Race) -> Race:
    """Score every source on the same few rows, and let those go that are clearly behind."""
    if race.stage != SCORES:
        return race
    if len(ground.sources) == 1:
        found = [Standing(source.spec, source.title) for source in ground.sources.values()]
        return ground.save(replace(race, stage=PROBES, standings=tuple(found)))
    options = ground.options
    rows = some_rows(ground.dataset, SCORED, options.seed)
    material = Material(ground.dataset, rows, ground.progress, options.device, options.precision, options.seed)
    found: list[Standing] = []
    terms: dict[str, list[Terms]] = {}
    for name in ground.while_time(dict.fromkeys(ground.sources, 1.0), terms):
        source = ground.sources[name]
        ground.progress.note(f"race: score {source.spec} on {len(rows)} training samples")
        began, why = time.perf_counter(), ""
        try:
            terms[source.spec] = _terms(material, source.spec, ground)
        except UserError as error:
            why = str(error)
        standing = Standing(source.spec, source.title, left=SCORES if why else None, why=why)
        if not why:
            scores = {name: one.value for name, one in zip(COMBINED, terms[source.spec], strict=True)}
            standing = replace(standing, scores=scores)
        found.append(replace(standing, seconds=round(time.perf_counter() - began, 3)))
    late = [source for name, source in ground.sources.items() if name not in {one.source for one in found}]
    found += [Standing(one.spec, one.title, left=SCORES, why=NOT_BEGUN) for one in late]
    if not terms:
        raise UserError("No source can race: " + " ".join(one.why for one in found))
    notes = not_begun([one.spec for one in late], "scored")
    standings = tuple(_ranked(found, terms, options.seed))
    return ground.save(replace(race, stage=PROBES, standings=standings, notes=(*race.notes, *notes)))


def _terms(material: Material, spec: str, ground: Ground) -> list[Terms]:
    """Return the scores of `COMBINED` on the features of a source's best stage."""
    encoded = encode_source(ground.sources[spec], material, spec)
    with reusing():
        probes = {stage: COMBINED["linear_probe"](x, material.labels) for stage, x in encoded.maps.items()}
        features = encoded.maps[best_stage(probes)]
        return [function(features, material.labels) for function in COMBINED.values()]


def _ranked(found: list[Standing], terms: dict[str, list[Terms]], seed: int) -> list[Standing]:
    """Give every scored source its mean rank; those that are not among the first, or clearly behind, leave."""
    names = list(terms)
    order = combine([terms[name] for name in names], seed=seed)
    first = int(order.order[0])
    place = {int(at): number for number, at in enumerate(order.order)}
    out = []
    for one in found:
        if one.source in terms:
            at = names.index(one.source)
            best, mine = terms[names[first]][_PROBE], terms[one.source][_PROBE]
            share = max(float(order.before[at, first]), share_ahead(mine.per_sample - best.per_sample, seed))
            why = ""
            if share < CLEAR:
                why = (
                    f"It lies before {names[first]}, or its linear probe is level, in {100 * share:.0f}% of resamples "
                    "of the training samples at most."
                )
            elif place[at] >= PROBED:
                why = f"{PROBED} sources at most go on, and {place[at]} lie before it."
            one = replace(one, rank=float(order.ranks[at]), left=SCORES if why else None, why=why)
        out.append(one)
    return out


def probe_sources(ground: Ground, race: Race) -> Race:
    """Cross-validate a head on the features of those that are left, as the road would fit it."""
    if race.stage != PROBES:
        return race
    arm = head_of(ground)
    scores: dict[str, Array] = {}
    values: dict[str, tuple[float, float]] = {}
    # The best by the scores first: what is not begun for want of time is what is least likely to win.
    order = sorted(race.running, key=lambda one: one.rank or 0.0)
    for name in ground.while_time({one.source: max(one.seconds, 1e-3) for one in order}, scores):
        ground.progress.note(f"race: cross-validate {arm} on features of {name}")
        began = time.perf_counter()
        bench = ground.bench(name)
        predictions, rows = out_of_fold(ground, bench, plan_of(bench, arm, 0), arm, "probes")
        labels = ground.dataset.labels(rows)
        scores[name] = bench.logic.scores(predictions, labels)
        values[name] = bench.logic.score(predictions, labels), time.perf_counter() - began
    notes = not_begun([one.source for one in order if one.source not in scores], "cross-validated")
    standings = tuple(_probed(one, scores, values, ground) for one in race.standings)
    return ground.save(replace(race, stage=TUNING, standings=standings, notes=(*race.notes, *notes)))


def not_begun(sources: list[str], what: str) -> tuple[str, ...]:
    """Return the sentence that names those that a stage had no time for; () where there are none."""
    if not sources:
        return ()
    verb = "was" if len(sources) == 1 else "were"
    return (f"For want of time {', '.join(sources)} {verb} not {what}; give more with --budget.",)


def head_of(ground: Ground) -> str:
    """Return which head without gradients races: the one that was asked for, or a linear probe."""
    method = ground.options.method
    return method if method is not None and not arm_of(method).trains else FROZEN


def _probed(
    one: Standing, scores: dict[str, Array], values: dict[str, tuple[float, float]], ground: Ground
) -> Standing:
    if one.left is not None:
        return one
    if one.source not in scores:
        return replace(one, left=PROBES, why=NOT_BEGUN)
    best = max(values, key=lambda name: values[name][0])
    ahead = sum(values[name][0] > values[one.source][0] for name in values)
    share = share_ahead(scores[one.source] - scores[best], ground.options.seed)
    why = ""
    if share < CLEAR and one.source != best:
        why = f"Its head is level with that of {best} or better in {100 * share:.0f}% of resamples."
    elif ahead >= TUNED:
        why = f"{TUNED} sources at most are fine-tuned, and the heads of {ahead} are better."
    probe, seconds = values[one.source]
    return replace(one, probe=probe, seconds=round(one.seconds + seconds, 3), left=PROBES if why else None, why=why)


def share_ahead(difference: Array, seed: int) -> float:
    """Return the share of resamples of paired differences [n] in which their mean is not below 0."""
    n = len(difference)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return float((counts @ difference >= -1e-12).mean())


def out_of_fold(ground: Ground, bench: Workbench, plan: Plan, arm: str, name: str) -> tuple[Array, Array]:
    """Return predictions of every training row by a fit on the other folds, and the rows."""
    predictions, rows = [], []
    for fold, (train, held) in enumerate(ground.parts):
        folder = ground.folder / "state" / "race" / name / f"fold-{fold}"
        fitted = fit_once(bench, plan, Job(arm, ground.options.seed, train, held[:0], folder, fold))
        predictions.append(bench.predict(fitted.network, held, cut=fitted.cut))
        rows.append(held)
    return np.concatenate(predictions), np.concatenate(rows)


def plan_of(bench: Workbench, method: str, depth: int, rate: float = 1.0) -> Plan:
    """Return the least plan of one fit without gradients."""
    return Plan(method, depth, {}, {method: rate}, 1, 1, bench.options.views or 1, 0, (method,), {})
