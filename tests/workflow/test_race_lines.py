"""What a race says at the end: candidates that ran each on a line, those that did not by their reason."""

from __future__ import annotations

from headstart.choice.cost import all_spent, too_dear
from headstart.workflow.adapting.record import _lines


def _ran(name, note="", test=0.5):
    return {"name": name, "note": note, "test": test, "predicted_gain": 1.0, "kept": name == "dan"}


def test_candidates_left_out_for_one_reason_share_a_line():
    dear, late = too_dear(60.4, 26.3, 200.704), all_spent(200.704)
    assert dear == "left out: about 60 s expected, 26 s left of the budget of 201 s"
    candidates = [_ran("dan"), *(_ran(name, dear, None) for name in ("jan", "cmd")), _ran("shot", late, None)]
    broken = _ran("mdd", "ValueError: too few rows", None)
    lines = _lines([*candidates, broken], None, "accuracy")
    assert [line.split()[0] for line in lines[1:]] == ["*", "mdd", "jan,", "shot"]
    assert lines[3:] == [f"  jan, cmd {dear}", f"  shot {late}"]


def test_a_candidate_of_the_alarm_that_was_measured_keeps_its_line():
    said = _lines(
        [_ran("dan"), _ran("coral", "left out: aligns whole domains under a label-shift alarm")], None, "accuracy"
    )
    assert said[2].endswith("label-shift alarm  test 50.0%")
