"""A metric of an arm with its interval, in the metric's own units and sign."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.problem import Task
from headstart.tasks import create_task
from headstart.workflow.judging.measuring import interval_of_arm


def test_the_interval_of_an_error_holds_the_error_and_is_not_negative():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(80, 1))
    logic = create_task(Task("regression", targets=("y",)), labels)
    told = labels + rng.normal(size=(80, 1))
    found = interval_of_arm(logic, [told], labels)
    assert 0 < found.low < np.abs(told - labels).mean() < found.high


def test_the_interval_of_a_share_is_the_score_interval():
    labels = np.arange(49) % 2
    told = np.eye(2)[labels]
    told[0] = told[0, ::-1]
    found = interval_of_arm(create_task(Task("classification", ("a", "b"))), [told], labels)
    assert found.kind == "wilson"
    assert (found.low, found.high) == pytest.approx((0.893, 0.996), abs=1e-3)
