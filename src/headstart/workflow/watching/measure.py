"""From features and answers of new rows, and a run's reference, to a verdict."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.functional.domain_auc import domain_auc
from headstart.functional.permuted import TwoSamples, compare_answers, compare_features, standardised
from headstart.kinds.base import LabelSpace
from headstart.shallow.diagnose import Moved, moved_features
from headstart.workflow.watching.accuracy import Expected, expect
from headstart.workflow.watching.finding import ALARM, Kind, Tests
from headstart.workflow.watching.reference import MOST, Reference
from headstart.workflow.watching.shares import Shares, estimate_shares

Array = np.ndarray
FEW = 50
"""New rows below which even large shifts are missed (docs/watch.md)."""
FEW_HELD = 50
FAR = 0.9
"""AUC from which on an expected score rests on hardly any held-out row that is like the new ones."""
TOO_FEW = 10
"""Rows of a side below which no domain classifier is cross-validated."""


class Measured(NamedTuple):
    """All that is measured."""

    tests: Tests
    expected: Expected | None
    shares: Shares | None
    moved: list[Moved]


def measure(
    reference: Reference,
    features: Array,
    answers: Array,
    space: LabelSpace,
    names: list[str] | None = None,
    seed: int = 0,
) -> Measured:
    """Compare new rows with the reference: two-sample tests, expected score, class shares, and columns that moved.

    Parameters
    ----------
    features : [m, d] as `headstart.models.watched` gives them. answers : [m, k]. names : of the features, if any.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(features))[:MOST]
    old, new = reference.features.astype(np.float64), features[rows].astype(np.float64)
    answers = np.asarray(answers, dtype=np.float64)
    inputs = compare_features(old, new, seed=seed)
    told = _answers(reference, answers[rows], space, seed)
    p = inputs.p if told is None else min(1.0, 2 * min(inputs.p, told.p))
    auc = interval = None
    if min(len(old), len(new)) >= TOO_FEW:
        both = standardised(np.concatenate([old, new]))
        auc, interval = domain_auc(both[: len(old)], both[len(old) :], seed=seed)
    tests = Tests(
        p, inputs.p, None if told is None else told.p, inputs.mmd, inputs.each["mmd"], auc, interval, len(old), len(new)
    )
    return Measured(
        tests,
        expect(reference, features.astype(np.float64), answers, space, seed),
        estimate_shares(reference, answers, space, seed),
        [] if names is None else moved_features(old, new, names),
    )


def _answers(reference: Reference, answers: Array, space: LabelSpace, seed: int) -> TwoSamples | None:
    held = reference.answers.astype(np.float64)[:MOST]
    if len(held) < 2:
        return None
    sure = None
    if space.has_probabilities:
        sure = tuple(np.maximum(one, 1 - one).mean(axis=1) if not space.one_class else one.max(axis=1)
                     for one in (held, answers))  # fmt: skip
    return compare_answers(_in_units(held, held), _in_units(answers, held), sure, seed=seed)  # type: ignore[arg-type]


def _in_units(values: Array, of: Array) -> Array:
    spread = of.std(axis=0)
    return values / np.where(spread > 0, spread, 1.0)


def decide(found: Measured, space: LabelSpace, strange: int) -> tuple[Kind, str]:
    """Return the verdict and its reason.

    Parameters
    ----------
    strange : columns that the model cannot mean, such as those in another unit; they are no matter of chance.
    """
    tests, expected = found.tests, found.expected
    differs = tests.p <= ALARM
    if not differs and not strange:
        return "fine", f"nothing tells the {tests.n_new} new rows from held-out rows of the run (p {tests.p:.2g})."
    why = _why(tests, differs, strange)
    if differs and expected is not None and expected.lost(space):
        return "adapt", (
            f"{why}, and the model is expected to do worse: {space.shown(expected.estimate)} against "
            f"{space.shown(expected.held)}."
        )
    if expected is None:
        return "look", f"{why}; how well the model does on them cannot be told without labels of held-out rows."
    far = tests.interval is not None and tests.interval[0] > FAR
    return "look", (
        f"{why}; by its answers the model does about as well as before ({space.shown(expected.estimate)} expected, "
        f"{space.shown(expected.held)} held out), "
        + (
            "but the two hardly overlap, so that this is a guess: label some."
            if far
            else "which only labels can prove."
        )
    )


def _why(tests: Tests, differs: bool, strange: int) -> str:
    if strange:
        return f"{strange} column{'s are' if strange > 1 else ' is'} not as the model learned it (see the warnings)"
    where = "inputs" if tests.answers is None or tests.inputs <= tests.answers else "the model's answers"
    return f"the new rows differ from held-out rows of the run in {where} (p {tests.p:.2g})"


def few_warnings(tests: Tests) -> list[str]:
    """Say where there are too few rows for a quiet answer to mean much."""
    said = []
    if tests.n_new < FEW:
        said.append(
            f"Only {tests.n_new} new rows: 'fine' says little, for it takes about 200 to see most shifts that cost 5 "
            "points."
        )
    if tests.n_reference < FEW_HELD:
        said.append(
            f"Only {tests.n_reference} held-out rows to compare with: small shifts are missed, however many new rows "
            "there are."
        )
    return said
