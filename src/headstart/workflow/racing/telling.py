"""A race in words: for the plan, the terminal and the report."""

from __future__ import annotations

from headstart.kinds import ERRORS, SHARES
from headstart.workflow.planning.costs import in_words
from headstart.workflow.racing.record import DROPPED, FINISHED, NOT_BEGUN, Race, Trial, Winner

MINUTE = 60.0


def reasons_of(race: Race) -> tuple[str, ...]:
    """Return the race for the plan: who won, of how many, by how many rows, and why."""
    winner = race.winner
    assert winner is not None
    n = len(race.sources)
    who = f"{n} sources raced" if n > 1 else f"Ways to use {winner.source} raced"
    return (f"{who} for {in_words(race.seconds)} on {race.n} training samples: {_won(winner)}. {winner.why}",)


def _won(winner: Winner) -> str:
    how = (
        "" if winner.method is None else f" with {winner.method}" + (f", depth {winner.depth}" if winner.depth else "")
    )
    return f"{winner.source}{how} won"


def lines_of(race: Race) -> list[str]:
    """Return the race for a terminal: one line for every source, one for the trials, one for the next minute."""
    lines = [f"Race: {reasons_of(race)[0]}"]
    for one in race.standings:
        probe = "" if one.probe is None else f", head {shown(one.probe, race.metric)}"
        rank = "" if one.rank is None else f", mean rank {one.rank:.1f}"
        left = "" if one.left is None else f"; left after the {one.left}: {one.why}"
        lines.append(f"  {one.source}: {one.seconds:.1f} s{rank}{probe}{left}")
    if race.trials:
        ended = [one.ended for one in race.trials]
        best = max((one.scores[-1] for one in race.trials if one.ended == FINISHED), default=None)
        best_said = "" if best is None else f"; the best reached {shown(best, race.metric)}"
        lines.append(
            f"  {len(ended)} fine-tunings: {ended.count(FINISHED)} ran to the end, {ended.count(DROPPED)} were dropped "
            f"early{best_said}"
        )
    return [*lines, *([race.coming] if race.coming else []), *race.notes]


def coming_of(race: Race) -> str:
    """Say what the next minute would most likely have bought.

    If trials go on as they did, in any order alike, the best of n + m is one of the m new ones with probability
    m / (n + m), and it is expected to lie as far above the best as that lies above the second.
    """
    late = next((one.source for one in race.standings if one.why == NOT_BEGUN), None)
    if late is not None:
        return f"The next minute would have gone to {late}, for which no time was left."
    if not race.trials:
        return "The next minute would have gone to a first fine-tuning."
    n = len(race.trials)
    each = sum(one.seconds for one in race.trials) / n
    more = MINUTE / max(each, 1e-3)
    chance = more / (n + more)
    best = max((one.scores[-1] for one in race.trials if one.ended == FINISHED), default=None)
    if best is not None and race.metric in SHARES and best >= 1.0:
        return f"The next minute would have bought nothing that shows: {shown(best, race.metric)} was reached."
    gap = _gap(race.trials)
    by = "" if gap is None else f", by about {_difference(gap, race.metric)}"
    return (
        f"The next minute would have run about {more:.0f} more fine-tunings: if they go on as these did, one of them "
        f"beats the best with a chance of {100 * chance:.0f}%{by}."
    )


def shown(score: float, metric: str) -> str:
    """Return a score, higher is better, as its metric is written."""
    if metric in SHARES:
        return f"{100 * score:.1f}%"
    return f"{metric} {-score if metric in ERRORS else score:.4g}"


def _difference(gap: float, metric: str) -> str:
    return f"{100 * gap:.1f} points" if metric in SHARES else f"{gap:.3g} of {metric}"


def _gap(trials: tuple[Trial, ...]) -> float | None:
    """Return how far the best finished score lies above the second."""
    scores = sorted((one.scores[-1] for one in trials if one.ended == FINISHED), reverse=True)
    return scores[0] - scores[1] if len(scores) > 1 else None
