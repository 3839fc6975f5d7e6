"""The model card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from headstart.report.card import model_card


def test_the_card_says_what_how_good_and_under_which_licence(make_run: Callable[..., Path]) -> None:
    card = model_card(json.loads((make_run() / "run.json").read_text()))
    for words in (
        "0, 1, 2",
        "94.0%",
        "92.0 to 96.0%",
        "+17.0 points of accuracy",
        "300 test samples",
        "Apache-2.0",
        "2202.10054",
    ):
        assert words in card, words
    assert card.index("Intended use") < card.index("Result") < card.index("Limits") < card.index("How to load")


def test_the_card_of_a_run_that_kept_scratch_says_so(make_run: Callable[..., Path]) -> None:
    card = model_card(json.loads((make_run(verdict="negative") / "run.json").read_text()))
    assert card.startswith("# A model trained from scratch on")
    assert "**nothing was gained**" in card
    assert "Planned was LP-FT: head first, then the last stages, not kept: **negative**, −17.0 points" in card


def test_names_cannot_break_out_of_the_card(make_run: Callable[..., Path]) -> None:
    card = model_card(json.loads((make_run(classes=["a|b\n# c", "<script>"]) / "run.json").read_text()))
    assert "<script>" not in card
    assert "\n# c" not in card


def test_an_empty_record_still_makes_a_card() -> None:
    assert model_card({}).startswith("# A model")
