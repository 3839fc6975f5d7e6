"""Who won: the best of the cross-validated heads and of the fine-tunings that ran to the end."""

from __future__ import annotations

from dataclasses import replace

from headstart.workflow.racing.ground import Ground
from headstart.workflow.racing.record import FINISHED, OVER, Race, Trial, Winner
from headstart.workflow.racing.telling import coming_of


def decide(ground: Ground, race: Race) -> Race:
    """Name the winner; nothing is measured any more."""
    if race.winner is not None:
        return race
    free = ground.options.method is None and ground.options.depth is None
    done = replace(race, stage=OVER, winner=winner_of(race, free=free), coming=coming_of(race))
    return ground.save(done)


def winner_of(race: Race, *, free: bool = True) -> Winner:
    """Return the best fine-tuning where it beats every head, else the best head's source.

    Of equal ones the head counts, which costs less, and the earlier trial.

    Parameters
    ----------
    free : whether a head alone may win: no method and no depth was asked for.
    """
    heads = [one for one in race.standings if one.probe is not None]
    head = max(heads, key=lambda one: float(one.probe or 0.0))
    best = best_trial(race)
    if best is None:
        why = "no fine-tuning ran to the end, so the plan decides how" if race.rungs else "the plan decides how"
        return Winner(
            head.source, None, None, {}, head.probe, None, f"Its head is the best in cross-validation; {why}."
        )
    if free and head.probe is not None and best.scores[-1] <= head.probe:
        why = "No fine-tuning beats its head in cross-validation."
        return Winner(head.source, "probe", 0, {}, head.probe, None, why)
    why = "Its fine-tuning is the best in cross-validation."
    return Winner(best.source, best.method, best.depth, best.settings, best.scores[-1], best.number, why)


def best_trial(race: Race) -> Trial | None:
    """Return the best of those that ran to the end."""
    finished = [one for one in race.trials if one.ended == FINISHED]
    return max(finished, key=lambda one: one.scores[-1] if one.merit is None else one.merit, default=None)
