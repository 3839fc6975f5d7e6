"""What watching found, for people, for scripts, and as an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from headstart.kinds.base import LabelSpace
from headstart.shallow.diagnose import Moved
from headstart.workflow.watching.accuracy import Expected
from headstart.workflow.watching.shares import Shares

Kind = Literal["fine", "look", "adapt"]
EXIT_CODES: dict[Kind, int] = {"fine": 0, "look": 3, "adapt": 4}
"""2 is the user's mistake, 1 what nobody foresaw, 130 an interrupt."""
WORDS: dict[Kind, str] = {"fine": "fine", "look": "look", "adapt": "adapt again"}
ALARM = 0.05
"""p below which a difference counts; on data without a shift it happens in at most 5 of 100 cases."""


@dataclass(frozen=True)
class Tests:
    """Evidence that inputs or answers differ from those of the held-out rows.

    Attributes
    ----------
    p : of inputs and answers together. inputs, answers : of each alone; None where there is nothing to compare.
    auc, interval : of a cross-validated linear domain classifier; None with few rows. mmd : of inputs, squared.
    """

    p: float
    inputs: float
    answers: float | None
    mmd: float
    mmd_p: float
    auc: float | None
    interval: tuple[float, float] | None
    n_reference: int
    n_new: int


@dataclass(frozen=True)
class Watched:
    """Whether new data is still what a run's model was fitted for.

    Attributes
    ----------
    verdict : ``fine``, ``look`` or ``adapt``. reason : one sentence. exit_code : 0, 3 or 4.
    tests : the evidence. expected, shares : None where they cannot be told. moved : columns that moved most.
    adapt : commands that would adapt the model, each with what it does.
    """

    verdict: Kind
    reason: str
    tests: Tests
    expected: Expected | None
    shares: Shares | None
    moved: list[Moved]
    adapt: list[tuple[str, str]]
    rows: str
    space: LabelSpace = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        interval = self.tests.interval
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "tests": asdict(self.tests) | {"interval": None if interval is None else list(interval)},
            "expected": None if self.expected is None else self.expected.to_json(),
            "shares": None if self.shares is None else self.shares.to_json(),
            "moved": [one._asdict() for one in self.moved],
            "adapt": [{"what": what, "command": command} for what, command in self.adapt],
            "compared_with": self.rows,
            "warnings": list(self.warnings),
        }

    def lines(self) -> list[str]:
        return [
            f"{WORDS[self.verdict][:1].upper()}{WORDS[self.verdict][1:]}: {self.reason}",
            *self._evidence(),
            *([] if self.expected is None else [self.expected.words(self.space)]),
            *([] if self.shares is None or not self.shares.moved else [self.shares.words()]),
            *self._columns(),
            *(f"{what}: {command}" for what, command in self.adapt),
            *(f"Warning: {text}" for text in self.warnings),
        ]

    def _evidence(self) -> list[str]:
        tests = self.tests
        told = f"MMD² {tests.mmd:.3g} (permutation p {tests.mmd_p:.2g})"
        if tests.auc is not None and tests.interval is not None:
            low, high = tests.interval
            told = (
                f"a classifier tells them apart with AUC {tests.auc:.2f} ({low:.2f} to {high:.2f}; 0.5 is chance), "
                + told
            )
        answers = "" if tests.answers is None else f", of the answers {tests.answers:.2g}"
        return [
            f"{tests.n_new} new rows against {tests.n_reference} ({self.rows}): {told}; p of the inputs "
            f"{tests.inputs:.2g}{answers}, together {tests.p:.2g}."
        ]

    def _columns(self) -> list[str]:
        if self.verdict == "fine" or not self.moved:
            return []
        shown = ", ".join(f"{one.feature} ({one.difference:+.2f} deviations)" for one in self.moved[:5])
        return [f"Columns that move most: {shown}."]
